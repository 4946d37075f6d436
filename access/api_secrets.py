"""Verbs of API secrets and their tokens: issue, revoke, recognise. Only SHA-256 values are kept."""

import hmac
import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from access import audit
from access.models import ApiSecret, ApiToken, Membership, User
from access.roles import DEFAULT_SCOPES, ApiScope
from core import ids
from core.actor import Actor
from core.errors import Conflict, InvalidRequest, NotFound
from core.rows import from_json
from core.scope import Scope
from core.sql import load, look

ACCESS_LIFE = timedelta(minutes=30)
REFRESH_LIFE = timedelta(days=1)
_USE_IS_NOTED_EVERY = timedelta(minutes=1)
_SECRET_BYTES = 32
_NOTHING = b"\0" * 32


@dataclass(frozen=True, slots=True)
class Tokens:
    """A pair of tokens, readable this once."""

    access: str
    refresh: str


def issue(
    *,
    scope: Scope,
    name: str,
    owner: User,
    by: Actor,
    now: datetime,
    scopes: Collection[ApiScope] = DEFAULT_SCOPES,
    test_only: bool = False,
    expires_at: datetime | None = None,
) -> tuple[ApiSecret, str]:
    """
    Make an API secret of the merchant; the text is returned once and cannot be read again.

    Raises InvalidRequest, NotFound when the owner is no member of the merchant.
    """
    if not name.strip() or not scopes:
        raise InvalidRequest(_("이름과 권한을 하나 이상 정해 주세요."), field="name" if scopes else "scopes")
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest(_("만료 시각은 지금보다 뒤여야 해요."), field="expiresAt")
    if not Membership.objects.filter(merchant_id=scope.merchant_id, user=owner, is_active=True).exists():
        raise NotFound
    prefix = f"jsk_{'test' if test_only else 'live'}_{ids.short_id().lower()}"
    text = f"{prefix}.{secrets.token_urlsafe(_SECRET_BYTES)}"
    with transaction.atomic():
        secret = ApiSecret.objects.create(
            merchant_id=scope.merchant_id,
            prefix=prefix,
            digest=_digest(text),
            name=name.strip(),
            scopes=sorted(str(word) for word in scopes),
            test_only=test_only,
            owner=owner,
            expires_at=expires_at,
        )
        after = {"name": secret.name, "scopes": secret.scopes, "testOnly": test_only, "expiresAt": expires_at}
        _record(scope, by, "api_secret.issued", secret, after)
    return secret, text


def revoke(*, scope: Scope, prefix: str, by: Actor, now: datetime) -> None:
    """End an API secret and all its tokens; the next request with it is refused. Raises NotFound, Conflict."""
    with transaction.atomic():
        mine = ApiSecret.objects.select_for_update().filter(merchant_id=scope.merchant_id, prefix=prefix)
        secret = mine.first()
        if secret is None:
            raise NotFound
        if secret.revoked_at is not None:
            raise Conflict(_("이미 폐기한 키예요."))
        secret.revoked_at = now
        secret.save(update_fields=["revoked_at"])
        ApiToken.objects.filter(secret=secret).delete()
        _record(scope, by, "api_secret.revoked", secret)


def recognise(text: str, now: datetime) -> ApiSecret | None:
    """Return the live API secret that a text is, comparing in constant time; None for anything else."""
    prefix = text.partition(".")[0]
    known = text.isascii() and "\0" not in text
    secret = _live_named(prefix, now) if known else None
    matches = hmac.compare_digest(bytes(secret.digest) if secret else _NOTHING, _digest(text))
    return secret if matches else None


def recognise_token(text: str, kind: ApiToken.Kind, now: datetime) -> ApiSecret | None:
    """Return the live API secret that a token of the kind was given for."""
    token = ApiToken.objects.filter(digest=_digest(text), kind=kind, expires_at__gt=now).first()
    return _live(now).filter(pk=token.secret_id).first() if token else None


def note_use(secret: ApiSecret, now: datetime) -> None:
    """Remember that a secret is in use, at most once a minute."""
    if secret.last_used_at is None or secret.last_used_at < now - _USE_IS_NOTED_EVERY:
        ApiSecret.objects.filter(pk=secret.pk).update(last_used_at=now)


def give_tokens(*, secret: ApiSecret, now: datetime) -> Tokens:
    """Give an access token for 30 minutes and a refresh token for a day."""
    tokens = Tokens(secrets.token_urlsafe(_SECRET_BYTES), secrets.token_urlsafe(_SECRET_BYTES))
    ApiToken.objects.bulk_create(
        [
            ApiToken(secret=secret, kind=kind, digest=_digest(text), expires_at=now + life)
            for kind, text, life in (
                (ApiToken.Kind.ACCESS, tokens.access, ACCESS_LIFE),
                (ApiToken.Kind.REFRESH, tokens.refresh, REFRESH_LIFE),
            )
        ]
    )
    return tokens


def renew_tokens(*, refresh: str, now: datetime) -> Tokens | None:
    """Trade a refresh token for a new pair, once; None when it is not (or no longer) one."""
    with transaction.atomic():
        secret = recognise_token(refresh, ApiToken.Kind.REFRESH, now)
        # The delete decides: of two requests with one token a single one gets a pair.
        used = ApiToken.objects.filter(digest=_digest(refresh), kind=ApiToken.Kind.REFRESH).delete()[0]
        return give_tokens(secret=secret, now=now) if secret and used else None


def _live_named(prefix: str, now: datetime) -> ApiSecret | None:
    row = look(load("access", "live_secret"), {"prefix": prefix, "now": now})
    return from_json(ApiSecret, json.loads(row[0])) if row else None


def _live(now: datetime) -> QuerySet[ApiSecret]:
    current = Q(revoked_at__isnull=True) & (Q(expires_at__isnull=True) | Q(expires_at__gt=now))
    return ApiSecret.objects.filter(current)


def _digest(text: str) -> bytes:
    return sha256(text.encode(errors="surrogatepass")).digest()


def _record(scope: Scope, by: Actor, action: str, secret: ApiSecret, after: dict[str, object] | None = None) -> None:
    audit.record(scope=scope, by=by, action=action, kind="api_secret", object_id=secret.prefix, after=after)
