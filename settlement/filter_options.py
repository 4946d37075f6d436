"""What the lists of partners and discount share policies may be filtered by: the values in use."""

from django.db.models import F, Func, QuerySet

from core.scope import Scope
from settlement.models import DiscountSharePolicy, Partner


def partners_in_use(scope: Scope, *, archived: bool | None) -> QuerySet[Partner]:
    """Return the partners of a scope: all, the archived ones or the others."""
    rows = Partner.objects.within(scope)
    return rows if archived is None else rows.filter(is_archived=archived)


def tags(rows: QuerySet[Partner]) -> list[str]:
    """Return the tags of partners, each once, in order."""
    found = rows.annotate(tag=Func(F("tags"), function="unnest")).values_list("tag", flat=True).distinct()
    return sorted(found)


def contracts(rows: QuerySet[Partner]) -> list[tuple[str, str]]:
    """Return id and name of the default contracts of partners, each once, by name."""
    named = rows.values_list("default_contract__public_id", "default_contract__current__name").distinct()
    return sorted(named, key=lambda one: (one[1], one[0]))


def share_rates(scope: Scope, *, archived: bool | None) -> list[int]:
    """Return the share rates of discount share policies, each once, rising."""
    rows = DiscountSharePolicy.objects.within(scope).filter(current__isnull=False)
    if archived is not None:
        rows = rows.filter(is_archived=archived)
    return sorted(rows.values_list("current__partner_share_rate", flat=True).distinct())
