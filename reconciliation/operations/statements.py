"""
Statement files: kept as they came, shown before anything happens, and confirmed whole.

Confirming keeps the lines in one transaction and lets a job match them; a line that stood in an earlier statement is
kept once.
"""

import io
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5, sha256
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access import audit, sealed
from console import vault
from console.files.names import safe_name
from core import clock, ids, jobs
from core.actor import Actor
from core.errors import Conflict, InvalidRequest
from core.models import Job
from core.scope import Scope
from ledger.posting import refused_by
from payouts.models import BankAccount
from payouts.operations import funds
from reconciliation import statement_queries as queries
from reconciliation.models import Statement, StatementLine, StatementMapping, StatementState
from reconciliation.models.lengths import NAME_LENGTH
from reconciliation.statements.judging import Judged, Open, Read, Verdict, judge
from reconciliation.statements.lines import Said, StatementFile
from reconciliation.statements.lines import StatementLine as FileLine
from reconciliation.statements.mapping import Mapping
from reconciliation.statements.reading import read

MATCH_JOB: Final = "reconciliation.match_statements"
KIND: Final = "bank_statement"
MOST_BYTES: Final = 50_000_000
_ID = ids.IdKind("st", 33, dated=True)
_ONCE = "reconciliation_statement_once"
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Previewed:
    """A line of a file, and what would be done with it."""

    line: FileLine
    judged: Judged


@dataclass(frozen=True, slots=True)
class Preview:
    """What a statement file holds, and what would be done with its lines; figures in minor units by verdict."""

    file: StatementFile
    lines: tuple[Previewed, ...]

    @property
    def counts(self) -> dict[Verdict, tuple[int, int]]:
        """Lines and their sum by verdict."""
        made: dict[Verdict, tuple[int, int]] = {}
        for one in self.lines:
            lines, amount = made.get(one.judged.verdict, (0, 0))
            made[one.judged.verdict] = (lines + 1, amount + one.line.amount)
        return made


def receive(
    *, scope: Scope, bank_account_id: str, name: str, body: bytes, mapping: Mapping | None, by: Actor, now: datetime
) -> Statement:
    """
    Keep a statement file of an account; nothing is decided yet. The same file again is the same statement.

    Raises NotFound; StatementRefused for a file that cannot be read; InvalidRequest for one of another account or
    currency, or with days that are still to come.
    """
    if len(body) > MOST_BYTES:
        raise InvalidRequest(_("파일이 너무 커요. %(limit)d MB까지 올릴 수 있어요.") % {"limit": 50}, field="file")
    account = queries.account(scope, bank_account_id)
    digest = sha256(body).hexdigest()
    known = _known(account, digest)
    if known is not None:
        return known
    file = read(body, mapping=mapping)
    _check(account, file, now)
    public_id, key = ids.new_id(_ID, now), vault.new_key()
    made = Statement(
        **scope.filters(),
        public_id=public_id,
        bank_account=account,
        name=safe_name(name)[:NAME_LENGTH],
        form=file.form.value,
        sha256=digest,
        content=b"".join(vault.encrypted([body], key)),
        content_key=sealed.seal(key, **_place(public_id)),
        mapping=mapping.to_json() if mapping else {},
        statement_no=file.statement_id[:NAME_LENGTH],
        currency=file.currency,
        first_day=file.first_day,
        last_day=file.last_day,
        opening=file.opening,
        closing=file.closing,
        line_count=len(file.lines),
        gaps=list(file.gaps),
        created_by_id=by.user_id,
        created_by=str(by)[:NAME_LENGTH],
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
            _tell(made, by, "received", {"file": made.name, "sha256": digest, "lines": made.line_count})
    except IntegrityError as error:
        known = _known(account, digest)
        if refused_by(error) != _ONCE or known is None:
            raise
        return known
    return made


def _known(account: BankAccount, digest: str) -> Statement | None:
    rows = Statement.objects.filter(bank_account=account, sha256=digest).exclude(state=StatementState.DISCARDED)
    return rows.first()


def _check(account: BankAccount, file: StatementFile, now: datetime) -> None:
    if file.account_number and sealed.digits(file.account_number) != funds.number_of(account):
        shown = sealed.last4(file.account_number)
        message = _("다른 계좌의 명세예요. 파일의 계좌는 …%(last4)s예요.") % {"last4": shown}
        raise InvalidRequest(message, field="account", last4=shown)
    currencies = {file.currency, *(line.currency for line in file.lines)}
    if currencies != {account.currency}:
        raise InvalidRequest(_("계좌의 통화는 %(currency)s예요.") % {"currency": account.currency}, field="currency")
    if any(line.day > clock.seoul_day(now) for line in file.lines):
        raise InvalidRequest(_("아직 오지 않은 날의 거래가 있어요. 날짜 순서를 확인해 주세요."), field="day")


def _place(public_id: str) -> dict[str, str]:
    return {"table": "reconciliation_statement", "column": "content_key", "row": public_id}


def file_of(statement: Statement) -> StatementFile:
    """Read the kept file of a statement once more."""
    key = sealed.unseal(statement.content_key, **_place(statement.public_id))
    with vault.opened(io.BytesIO(bytes(statement.content)), key) as plain:
        body = plain.read()
    return read(body, mapping=Mapping.from_json(statement.mapping) if statement.mapping else None)


# ---- Before it is confirmed


def preview(statement: Statement) -> Preview:
    """Say what would be done with the lines of a statement; with gaps in its balance nothing without a person."""
    file = file_of(statement)
    keys = line_keys(file.lines)
    known = _known_keys(statement.bank_account, keys)
    reads = [read_of(line) for line in file.lines]
    judged = judge_all(statement.bank_account, reads, has_gaps=bool(file.gaps))
    repeated = Judged(Verdict.REPEATED)
    rows = zip(file.lines, keys, judged, strict=True)
    return Preview(file, tuple(Previewed(line, repeated if key in known else one) for line, key, one in rows))


def read_of(line: FileLine) -> Read:
    """Return a line of a file as it is judged."""
    has_number = bool(sealed.digits(line.account_number))
    return Read(
        day=line.day,
        amount=line.amount,
        currency=line.currency,
        said=line.said,
        reference=line.reference,
        reference_date=line.reference_date,
        mark=sealed.fingerprint(line.bank, line.account_number) if has_number else "",
        is_of_number=has_number and not line.bank.strip(),
    )


def judge_all(account: BankAccount, reads: Sequence[Read], *, has_gaps: bool = False) -> list[Judged]:
    """Judge lines of an account in their order, all by the same look at what is ours."""
    if has_gaps:
        return [Judged(Verdict.OPEN, Open.GAP) for _line in reads]
    names = {(line.reference, line.reference_date) for line in reads if line.reference}
    transfers = queries.known_transfers(account, names, numbers=any(line.is_of_number for line in reads))
    deposits = queries.deposits_under(account, {line.reference for line in reads if line.amount > 0})
    near = queries.Near(account, (line.day for line in reads))
    seen: set[tuple[str, bool]] = set()
    judged = []
    for line in reads:
        transfer = transfers.get((line.reference, line.reference_date))
        direction = (line.reference, line.amount < 0)
        is_second = transfer is not None and line.said is not Said.FEE and direction in seen
        seen.add(direction)
        entry = deposits.get(line.reference) if line.reference else None
        has_candidates = bool(near.of(line.day, line.amount))
        judged.append(judge(line, transfer, is_second=is_second, has_candidates=has_candidates, deposit=entry))
    return judged


def line_keys(lines: Sequence[FileLine]) -> list[uuid.UUID]:
    """Return what tells each line apart from all others of its account: equal lines are counted within their file."""
    times: Counter[str] = Counter()
    keys = []
    for line in lines:
        parts = (line.day, line.amount, line.balance_after, line.reference, line.bank_reference, line.name, line.memo)
        said = "\x1f".join("" if part is None else str(part) for part in parts)
        times[said] += 1
        digest = md5(f"{said}\x1f{times[said]}".encode(), usedforsecurity=False)
        keys.append(uuid.UUID(bytes=digest.digest()))
    return keys


def _known_keys(account: BankAccount, keys: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    rows = StatementLine.objects.filter(bank_account=account, line_key__in=keys)
    return set(rows.values_list("line_key", flat=True))


# ---- Confirming


def confirm(*, scope: Scope, statement_id: str, by: Actor, now: datetime) -> Statement:
    """
    Keep the lines of a statement and let a job match them. Confirming again changes nothing.

    Raises NotFound, Conflict for one that was thrown away.
    """
    with transaction.atomic():
        found = _locked(scope, statement_id)
        if found.state == StatementState.CONFIRMED:
            return found
        if found.state == StatementState.DISCARDED:
            raise Conflict(_("버린 명세예요. 다시 올려 주세요."), state=found.state)
        # Whoever confirms an overlapping statement of the account waits, so that each line is kept once.
        BankAccount.objects.select_for_update().get(pk=found.bank_account_id)
        file = file_of(found)
        keys = line_keys(file.lines)
        known = _known_keys(found.bank_account, keys)
        rows = [(line, key) for line, key in zip(file.lines, keys, strict=True) if key not in known]
        StatementLine.objects.bulk_create(_kept(found, rows), batch_size=_BATCH)
        found.state, found.repeats = StatementState.CONFIRMED, len(keys) - len(rows)
        found.decided_by_id, found.decided_by, found.decided_at = by.user_id, str(by)[:NAME_LENGTH], now
        found.save(update_fields=["state", "repeats", "decided_by_id", "decided_by", "decided_at"])
        _tell(found, by, "confirmed", {"lines": len(rows), "repeats": found.repeats})
        start_matching(account=found.bank_account, by=by, now=now)
    return found


def _kept(statement: Statement, rows: Sequence[tuple[FileLine, uuid.UUID]]) -> Iterator[StatementLine]:
    for number, (line, key) in enumerate(rows, 1):
        yield StatementLine(
            **statement.scope.filters(),
            statement=statement,
            bank_account_id=statement.bank_account_id,
            number=number,
            row=line.row,
            line_key=key,
            day=line.day,
            booked_at=line.booked_at,
            amount=line.amount,
            balance_after=line.balance_after,
            currency=line.currency,
            said=line.said.value,
            bank_reference=line.bank_reference[:NAME_LENGTH],
            reference=line.reference[:NAME_LENGTH],
            reference_date=line.reference_date,
            bank=line.bank[:NAME_LENGTH],
            account_mark=read_of(line).mark,
            account_last4=sealed.last4(line.account_number),
            name=line.name[:NAME_LENGTH],
            memo=line.memo,
        )


def start_matching(*, account: BankAccount, by: Actor, now: datetime) -> Job:
    """Let a job match the open lines of an account; one that is waiting already is returned."""
    arguments = {"account": account.public_id, "by": by.told()}
    return jobs.enqueue(scope=account.scope, kind=MATCH_JOB, arguments=arguments, by=by, now=now)


def discard(*, scope: Scope, statement_id: str, by: Actor, now: datetime) -> Statement:
    """Throw a statement away that was not confirmed. Raises NotFound, Conflict."""
    with transaction.atomic():
        found = _locked(scope, statement_id)
        if found.state == StatementState.CONFIRMED:
            raise Conflict(_("이미 반영한 명세는 버릴 수 없어요."), state=found.state)
        if found.state == StatementState.UNDERSTOOD:
            found.state = StatementState.DISCARDED
            found.decided_by_id, found.decided_by, found.decided_at = by.user_id, str(by)[:NAME_LENGTH], now
            found.save(update_fields=["state", "decided_by_id", "decided_by", "decided_at"])
            _tell(found, by, "discarded", {"sha256": found.sha256})
    return found


def remember_mapping(
    *, scope: Scope, bank_account_id: str, layout: str, mapping: Mapping, by: Actor, now: datetime
) -> StatementMapping:
    """Keep what somebody said about the columns of a layout of an account's bank. Raises NotFound."""
    account = queries.account(scope, bank_account_id)
    said = {"mapping": mapping.to_json(), "changed_by_id": by.user_id, "changed_by": str(by)[:NAME_LENGTH]}
    with transaction.atomic():
        before = StatementMapping.objects.filter(bank_account=account, layout=layout).first()
        if before is not None and before.mapping == said["mapping"]:
            return before
        kept, _made = StatementMapping.objects.update_or_create(
            merchant_id=scope.merchant_id,
            is_test=scope.is_test,
            bank_account=account,
            layout=layout,
            defaults=said | {"changed_at": now},
        )
        audit.record(
            scope=scope,
            by=by,
            action="bank_statement.mapped",
            kind="bank_account",
            object_id=account.public_id,
            before=before.mapping if before else None,
            after=mapping.to_json(),
        )
    return kept


def _locked(scope: Scope, statement_id: str) -> Statement:
    queries.statement(scope, statement_id)
    return Statement.objects.within(scope).select_for_update(of=("self",)).get(public_id=statement_id)


def _tell(statement: Statement, by: Actor, verb: str, after: dict[str, object]) -> None:
    audit.record(
        scope=statement.scope,
        by=by,
        action=f"bank_statement.{verb}",
        kind=KIND,
        object_id=statement.public_id,
        after=after,
    )
