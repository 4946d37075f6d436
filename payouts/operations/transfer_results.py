"""
Result files of a bank: reading one, showing what it would do, and doing that when a person confirms it.

Only what names a transfer of ours decides, and only when everything it names agrees; the same functions decide as for
a bank that is called. What belongs to nobody is listed. Reading a file twice changes nothing the second time.
"""

import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access import audit, sealed
from console import vault
from console.columns import masked as masked_number
from console.files.names import safe_name
from core import clock, ids, jobs
from core.actor import Actor
from core.errors import Conflict, DomainError
from core.scope import Scope
from ledger.posting import refused_by
from payouts import transfer_queries as queries
from payouts import transfer_words
from payouts.models import (
    Attempt,
    AttemptState,
    TransferFile,
    TransferFileLine,
    TransferFileState,
    TransferResult,
    TransferResultState,
)
from payouts.operations import dispatch, funds, results
from payouts.rails.base import Instruction, Outcome, OutcomeKind
from payouts.rails.files import camt053, pain002
from payouts.rails.files import results as sheets
from payouts.rails.files.answers import Answer, Form, Movement, Reading
from payouts.rails.files.refusals import FileRefused, refused

CONFIRM_JOB: Final = "payouts.transfer-result"
# As many lines are decided while a person waits for the page.
INLINE_LINES: Final = 1_000
_CHUNK = 500
_SHOWN = 500
MOST_BYTES = 50_000_000


class Verdict(StrEnum):
    """What a line of a result file would do."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    WAITING = "waiting"
    UNKNOWN = "unknown"
    RETURNED = "returned"
    SAME = "same"
    LATE = "late"
    DIFFERS = "differs"
    UNEXPLAINED = "unexplained"


_VERDICTS = {
    OutcomeKind.SUCCEEDED: Verdict.SUCCEEDED,
    OutcomeKind.FAILED: Verdict.FAILED,
    OutcomeKind.ACCEPTED: Verdict.WAITING,
}
_ENDS = {
    AttemptState.SUCCEEDED: OutcomeKind.SUCCEEDED,
    AttemptState.RETURNED: OutcomeKind.SUCCEEDED,
    AttemptState.FAILED: OutcomeKind.FAILED,
}


class ResultRefused(DomainError):
    """The file cannot be read as a result of this file; `problems` says why, each with its place."""

    code = "TRANSFER_RESULT_REFUSED"


class NothingAsked(Conflict):
    """There is nothing a result could be about: nobody has taken the file."""

    code = "TRANSFER_FILE_NOT_TAKEN"


class AlreadyDecided(Conflict):
    """The result was confirmed or thrown away already."""

    code = "TRANSFER_RESULT_DECIDED"


@dataclass(frozen=True, slots=True)
class Found:
    """A line of a result file beside the transfer it is about, if any, and what it proves about that."""

    answer: Answer
    verdict: Verdict
    outcome: Outcome
    line: TransferFileLine | None = None

    @property
    def shown(self) -> dict[str, object]:
        """The line as the preview keeps it: account numbers hidden."""
        payout = self.line.attempt.payout if self.line else None
        return {
            "line": self.answer.line,
            "verdict": self.verdict.value,
            "amount": self.answer.amount if self.answer.amount is not None else self._instructed,
            "code": self.outcome.code,
            "message": self.outcome.message,
            "account": masked_number(self.answer.account_number) if self.answer.account_number else "",
            "reference": self.line.attempt.reference if self.line else self.answer.reference,
            "payout": payout.public_id if payout else "",
            "partner": payout.partner.name if payout else self.answer.holder,
        }

    @property
    def _instructed(self) -> int | None:
        return self.line.attempt.amount if self.line else None


def read_result(*, scope: Scope, file_id: str, name: str, body: bytes, by: Actor, now: datetime) -> TransferResult:
    """
    Keep a result file of the bank with what it would do; nothing is decided yet.

    The same file again is the same result. Raises NotFound, NothingAsked, ResultRefused.
    """
    found = queries.find_file(scope, file_id)
    if not found.form:
        raise NothingAsked(_("아직 아무도 받지 않은 파일이라 은행의 결과가 있을 수 없어요."))
    known = found.results.filter(sha256=sha256(body).hexdigest()).exclude(state=TransferResultState.DISCARDED).first()
    if known is not None:
        return known
    name = safe_name(name)[:200]
    reading, lines = _examined(found, body, name)
    public_id, key = f"tr-{ids.short_id()}", vault.new_key()
    try:
        with transaction.atomic():
            return TransferResult.objects.create(
                **scope.filters(),
                public_id=public_id,
                transfer_file=found,
                name=name,
                form=reading.form.value,
                sha256=sha256(body).hexdigest(),
                content=b"".join(vault.encrypted([body], key)),
                content_key=sealed.seal(key, **_place(public_id)),
                summary=_summary(lines),
                read_by_id=by.user_id,
                read_by=by.name,
                read_at=now,
            )
    except IntegrityError as error:
        if refused_by(error) != "payouts_result_once":
            raise
        # Somebody else read the same file at the same moment.
        return found.results.exclude(state=TransferResultState.DISCARDED).get(sha256=sha256(body).hexdigest())


def _place(public_id: str) -> dict[str, str]:
    return {"table": "payouts_transferresult", "column": "content_key", "row": public_id}


def _examined(found: TransferFile, body: bytes, name: str) -> tuple[Reading, list[Found]]:
    try:
        reading = read_body(body)
        return reading, _matched(found, reading)
    except FileRefused as error:
        told = transfer_words.sentences(error, name)
        raise ResultRefused(told[0], problems=told[:1000]) from None


def read_body(body: bytes) -> Reading:
    """Read a result file by what it is. Raises FileRefused."""
    if len(body) > MOST_BYTES:
        raise refused("too_large", limit=MOST_BYTES // 1_000_000)
    start = body[:2000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith(b"<"):
        return sheets.read(io.BytesIO(body))
    # Which message it is decides which reader refuses it in detail; the reader looks at the real root.
    return camt053.read(body) if b"camt.053" in start else pain002.read(body)


# Which line is about which transfer.


class _Lines:
    """The transfers of one file, to be found by reference or by where the money went."""

    def __init__(self, found: TransferFile) -> None:
        self.by_reference: dict[str, TransferFileLine] = {}
        self._instructions: dict[int, Instruction] = {}
        self._by_account: dict[str, list[TransferFileLine]] = defaultdict(list)
        for line in queries.lines_of(found):
            instruction = dispatch.instruction_of(line.attempt)
            self.by_reference[instruction.reference] = line
            self._instructions[line.pk] = instruction
            self._by_account[instruction.account_number].append(line)

    def instruction(self, line: TransferFileLine) -> Instruction:
        """Return what the bank was told by a line."""
        return self._instructions[line.pk]

    def candidates(self, answer: Answer) -> list[TransferFileLine]:
        """Return the lines an answer without a reference may be about: one when it is certain."""
        lines = self._by_account.get(answer.account_number, [])
        for name, wanted in (("amount", answer.amount), ("bank", answer.bank), ("holder", answer.holder)):
            agreeing = [line for line in lines if getattr(self.instruction(line), name) == wanted]
            lines = agreeing or lines
        return lines


def _matched(found: TransferFile, reading: Reading) -> list[Found]:
    """Return every line beside its transfer. Raises FileRefused for a result of something else."""
    if reading.message_id and reading.message_id != found.public_id:
        raise refused("other_file", found=reading.message_id[:40])
    if reading.form is Form.CAMT053:
        return _of_statement(found, reading)
    lines = _Lines(found)
    beside = _beside(lines, reading.answers)
    matched = [_found(lines, answer, line) for answer, line in beside]
    if reading.everything is not None:
        named = {line.pk for _answer, line in beside if line is not None}
        matched += _of_everything(found, lines, reading.everything, named)
    return matched


def _beside(lines: _Lines, answers: Sequence[Answer]) -> list[tuple[Answer, TransferFileLine | None]]:
    """
    Return each answer with the one line it is certainly about.

    Without a reference that is so only when no other line fits the answer, and no other answer the line.
    """
    pairs: list[tuple[Answer, TransferFileLine | None]] = []
    for answer in answers:
        if answer.reference:
            pairs.append((answer, lines.by_reference.get(answer.reference)))
        else:
            fitting = lines.candidates(answer)
            pairs.append((answer, fitting[0] if len(fitting) == 1 else None))
    claimed = Counter(line.pk for _answer, line in pairs if line is not None)
    return [(answer, line if line is not None and claimed[line.pk] == 1 else None) for answer, line in pairs]


def _of_everything(found: TransferFile, lines: _Lines, everything: Answer, named: set[int]) -> list[Found]:
    counted = everything.said.get("count", "")
    agrees = counted in ("", str(found.line_count)) and everything.amount in (None, found.total_amount)
    if not agrees:
        raise refused("counts_differ", line=everything.line, count=found.line_count, total=found.total_amount)
    unnamed = [line for line in lines.by_reference.values() if line.pk not in named]
    # What is said of a mixed group is said line by line, so silence about a line is no news.
    if named and everything.kind is not OutcomeKind.FAILED:
        return []
    one = Answer(
        line=everything.line,
        kind=everything.kind,
        code=everything.code,
        message=everything.message,
        said=everything.said,
    )
    return [_found(lines, one, line) for line in unnamed]


def _found(lines: _Lines, answer: Answer, line: TransferFileLine | None) -> Found:
    if line is None:
        return Found(answer, Verdict.UNEXPLAINED, Outcome(answer.kind, code=answer.code, message=answer.message))
    return _weighed(answer, line, answer.outcome_for(lines.instruction(line)))


def _weighed(answer: Answer, line: TransferFileLine, outcome: Outcome) -> Found:
    """Compare what a line proves with what is known already."""
    known = _ENDS.get(AttemptState(line.attempt.state))
    if known is not None:
        same = outcome.kind in (known, OutcomeKind.ACCEPTED)
        return Found(answer, Verdict.SAME if same else Verdict.DIFFERS, outcome, line)
    if line.attempt.state not in queries.OPEN or line.attempt.fence != line.fence:
        return Found(answer, Verdict.LATE, outcome, line)
    return Found(answer, _VERDICTS.get(outcome.kind, Verdict.UNKNOWN), outcome, line)


def _of_statement(found: TransferFile, reading: Reading) -> list[Found]:
    """Return the entries of a statement of the paying account, which may be about any of its files."""
    number = funds.number_of(found.bank_account)
    if sealed.digits(reading.account_number) != number:
        raise refused("other_account", found=masked_number(reading.account_number))
    lines = _lines_named(found, {answer.reference for answer in reading.answers if answer.reference})
    seen: set[tuple[str, Movement]] = set()
    matched: list[Found] = []
    for answer in reading.answers:
        line = lines.get(answer.reference)
        again = (answer.reference, answer.movement) in seen
        seen.add((answer.reference, answer.movement))
        if line is None or again or answer.movement is Movement.OTHER:
            # A reference that is debited twice is the bank's second payment, and explained by nothing of ours.
            matched.append(Found(answer, Verdict.UNEXPLAINED, Outcome(answer.kind, code=answer.code), None))
        elif answer.movement is Movement.RETURN:
            matched.append(_returned(answer, line))
        else:
            matched.append(_weighed(answer, line, answer.outcome_for(dispatch.instruction_of(line.attempt))))
    return matched


def _returned(answer: Answer, line: TransferFileLine) -> Found:
    known = line.attempt.state == AttemptState.RETURNED
    outcome = Outcome(OutcomeKind.SUCCEEDED, code=answer.code, message=answer.message, evidence=answer.evidence)
    return Found(answer, Verdict.SAME if known else Verdict.RETURNED, outcome, line)


def _lines_named(found: TransferFile, references: set[str]) -> Mapping[str, TransferFileLine]:
    """Return the newest line of each of these references among all files of the account."""
    rows = TransferFileLine.objects.filter(
        transfer_file__bank_account=found.bank_account_id, attempt__reference__in=references
    )
    rows = rows.select_related("attempt__payout__partner", "attempt__payout__bulk_payout__bank_account")
    return {line.attempt.reference: line for line in rows.order_by("pk")}


# What was found, in figures.


def _summary(lines: Sequence[Found]) -> dict[str, object]:
    """Return counts and sums by verdict, and the lines to be shown: what needs a person first."""
    first = (Verdict.DIFFERS, Verdict.LATE, Verdict.UNEXPLAINED, Verdict.UNKNOWN, Verdict.FAILED, Verdict.RETURNED)
    ordered = sorted(lines, key=lambda one: first.index(one.verdict) if one.verdict in first else len(first))
    counts: dict[str, list[int]] = {}
    for one in lines:
        figures = counts.setdefault(one.verdict.value, [0, 0])
        figures[0] += 1
        amount = one.shown["amount"]
        figures[1] += amount if isinstance(amount, int) else 0
    return {"counts": counts, "lines": [one.shown for one in ordered[:_SHOWN]], "total": len(lines)}


# Doing it.


def confirm_result(*, scope: Scope, result_id: str, by: Actor, now: datetime) -> TransferResult:
    """
    Do what a result file says. It is read again: what was decided meanwhile stays decided.

    Confirming again changes nothing. Raises NotFound, AlreadyDecided, ResultRefused.
    """
    wanted = queries.find_result(scope, result_id)
    if wanted.state == TransferResultState.CONFIRMED:
        return wanted
    if wanted.state == TransferResultState.DISCARDED:
        raise AlreadyDecided(_("버린 결과 파일이에요. 다시 올려 주세요."), state=wanted.state)
    found = queries.find_file(scope, wanted.transfer_file.public_id)
    reading, lines = _examined(found, _content(wanted), wanted.name)
    call = "statement" if reading.form is Form.CAMT053 else "inquire"
    _record([one for one in lines if one.verdict in _DECIDING], call, now)
    if reading.form is Form.CAMT053:
        _record_returns(lines, now)
    _close(wanted, found, _summary(lines), by, now)
    return queries.find_result(scope, result_id)


# A late one is kept as evidence and decides nothing.
_DECIDING = (Verdict.SUCCEEDED, Verdict.FAILED, Verdict.WAITING, Verdict.UNKNOWN, Verdict.LATE)


def _content(wanted: TransferResult) -> bytes:
    key = sealed.unseal(wanted.content_key, **_place(wanted.public_id))
    with vault.opened(io.BytesIO(bytes(wanted.content)), key) as plain:
        return plain.read()


def _record(lines: Iterable[Found], call: str, now: datetime) -> None:
    answers = [
        results.Answered(one.line.attempt_id, one.line.fence, call, one.outcome)
        for one in lines
        if one.line is not None
    ]
    for start in range(0, len(answers), _CHUNK):
        chunk = answers[start : start + _CHUNK]
        results.record(chunk, now=now)
        # Nobody can be asked about what is still open: the next file tells.
        still_open = Attempt.objects.filter(pk__in=[one.attempt_id for one in chunk], state__in=queries.OPEN)
        still_open.update(next_inquiry_at=None)


def _record_returns(lines: Iterable[Found], now: datetime) -> None:
    for one in lines:
        if one.verdict is Verdict.RETURNED and one.line is not None and one.answer.amount is not None:
            results.record_return(
                attempt_id=one.line.attempt_id,
                amount=one.answer.amount,
                returned_at=one.answer.executed_at or now,
                now=now,
                evidence=one.answer.evidence,
            )


def _close(wanted: TransferResult, found: TransferFile, summary: dict[str, object], by: Actor, now: datetime) -> None:
    with transaction.atomic():
        locked = queries.lock_file(found.scope, found.public_id)
        open_still = TransferResult.objects.filter(pk=wanted.pk, state=TransferResultState.CHECKED)
        done = open_still.update(
            state=TransferResultState.CONFIRMED,
            summary=summary,
            decided_by_id=by.user_id,
            decided_by=by.name,
            decided_at=now,
        )
        if not done:
            return
        if locked.state == TransferFileState.DOWNLOADED:
            locked.state, locked.state_changed_at = TransferFileState.RESULT_READ, now
            locked.save(update_fields=["state", "state_changed_at"])
        audit.record(
            scope=found.scope,
            by=by,
            action="transfer_file.result_confirmed",
            kind="transfer_file",
            object_id=found.public_id,
            after={"result": wanted.public_id, "name": wanted.name, "counts": summary["counts"]},
        )


def start_confirming(*, scope: Scope, result_id: str, by: Actor, now: datetime) -> TransferResult:
    """
    Let background work do what a result file says, and return it as it is now; of one confirmed, nothing is left to do.

    Raises NotFound, AlreadyDecided.
    """
    wanted = queries.find_result(scope, result_id)
    if wanted.state == TransferResultState.DISCARDED:
        raise AlreadyDecided(_("버린 결과 파일이에요. 다시 올려 주세요."), state=wanted.state)
    if wanted.state == TransferResultState.CHECKED:
        jobs.enqueue(
            scope=scope,
            kind=CONFIRM_JOB,
            arguments={"result": result_id, "by": by.told()},
            by=by,
            now=now,
            dedupe=result_id,
        )
    return wanted


@jobs.handler(CONFIRM_JOB, queue=jobs.Queue.BANK)
def run_confirming(job: jobs.RunningJob) -> Mapping[str, object]:
    """Do what a result file says, as the person who asked for it."""
    result_id = str(job.arguments["result"])
    done = confirm_result(scope=job.scope, result_id=result_id, by=job.by, now=clock.now())
    return {"counts": done.summary["counts"]}


def discard_result(*, scope: Scope, result_id: str, by: Actor, now: datetime) -> TransferResult:
    """Throw a result file away that has not been confirmed. Raises NotFound, AlreadyDecided."""
    wanted = queries.find_result(scope, result_id)
    with transaction.atomic():
        open_still = TransferResult.objects.filter(pk=wanted.pk, state=TransferResultState.CHECKED)
        done = open_still.update(
            state=TransferResultState.DISCARDED, decided_by_id=by.user_id, decided_by=by.name, decided_at=now
        )
        if done:
            audit.record(
                scope=scope,
                by=by,
                action="transfer_file.result_discarded",
                kind="transfer_file",
                object_id=wanted.transfer_file.public_id,
                after={"result": wanted.public_id, "name": wanted.name},
            )
    fresh = queries.find_result(scope, result_id)
    if fresh.state == TransferResultState.CONFIRMED:
        raise AlreadyDecided(_("이미 반영한 결과 파일이에요."), state=fresh.state)
    return fresh
