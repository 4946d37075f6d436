"""Days on which banks are closed, as people keep them. Settlement dates that are computed already stay."""

from datetime import date

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access import audit
from core.actor import Actor
from core.errors import Conflict, NotFound
from core.scope import Scope
from ledger.posting import refused_by
from settlement.models import Holiday

KIND = "holiday"


def add(*, scope: Scope, by: Actor, day: date, name: str) -> Holiday:
    """Add a day. Raises Conflict when it is there already."""
    with transaction.atomic():
        try:
            with transaction.atomic():
                holiday = Holiday.objects.create(**scope.filters(), day=day, name=name, added_by=str(by)[:200])
        except IntegrityError as error:
            if refused_by(error) != "settlement_holiday_once":
                raise
            raise Conflict(_("이미 휴일인 날이에요."), field="day") from error
        _record(scope, by, "holiday.added", day, name)
    return holiday


def remove(*, scope: Scope, by: Actor, day: date) -> None:
    """Remove a day. Raises NotFound when it is not there."""
    with transaction.atomic():
        holiday = Holiday.objects.within(scope).filter(day=day).select_for_update().first()
        if holiday is None:
            raise NotFound
        name = holiday.name
        holiday.delete()
        _record(scope, by, "holiday.removed", day, name)


def _record(scope: Scope, by: Actor, action: str, day: date, name: str) -> None:
    audit.record(scope=scope, by=by, action=action, kind=KIND, object_id=day.isoformat(), after={"name": name})
