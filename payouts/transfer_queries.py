"""Reads of files of transfers: finding and locking them, what is in one, what became of it."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from django.db.models import Count, Exists, F, OuterRef, QuerySet, Sum

from core.errors import NotFound
from core.scope import Scope
from payouts import rails
from payouts.models import (
    Attempt,
    AttemptState,
    BankEvent,
    BulkPayout,
    FileWithdrawal,
    TransferFile,
    TransferFileLine,
    TransferFileState,
    TransferResult,
)
from payouts.rails_in_use import rail

OPEN = (AttemptState.ACCEPTED, AttemptState.UNKNOWN)


def rails_by_file() -> list[str]:
    """Return the names of the rails whose instructions leave in files."""
    return [name for name in rails.names() if rail(name).promises.by_file]


def file_rows(scope: Scope) -> QuerySet[TransferFile]:
    """Return the files of a scope, without their bytes."""
    return TransferFile.objects.within(scope).defer("content", "content_key")


def find_file(scope: Scope, public_id: str) -> TransferFile:
    """Return a file of a scope with its bulk payout and account. Raises NotFound."""
    found = file_rows(scope).select_related("bulk_payout", "bank_account").filter(public_id=public_id).first()
    if found is None:
        raise NotFound(f"transfer file {public_id} does not exist")
    return found


def lock_file(scope: Scope, public_id: str) -> TransferFile:
    """Lock a file for the caller's transaction. Raises NotFound."""
    rows = TransferFile.objects.within(scope).select_related("bulk_payout", "bank_account")
    found = rows.select_for_update(of=("self",)).filter(public_id=public_id).first()
    if found is None:
        raise NotFound(f"transfer file {public_id} does not exist")
    return found


def find_result(scope: Scope, public_id: str) -> TransferResult:
    """Return a result file of a scope with the file it is about. Raises NotFound."""
    rows = TransferResult.objects.within(scope).defer("content", "content_key")
    found = rows.select_related("transfer_file__bulk_payout").filter(public_id=public_id).first()
    if found is None:
        raise NotFound(f"transfer result {public_id} does not exist")
    return found


def find_withdrawal(scope: Scope, public_id: str) -> FileWithdrawal:
    """Return a withdrawal of a scope with its file. Raises NotFound."""
    rows = FileWithdrawal.objects.within(scope).select_related("transfer_file__bulk_payout")
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise NotFound(f"withdrawal {public_id} does not exist")
    return found


def in_no_file() -> QuerySet[Attempt]:
    """Return attempts past their point of no return that are in no file yet, under the hold they have now."""
    held = TransferFileLine.objects.filter(attempt=OuterRef("pk"), fence=OuterRef("fence"))
    states = (AttemptState.SUBMITTING, AttemptState.UNKNOWN)
    return Attempt.objects.filter(~Exists(held), rail__in=rails_by_file(), state__in=states)


def said_to_be_paid() -> Exists:
    """Return the condition that a result too late to count says an attempt was paid."""
    return Exists(BankEvent.objects.filter(attempt=OuterRef("pk"), applied=False, outcome="SUCCEEDED"))


def line_said_to_be_paid() -> Exists:
    """Return the same condition for the lines of a file."""
    return Exists(BankEvent.objects.filter(attempt=OuterRef("attempt"), applied=False, outcome="SUCCEEDED"))


def lines_of(found: TransferFile) -> QuerySet[TransferFileLine]:
    """Return the lines of a file in their order, each with its attempt, payout and partner."""
    rows = found.lines.select_related("attempt__payout__partner", "attempt__payout__bulk_payout__bank_account")
    return rows.order_by("line_no")


def held_lines(found: TransferFile) -> QuerySet[TransferFileLine]:
    """Return the lines whose attempts still wait for their result under this file."""
    return found.lines.filter(attempt__fence=F("fence"), attempt__state__in=OPEN)


def withdrawn_with_held_lines() -> list[TransferFile]:
    """Return the withdrawn files of which an attempt has not gone back in line yet."""
    held = TransferFileLine.objects.filter(
        transfer_file=OuterRef("pk"), attempt__fence=F("fence"), attempt__state__in=OPEN
    )
    rows = TransferFile.objects.filter(Exists(held), state=TransferFileState.WITHDRAWN)
    return list(rows.only("pk", "public_id").order_by("pk"))


def content_hash(message_id: str, account: str, attempts: Sequence[Attempt]) -> str:
    """Return the hash of what a file holds: its name, the paying account, and every approved instruction in order."""
    told = sha256()
    for part in (message_id, account, *(text for row in attempts for text in _told(row))):
        told.update(len(part.encode()).to_bytes(4, "big") + part.encode())
    return told.hexdigest()


def _told(row: Attempt) -> tuple[str, ...]:
    return row.reference, row.reference_date.isoformat(), str(row.amount), row.payout.content_hash


def files_of(bulk: BulkPayout) -> list[TransferFile]:
    """Return the files of a bulk payout, the newest first."""
    rows = TransferFile.objects.filter(bulk_payout=bulk).defer("content", "content_key")
    return list(rows.order_by("-pk"))


def state_counts(found: TransferFile) -> Mapping[str, tuple[int, int]]:
    """Return count and amount of a file's transfers by the state of their attempts."""
    rows = found.lines.order_by().values_list("attempt__state")
    counted = rows.annotate(count=Count("pk"), total=Sum("attempt__amount"))
    return {state: (count, int(total)) for state, count, total in counted}
