"""The uploads of the set-up: one row is one row of a table, added or changed by its key."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, ClassVar, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy, ngettext

from access.roles import ApiScope, Permission
from console.columns import Kind, Label
from console.uploads import Checked, Field, Loaded, Problem, Progress, Rejected, Row, UploadKind, Verdict
from core.actor import Actor
from core.scope import Scope, ScopedModel
from matching import queries
from matching.engine.policies import is_too_weak
from matching.engine.terms import Policy
from matching.facts import company as rules_of
from matching.models import (
    NAME_LENGTH,
    UNIT_LENGTH,
    EntryPolicy,
    ExchangeRate,
    Item,
    PolicyEntry,
    PriceTolerance,
    UnitConversion,
    Vendor,
)
from matching.operations import company
from matching.uploads import cells, lookups, refused
from matching.uploads.documents import absent, given, named, rejection
from settlement.models import Partner

Key = tuple[object, ...]
_EVERY: Final = 200
_POLICIES: Mapping[str, str] = {str(label): str(value) for value, label in EntryPolicy.choices}
_GROUP: Final = Field(
    "price_tolerance_group", gettext_lazy("가격 허용 오차 그룹"), "price_tolerance_group", max=NAME_LENGTH
)
_NAME: Final = Field("name", gettext_lazy("이름"), "name", max=NAME_LENGTH)


class SetupUpload(UploadKind):
    """Base of the kinds; `key` names the columns that say which row is meant."""

    api_scope = ApiScope.MATCHING_WRITE
    permission = Permission.MANAGE
    messages: ClassVar[Mapping[str, Label]] = {**refused.MESSAGES, **cells.MESSAGES}
    done_label = gettext_lazy("저장하기")
    page: ClassVar[str]
    key: ClassVar[tuple[str, ...]]

    def stored(self, scope: Scope) -> Mapping[Key, Mapping[str, object]]:
        """Return what is there: by key, the cells as a file would say them."""
        raise NotImplementedError

    def wrong(self, scope: Scope, rows: Sequence[Row]) -> Iterator[Problem]:
        """Yield what names something that is not there, or breaks a rule."""
        raise NotImplementedError

    def keep(self, scope: Scope, by: Actor, now: datetime, values: Mapping[str, Any]) -> object:
        """Add the row, or change it."""
        raise NotImplementedError

    def check(self, scope: Scope, rows: Sequence[Row]) -> Checked:
        """Look up what the rows name, and compare them with each other and with what is there."""
        problems = [*self._doubled(rows), *self.wrong(scope, rows)]
        return Checked(problems, self._verdicts(scope, rows))

    def load(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime) -> Loaded:
        """Keep every row that says something new."""
        return self.load_and_tell(scope, rows, by, now, lambda _done: None)

    def load_and_tell(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime, progress: Progress) -> Loaded:
        """Keep every row that says something new, and tell how far it is. Raises Rejected."""
        names = frozenset(field.name for field in self.fields)
        verdicts = self._verdicts(scope, rows)
        changed = [row for row in rows if verdicts[row.number] is not Verdict.SAME]
        for place, row in enumerate(changed, start=1):
            problem = refused.attempt(row, names, self._keeping(scope, by, now, row))
            if problem is not None:
                raise Rejected(rejection(self, len(rows), problem))
            if place % _EVERY == 0:
                progress(place)
        count = len(changed)
        message = ngettext("%(count)s건을 저장했어요.", "%(count)s건을 저장했어요.", count) % {"count": f"{count:,}"}
        return Loaded(count, message, reverse(self.page))

    def _keeping(self, scope: Scope, by: Actor, now: datetime, row: Row) -> Callable[[], object]:
        return lambda: self.keep(scope, by, now, row.values)

    def _key(self, row: Row) -> Key:
        return tuple(row.values.get(name) for name in self.key)

    def _doubled(self, rows: Sequence[Row]) -> Iterator[Problem]:
        seen: dict[Key, int] = {}
        for row in rows:
            first = seen.setdefault(self._key(row), row.number)
            if first != row.number:
                yield Problem(row.number, self.key[0], "twice_in_file", {"row": first})

    def _verdicts(self, scope: Scope, rows: Sequence[Row]) -> dict[int, Verdict]:
        stored = self.stored(scope)
        found = {}
        for row in rows:
            kept = stored.get(self._key(row))
            same = kept is not None and all(kept[name] == value for name, value in row.values.items())
            found[row.number] = Verdict.SAME if same else Verdict.CHANGED if kept is not None else Verdict.NEW
        return found


def _row(row: ScopedModel, names: Sequence[str]) -> dict[str, object]:
    return {name: getattr(row, name) for name in names}


# ---- Vendors and items


class VendorUpload(SetupUpload):
    """Vendors."""

    kind = "vendors"
    title = gettext_lazy("공급사 등록")
    page = "matching:vendors"
    key = ("account",)
    guide = (gettext_lazy("있는 공급사는 적은 칸만 바뀌어요. 비운 칸은 그대로예요."),)
    fields = (
        cells.id_field(
            "account", gettext_lazy("공급사 계정"), "vendor_account", required=True, samples=("V-001", "V-002")
        ),
        _NAME,
        Field(
            "currency",
            gettext_lazy("통화"),
            "currency",
            max=3,
            parse=cells.read_currency,
            samples=("KRW", "USD"),
            note=gettext_lazy("새 공급사에서 비우면 KRW예요."),
        ),
        _GROUP,
        cells.id_field("invoice_account", gettext_lazy("지급받는 공급사"), "invoice_account"),
        cells.id_field("partner", gettext_lazy("파트너 아이디"), "partner_id"),
        Field("payment_days", gettext_lazy("지급 조건(일)"), "payment_days", kind=Kind.COUNT, samples=("30", "")),
    )
    messages = {**SetupUpload.messages, "too_many_days": gettext_lazy("3,650일까지 쓸 수 있어요.")}

    def stored(self, scope: Scope) -> Mapping[Key, Mapping[str, object]]:
        """Return vendors by account."""
        names = ("account", "name", "currency", "price_tolerance_group", "invoice_account", "payment_days")
        rows = Vendor.objects.within(scope).select_related("partner")
        return {
            (row.account,): _row(row, names) | {"partner": row.partner.public_id if row.partner else None}
            for row in rows
        }

    def wrong(self, scope: Scope, rows: Sequence[Row]) -> Iterator[Problem]:
        """Yield partners that are not there, and terms that are too long."""
        partners = Partner.objects.within(scope).filter(public_id__in=named(rows, "partner"))
        known = set(partners.values_list("public_id", flat=True))
        yield from absent(rows, "partner", known, "partner_not_found")
        for row in rows:
            if row.values.get("payment_days", 0) > _MOST_DAYS:
                yield Problem(row.number, "payment_days", "too_many_days")

    def keep(self, scope: Scope, by: Actor, now: datetime, values: Mapping[str, Any]) -> object:
        """Add or change a vendor."""
        fields = {name: value for name, value in values.items() if name != "account"}
        return company.save_vendor(scope=scope, by=by, now=now, account=values["account"], fields=fields)


_MOST_DAYS: Final = 3_650


class ItemUpload(SetupUpload):
    """Items."""

    kind = "items"
    title = gettext_lazy("품목 등록")
    page = "matching:items"
    key = ("number",)
    guide = (gettext_lazy("있는 품목은 적은 칸만 바뀌어요. 비운 칸은 그대로예요."),)
    fields = (
        cells.id_field(
            "number", gettext_lazy("품목 번호"), "item_number", required=True, samples=("ITEM-001", "ITEM-002")
        ),
        _NAME,
        Field(
            "unit",
            gettext_lazy("단위"),
            "unit",
            max=UNIT_LENGTH,
            samples=("ea", "box"),
            note=gettext_lazy("구매 단위예요. 새 품목에서 비우면 ea예요."),
        ),
        _GROUP,
        cells.yes_field("receiving_requirement", gettext_lazy("입고 필요"), "receiving_requirement"),
        cells.percent_field("over_delivery_percent", gettext_lazy("초과 입고 한도"), "over_delivery_percent"),
        cells.percent_field("under_delivery_percent", gettext_lazy("미달 입고 한도"), "under_delivery_percent"),
    )

    def stored(self, scope: Scope) -> Mapping[Key, Mapping[str, object]]:
        """Return items by number."""
        names = ("number", "name", "unit", "price_tolerance_group", "over_delivery_percent", "under_delivery_percent")
        return {
            (row.number,): _row(row, names) | {"receiving_requirement": "yes" if row.receiving_requirement else "no"}
            for row in Item.objects.within(scope)
        }

    def wrong(self, scope: Scope, rows: Sequence[Row]) -> Iterator[Problem]:
        """Yield nothing: a row names nothing but itself."""
        del scope, rows
        yield from ()

    def keep(self, scope: Scope, by: Actor, now: datetime, values: Mapping[str, Any]) -> object:
        """Add or change an item."""
        fields = {name: value for name, value in values.items() if name != "number"}
        if "receiving_requirement" in fields:
            fields["receiving_requirement"] = fields["receiving_requirement"] == "yes"
        return company.save_item(scope=scope, by=by, now=now, number=values["number"], fields=fields)


# ---- Units and rates


class ConversionUpload(SetupUpload):
    """Unit conversions."""

    kind = "unit-conversions"
    title = gettext_lazy("단위 환산 등록")
    page = "matching:conversions"
    key = ("item", "from_unit", "to_unit")
    fields = (
        cells.id_field(
            "item",
            gettext_lazy("품목 번호"),
            "item_number",
            samples=("ITEM-001", ""),
            note=gettext_lazy("비우면 모든 품목의 환산이에요."),
        ),
        Field("from_unit", gettext_lazy("단위"), "from_unit", required=True, max=UNIT_LENGTH, samples=("box", "dozen")),
        Field("to_unit", gettext_lazy("바꿀 단위"), "to_unit", required=True, max=UNIT_LENGTH, samples=("ea", "ea")),
        Field(
            "factor",
            gettext_lazy("환산 비율"),
            "factor",
            required=True,
            parse=cells.read_factor,
            samples=("24", "12"),
            note=gettext_lazy("단위 1이 바꿀 단위로 얼마인지 적어 주세요. 1/12처럼 적어도 돼요."),
        ),
    )

    def stored(self, scope: Scope) -> Mapping[Key, Mapping[str, object]]:
        """Return conversions by item and units."""
        return {
            (row.item.number if row.item else None, row.from_unit, row.to_unit): {
                "item": row.item.number if row.item else None,
                "from_unit": row.from_unit,
                "to_unit": row.to_unit,
                "factor": Fraction(row.numerator, row.denominator),
            }
            for row in UnitConversion.objects.within(scope).select_related("item")
        }

    def wrong(self, scope: Scope, rows: Sequence[Row]) -> Iterator[Problem]:
        """Yield items that are not there."""
        yield from absent(rows, "item", lookups.items(scope, named(rows, "item")), "item_not_found")

    def keep(self, scope: Scope, by: Actor, now: datetime, values: Mapping[str, Any]) -> object:
        """Set a conversion."""
        return company.save_conversion(
            scope=scope,
            by=by,
            now=now,
            item=values.get("item"),
            **given(values, ("from_unit", "to_unit", "factor")),
        )


class RateUpload(SetupUpload):
    """Exchange rates."""

    kind = "exchange-rates"
    title = gettext_lazy("환율 등록")
    page = "matching:exchange-rates"
    key = ("from_currency", "to_currency", "date")
    fields = (
        Field(
            "from_currency",
            gettext_lazy("통화"),
            "from_currency",
            required=True,
            max=3,
            parse=cells.read_currency,
            samples=("USD", "JPY"),
        ),
        Field(
            "to_currency",
            gettext_lazy("바꿀 통화"),
            "to_currency",
            required=True,
            max=3,
            parse=cells.read_currency,
            samples=("KRW", "KRW"),
        ),
        Field(
            "date",
            gettext_lazy("적용일"),
            "date",
            required=True,
            kind=Kind.DATE,
            samples=("2026-12-01", "2026-12-01"),
        ),
        cells.figure_field(
            "rate",
            gettext_lazy("환율"),
            "rate",
            required=True,
            parse=cells.read_rate,
            samples=("1320.5", "8.9"),
            note=gettext_lazy("통화 1이 바꿀 통화로 얼마인지 적어 주세요."),
        ),
    )

    def stored(self, scope: Scope) -> Mapping[Key, Mapping[str, object]]:
        """Return rates by currencies and day."""
        names = ("from_currency", "to_currency", "date", "rate")
        return {
            (row.from_currency, row.to_currency, row.date): _row(row, names)
            for row in ExchangeRate.objects.within(scope)
        }

    def wrong(self, scope: Scope, rows: Sequence[Row]) -> Iterator[Problem]:
        """Yield nothing: a row names nothing but itself."""
        del scope, rows
        yield from ()

    def keep(self, scope: Scope, by: Actor, now: datetime, values: Mapping[str, Any]) -> object:
        """Set a rate."""
        fields = given(values, ("from_currency", "to_currency", "rate"))
        return company.save_exchange_rate(scope=scope, by=by, now=now, on=values["date"], **fields)


# ---- Tolerances and policies


class PriceToleranceUpload(SetupUpload):
    """Price tolerances."""

    kind = "price-tolerances"
    title = gettext_lazy("가격 허용 오차 등록")
    page = "matching:price-tolerances"
    key = ("item", "vendor")
    guide = (gettext_lazy("품목과 공급사는 table:이름, group:그룹, all 가운데 하나로 적어 주세요."),)
    fields = (
        cells.id_field("item", gettext_lazy("품목"), "item", required=True, samples=("table:ITEM-001", "group:소모품")),
        cells.id_field("vendor", gettext_lazy("공급사"), "vendor", required=True, samples=("table:V-001", "all")),
        cells.percent_field("percent", gettext_lazy("허용 오차(%)"), "percent", required=True, samples=("5", "2.5")),
    )
    messages = {
        **SetupUpload.messages,
        "not_a_code": gettext_lazy("table:이름, group:그룹, all 가운데 하나로 적어 주세요."),
    }

    def stored(self, scope: Scope) -> Mapping[Key, Mapping[str, object]]:
        """Return tolerances by their two codes."""
        return {
            (row.item_code, row.account_code): {
                "item": row.item_code,
                "vendor": row.account_code,
                "percent": row.percent,
            }
            for row in PriceTolerance.objects.within(scope).select_related("item", "vendor")
        }

    def wrong(self, scope: Scope, rows: Sequence[Row]) -> Iterator[Problem]:
        """Yield codes that are none, and items and vendors that are not there."""
        for name, known, code in (
            ("item", lookups.items(scope, _of_tables(rows, "item")), "item_not_found"),
            ("vendor", lookups.vendors(scope, _of_tables(rows, "vendor")), "vendor_not_found"),
        ):
            for row in rows:
                kind, _colon, found = row.values[name].partition(":")
                if row.values[name] != "all" and (kind not in {"table", "group"} or not found):
                    yield Problem(row.number, name, "not_a_code")
                elif kind == "table" and found not in known:
                    yield Problem(row.number, name, code)

    def keep(self, scope: Scope, by: Actor, now: datetime, values: Mapping[str, Any]) -> object:
        """Set a tolerance."""
        return company.save_price_tolerance(scope=scope, by=by, now=now, **given(values, ("item", "vendor", "percent")))


def _of_tables(rows: Sequence[Row], name: str) -> set[str]:
    return {text.removeprefix("table:") for text in named(rows, name) if text.startswith("table:")}


class PolicyUpload(SetupUpload):
    """Matching policies."""

    kind = "matching-policies"
    title = gettext_lazy("매칭 정책 등록")
    page = "matching:policies"
    key = ("item", "vendor")
    guide = (gettext_lazy("품목만, 공급사만, 또는 둘 다 적어 주세요."),)
    fields = (
        cells.id_field("item", gettext_lazy("품목 번호"), "item_number", samples=("ITEM-001", "")),
        cells.id_field("vendor", gettext_lazy("공급사 계정"), "vendor_account", samples=("", "V-001")),
        Field(
            "policy",
            gettext_lazy("매칭 정책"),
            "matching_policy",
            required=True,
            choices=_POLICIES,
            samples=("3방향", "양방향"),
        ),
    )
    messages = {**SetupUpload.messages, "item_or_vendor": gettext_lazy("품목이나 공급사를 적어 주세요.")}

    def stored(self, scope: Scope) -> Mapping[Key, Mapping[str, object]]:
        """Return policies by item and vendor."""
        found: dict[Key, Mapping[str, object]] = {}
        for row in PolicyEntry.objects.within(scope).select_related("item", "vendor"):
            item = row.item.number if row.item else None
            vendor = row.vendor.account if row.vendor else None
            found[item, vendor] = {"item": item, "vendor": vendor, "policy": row.policy}
        return found

    def wrong(self, scope: Scope, rows: Sequence[Row]) -> Iterator[Problem]:
        """Yield rows for nothing, items and vendors that are not there, and policies that are too weak."""
        yield from absent(rows, "item", lookups.items(scope, named(rows, "item")), "item_not_found")
        yield from absent(rows, "vendor", lookups.vendors(scope, named(rows, "vendor")), "vendor_not_found")
        rules, verdicts = rules_of(queries.parameters(scope)), self._verdicts(scope, rows)
        for row in rows:
            policy = row.values["policy"]
            if "item" not in row.values and "vendor" not in row.values:
                yield Problem(row.number, "item", "item_or_vendor")
            wanted = None if policy == EntryPolicy.COMPANY else Policy(policy)
            if verdicts[row.number] is not Verdict.SAME and is_too_weak(wanted, rules):
                yield Problem(row.number, "policy", "policy_too_weak")

    def keep(self, scope: Scope, by: Actor, now: datetime, values: Mapping[str, Any]) -> object:
        """Set a policy."""
        item, vendor = values.get("item"), values.get("vendor")
        return company.save_policy(scope=scope, by=by, now=now, item=item, vendor=vendor, policy=values["policy"])


KINDS: Final = (
    VendorUpload(),
    ItemUpload(),
    ConversionUpload(),
    RateUpload(),
    PriceToleranceUpload(),
    PolicyUpload(),
)
