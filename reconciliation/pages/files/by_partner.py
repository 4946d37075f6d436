"""파트너별: what a file comes to by reseller, which partner each of them is, and the settlement records they become."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.http.response import FileResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from access.requests import PageRequest
from access.roles import Permission, allowed
from console import exports, registry
from console.columns import Badge, Shape, Tone, money
from console.files import columns as sheets
from console.files.names import export_name
from console.pages import PageView
from core import clock
from core.errors import DomainError
from reconciliation import queries
from reconciliation.amounts import EXACT, ZERO, minor_unit
from reconciliation.models import Batch, BatchState
from reconciliation.operations import booking, reselling
from reconciliation.operations.reselling import Part, Waits
from reconciliation.pages.files import links, reads, shown
from reconciliation.resellers import Bucket
from settlement.forms import partner_named
from settlement.models import PUBLIC_ID_LENGTH

BUCKETS = {
    Bucket.NOT_IN_FILE: gettext_lazy("재판매사 열이 없는 파일"),
    Bucket.NONE: gettext_lazy("재판매사 없음"),
    Bucket.REMOVED: gettext_lazy("재판매사 해제됨"),
    Bucket.DIRECT: gettext_lazy("직접 판매 또는 ID 없는 재판매사"),
    Bucket.RESELLER: gettext_lazy("재판매사"),
}
WAITS = {
    Waits.NO_RESELLER: Badge(gettext_lazy("정산 대상 아님"), Tone.NEUTRAL, Shape.DASH),
    Waits.NO_PARTNER: Badge(gettext_lazy("파트너 연결 필요"), Tone.WARNING, Shape.ALERT),
    Waits.CURRENCY: Badge(gettext_lazy("정산할 수 없는 통화"), Tone.NEUTRAL, Shape.DASH),
    Waits.ZERO: Badge(gettext_lazy("정산할 금액 없음"), Tone.NEUTRAL, Shape.DASH),
    Waits.SETTLED: Badge(gettext_lazy("정산함"), Tone.SUCCESS, Shape.CHECK),
    Waits.NOT_BOOKED: Badge(gettext_lazy("금액을 적지 않는 파일"), Tone.NEUTRAL, Shape.DASH),
}
READY = Badge(gettext_lazy("정산 가능"), Tone.INFO, Shape.RING)
NOT_ACCEPTED = Badge(gettext_lazy("반영 대기"), Tone.WARNING, Shape.CLOCK)
_APART = "|"


@dataclass(frozen=True, slots=True)
class Shown:
    """One part as the page shows it."""

    part: Part
    state: Badge
    can_settle: bool
    lines_url: str
    record_url: str

    @property
    def key(self) -> str:
        """What a form names the part by."""
        return f"{self.part.currency}{_APART}{self.part.mpn}"

    @property
    def bucket(self) -> str:
        """The bucket in words."""
        return str(BUCKETS[self.part.bucket])

    @property
    def partner_url(self) -> str:
        """The page of the partner."""
        link = registry.origin_link("partner", self.part.partner.public_id) if self.part.partner else None
        return link.url if link else ""

    @property
    def needs_partner(self) -> bool:
        """Whether somebody has to say which partner the id means."""
        return self.part.waits is Waits.NO_PARTNER

    def figure(self, value: Decimal) -> str:
        """Write an exact amount of the part's currency."""
        return shown.amount(value, self.part.currency)

    @property
    def figures(self) -> tuple[str, str, str]:
        """Pre-tax, tax and total."""
        return self.figure(self.part.pretax), self.figure(self.part.tax), self.figure(self.part.total)

    @property
    def before(self) -> str:
        """What earlier versions of the file were settled for; empty for nothing."""
        return self.figure(self.part.before) if self.part.before else ""

    @property
    def amount(self) -> str:
        """The amount of the record, with its sign; empty where there is none."""
        return "" if self.part.amount is None else money(self.part.amount, self.part.currency)


@dataclass(frozen=True, slots=True)
class Total:
    """What all parts of a currency come to, beside the file's own total."""

    currency: str
    lines: int
    figures: tuple[str, str, str]
    is_whole: bool


def parts_shown(batch: Batch, found: Sequence[Part]) -> list[Shown]:
    """Return the parts as they are shown."""
    return [_shown(batch, part) for part in found]


def _shown(batch: Batch, part: Part) -> Shown:
    state = READY if part.waits is None else WAITS[part.waits]
    is_open = batch.state == BatchState.ACCEPTED
    if part.waits is None and not is_open:
        state = NOT_ACCEPTED
    record = registry.origin_link("settlement_record", part.settled.record_id) if part.settled else None
    conditions = {"reseller": part.mpn} if part.bucket is Bucket.RESELLER else {}
    lines = links.lines_url(batch.public_id, **conditions) if conditions else ""
    return Shown(part, state, part.waits is None and is_open, lines, record.url if record else "")


def totals(batch: Batch, found: Sequence[Part]) -> list[Total]:
    """Add the parts up by currency and hold them against the file's totals."""
    made = []
    for currency in sorted({part.currency for part in found}):
        mine = [part for part in found if part.currency == currency]
        sums = [_sum(getattr(part, name) for part in mine) for name in ("pretax", "tax", "total")]
        said = batch.answer["totals"].get(currency, {})
        is_whole = all(
            Decimal(said[name]) == value for name, value in zip(("pretax", "tax", "total"), sums, strict=True)
        )
        pretax, tax, total = (shown.amount(value, currency) for value in sums)
        made.append(Total(currency, sum(part.lines for part in mine), (pretax, tax, total), is_whole))
    return made


def _sum(values: Iterator[Decimal]) -> Decimal:
    result = ZERO
    for value in values:
        result = EXACT.add(result, value)
    return result


class PartnersPage(PageView):
    """The parts of a file by reseller, as a page or a file."""

    permission = Permission.VIEW
    title = gettext_lazy("파트너별")

    def get(self, request: PageRequest, batch_id: str) -> HttpResponse | FileResponse:
        """Show them."""
        batch = reads.find_kept(request.scope, batch_id)
        found = reselling.parts(batch)
        rows = parts_shown(batch, found)
        wanted = request.GET.get("format", "")
        if wanted and allowed(request.role, Permission.EXPORT):
            return _file(request, batch, rows, wanted)
        context = {
            "title": self.title,
            "batch": batch,
            "rows": rows,
            "totals": totals(batch, found),
            "several": len({part.currency for part in found}) > 1,
            "booked": booking.figures(batch),
            "vendor": queries.vendor_account(request.scope),
            "today": clock.today(),
            "may_edit": allowed(request.role, Permission.EDIT),
            "may_export": allowed(request.role, Permission.EXPORT),
            "may_manage": allowed(request.role, Permission.MANAGE),
            "can_settle": any(row.can_settle for row in rows),
            "is_current": batch.state == BatchState.ACCEPTED,
            "has_before": any(part.before for part in found),
        }
        return render(request, "reconciliation/partners.html", context)


def _file(request: PageRequest, batch: Batch, rows: Sequence[Shown], wanted: str) -> FileResponse:
    text, exact = sheets.Kind.TEXT, sheets.Kind.DECIMAL
    spec = [
        sheets.SheetColumn(_("구분"), text),
        sheets.SheetColumn(_("재판매사 ID"), sheets.Kind.ID),
        sheets.SheetColumn(_("파트너"), text),
        sheets.SheetColumn(_("통화"), text),
        sheets.SheetColumn(pgettext("vendor file", "내역"), sheets.Kind.COUNT),
        sheets.SheetColumn(pgettext("vendor file", "세전 금액"), exact),
        sheets.SheetColumn(pgettext("vendor file", "세금"), exact),
        sheets.SheetColumn(pgettext("vendor file", "합계"), exact),
        sheets.SheetColumn(_("이전 버전 정산"), exact),
        sheets.SheetColumn(_("정산 금액"), exact),
        sheets.SheetColumn(_("상태"), text),
    ]
    title = f"{PartnersPage.title} {batch.invoice_number or batch.name}"
    form = exports.format_named(wanted)

    def conditions(written: int) -> Iterator[tuple[str, sheets.Cell]]:
        yield _("조정 파일"), batch.name
        yield _("만든 사람"), request.actor.name
        yield _("건수"), written

    return exports.small_file(
        request.scope,
        request.actor,
        slug="reconciliation-partners",
        title=title,
        name=export_name(title, form.extension),
        form=form,
        spec=spec,
        cells=[_cells(row) for row in rows],
        conditions=conditions,
    )


def _cells(row: Shown) -> list[sheets.Cell]:
    part = row.part
    partner = part.partner.name if part.partner else ""
    named: list[sheets.Cell] = [row.bucket, part.mpn, partner, part.currency, part.lines]
    amount = None if part.amount is None else Decimal(part.amount) * minor_unit(part.currency)
    return [*named, part.pretax, part.tax, part.total, part.before, amount, str(row.state.label)]


# ---- Settling


class SettleForm(forms.Form):
    """Which parts become settlement records, on which day, and whose sign is turned."""

    chosen = forms.MultipleChoiceField(label=gettext_lazy("재판매사"))
    flipped = forms.MultipleChoiceField(label=gettext_lazy("부호 바꾸기"), required=False)
    on = forms.DateField(label=gettext_lazy("정산일"))

    def __init__(self, data: Mapping[str, Any] | None, rows: Sequence[Shown]) -> None:
        super().__init__(data)
        choices = [(row.key, row.part.mpn) for row in rows if row.can_settle or row.part.waits is Waits.SETTLED]
        for name in ("chosen", "flipped"):
            field = self.fields[name]
            if isinstance(field, forms.MultipleChoiceField):
                field.choices = choices

    def named(self, name: str) -> list[tuple[str, str]]:
        """Return ids and currencies."""
        pairs = (key.partition(_APART) for key in self.cleaned_data[name])
        return [(mpn, currency) for currency, _apart, mpn in pairs]


class SettleView(PageView):
    """Shows the records that would be made, and makes them when a person says so."""

    permission = Permission.EDIT
    title = gettext_lazy("재판매사 정산")

    def post(self, request: PageRequest, batch_id: str) -> HttpResponseBase:
        """Preview, or settle after a preview."""
        batch = reads.find_kept(request.scope, batch_id)
        rows = parts_shown(batch, reselling.parts(batch))
        form = SettleForm(request.POST, rows)
        if not form.is_valid():
            messages.error(request, _("정산할 재판매사와 정산일을 골라 주세요."))
            return redirect("reconciliation:by-partner", batch_id)
        if "confirm" not in request.POST:
            return self._preview(request, batch, form, rows)
        try:
            made = reselling.settle(
                scope=request.scope,
                batch_id=batch_id,
                chosen=form.named("chosen"),
                flipped=frozenset(form.named("flipped")),
                on=form.cleaned_data["on"],
                by=request.actor,
                now=clock.now(),
            )
        except DomainError as refusal:
            return self._preview(request, batch, form, rows, error=str(refusal.message) or refusal.code)
        told = ngettext("%(n)s건의 수기 정산을 만들었어요.", "%(n)s건의 수기 정산을 만들었어요.", len(made))
        messages.success(request, told % {"n": f"{len(made):,}"})
        return redirect("reconciliation:by-partner", batch_id)

    def _preview(
        self, request: PageRequest, batch: Batch, form: SettleForm, rows: Sequence[Shown], *, error: str = ""
    ) -> HttpResponse:
        chosen, flipped = set(form.cleaned_data["chosen"]), set(form.cleaned_data["flipped"])
        picked = [row for row in rows if row.key in chosen and row.can_settle]
        made = [(row, -(row.part.amount or 0) if row.key in flipped else row.part.amount or 0) for row in picked]
        sums: dict[str, int] = {}
        for row, amount in made:
            sums[row.part.currency] = sums.get(row.part.currency, 0) + amount
        context = {
            "title": self.title,
            "batch": batch,
            "made": [(row, money(amount, row.part.currency), amount < 0) for row, amount in made],
            "sums": [(currency, money(amount, currency)) for currency, amount in sorted(sums.items())],
            "on": form.cleaned_data["on"],
            "is_past": form.cleaned_data["on"] < clock.today(),
            "chosen": sorted(chosen),
            "flipped": sorted(flipped),
            "error": error,
        }
        return render(request, "reconciliation/partners_sure.html", context, status=409 if error else 200)


# ---- Which partner an id means


class LinkForm(forms.Form):
    """The partner of a reseller id."""

    partner = forms.CharField(label=gettext_lazy("파트너"), max_length=PUBLIC_ID_LENGTH)

    def __init__(self, *args: Any, request: PageRequest, **options: Any) -> None:
        super().__init__(*args, **options)
        self._scope = request.scope

    def clean_partner(self) -> str:
        """Find the partner by id or name."""
        return partner_named(self._scope, self.cleaned_data["partner"].strip())


class LinkView(PageView):
    """Says which partner a reseller id of a file means, or that it means nobody."""

    permission = Permission.EDIT
    title = gettext_lazy("재판매사 연결")

    def get(self, request: PageRequest, batch_id: str, mpn: str) -> HttpResponse:
        """Ask for the partner."""
        return self._ask(request, reads.find_kept(request.scope, batch_id), mpn, LinkForm(request=request))

    def post(self, request: PageRequest, batch_id: str, mpn: str) -> HttpResponseBase:
        """Link, or forget the link."""
        batch = reads.find_kept(request.scope, batch_id)
        if "unlink" in request.POST:
            reselling.unlink(scope=request.scope, mpn=mpn, by=request.actor)
            messages.success(request, _("연결을 풀었어요. 이미 만든 정산은 그대로예요."))
            return redirect("reconciliation:by-partner", batch_id)
        form = LinkForm(request.POST, request=request)
        if not form.is_valid():
            return self._ask(request, batch, mpn, form)
        with transaction.atomic():
            partner = form.cleaned_data["partner"]
            reselling.link(scope=request.scope, mpn=mpn, partner_id=partner, by=request.actor, now=clock.now())
        messages.success(request, _("재판매사를 파트너와 연결했어요. 다음 파일부터는 저절로 이어져요."))
        return redirect("reconciliation:by-partner", batch_id)

    def _ask(self, request: PageRequest, batch: Batch, mpn: str, form: LinkForm) -> HttpResponse:
        linked = queries.reseller_links(request.scope).filter(mpn=mpn).first()
        context = {"title": self.title, "batch": batch, "mpn": mpn, "form": form, "linked": linked}
        return render(request, "reconciliation/partner_link.html", context)


class VendorView(PageView):
    """Says which vendor accepted files are owed to from now on."""

    permission = Permission.MANAGE
    title = gettext_lazy("공급사 계정")

    def post(self, request: PageRequest, batch_id: str) -> HttpResponseBase:
        """Set it."""
        account = request.POST.get("vendor_account", "")
        booking.set_vendor_account(scope=request.scope, account=account, by=request.actor, now=clock.now())
        messages.success(request, _("이제 반영하는 파일부터 이 공급사 계정에 적어요."))
        return redirect("reconciliation:by-partner", batch_id)
