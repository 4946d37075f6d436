"""Rows of the pages themselves: saved conditions, finished export files, uploads on their way in."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.scope import ScopedModel


class SavedView(ScopedModel):
    """A named condition of one person on one list."""

    user_id = models.BigIntegerField()
    page = models.CharField(max_length=80)
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        """One name once."""

        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "user_id", "page", "name"], name="console_savedview_name_once"
            ),
        )

    def __str__(self) -> str:
        return self.name


class ExportFile(ScopedModel):
    """A finished export, which only the person who asked for it may download until it expires."""

    public_id = models.CharField(max_length=40, unique=True)
    job_id = models.BigIntegerField(unique=True)
    user_id = models.BigIntegerField()
    page = models.CharField(max_length=80)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    path = models.CharField(max_length=200)
    rows = models.BigIntegerField()
    bytes = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        """Files by their end."""

        indexes = (models.Index(fields=["expires_at"], condition=Q(removed_at=None), name="console_exportfile_expiry"),)

    def __str__(self) -> str:
        return self.name


class UploadState(models.TextChoices):
    """Where an upload is. Nothing is loaded before DONE, and DONE means everything is."""

    STORED = "STORED", _("올림")
    CHECKING = "CHECKING", _("확인 중")
    REJECTED = "REJECTED", _("고칠 곳 있음")
    CHECKED = "CHECKED", _("등록 대기")
    LOADING = "LOADING", _("등록 중")
    DONE = "DONE", _("등록 완료")
    CANCELLED = "CANCELLED", _("취소")


class Upload(ScopedModel):
    """
    One file somebody wants to load, with what was found in it.

    The file is stored encrypted under a key of its own, which `file_key` holds sealed. `errors` are the first 1,000 of
    `error_count`; `preview` holds some rows as shown, personal numbers hidden.
    """

    public_id = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=40)
    state = models.CharField(max_length=12, choices=UploadState.choices, default=UploadState.STORED)
    name = models.CharField(max_length=200)
    path = models.CharField(max_length=200)
    file_key = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    rows = models.BigIntegerField(default=0)
    new_rows = models.BigIntegerField(default=0)
    changed_rows = models.BigIntegerField(default=0)
    same_rows = models.BigIntegerField(default=0)
    wrong_rows = models.BigIntegerField(default=0)
    sums = models.JSONField(default=dict)
    errors = models.JSONField(default=list)
    error_count = models.BigIntegerField(default=0)
    preview = models.JSONField(default=list)
    result = models.JSONField(default=dict)
    job_id = models.BigIntegerField(null=True)
    created_by_id = models.BigIntegerField()
    created_by_name = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now())
    checked_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        """What is wrong is never loaded."""

        constraints = (
            models.CheckConstraint(
                condition=~Q(state__in=("CHECKED", "LOADING", "DONE")) | Q(wrong_rows=0),
                name="console_upload_wrong_rows_load_nothing",
            ),
        )
        indexes = (
            models.Index(fields=["merchant_id", "is_test", "kind", "-created_at", "-id"], name="console_upload_list"),
            models.Index(fields=["merchant_id", "is_test", "kind", "sha256"], name="console_upload_content"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @property
    def has_ended(self) -> bool:
        """Say whether nothing more will happen to this upload."""
        return self.state in {UploadState.DONE, UploadState.CANCELLED}


class Heartbeat(models.Model):
    """When a recurring piece of work last ran, so that "is a worker alive" has an answer."""

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.at:%Y-%m-%d %H:%M:%S}"
