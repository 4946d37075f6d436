"""What the pages of the set-up read: ranks of tolerances, the search for one, groups and who is in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When

from core.scope import Scope
from matching import facts, queries
from matching.engine import terms
from matching.engine.policies import is_too_weak
from matching.engine.tolerances import path, price_tolerance
from matching.models import EntryPolicy, Item, Parameters, Policy, PolicyEntry, PriceTolerance, Vendor

_SHOWN_MEMBERS = 8


def ranked_tolerances(scope: Scope) -> QuerySet[PriceTolerance]:
    """Return the price tolerances with `step`: 1 to 9, the place of the row's kind in the search."""
    item = Case(
        When(item__isnull=False, then=Value(0)),
        When(~Q(item_group=""), then=Value(3)),
        default=Value(6),
        output_field=IntegerField(),
    )
    vendor = Case(
        When(vendor__isnull=False, then=Value(1)),
        When(~Q(vendor_group=""), then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    return PriceTolerance.objects.within(scope).annotate(step=item + vendor)


@dataclass(frozen=True, slots=True)
class Tried:
    """The search for the price tolerance of an item and a vendor: every row asked for, the last of them found."""

    asked: Sequence[str]
    found: str
    percent: Fraction
    skipped: Sequence[str]


def tried(scope: Scope, item: str, vendor: str) -> Tried:
    """Search the price tolerance of an item (or none) and a vendor. Raises NotFound."""
    bought = queries.find_item(scope, item) if item else None
    seller = queries.find_vendor(scope, vendor)
    rows = (
        PriceTolerance.objects.within(scope)
        .filter(Q(item=bought) | Q(item__isnull=True), Q(vendor=seller) | Q(vendor__isnull=True))
        .select_related("item", "vendor")
    )
    names = {
        "item": bought.number if bought else "",
        "item_group": bought.price_tolerance_group if bought else "",
        "vendor": seller.account,
        "vendor_group": seller.price_tolerance_group,
    }
    known = {(row.item_code, row.account_code): Fraction(row.percent) for row in rows}
    hit = price_tolerance(known, **names)
    every = [f"{left} / {right}" for left, right in path(**names)]
    return Tried(hit.path, hit.source, hit.percent, every[len(hit.path) + 1 :])


@dataclass
class Group:
    """A price tolerance group: how many belong to it, some of them, and how many tolerances name it."""

    name: str
    count: int = 0
    some: list[str] = field(default_factory=list)
    tolerances: int = 0


def groups(scope: Scope) -> tuple[list[Group], list[Group]]:
    """Return the groups of items and of vendors, those included that only a tolerance names."""
    tolerances = PriceTolerance.objects.within(scope)
    items = _groups(Item.objects.within(scope), "number", tolerances, "item_group")
    return items, _groups(Vendor.objects.within(scope), "account", tolerances, "vendor_group")


def _groups(
    members: "QuerySet[Item] | QuerySet[Vendor]", key: str, tolerances: QuerySet[PriceTolerance], named: str
) -> list[Group]:
    used = members.exclude(price_tolerance_group="")
    found: dict[str, Group] = {}
    for name, count in used.values_list("price_tolerance_group").annotate(n=Count("pk")).order_by():
        found[name] = Group(name, count)
    for name, count in tolerances.exclude(**{named: ""}).values_list(named).annotate(n=Count("pk")).order_by():
        found.setdefault(name, Group(name)).tolerances = count
    for group in found.values():
        mine = used.filter(price_tolerance_group=group.name).order_by(key)
        group.some = list(mine.values_list(key, flat=True)[:_SHOWN_MEMBERS]) if group.count else []
    return [found[name] for name in sorted(found)]


def policy_rows(scope: Scope, parameters: Parameters) -> QuerySet[PolicyEntry]:
    """Return the policy entries with `place` (1 item and vendor, 2 item, 3 vendor) and `counts`, what is in force."""
    place = Case(
        When(item__isnull=False, vendor__isnull=False, then=Value(1)),
        When(item__isnull=False, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    company = facts.company(parameters)
    weak = [policy.value for policy in Policy if is_too_weak(terms.Policy(policy.value), company)]
    counts = Case(When(policy__in=[*weak, EntryPolicy.COMPANY], then=Value("")), default=F("policy"))
    return PolicyEntry.objects.within(scope).annotate(place=place, counts=counts)
