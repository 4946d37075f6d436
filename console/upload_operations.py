"""What can be done to an upload: keep the file, check it, load it, drop it. Loading twice has the effect of once."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import BinaryIO, Final, cast

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError, connection, connections, transaction
from django.utils.translation import gettext as _

from access import audit, sealed
from console import uploads, vault
from console.files.names import safe_name
from console.models import Upload, UploadState
from console.uploads import CHECK_JOB, LOAD_JOB, Examination, Rejected, UploadKind, kind_named
from core import clock, ids, jobs
from core.actor import Actor
from core.errors import Conflict, InvalidRequest, NotFound
from core.models import OPEN_STATES, Job
from core.scope import Scope

INLINE_ROWS: Final = 2_000
INLINE_BYTES: Final = 300_000
MAX_OPEN: Final = 4
KEPT_FOR: Final = timedelta(days=30)
_BEAT_SECONDS = 2
_OPEN: Final = (UploadState.CHECKING, UploadState.LOADING)


def _place(public_id: str) -> dict[str, str]:
    return {"table": "console_upload", "column": "file_key", "row": public_id}


def store(*, kind: UploadKind, scope: Scope, file: "UploadedFile[bytes]", by: Actor, now: datetime) -> Upload:
    """Keep a file encrypted under a random name. Raises InvalidRequest (too large), Conflict (too many at once)."""
    size = file.size or 0
    if size > kind.caps.file_bytes:
        limit = kind.caps.file_bytes >> 20
        raise InvalidRequest(_("파일이 너무 커요. %(limit)d MB까지 올릴 수 있어요.") % {"limit": limit}, field="file")
    if Upload.objects.within(scope).filter(state__in=_OPEN).count() >= MAX_OPEN:
        raise Conflict(_("다른 파일을 처리하고 있어요. 끝난 뒤에 다시 올려 주세요."))
    public_id, key = f"upl-{ids.ulid(now)}", vault.new_key()
    digest = hashlib.sha256()

    def read() -> Iterator[bytes]:
        for block in file.chunks(vault.BLOCK):
            digest.update(block)
            yield block

    path = default_storage.save(f"uploads/{secrets.token_urlsafe(24)}", _Blocks(vault.encrypted(read(), key)))
    return Upload.objects.create(
        **scope.filters(),
        public_id=public_id,
        kind=kind.kind,
        name=safe_name(file.name or "")[:200],
        path=path,
        file_key=sealed.seal(key, **_place(public_id)),
        sha256=digest.hexdigest(),
        bytes=size,
        created_by_id=by.user_id or 0,
        created_by_name=by.name,
        created_at=now,
    )


class _Blocks(File):  # type: ignore[type-arg] # Django's File is generic for type checkers only
    """A file that is produced while it is stored."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        super().__init__(ContentFile(b""))
        self._blocks = blocks

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:  # noqa: ARG002 - the blocks have their size
        yield from self._blocks


@contextmanager
def content(upload: Upload) -> Iterator[BinaryIO]:
    """Open the file of an upload, decrypted."""
    key = sealed.unseal(upload.file_key, **_place(upload.public_id))
    with default_storage.open(upload.path) as stored:
        plain = vault.opened(cast("BinaryIO", stored), key)
    with plain:
        yield plain


def same_content(upload: Upload) -> Upload | None:
    """Return an earlier upload of exactly this file that was loaded."""
    earlier = Upload.objects.within(upload.scope).filter(kind=upload.kind, sha256=upload.sha256, state=UploadState.DONE)
    return earlier.exclude(pk=upload.pk).order_by("-id").first()


def check(*, upload: Upload, by: Actor, now: datetime) -> Upload:
    """Check a stored file: at once when it is small, else as a job."""
    if upload.bytes <= INLINE_BYTES:
        return _examine(upload, None, now)
    with transaction.atomic():
        job = _job(upload, CHECK_JOB, by, now)
        Upload.objects.filter(pk=upload.pk, state=UploadState.STORED).update(state=UploadState.CHECKING, job_id=job.pk)
    upload.refresh_from_db()
    return upload


def _job(upload: Upload, kind: str, by: Actor, now: datetime) -> Job:
    return jobs.enqueue(
        scope=upload.scope,
        kind=kind,
        arguments={"upload": upload.public_id, "by": by.told()},
        by=by,
        now=now,
        total=upload.rows,
        dedupe=upload.public_id,
    )


def _examine(upload: Upload, progress: uploads.Progress | None, now: datetime) -> Upload:
    kind = kind_named(upload.kind)
    with content(upload) as file:
        found = kind.examine(upload.scope, file, progress)
    waiting = Upload.objects.filter(pk=upload.pk, state__in=(UploadState.STORED, UploadState.CHECKING))
    waiting.update(**_columns(found), checked_at=now)
    upload.refresh_from_db()
    return upload


def _columns(found: Examination) -> dict[str, object]:
    return {
        "state": UploadState.CHECKED if found.loadable else UploadState.REJECTED,
        "rows": found.rows,
        "new_rows": found.counts[uploads.Verdict.NEW],
        "changed_rows": found.counts[uploads.Verdict.CHANGED],
        "same_rows": found.counts[uploads.Verdict.SAME],
        "wrong_rows": found.wrong_rows,
        "errors": found.errors,
        "error_count": found.error_count,
        "sums": found.sums,
        "preview": found.preview,
    }


def confirm(*, scope: Scope, kind: str, upload_id: str, again: bool, by: Actor, now: datetime) -> Upload:
    """
    Load a checked file: small ones now, larger ones as a job. Confirming what is loaded or loading changes nothing.

    Raises NotFound; Conflict when it is not ready to be loaded, or was loaded before and `again` does not say so.
    """
    with transaction.atomic():
        upload = _locked(scope, kind, upload_id)
        if upload.state in {UploadState.DONE, UploadState.LOADING}:
            return upload
        if upload.state != UploadState.CHECKED:
            raise Conflict(_("아직 등록할 수 없는 파일이에요. 확인 결과를 먼저 봐 주세요."), state=upload.state)
        if same_content(upload) and not again:
            raise Conflict(
                _("똑같은 파일을 이미 등록했어요. 한 번 더 등록하려면 확인란을 눌러 주세요."), reason="SAME_FILE"
            )
        if upload.rows > INLINE_ROWS:
            job = _job(upload, LOAD_JOB, by, now)
            upload.state, upload.job_id = UploadState.LOADING, job.pk
            upload.save(update_fields=["state", "job_id"])
            return upload
        return _load(upload, by, now)


def _locked(scope: Scope, kind: str, upload_id: str) -> Upload:
    rows = Upload.objects.within(scope).select_for_update()
    upload = rows.filter(public_id=upload_id, kind=kind).first()
    if upload is None:
        raise NotFound(upload=upload_id)
    return upload


def _load(upload: Upload, by: Actor, now: datetime, progress: uploads.Progress | None = None) -> Upload:
    """Load inside the open transaction that holds the upload's lock; a rejection leaves nothing but its reasons."""
    kind = kind_named(upload.kind)
    try:
        with transaction.atomic(), content(upload) as file:
            loaded = kind.perform(upload.scope, file, by, now, progress)
    except Rejected as rejected:
        Upload.objects.filter(pk=upload.pk).update(**_columns(rejected.examination), checked_at=now)
    else:
        result = {"rows": loaded.rows, "message": str(loaded.message), "url": loaded.url}
        Upload.objects.filter(pk=upload.pk).update(state=UploadState.DONE, result=result, finished_at=now)
        audit.record(
            scope=upload.scope,
            by=by,
            action="upload.loaded",
            kind="upload",
            object_id=upload.public_id,
            after={"file": upload.name, "sha256": upload.sha256, "rows": loaded.rows},
        )
    upload.refresh_from_db()
    return upload


def cancel(*, scope: Scope, kind: str, upload_id: str, now: datetime) -> Upload:
    """Drop an upload that is not loaded, with its file. Raises NotFound, Conflict."""
    with transaction.atomic():
        upload = _locked(scope, kind, upload_id)
        if upload.state in {UploadState.DONE, UploadState.LOADING}:
            raise Conflict(_("이미 등록했거나 등록하고 있는 파일이에요."), state=upload.state)
        if upload.state != UploadState.CANCELLED:
            upload.state, upload.finished_at = UploadState.CANCELLED, now
            upload.save(update_fields=["state", "finished_at"])
            path = upload.path
            transaction.on_commit(lambda: default_storage.delete(path))
        return upload


def settle(upload: Upload) -> Upload:
    """Free an upload whose job ended without finishing it, so that it can be tried again."""
    if upload.state in _OPEN and not Job.objects.filter(pk=upload.job_id or 0, state__in=OPEN_STATES).exists():
        before = {UploadState.CHECKING: UploadState.STORED, UploadState.LOADING: UploadState.CHECKED}
        Upload.objects.filter(pk=upload.pk, state=upload.state).update(state=before[UploadState(upload.state)])
        upload.refresh_from_db()
    return upload


def _upload(job: jobs.RunningJob) -> Upload:
    return Upload.objects.within(job.scope).get(public_id=str(job.arguments["upload"]))


def forget_old() -> int:
    """Delete the files of uploads that nobody needs any more; what was found in them goes too, the row stays."""
    now = clock.now()
    due = list(Upload.objects.filter(created_at__lt=now - KEPT_FOR).exclude(path="").exclude(state__in=_OPEN)[:200])
    for upload in due:
        default_storage.delete(upload.path)
        Upload.objects.filter(pk=upload.pk).update(path="", preview=[], errors=[])
        Upload.objects.filter(pk=upload.pk).exclude(state=UploadState.DONE).update(state=UploadState.CANCELLED)
    return len(due)


def register() -> None:
    """Register the sweeper that deletes old files."""
    jobs.sweeper("console.forget_uploads", queue=jobs.Queue.FILES)(forget_old)


class _Beat(Thread):
    """
    Tells how far a job is and keeps its lease while the job's own connection is busy in one transaction.

    It is a thread, and so has a connection of its own. A stop that was asked for is raised by the next `tell`.
    """

    def __init__(self, job: jobs.RunningJob) -> None:
        super().__init__(daemon=True)
        self._job, self._done, self._ended = job, 0, Event()
        self._refusal: Exception | None = None

    def run(self) -> None:
        """Store the progress every few seconds."""
        try:
            while not self._ended.wait(_BEAT_SECONDS):
                self._job.progress(self._done)
        except (jobs.JobCancelled, jobs.LeaseLost, DatabaseError) as refusal:
            self._refusal = refusal
        finally:
            connections.close_all()

    def tell(self, done: int) -> None:
        """Say how many rows are done. Raises JobCancelled, LeaseLost."""
        self._done = done
        if self._refusal is not None:
            raise self._refusal

    def end(self) -> None:
        """Stop telling."""
        self._ended.set()
        self.join()


@contextmanager
def _beside(job: jobs.RunningJob) -> Iterator[uploads.Progress | None]:
    """
    Give a way to tell how far a job is, whatever transaction it is in.

    Inside somebody else's transaction another connection would not see the job; then there is none.
    """
    if connection.in_atomic_block:
        yield None
        return
    beat = _Beat(job)
    beat.start()
    try:
        yield beat.tell
    finally:
        beat.end()


@jobs.handler(CHECK_JOB, queue=jobs.Queue.FILES)
def run_check(job: jobs.RunningJob) -> dict[str, object]:
    """Check a large file and tell how far it is."""
    with _beside(job) as tell:
        upload = _examine(_upload(job), tell or job.progress, clock.now())
    job.progress(upload.rows, upload.rows)
    return {"upload": upload.public_id, "state": upload.state}


@jobs.handler(LOAD_JOB, queue=jobs.Queue.FILES)
def run_load(job: jobs.RunningJob) -> dict[str, object]:
    """Load a large file in one transaction; one that was loaded meanwhile is left alone."""
    now = clock.now()
    with _beside(job) as tell, transaction.atomic():
        upload = _locked(job.scope, _upload(job).kind, str(job.arguments["upload"]))
        if upload.state == UploadState.LOADING:
            upload = _load(upload, job.by, now, tell)
    if upload.state == UploadState.DONE:
        job.progress(upload.rows, upload.rows)
    return {"upload": upload.public_id, "state": upload.state}
