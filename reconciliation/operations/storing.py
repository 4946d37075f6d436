"""Keeping a file of a vendor or provider, encrypted, before anybody has read it."""

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final, cast

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access import audit, sealed
from console import vault
from console.files.names import safe_name
from core import ids, jobs
from core.actor import Actor
from core.errors import Conflict, InvalidRequest
from core.scope import Scope
from ledger.posting import refused_by
from reconciliation import queries
from reconciliation.models import Batch, BatchState
from reconciliation.reading import UPLOADED, Limits

LOAD_JOB: Final = "reconciliation.load"
KIND: Final = "reconciliation_batch"
MOST_LOADING: Final = 4
_BATCH = ids.IdKind("rb", 30, dated=True)
_SAME_BYTES = "reconciliation_same_bytes"


@dataclass(frozen=True, slots=True)
class Received:
    """The batch of a file that came in; not new when the very same bytes were there before."""

    batch: Batch
    is_new: bool


class _Blocks(File):  # type: ignore[type-arg] # Django's File is generic for type checkers only
    """A file that is produced while it is stored."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        super().__init__(ContentFile(b""))
        self._blocks = blocks

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:  # noqa: ARG002 - the blocks have their size
        yield from self._blocks


def receive(
    *,
    scope: Scope,
    file: BinaryIO,
    name: str,
    locale: str,
    by: Actor,
    now: datetime,
    billing_entity: str = "",
    invoice_number: str = "",
    issued_on: date | None = None,
    limits: Limits = UPLOADED,
) -> Received:
    """
    Keep a file and return its batch, which is not read yet; the same bytes again give the batch they have already.

    What is said about billing entity and invoice wins over what the file says; `issued_on` is the invoice's day.
    Raises InvalidRequest (too large), Conflict (too many at once).
    """
    sha256, size = _digest(file)
    if limits.sent_bytes is not None and size > limits.sent_bytes:
        limit = limits.sent_bytes >> 20
        raise InvalidRequest(_("파일이 너무 커요. %(limit)d MB까지 올릴 수 있어요.") % {"limit": limit}, field="file")
    entity = billing_entity.strip().lower()
    known = queries.with_bytes(scope, sha256, entity)
    if known is not None:
        return Received(known, is_new=False)
    if Batch.objects.within(scope).filter(state=BatchState.LOADING).count() >= MOST_LOADING:
        raise Conflict(_("다른 파일을 처리하고 있어요. 끝난 뒤에 다시 올려 주세요."))
    public_id, key = ids.new_id(_BATCH, now), vault.new_key()
    path = default_storage.save(f"reconciliation/{secrets.token_urlsafe(24)}", _Blocks(_encrypted(file, key)))
    batch = Batch(
        **scope.filters(),
        public_id=public_id,
        name=safe_name(name)[:200],
        path=path,
        file_key=sealed.seal(key, **_place(public_id)),
        bytes=size,
        sha256=sha256,
        locale=locale,
        billing_entity=entity,
        invoice_number=invoice_number.strip()[:200],
        issued_on=issued_on,
        created_by_id=by.user_id,
        created_by=str(by)[:200],
    )
    return _added(batch, by)


def _added(batch: Batch, by: Actor) -> Received:
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
            audit.record(
                scope=batch.scope,
                by=by,
                action="reconciliation.received",
                kind=KIND,
                object_id=batch.public_id,
                after={"file": batch.name, "sha256": batch.sha256, "bytes": batch.bytes},
            )
    except IntegrityError as error:
        # Somebody else sent the same file at the same moment.
        default_storage.delete(batch.path)
        known = queries.with_bytes(batch.scope, batch.sha256, batch.billing_entity)
        if refused_by(error) != _SAME_BYTES or known is None:
            raise
        return Received(known, is_new=False)
    return Received(batch, is_new=True)


def _digest(file: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while block := file.read(vault.BLOCK):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def _encrypted(file: BinaryIO, key: str) -> Iterator[bytes]:
    file.seek(0)
    return vault.encrypted(iter(lambda: file.read(vault.BLOCK), b""), key)


def _place(public_id: str) -> dict[str, str]:
    return {"table": "reconciliation_batch", "column": "file_key", "row": public_id}


@contextmanager
def on_disk(batch: Batch) -> Iterator[Path]:
    """Lay the file of a batch, decrypted, where the reader can go through it several times; it is gone afterwards."""
    key = sealed.unseal(batch.file_key, **_place(batch.public_id))
    with TemporaryDirectory(prefix="reconciliation-") as folder:
        path = Path(folder) / "file"
        with (
            default_storage.open(batch.path) as stored,
            vault.opened(cast("BinaryIO", stored), key) as plain,
            path.open("wb") as target,
        ):
            shutil.copyfileobj(plain, target, vault.BLOCK)
        yield path


def forget_file(batch: Batch) -> None:
    """Delete the file of a batch once the open transaction has committed."""
    path, batch.path, batch.file_key = batch.path, "", b""
    if path:
        transaction.on_commit(lambda: default_storage.delete(path))


def start(*, batch: Batch, by: Actor, now: datetime) -> Batch:
    """Let a job read a received file. Doing it again while it is being read changes nothing. Raises Conflict."""
    with transaction.atomic():
        locked = Batch.objects.select_for_update().get(pk=batch.pk)
        if locked.state != BatchState.LOADING:
            raise Conflict(_("이미 읽은 파일이에요."), state=locked.state)
        arguments = {"batch": locked.public_id, "by": by.told()}
        job = jobs.enqueue(
            scope=locked.scope, kind=LOAD_JOB, arguments=arguments, by=by, now=now, dedupe=locked.public_id
        )
        locked.job_id = job.pk
        locked.save(update_fields=["job_id"])
    return locked
