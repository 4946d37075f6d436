"""
Files of transfers: making them, taking them to the bank, and taking them back.

Making a file is what calling the bank is elsewhere. Attempts are claimed and pass their point of no return as all do;
then they are put into a file, and only a file that is committed can be taken. Whoever is killed in between leaves
attempts in no file, which the next run puts into one. A person may hand a file in twice or never, so nothing in it is
ever sent again, until two people say that it was not given to the bank.
"""

import io
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from access import audit, sealed
from console import vault
from console.files.names import export_name
from core import clock, ids, jobs
from core.actor import Actor, system
from core.errors import Conflict, InvalidRequest
from core.rows import update
from core.scope import Scope
from payouts import transfer_queries as queries
from payouts import transfer_words
from payouts.models import (
    Attempt,
    AttemptState,
    BankAccount,
    BulkPayout,
    BulkStatus,
    DecisionState,
    FileWithdrawal,
    TransferFile,
    TransferFileDownload,
    TransferFileForm,
    TransferFileLine,
    TransferFileState,
)
from payouts.operations import dispatch, funds, results, running
from payouts.rails.base import Outcome, OutcomeKind
from payouts.rails.files import pain001, sheet
from payouts.rails.files.order import Order, Payer, problem_with

_BY = system("payouts.files")
_CHUNK = 500
MEDIA_TYPES = {
    TransferFileForm.XLSX.value: ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    TransferFileForm.CSV.value: ("csv", "text/csv; charset=utf-8"),
    TransferFileForm.PAIN001.value: ("xml", "application/xml"),
}


class FileWithdrawn(Conflict):
    """The file was withdrawn: it must not go to the bank."""

    code = "TRANSFER_FILE_WITHDRAWN"


class OtherForm(Conflict):
    """The file was taken in another format; handing in both would pay twice."""

    code = "TRANSFER_FILE_TAKEN_IN_OTHER_FORM"


class SaidToBePaid(Conflict):
    """A result of a withdrawn file says that something in this one was paid already."""

    code = "TRANSFER_FILE_SAID_TO_BE_PAID"


class NotWithdrawable(Conflict):
    """The file cannot be withdrawn (any more), or not by this person."""

    code = "TRANSFER_FILE_NOT_WITHDRAWABLE"


class ContentDiffers(Conflict):
    """What would be written is not what was put into the file."""

    code = "TRANSFER_FILE_CONTENT_DIFFERS"


# Making.


def make_files(*, now: datetime) -> int:
    """
    Put everything due of accounts that pay by files into files; returns how many files were made.

    Also ends withdrawals that were confirmed and not carried out to their end.
    """
    for found in queries.withdrawn_with_held_lines():
        _put_back(found, now)
    for name in queries.rails_by_file():
        while claimed := dispatch.claim(rail_name=name, worker=dispatch.worker_name(), limit=_CHUNK, now=now):
            dispatch.pass_point_of_no_return(claimed, clock.now())
    _answer_unwritable(now)
    waiting = set(queries.in_no_file().order_by().values_list("payout__bulk_payout_id", flat=True))
    return sum(_fill_files(bulk, now) for bulk in BulkPayout.objects.filter(pk__in=waiting).order_by("pk"))


def _answer_unwritable(now: datetime) -> None:
    """Fail what no file can hold; leave undecided, and out of every file, what a late result says was paid."""
    wanted = queries.in_no_file().order_by("pk")
    doubtful = set(wanted.filter(queries.said_to_be_paid()).values_list("pk", flat=True))
    rows = wanted.select_related("payout__partner", "payout__bulk_payout__bank_account")
    answers: list[results.Answered] = []
    for row in rows.iterator(chunk_size=_CHUNK):
        call = "send" if row.state == AttemptState.SUBMITTING else "inquire"
        if row.pk in doubtful:
            if row.state == AttemptState.SUBMITTING:
                message = "A result of a withdrawn file says that this was paid."
                answers.append(_answered(row, call, OutcomeKind.UNKNOWN, "LATE_RESULT", message))
        elif why := problem_with(dispatch.instruction_of(row)):
            answers.append(
                _answered(row, call, OutcomeKind.FAILED, "CANNOT_BE_WRITTEN", transfer_words.unwritable(why))
            )
    for start in range(0, len(answers), _CHUNK):
        results.record(answers[start : start + _CHUNK], now=now)
    # Nobody can be asked about what stays open.
    Attempt.objects.filter(pk__in=doubtful, state__in=queries.OPEN).update(next_inquiry_at=None)


def _answered(row: Attempt, call: str, kind: OutcomeKind, code: str, message: str) -> results.Answered:
    return results.Answered(row.pk, row.fence, call, Outcome(kind, code=code, message=message))


def _fill_files(bulk: BulkPayout, now: datetime) -> int:
    """Put a bulk payout's attempts that are in no file into files of at most the set size; returns how many."""
    made = 0
    while _fill_one(bulk, now):
        made += 1
    return made


def _fill_one(bulk: BulkPayout, now: datetime) -> bool:
    with transaction.atomic(durable=True):
        waiting = queries.in_no_file().filter(~queries.said_to_be_paid(), payout__bulk_payout=bulk).order_by("pk")
        rows = list(waiting.select_related("payout").select_for_update(of=("self",))[: settings.TRANSFER_FILE_MOST])
        if not rows:
            return False
        account, public_id = bulk.bank_account, f"tf-{ids.short_id()}"
        made = TransferFile.objects.create(
            **bulk.scope.filters(),
            public_id=public_id,
            created_at=now,
            bulk_payout=bulk,
            bank_account=account,
            state_changed_at=now,
            day=clock.seoul_day(now),
            line_count=len(rows),
            total_amount=sum(row.amount for row in rows),
            content_hash=queries.content_hash(public_id, account.public_id, rows),
        )
        TransferFileLine.objects.bulk_create(
            TransferFileLine(transfer_file=made, line_no=number, attempt=row, fence=row.fence)
            for number, row in enumerate(rows, start=1)
        )
        for row in rows:
            row.state, row.state_changed_at = AttemptState.ACCEPTED.value, now
            row.lease_until = row.next_inquiry_at = None
        update(rows, ["state", "state_changed_at", "lease_until", "next_inquiry_at"])
        facts = {"count": made.line_count, "amount": made.total_amount, "bulkPayout": bulk.public_id}
        _note(made, _BY, "made", after=facts)
    return True


def _note(
    found: TransferFile, by: Actor, verb: str, *, after: dict[str, object] | None = None, reason: str = ""
) -> None:
    audit.record(
        scope=found.scope,
        by=by,
        action=f"transfer_file.{verb}",
        kind="transfer_file",
        object_id=found.public_id,
        after=after,
        reason=reason,
    )


# Taking.


@dataclass(frozen=True, slots=True)
class Taken:
    """A file as it leaves: its name, its media type and its bytes."""

    name: str
    media_type: str
    content: bytes


def download(*, scope: Scope, file_id: str, form: str, by: Actor, now: datetime) -> Taken:
    """
    Take a file in a format, and note who did. The first format stays the only one, and its bytes are kept.

    Raises NotFound, InvalidRequest, FileWithdrawn, OtherForm, SaidToBePaid, ContentDiffers.
    """
    if form not in TransferFileForm.values:
        raise InvalidRequest(_("고를 수 있는 파일 형식이 아니에요."), field="form")
    with transaction.atomic():
        found = queries.lock_file(scope, file_id)
        if found.state == TransferFileState.WITHDRAWN:
            raise FileWithdrawn(_("철회한 파일이라 받을 수 없어요. 새로 만든 파일을 받아 주세요."))
        if found.form and found.form != form:
            label = TransferFileForm(found.form).label
            message = _("이미 %(form)s 형식으로 받은 파일이에요. 두 형식을 모두 내면 두 번 지급될 수 있어요.")
            raise OtherForm(message % {"form": label}, form=found.form)
        if not found.form and found.lines.filter(queries.line_said_to_be_paid()).exists():
            raise SaidToBePaid(_("철회한 파일의 결과에서 이미 지급됐다고 한 건이 있어요. 은행에 먼저 확인해 주세요."))
        body, cut = (_kept(found), 0) if found.form else _written(found, form, now)
        found.downloads += 1
        found.save(update_fields=["downloads"])
        TransferFileDownload.objects.create(
            transfer_file=found, by_id=by.user_id, by=by.name, address=by.address, at=now
        )
        facts: dict[str, object] = {"form": form, "sha256": found.sha256, "downloads": found.downloads}
        if cut:
            facts["shortenedMemos"] = cut
        _note(found, by, "downloaded", after=facts)
    extension, media_type = MEDIA_TYPES[form]
    return Taken(export_name(f"이체_{found.public_id}", extension, first=found.day), media_type, body)


def _place(public_id: str) -> dict[str, str]:
    return {"table": "payouts_transferfile", "column": "content_key", "row": public_id}


def _kept(found: TransferFile) -> bytes:
    key = sealed.unseal(found.content_key or b"", **_place(found.public_id))
    with vault.opened(io.BytesIO(bytes(found.content or b"")), key) as plain:
        return plain.read()


def _written(found: TransferFile, form: str, now: datetime) -> tuple[bytes, int]:
    """
    Write the bytes for the first time, from what was approved and put in, and keep them.

    Returns them, and of how many transfers the sheet prints less than their memos say.
    """
    order = order_of(found, day=clock.seoul_day(now))
    body = written_as(order, form)
    key = vault.new_key()
    found.form, found.sha256 = form, sha256(body).hexdigest()
    found.content = b"".join(vault.encrypted([body], key))
    found.content_key = sealed.seal(key, **_place(found.public_id))
    if found.state == TransferFileState.MADE:
        found.state, found.state_changed_at = TransferFileState.DOWNLOADED, now
    found.save(update_fields=["form", "sha256", "content", "content_key", "state", "state_changed_at"])
    return body, 0 if form == TransferFileForm.PAIN001 else sheet.shortened(order, _profile(order))


def _profile(order: Order) -> sheet.Profile:
    return sheet.profiles(settings.TRANSFER_SHEET_WIDTHS).get(order.payer.bank, sheet.USUAL)


def written_as(order: Order, form: str) -> bytes:
    """Return an order in a format of ours."""
    if form == TransferFileForm.PAIN001:
        return pain001.write(order)
    write = sheet.write_csv if form == TransferFileForm.CSV else sheet.write_xlsx
    return write(order, _profile(order))


def order_of(found: TransferFile, *, day: date) -> Order:
    """Return what a file holds, to be paid on a Seoul day. Raises ContentDiffers when that is not what was put in."""
    attempts = [line.attempt for line in queries.lines_of(found)]
    if queries.content_hash(found.public_id, found.bank_account.public_id, attempts) != found.content_hash:
        raise ContentDiffers(_("만들 때의 내용과 달라서 파일을 내줄 수 없어요."))
    return Order(
        message_id=found.public_id,
        made_at=found.created_at,
        day=day,
        payer=_payer(found.bank_account),
        transfers=tuple(dispatch.instruction_of(row) for row in attempts),
    )


def _payer(account: BankAccount) -> Payer:
    return Payer(name=account.holder, bank=account.bank, account_number=funds.number_of(account))


# Taking back.


def propose_withdrawal(*, scope: Scope, file_id: str, evidence: str, by: Actor, now: datetime) -> FileWithdrawal:
    """
    Say that a file was certainly not given to the bank; another person has to confirm it.

    Raises NotFound, InvalidRequest, NotWithdrawable.
    """
    if not evidence.strip():
        raise InvalidRequest(_("은행에 내지 않았다는 것을 어떻게 확인했는지 적어 주세요."), field="evidence")
    if by.user_id is None:
        raise NotWithdrawable(_("사람만 철회를 요청할 수 있어요."))
    with transaction.atomic():
        found = queries.lock_file(scope, file_id)
        _refuse_unless_withdrawable(found)
        if found.withdrawals.filter(state=DecisionState.PROPOSED).exists():
            raise NotWithdrawable(_("이미 철회를 요청한 파일이에요. 다른 사람의 확인을 기다리고 있어요."))
        made = FileWithdrawal.objects.create(
            **scope.filters(),
            public_id=f"fw-{ids.short_id()}",
            transfer_file=found,
            evidence=evidence.strip(),
            downloads=found.downloads,
            proposed_by_id=by.user_id,
            proposed_by=by.name,
            proposed_at=now,
        )
        _note(found, by, "withdrawal_proposed", after={"downloads": found.downloads}, reason=made.evidence)
    return made


def _refuse_unless_withdrawable(found: TransferFile) -> None:
    if found.state not in (TransferFileState.MADE, TransferFileState.DOWNLOADED):
        raise NotWithdrawable(_("결과를 읽었거나 이미 철회한 파일이에요."), state=found.state)
    ended = (AttemptState.SUCCEEDED, AttemptState.FAILED, AttemptState.RETURNED)
    if found.lines.filter(attempt__state__in=ended).exists():
        raise NotWithdrawable(_("은행의 결과가 있는 파일이라 철회할 수 없어요."))


def confirm_withdrawal(*, scope: Scope, withdrawal_id: str, by: Actor, now: datetime) -> TransferFile:
    """
    Withdraw a file as another person proposed: its attempts go back in line under their references.

    Confirming again changes nothing. Raises NotFound, NotWithdrawable.
    """
    wanted = queries.find_withdrawal(scope, withdrawal_id)
    with transaction.atomic():
        found = queries.lock_file(scope, wanted.transfer_file.public_id)
        wanted = queries.find_withdrawal(scope, withdrawal_id)
        if wanted.state != DecisionState.CONFIRMED:
            _refuse_unless_withdrawable(found)
            _decide(wanted, DecisionState.CONFIRMED, by, now)
            found.state, found.state_changed_at = TransferFileState.WITHDRAWN, now
            found.save(update_fields=["state", "state_changed_at"])
            _note(found, by, "withdrawn", after={"downloads": found.downloads}, reason=wanted.evidence)
    _put_back(found, now)
    if found.bulk_payout.stop_requested_at is not None:
        _stop_again(found.bulk_payout, by, now)
    else:
        jobs.wake("payouts.files")
    return found


def reject_withdrawal(*, scope: Scope, withdrawal_id: str, reason: str, by: Actor, now: datetime) -> FileWithdrawal:
    """Refuse a proposal with a reason. Raises NotFound, InvalidRequest, NotWithdrawable."""
    if not reason.strip():
        raise InvalidRequest(_("반려하는 사유를 적어 주세요."), field="reason")
    with transaction.atomic():
        found = queries.lock_file(scope, queries.find_withdrawal(scope, withdrawal_id).transfer_file.public_id)
        wanted = queries.find_withdrawal(scope, withdrawal_id)
        _decide(wanted, DecisionState.REJECTED, by, now, reason.strip())
        _note(found, by, "withdrawal_rejected", reason=reason.strip())
    return wanted


def _decide(wanted: FileWithdrawal, state: DecisionState, by: Actor, now: datetime, reason: str = "") -> None:
    if wanted.state != DecisionState.PROPOSED:
        raise NotWithdrawable(_("이미 결정된 철회 요청이에요."), state=wanted.state)
    if by.user_id is None or by.user_id == wanted.proposed_by_id:
        raise NotWithdrawable(_("철회를 요청한 사람이 아닌 다른 사람이 확인해야 해요."))
    wanted.state, wanted.reason = state, reason
    wanted.decided_by_id, wanted.decided_by, wanted.decided_at = by.user_id, by.name, now
    wanted.save(update_fields=["state", "reason", "decided_by_id", "decided_by", "decided_at"])


def _put_back(found: TransferFile, now: datetime) -> None:
    """Put what waits under a withdrawn file back in line: it is proven that nothing of it was sent."""
    proof = Outcome(OutcomeKind.NOT_SENT, code="FILE_WITHDRAWN", message=f"File {found.public_id} was withdrawn.")
    while rows := list(queries.held_lines(found).order_by("attempt_id").values_list("attempt_id", "fence")[:_CHUNK]):
        results.record([results.Answered(attempt, fence, "inquire", proof) for attempt, fence in rows], now=now)


def _stop_again(bulk: BulkPayout, by: Actor, now: datetime) -> None:
    """Carry out a stop that was asked for while the attempts were in the file."""
    if running.advance(scope=bulk.scope, bulk_id=bulk.public_id, now=now) == BulkStatus.ONGOING:
        running.stop(scope=bulk.scope, bulk_id=bulk.public_id, by=by, now=now)
