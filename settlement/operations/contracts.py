"""Contracts: commission, VAT and the cycle a partner is settled by."""

from datetime import datetime

from core.actor import Actor
from core.scope import Scope
from settlement import terms
from settlement.dates import Cycle, check_cycle
from settlement.models import Contract
from settlement.operations.policies import CONTRACT, FeeInput, archive_policy, change_policy, create_policy, given
from settlement.refusals import translated


def create(
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    name: str,
    fee: FeeInput,
    vat_payer: str,
    cycle: Cycle,
    subtract_payment_vat: bool = False,
    public_id: str = "",
    memo: str = "",
) -> Contract:
    """Make a contract. Raises CONTRACT_ALREADY_EXISTS, InvalidRequest for a cycle that names no day."""
    with translated():
        check_cycle(cycle)
    columns = {"name": name, "memo": memo, "vat_payer": vat_payer, "subtract_payment_vat": subtract_payment_vat}
    columns |= fee.columns() | terms.cycle_columns(cycle)
    return create_policy(CONTRACT, scope=scope, by=by, now=now, public_id=public_id, columns=columns)


def change(
    *,
    scope: Scope,
    by: Actor,
    now: datetime,
    public_id: str,
    name: str | None = None,
    fee: FeeInput | None = None,
    vat_payer: str | None = None,
    cycle: Cycle | None = None,
    subtract_payment_vat: bool | None = None,
    memo: str | None = None,
) -> Contract:
    """
    Change what is given for start dates from today on; earlier ones keep the version they have.

    Raises CONTRACT_NOT_FOUND, ARCHIVED_CONTRACT, InvalidRequest for a cycle that names no day.
    """
    columns = changed_columns(
        name=name, memo=memo, fee=fee, vat_payer=vat_payer, cycle=cycle, subtract_payment_vat=subtract_payment_vat
    )
    return change_policy(CONTRACT, scope=scope, by=by, now=now, public_id=public_id, columns=columns)


def changed_columns(
    *,
    name: str | None = None,
    fee: FeeInput | None = None,
    vat_payer: str | None = None,
    cycle: Cycle | None = None,
    subtract_payment_vat: bool | None = None,
    memo: str | None = None,
) -> dict[str, object]:
    """Return the version columns of what is given. Raises InvalidRequest for a cycle that names no day."""
    columns = given(name=name, memo=memo, vat_payer=vat_payer, subtract_payment_vat=subtract_payment_vat)
    columns |= fee.columns() if fee else {}
    if cycle is not None:
        with translated():
            check_cycle(cycle)
        columns |= terms.cycle_columns(cycle)
    return columns


def archive(*, scope: Scope, by: Actor, public_id: str) -> Contract:
    """Archive a contract; partners and records that refer to it go on."""
    return archive_policy(CONTRACT, scope=scope, by=by, public_id=public_id, archived=True)


def recover(*, scope: Scope, by: Actor, public_id: str) -> Contract:
    """Bring an archived contract back."""
    return archive_policy(CONTRACT, scope=scope, by=by, public_id=public_id, archived=False)
