"""Job rows: background work that a person may watch. PostgreSQL is the queue; a Celery message only says "look now"."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.scope import ScopedModel


class JobState(models.TextChoices):
    """Where a job is."""

    QUEUED = "QUEUED", _("대기")
    RUNNING = "RUNNING", _("진행 중")
    SUCCEEDED = "SUCCEEDED", _("완료")
    FAILED = "FAILED", _("실패")
    CANCELLED = "CANCELLED", _("취소")


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)


class Job(ScopedModel):
    """One piece of background work with its progress and its end."""

    public_id = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=80)
    queue = models.CharField(max_length=20)
    arguments = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    note = models.TextField(default="", blank=True)
    result = models.JSONField(default=dict)
    error = models.TextField(default="", blank=True)
    cancel_requested = models.BooleanField(default=False)
    dedupe = models.CharField(max_length=200, default="", blank=True)
    tries = models.IntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    created_by_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["merchant_id", "is_test", "kind", "dedupe"],
                condition=Q(state__in=("QUEUED", "RUNNING")) & ~Q(dedupe=""),
                name="core_job_one_open_per_dedupe",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED")),
                name="core_job_state_known",
            ),
        )
        indexes = (
            models.Index(fields=["due_at", "id"], condition=Q(state__in=("QUEUED", "RUNNING")), name="core_job_due"),
            models.Index(fields=["merchant_id", "is_test", "-created_at", "-id"], name="core_job_list"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @property
    def is_open(self) -> bool:
        """Say whether the job may still change."""
        return self.state in OPEN_STATES

    @property
    def percent(self) -> int:
        """Return whole percent done, 100 when it succeeded, 0 while the total is unknown."""
        if self.state == JobState.SUCCEEDED:
            return 100
        return min(99, self.done * 100 // self.total) if self.total else 0
