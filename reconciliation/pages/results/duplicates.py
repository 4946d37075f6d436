"""중복: lines of a file that look like copies, and saying of some that they are none."""

from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console.columns import Column, Kind, Row
from console.filters import BooleanFilter
from console.lists import ListPage
from console.selection import BulkAction, Selection
from core import clock
from core.scope import Scope
from reconciliation import queries
from reconciliation.models import Batch
from reconciliation.operations import resolving
from reconciliation.pages.results import reads, words
from reconciliation.pages.results.resolve import Chosen, ManyView, Said
from reconciliation.pages.results.result import customer, product
from settlement.pages.filters import LinkFilter

_MOST_NAMED = 20


def _as_outcome(row: Row) -> Row:
    """Return a line in the shape whose customer and product the result pages name."""
    return {"first_values": row["values"], "own_values": None}


class DuplicateList(ListPage):
    """The lines of a batch whose cells all equal those of an earlier line."""

    slug = "reconciliation-duplicates"
    url_name = "reconciliation:duplicate-list"
    title = _("중복으로 본 줄")
    permission = Permission.VIEW
    template = "reconciliation/result_duplicates.html"
    intro = _("앞의 줄과 모든 칸이 같아서 한 번만 센 줄이에요. 실제로 두 번 산 것이면 이유를 적어 주세요.")
    within = "batch"
    order = ("record", "id")
    id_key = "id"
    columns = (
        Column("record", _("줄"), Kind.COUNT),
        Column("duplicate_of", _("같은 줄"), Kind.COUNT),
        Column("customer", _("고객"), value=lambda row: customer(_as_outcome(row))),
        Column("product", _("제품"), value=lambda row: product(_as_outcome(row))),
        words.Amount("first_pretax", pgettext_lazy("vendor file", "세전 금액"), currency="first_currency"),
        words.Amount("first_tax", pgettext_lazy("vendor file", "세금"), currency="first_currency"),
        Column("first_currency", _("통화")),
        Column("reason", _("중복이 아닌 이유")),
        Column("said_name", _("적은 사람"), value=lambda row: words.person(row["said_by"])),
    )
    extra = ("values", "first_currency", "said_by", "batch__public_id")
    filters = (
        LinkFilter("batch", _("조정 파일"), "batch__public_id", condition=reads.copies_of),
        BooleanFilter(
            "said",
            _("중복 아님"),
            yes=_("적어 둠"),
            no=_("그대로"),
            condition=lambda wanted: reads.was_said(wanted=wanted),
        ),
    )
    actions = (
        BulkAction(
            "restore",
            _("중복이 아니라고 적기"),
            Permission.EDIT,
            url_name="reconciliation:restore",
            icon="arrow-uturn-left",
        ),
    )
    empty = _("조건에 맞는 줄이 없어요. 조건을 줄여 보세요.")
    blank = _("이 파일에는 중복으로 본 줄이 없어요.")

    def queryset(self, scope: Scope) -> QuerySet[Any]:
        """Return the copies of a scope."""
        return reads.copies(scope)

    def get(self, request: PageRequest, *args: object, **kwargs: Any) -> HttpResponseBase:
        """Show the copies of the batch in the address; one that is only in the query is led to its address."""
        params = request.GET.copy()
        named = params.pop("batch", [""])[-1]
        self.batch = reads.find(request.scope, kwargs.get("batch_id", named))
        if "batch_id" not in kwargs:
            address = words.duplicates_url(self.batch.public_id)
            return redirect(f"{address}?{params.urlencode()}" if params else address)
        params["batch"] = self.batch.public_id
        request.GET = params  # type: ignore[assignment] # read like the one it is a copy of
        return super().get(request, *args)

    def context(self, request: PageRequest) -> dict[str, object]:  # noqa: ARG002 - the signature of every list
        """Return what the restored ones come to."""
        restored = queries.restored_records(self.batch)
        here = set(reads.said_here(self.batch))
        return {
            "batch": self.batch,
            "heading": self.batch.invoice_number or self.batch.name,
            "back": words.result_url(self.batch.public_id),
            "restored": [(one, words.exact(one.subtotal, one.currency)) for one in reads.restored(self.batch)],
            "elsewhere": sorted(restored - here)[:_MOST_NAMED],
        }


class RestoreView(ManyView):
    """Say of several copies that they are none."""

    page = DuplicateList
    said = Said(
        _("중복이 아니라고 적기"),
        _("파일의 금액과 결과 구분은 그대로 두고, 이 줄들의 금액을 차이 옆에 설명으로 보여 줘요."),
        _("중복이 아니라고 적기"),
    )

    def found(self, chosen: Selection) -> Chosen:
        """Return the lines with the sums of what they repeat."""
        rows = chosen.queryset().order_by().values("first_currency")
        sums = list(rows.annotate(n=Count("pk"), sum=Sum("first_pretax")).order_by("first_currency"))
        return Chosen(
            sum(row["n"] for row in sums),
            [
                (
                    pgettext("vendor file", "세전 금액"),
                    f"{words.exact(row['sum'], row['first_currency'])} {row['first_currency']}",
                    False,
                )
                for row in sums
                if row["first_currency"]
            ],
        )

    def act(self, request: PageRequest, batch: Batch, chosen: Selection, reason: str) -> str:
        """Say it."""
        rows = chosen.queryset().filter(batch=batch).values_list("record", flat=True)
        made = resolving.restore_many(
            scope=request.scope,
            batch_id=batch.public_id,
            records=list(rows[: resolving.MOST_RESTORED + 1]),
            reason=reason,
            by=request.actor,
            now=clock.now(),
        )
        return _now("%(count)d줄을 중복이 아니라고 적어 두었어요.") % {"count": len(made)}

    def back(self, batch: Batch, query: str) -> str:
        """Return the copies of the batch."""
        return words.duplicates_url(batch.public_id) + (f"?{query}" if query else "")
