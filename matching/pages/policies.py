"""매칭 정책: how much the order lines of an item or a vendor have to be matched with."""

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Column, Kind, Row
from console.filters import ChoiceFilter, Keyword, KeywordFilter
from console.lists import MainAction
from core.actor import Actor
from core.scope import Scope
from matching import queries
from matching.models import EntryPolicy, Override, Policy, PolicyEntry, PolicyFrom
from matching.operations import company
from matching.pages import fields, setup_reads
from matching.pages.setup import SetupForm, SetupList, SetupView

_LEVELS = {
    PolicyFrom.ITEM_AND_VENDOR.value: Q(item__isnull=False, vendor__isnull=False),
    PolicyFrom.ITEM.value: Q(item__isnull=False, vendor__isnull=True),
    PolicyFrom.VENDOR.value: Q(item__isnull=True, vendor__isnull=False),
}
_BY_PLACE = dict(enumerate(_LEVELS, 1))


def _any_level(levels: Any) -> Q:
    wanted = Q(pk__in=())
    for level in levels:
        wanted |= _LEVELS[level]
    return wanted


def _level(row: Row) -> str:
    place = row["place"]
    return str(PolicyFrom(_BY_PLACE[place]).label) if isinstance(place, int) else ""


class PolicyList(SetupList):
    """The policy entries, in the order they are searched."""

    slug = "matching-policies"
    url_name = "matching:policies"
    edit_name = "matching:policy-edit"
    title = pgettext_lazy("list", "매칭 정책")
    intro = _("발주 라인을 만들 때 품목과 공급사, 품목, 공급사, 회사 차례로 찾아서 처음 나온 정책을 라인에 적어 둬요.")
    template = "matching/setup_policies.html"
    main_action = MainAction(_("매칭 정책 등록하기"), "matching:policy-new", Permission.MANAGE)
    order = ("place", "id")
    id_key = "id"
    columns = (
        Column("level", _("수준"), value=_level),
        Column("item__number", _("품목 번호"), Kind.ID),
        Column("item__name", _("품목 이름")),
        Column("vendor__account", _("공급사 계정"), Kind.ID),
        Column("vendor__name", _("공급사 이름")),
        Column("policy_word", _("매칭 정책"), value=lambda row: str(EntryPolicy(str(row["policy"])).label)),
        Column(
            "counts_word",
            _("적용되는 정책"),
            value=lambda row: str(EntryPolicy(str(row["counts"] or EntryPolicy.COMPANY)).label),
        ),
    )
    extra = ("place", "policy", "counts")
    filters = (
        ChoiceFilter(
            "level",
            _("수준"),
            tuple((level, PolicyFrom(level).label) for level in _LEVELS),
            counts=False,
            condition=_any_level,
        ),
        ChoiceFilter("policy", _("매칭 정책"), tuple(EntryPolicy.choices)),
        KeywordFilter(
            (
                Keyword("item", _("품목 번호"), ("item__number",), exact=True),
                Keyword("vendor", _("공급사 계정"), ("vendor__account",), exact=True),
            )
        ),
    )
    blank = _("따로 정한 정책이 없어요. 모든 발주 라인에 회사 정책을 써요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the entries of a scope."""
        return setup_reads.policy_rows(scope, queries.parameters(scope))

    def context(self, request: PageRequest) -> dict[str, object]:
        """Return the company's own policy."""
        parameters = queries.parameters(request.scope)
        own = {
            "policy": Policy(parameters.line_matching_policy).label,
            "override": Override(parameters.allow_matching_policy_override).label,
            "only_higher": parameters.allow_matching_policy_override == Override.HIGHER,
        }
        return super().context(request) | {"company": own}


class PolicyForm(SetupForm):
    """The matching policy of an item, a vendor, or an item of a vendor."""

    keys = ("item", "vendor")
    codes = {"POLICY_TOO_WEAK": "policy"}

    item = fields.named("item", _("품목 번호"), required=False)
    vendor = fields.named(
        "vendor", _("공급사 계정"), required=False, help_text=_("둘 다 적으면 그 공급사에서 사는 그 품목에만 써요.")
    )
    policy = forms.ChoiceField(
        label=_("매칭 정책"),
        choices=EntryPolicy.choices,
        initial=EntryPolicy.TWO_WAY,
        help_text=_("이미 만든 발주 라인의 정책은 바뀌지 않아요."),
    )

    @classmethod
    def initial_of(cls, row: PolicyEntry) -> dict[str, object]:
        """Return the entry."""
        return {
            "item": row.item.number if row.item else "",
            "vendor": row.vendor.account if row.vendor else "",
            "policy": row.policy,
        }

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not data.get("item") and not data.get("vendor"):
            self.add_error("item", _now("품목이나 공급사를 적어 주세요."))
        return data

    def stands(self) -> bool:
        """Say whether there is an entry for both already."""
        item, vendor = self.cleaned_data["item"], self.cleaned_data["vendor"]
        known = PolicyEntry.objects.within(self.scope).filter(
            item=queries.find_item(self.scope, item) if item else None,
            vendor=queries.find_vendor(self.scope, vendor) if vendor else None,
        )
        return known.exists()

    def save(self, *, by: Actor, now: datetime) -> PolicyEntry:
        """Store the entry."""
        return company.save_policy(scope=self.scope, by=by, now=now, **self.cleaned_data)


class PolicyView(SetupView):
    """One matching policy."""

    form = PolicyForm
    list_page = PolicyList
    model = PolicyEntry
    new_title = _("매칭 정책 등록")
    has_history = False

    def named(self, row: PolicyEntry) -> str:
        """Return what the entry is for."""
        names = [name for name in (row.item and row.item.number, row.vendor and row.vendor.account) if name]
        return " / ".join(names)
