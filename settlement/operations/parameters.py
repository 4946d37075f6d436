"""Numbers that orders may bring along for formulas: their keys, names and default values."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access import audit
from core.actor import Actor
from core.errors import Conflict, InvalidRequest
from core.scope import Scope
from ledger.posting import refused_by
from settlement import calculators, formulas, terms
from settlement.calculation import ParameterValue
from settlement.formulas import KeyWrong
from settlement.models import SettlementParameter
from settlement.operations import _locks
from settlement.refusals import parameter_not_found

KIND = "settlement_parameter"
MOST = 50
# Parameters and versions of the calculation name each other's keys: they change one at a time.
LOCK = "calculator"


class ParameterInUse(Conflict):
    """A formula uses the parameter."""

    code = "SETTLEMENT_PARAMETER_IN_USE"


class KeyTaken(Conflict):
    """Another parameter or an own formula has this key."""

    code = "SETTLEMENT_PARAMETER_KEY_TAKEN"


def define(*, scope: Scope, by: Actor, key: str, name: str, default: ParameterValue) -> SettlementParameter:
    """Define a parameter. Raises InvalidRequest for a key that cannot be one, KeyTaken for one that is taken."""
    if wrong := formulas.key_problem(key):
        raise InvalidRequest(_wrong_key(wrong), field="key")
    with transaction.atomic():
        _locks.by_name(scope, [LOCK])
        if calculators.parameters(scope).count() >= MOST:
            raise InvalidRequest(_("파라미터는 %(most)s개까지 정의할 수 있어요.") % {"most": MOST}, field="key")
        for version in calculators.versions(scope):
            if key in [item.key for item in terms.own_formulas(version)]:
                raise KeyTaken(_("같은 키의 계산식이 있어요."), field="key")
        values = {"key": key, "name": name, "decimal": default.decimal, "scale": default.scale}
        try:
            with transaction.atomic():
                made = SettlementParameter.objects.create(**scope.filters(), **values)
        except IntegrityError as error:
            if refused_by(error) != "settlement_parameter_key":
                raise
            raise KeyTaken(_("이미 정의한 키예요."), field="key") from error
        _tell(scope, by, "added", made, None, _facts(made))
    return made


def change(*, scope: Scope, by: Actor, key: str, name: str, default: ParameterValue) -> SettlementParameter:
    """
    Change a parameter's name and default; records keep the values they were computed with.

    Raises SETTLEMENT_PARAMETER_NOT_FOUND.
    """
    with transaction.atomic():
        row = _locked(scope, key)
        before = _facts(row)
        row.name, row.decimal, row.scale = name, default.decimal, default.scale
        if before != _facts(row):
            row.save(update_fields=["name", "decimal", "scale"])
            _tell(scope, by, "changed", row, before, _facts(row))
    return row


def remove(*, scope: Scope, by: Actor, key: str) -> None:
    """Remove a parameter. Raises SETTLEMENT_PARAMETER_NOT_FOUND, and ParameterInUse where a formula uses it."""
    with transaction.atomic():
        _locks.by_name(scope, [LOCK])
        row = _locked(scope, key)
        # Earlier versions too: an order transferred late is computed by the one that counted on its start date.
        users = [one.number for one in calculators.versions(scope) if key in terms.names_used_by(one)]
        if users:
            numbers = ", ".join(f"v{number}" for number in users)
            raise ParameterInUse(_("계산식이 쓰고 있어서 지울 수 없어요: %(versions)s") % {"versions": numbers})
        _tell(scope, by, "removed", row, _facts(row), None)
        row.delete()


def _locked(scope: Scope, key: str) -> SettlementParameter:
    row = SettlementParameter.objects.within(scope).filter(key=key).select_for_update().first()
    if row is None:
        raise parameter_not_found(key)
    return row


def _wrong_key(wrong: KeyWrong) -> str:
    if wrong is KeyWrong.RESERVED:
        return _("계산식의 변수나 함수와 같은 키는 쓸 수 없어요.")
    return _("키는 영문자나 밑줄로 시작하고 영문자, 숫자, 밑줄만 64자까지 쓸 수 있어요.")


def _facts(row: SettlementParameter) -> dict[str, object]:
    return {"name": row.name, "default": ParameterValue(row.decimal, row.scale).text}


def _tell(
    scope: Scope,
    by: Actor,
    verb: str,
    row: SettlementParameter,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
) -> None:
    audit.record(
        scope=scope,
        by=by,
        action=f"settlement_parameter.{verb}",
        kind=KIND,
        object_id=row.key,
        before=before,
        after=after,
    )
