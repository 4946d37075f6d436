"""Settings of one merchant and environment."""

from django.db import transaction

from access import audit
from core.actor import Actor
from core.scope import Scope
from settlement.models import Setting
from settlement.operations.environment import open_environment

# What may be changed, as the names of the columns.
CHANGEABLE = frozenset(
    {
        "default_withdrawal_memo",
        "default_deposit_memo",
        "supports_multiple_order_transfers_per_partner",
        "adjust_settlement_date_after_holiday_if_earlier",
        "deduct_wht",
        "settlement_amount_type",
        "manual_settlement_per_transfer",
    }
)


def current(scope: Scope) -> Setting:
    """Return the settings; the first use of an environment makes them, with its holidays."""
    return Setting.objects.within(scope).first() or open_environment(scope)


def change(*, scope: Scope, by: Actor, **values: object) -> Setting:
    """
    Change the settings named by keyword, columns of `Setting`; the others stay.

    Payouts keep the settings they were made with, and records their amounts.
    """
    unknown = values.keys() - CHANGEABLE
    if unknown:
        message = f"no such settings: {', '.join(sorted(unknown))}"
        raise TypeError(message)
    current(scope)
    with transaction.atomic():
        setting = Setting.objects.within(scope).select_for_update().get()
        before = {name: getattr(setting, name) for name in values if getattr(setting, name) != values[name]}
        if not before:
            return setting
        for name in before:
            setattr(setting, name, values[name])
        setting.save(update_fields=list(before))
        audit.record(
            scope=scope,
            by=by,
            action="setting.changed",
            kind="setting",
            object_id="",
            before=before,
            after={name: values[name] for name in before},
        )
    return setting
