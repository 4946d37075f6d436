"""Tables of people and rights. The audit trail is append-only by database law (see `migrations/sql`)."""

from collections.abc import Iterator
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Cast, Concat, Lower, Now, Replace
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from access.roles import ApiScope, Role
from core.scope import ScopedModel


class Merchant(models.Model):
    """A company that settles with its partners here. Everything else belongs to one."""

    public_id = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    business_number = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (models.UniqueConstraint(fields=["public_id"], name="access_merchant_public_id"),)

    def __str__(self) -> str:
        return self.name


class Language(models.TextChoices):
    """Languages of the pages."""

    KOREAN = "ko", "한국어"
    ENGLISH = "en", "English"


class Theme(models.TextChoices):
    """How the pages look."""

    AUTO = "auto", _("기기 설정")
    LIGHT = "light", _("밝게")
    DARK = "dark", _("어둡게")


class User(AbstractBaseUser):
    """
    A person who signs in.

    `totp_secret` is sealed; `totp_counter` is the last counter accepted, so no code works twice. Raising
    `session_generation` ends every session of the person.
    """

    public_id = models.CharField(max_length=40)
    username = models.CharField(max_length=100)
    name = models.CharField(max_length=100)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=2, choices=Language.choices, default=Language.KOREAN)
    theme = models.CharField(max_length=5, choices=Theme.choices, default=Theme.AUTO)
    is_active = models.BooleanField(default=True)
    totp_secret = models.BinaryField(null=True)
    totp_counter = models.BigIntegerField(default=0)
    must_change_password = models.BooleanField(default=False)
    session_generation = models.IntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())

    objects = BaseUserManager["User"]()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["public_id"], name="access_user_public_id"),
            models.UniqueConstraint(fields=["username"], name="access_user_username"),
            models.CheckConstraint(condition=Q(username=Lower("username")), name="access_user_username_lower"),
            models.CheckConstraint(condition=Q(language__in=("ko", "en")), name="access_user_language_known"),
            models.CheckConstraint(condition=Q(theme__in=("auto", "light", "dark")), name="access_user_theme_known"),
        )

    def __str__(self) -> str:
        return self.name or self.username

    @property
    def has_code(self) -> bool:
        """Say whether a second factor is set up."""
        return self.totp_secret is not None

    def get_session_auth_hash(self) -> str:
        """Return what a session must carry to stay valid: it changes with the password and the generation."""
        value = f"{self.password}:{self.session_generation}"
        return salted_hmac("access.User.session", value, algorithm="sha256").hexdigest()

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Return no older hashes: sessions end when the secret key is changed."""
        return iter(())


class Membership(models.Model):
    """A person's role in one merchant; one that is not active lets nobody in."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships", db_index=False)
    role = models.CharField(max_length=10, choices=Role.choices)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "merchant"], name="access_membership_one_per_merchant"),
            models.CheckConstraint(
                condition=Q(role__in=("viewer", "operator", "approver", "admin")), name="access_membership_role_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} @ {self.merchant_id}"


class RoleChange(models.Model):
    """A change of somebody's role that an admin asked for and another one decides."""

    class State(models.TextChoices):
        """Where the request is."""

        PENDING = "PENDING", _("확인 대기")
        CONFIRMED = "CONFIRMED", _("확인됨")
        REJECTED = "REJECTED", _("반려됨")

    public_id = models.CharField(max_length=40)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_changes")
    old_role = models.CharField(max_length=10, choices=Role.choices)
    new_role = models.CharField(max_length=10, choices=Role.choices)
    reason = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["public_id"], name="access_rolechange_public_id"),
            models.UniqueConstraint(
                fields=["merchant", "user"], condition=Q(state="PENDING"), name="access_rolechange_one_pending"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("PENDING", "CONFIRMED", "REJECTED")), name="access_rolechange_state_known"
            ),
            models.CheckConstraint(condition=~Q(old_role=F("new_role")), name="access_rolechange_changes"),
            # Whoever asked may take the request back (reject it), but never confirm it.
            models.CheckConstraint(
                condition=~Q(state="CONFIRMED")
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("requested_by")) & ~Q(decided_by=F("user"))),
                name="access_rolechange_two_people",
            ),
            models.CheckConstraint(condition=~Q(requested_by=F("user")), name="access_rolechange_not_oneself"),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.old_role} → {self.new_role}"


class ApiSecret(models.Model):
    """
    A secret with which a merchant's backend calls the API.

    On the wire it is `<prefix>.<secret>`; the prefix is public, of the secret only the SHA-256 is kept.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="api_secrets", db_index=False)
    prefix = models.CharField(max_length=40)
    digest = models.BinaryField()
    name = models.CharField(max_length=100)
    scopes = ArrayField(models.CharField(max_length=30, choices=ApiScope.choices))
    test_only = models.BooleanField(default=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_secrets")
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["prefix"], name="access_apisecret_prefix"),
            models.CheckConstraint(
                condition=Q(scopes__contained_by=ApiScope.values), name="access_apisecret_scopes_known"
            ),
        )
        indexes = (models.Index(fields=["merchant", "-id"], name="access_apisecret_list"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"


class ApiToken(models.Model):
    """An access or refresh token somebody got for an API secret; only its SHA-256 is kept."""

    class Kind(models.TextChoices):
        """What the token is good for."""

        ACCESS = "access"
        REFRESH = "refresh"

    secret = models.ForeignKey(ApiSecret, on_delete=models.CASCADE, related_name="tokens")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    digest = models.BinaryField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["digest"], name="access_apitoken_digest"),
            models.CheckConstraint(condition=Q(kind__in=("access", "refresh")), name="access_apitoken_kind_known"),
        )
        indexes = (models.Index(fields=["expires_at"], name="access_apitoken_expiry"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.secret_id}"


class Attempts(models.Model):
    """How often somebody failed to prove who they are, and until when they have to wait."""

    kind = models.CharField(max_length=10)
    subject = models.CharField(max_length=200)
    failures = models.IntegerField()
    last_at = models.DateTimeField()
    blocked_until = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["kind", "subject"], name="access_attempts_one_per_subject"),)
        indexes = (models.Index(fields=["last_at"], name="access_attempts_age"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.failures}"


class AuditEvent(models.Model):
    """
    One thing that was done, decided or disclosed. Rows are inserted and never change.

    `transaction` is PostgreSQL's transaction id: ids do not commit in order, and the sealer has to know what is final.
    """

    at = models.DateTimeField(db_default=Now())
    merchant_id = models.BigIntegerField(null=True)
    is_test = models.BooleanField()
    actor_kind = models.CharField(max_length=10)
    actor_name = models.CharField(max_length=200)
    user_id = models.BigIntegerField(null=True)
    secret_id = models.BigIntegerField(null=True)
    action = models.CharField(max_length=80)
    object_kind = models.CharField(max_length=60)
    object_id = models.CharField(max_length=300)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=80, blank=True)
    address = models.CharField(max_length=60, blank=True)
    transaction = models.BigIntegerField(
        db_default=Cast(Cast(Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField())
    )

    class Meta:
        indexes = (
            models.Index(fields=["merchant_id", "-id"], name="access_audit_list"),
            models.Index(fields=["merchant_id", "object_kind", "object_id", "-id"], name="access_audit_object"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.object_kind} {self.object_id}"


class AuditSeal(models.Model):
    """
    A closed batch of audit events: the hash covers the previous seal and every row of the batch.

    Every event with an id up to `floor_id` is in this or an earlier seal.
    """

    number = models.BigIntegerField()
    sealed_at = models.DateTimeField()
    events = models.IntegerField()
    floor_id = models.BigIntegerField()
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["number"], name="access_auditseal_number"),)

    def __str__(self) -> str:
        return f"#{self.number} {self.digest}"


class SealedEvent(models.Model):
    """Which seal an audit event is in."""

    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, related_name="sealed", primary_key=True)
    seal = models.ForeignKey(AuditSeal, on_delete=models.PROTECT, related_name="members")

    def __str__(self) -> str:
        return f"{self.event_id} in {self.seal_id}"


class IdempotencyKey(ScopedModel):
    """The stored answer to a request that carried an Idempotency-Key; written in the request's own transaction."""

    key = models.CharField(max_length=256)
    fingerprint = models.BinaryField()
    status = models.SmallIntegerField()
    body = models.BinaryField()
    content_type = models.CharField(max_length=100)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["merchant_id", "is_test", "key"], name="access_idempotencykey_once"),
        )
        indexes = (models.Index(fields=["created_at"], name="access_idempotencykey_age"),)

    def __str__(self) -> str:
        return self.key


def _random_id(prefix: str) -> Concat:
    """Return the database's own default of a public id, for rows that only SQL makes."""
    text = models.TextField()
    random = Replace(Cast(Func(function="gen_random_uuid"), text), Value("-"), Value(""), output_field=text)
    return Concat(Value(f"{prefix}-"), random, output_field=text)


class WebhookState(models.TextChoices):
    """Whether an endpoint is sent anything."""

    ENABLED = "ENABLED", _("보내는 중")
    DISABLED = "DISABLED", _("꺼짐")
    DELETED = "DELETED", _("삭제됨")


class WebhookEndpoint(ScopedModel):
    """
    An address of the merchant's that is told what happens; `events` names the types it wants, none is all.

    Its secrets are sealed under its public id; the old one signs beside the new one until it is dropped.
    `failing_since` is the first failure after the last success.
    """

    public_id = models.CharField(max_length=40)
    url = models.CharField(max_length=2_000)
    description = models.CharField(max_length=200, blank=True)
    events = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    state = models.CharField(max_length=8, choices=WebhookState.choices, default=WebhookState.ENABLED)
    state_reason = models.CharField(max_length=200, blank=True)
    state_changed_at = models.DateTimeField(db_default=Now())
    secret_sealed = models.BinaryField()
    old_secret_sealed = models.BinaryField(null=True)
    rotated_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    created_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["public_id"], name="access_webhookendpoint_public_id"),
            models.CheckConstraint(
                condition=Q(state__in=("ENABLED", "DISABLED", "DELETED")), name="access_webhookendpoint_state_known"
            ),
        )
        indexes = (
            models.Index(
                fields=["merchant_id", "is_test"], condition=Q(state="ENABLED"), name="access_webhook_listening"
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class WebhookEvent(ScopedModel):
    """
    The outbox: something that happened, written in the transaction in which it did, only while somebody listens.

    `status` and `amount` are those of that moment. Insert-only; the law beside it makes a delivery for each endpoint
    that wants the type, or for `endpoint_id` alone.
    """

    public_id = models.CharField(max_length=40, db_default=_random_id("evt"))
    type = models.CharField(max_length=60)
    object_kind = models.CharField(max_length=40)
    object_id = models.CharField(max_length=300)
    status = models.CharField(max_length=40)
    amount = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    occurred_at = models.DateTimeField(db_default=Now())
    endpoint_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["public_id"], name="access_webhookevent_public_id"),)
        indexes = (models.Index(fields=["occurred_at"], name="access_webhookevent_age"),)

    def __str__(self) -> str:
        return f"{self.public_id} {self.type}"


class DeliveryState(models.TextChoices):
    """Where a delivery is."""

    PENDING = "PENDING", _("보내는 중")
    DELIVERED = "DELIVERED", _("전달됨")
    FAILED = "FAILED", _("전달 실패")
    CANCELLED = "CANCELLED", _("보내지 않음")


class WebhookDelivery(ScopedModel):
    """
    One event for one endpoint: the queue of what has to be sent.

    `tries` counts since it was last asked for, so a resend starts the ladder again; `fence` rises with every claim and
    guards whoever records an answer.
    """

    public_id = models.CharField(max_length=40, db_default=_random_id("whd"))
    # Without constraints: the law that makes the rows joins both tables anyway, endpoints are never deleted, and a
    # constraint would have every transaction that tells something lock the same row of an endpoint.
    event = models.ForeignKey(
        WebhookEvent, on_delete=models.PROTECT, related_name="deliveries", db_index=False, db_constraint=False
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries", db_index=False, db_constraint=False
    )
    state = models.CharField(max_length=9, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    tries = models.SmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    fence = models.IntegerField(default=0, db_default=0)
    last_status = models.SmallIntegerField(null=True)
    last_error = models.CharField(max_length=200, blank=True, db_default=Value(""))
    last_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["event", "endpoint"], name="access_webhookdelivery_once"),
            models.UniqueConstraint(fields=["public_id"], name="access_webhookdelivery_public_id"),
            models.CheckConstraint(
                condition=Q(state__in=("PENDING", "DELIVERED", "FAILED", "CANCELLED")),
                name="access_webhookdelivery_state_known",
            ),
        )
        indexes = (
            models.Index(
                fields=["endpoint", "due_at", "id"], condition=Q(state="PENDING"), name="access_webhookdelivery_due"
            ),
            models.Index(
                fields=["endpoint", "lease_until"],
                condition=Q(lease_until__isnull=False),
                name="access_webhookdelivery_leases",
            ),
            models.Index(fields=["merchant_id", "is_test", "-created_at", "-id"], name="access_webhookdelivery_list"),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.state}"


class WebhookTry(models.Model):
    """One request that was sent, and what came back: the first 64 KB of it. Insert-only."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.PROTECT, related_name="log")
    at = models.DateTimeField()
    url = models.CharField(max_length=2_000)
    address = models.CharField(max_length=60, blank=True)
    headers = models.JSONField()
    body = models.TextField()
    status = models.SmallIntegerField(null=True)
    answer = models.TextField(blank=True)
    error = models.CharField(max_length=200, blank=True)
    milliseconds = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.status or self.error}"
