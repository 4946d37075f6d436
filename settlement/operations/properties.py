"""
Custom properties: what a merchant wants to note about its partners and records beyond what everybody notes.

At most ten per target. A key never changes; its name may. Values are kept with the partner or record as the wire shows
them: a map at partners, a list at records.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from access import audit
from access.roles import Permission, allowed
from core.actor import Actor
from core.errors import Conflict, InvalidRequest, NotFound
from core.scope import Scope
from settlement.models import CustomProperty, PropertyTarget
from settlement.operations import _locks
from settlement.refusals import property_not_found

MOST = 10
LONGEST_VALUE = 2_000
_LONGEST_NAME = 100
_KEY = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)


def defined(scope: Scope, target: PropertyTarget) -> list[CustomProperty]:
    """Return the properties of a target, oldest first."""
    return list(CustomProperty.objects.within(scope).filter(target=target).order_by("pk"))


def visible(scope: Scope, role: str | None, target: PropertyTarget) -> list[CustomProperty]:
    """Return the properties somebody of a role may see on pages: secret ones are for those who manage the merchant."""
    manages = allowed(role, Permission.MANAGE)
    return [one for one in defined(scope, target) if manages or not one.is_secret]


def check(scope: Scope, target: PropertyTarget, keys: Iterable[str]) -> None:
    """Raise USER_DEFINED_PROPERTY_NOT_FOUND for a key that nobody defined."""
    wanted = list(keys)
    if not wanted:
        return
    rows = CustomProperty.objects.within(scope).filter(target=target, key__in=wanted)
    known = set(rows.values_list("key", flat=True))
    for key in wanted:
        if key not in known:
            raise property_not_found(key)


def merged(kept: Mapping[str, object], changes: Mapping[str, str | None]) -> dict[str, object]:
    """Return the map a partner keeps after some values were set, or taken away by None."""
    found = dict(kept)
    for key, value in changes.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = {"string": value}
    return found


def listed(values: Mapping[str, str]) -> list[dict[str, object]]:
    """Return the list a record keeps."""
    return [{"key": key, "value": {"string": value}} for key, value in values.items()]


def define(
    *, scope: Scope, by: Actor, now: datetime, target: PropertyTarget, key: str, name: str, is_secret: bool = False
) -> CustomProperty:
    """Define a property. Raises InvalidRequest for a bad key or name, Conflict for a known key or an eleventh one."""
    if not _KEY.fullmatch(key):
        raise InvalidRequest(_("키는 영문, 숫자, 밑줄로 64자까지 쓸 수 있어요."), field="key")
    row = CustomProperty(**scope.filters(), target=target, key=key, name=_name(name), is_secret=is_secret)
    row.created_at = now
    with transaction.atomic():
        _locks.by_name(scope, [f"properties:{target.value}"])
        known = {one.key for one in defined(scope, target)}
        if key in known:
            raise Conflict(_("이미 정의한 키예요: %(key)s") % {"key": key})
        if len(known) >= MOST:
            raise Conflict(_("속성은 %(most)d개까지 정의할 수 있어요.") % {"most": MOST})
        row.save(force_insert=True)
        _record(row, by, "defined", after=_told(row))
    return row


def rename(*, scope: Scope, by: Actor, target: PropertyTarget, key: str, name: str) -> CustomProperty:
    """Give a property another name. Raises NotFound, InvalidRequest."""
    return _change(scope, by, target, key, {"name": _name(name)})


def set_secret(*, scope: Scope, by: Actor, target: PropertyTarget, key: str, is_secret: bool) -> CustomProperty:
    """Show a property to everybody, or to owners and admins only. Raises NotFound."""
    return _change(scope, by, target, key, {"is_secret": is_secret})


def remove(*, scope: Scope, by: Actor, target: PropertyTarget, key: str) -> None:
    """
    Take a property away; partners lose its values, records keep theirs as they were recorded.

    Raises NotFound.
    """
    with transaction.atomic():
        row = _lock(scope, target, key)
        lost = _forget(scope, key) if target is PropertyTarget.PARTNER else 0
        _record(row, by, "removed", before=_told(row) | {"values": lost})
        row.delete()


def _forget(scope: Scope, key: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "update settlement_partner set user_defined_properties = user_defined_properties - %(key)s::text"
            " where merchant_id = %(merchant_id)s and is_test = %(is_test)s and user_defined_properties ? %(key)s",
            {"key": key, **scope.filters()},
        )
        return int(cursor.rowcount)


def _change(scope: Scope, by: Actor, target: PropertyTarget, key: str, columns: Mapping[str, object]) -> CustomProperty:
    with transaction.atomic():
        row = _lock(scope, target, key)
        before = _told(row)
        for name, value in columns.items():
            setattr(row, name, value)
        if _told(row) != before:
            row.save(update_fields=list(columns))
            _record(row, by, "changed", before=before, after=_told(row))
    return row


def _lock(scope: Scope, target: PropertyTarget, key: str) -> CustomProperty:
    found = CustomProperty.objects.within(scope).filter(target=target, key=key).select_for_update().first()
    if found is None:
        raise NotFound
    return found


def _name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise InvalidRequest(_("이름은 1자부터 100자까지 쓸 수 있어요."), field="name")
    return name


def _told(row: CustomProperty) -> dict[str, object]:
    return {"target": str(row.target), "key": row.key, "name": row.name, "is_secret": row.is_secret}


def _record(row: CustomProperty, by: Actor, verb: str, **told: Mapping[str, object]) -> None:
    audit.record(
        scope=row.scope,
        by=by,
        action=f"custom_property.{verb}",
        kind="custom_property",
        object_id=row.key,
        before=told.get("before"),
        after=told.get("after"),
    )
