"""
Making a bulk payout: what was chosen, shown per partner before anything happens, then named and made.

The server reads the chosen rows again each time. What the person saw comes back as a seal that has to match, and a
signed id makes one form count once.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import messages
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.requests import PageRequest
from access.roles import Permission
from console import selection
from console.columns import Label
from console.lists import ListPage, page_named
from console.pages import PageView
from console.selection import BulkAction, Selection
from core import clock, ids
from core.errors import Conflict, NotFound
from core.scope import Scope
from ledger.posting import refused_by
from payouts import queries
from payouts.forms import DetailsForm
from payouts.models import BankAccount, BulkPayout
from payouts.operations import building
from payouts.operations.building import Choice
from payouts.pages import links, lists, shown
from payouts.pages.rehearsal import Rehearsal, rehearse
from settlement.models import Claim, PartnerSettlement
from settlement.operations import settings

SHOWN_LINES = 200
_SETTLEMENTS = "partner-settlements"
_SALT = "payouts.making"
_TOKEN_SECONDS = 24 * 3600

# Stands on the list of partner settlements, which is one of settlement's own pages.
MAKE = BulkAction(
    "bulk-payout",
    gettext_lazy("송금대행 일괄지급"),
    Permission.PAYOUTS_SUBMIT,
    url_name="payouts:new",
    icon="banknotes",
)


class NoBankAccount(Conflict):
    """There is no account to pay from."""

    code = "NO_BANK_ACCOUNT"


class NothingPayable(Conflict):
    """Nothing of what was chosen may be paid now."""

    code = "NOTHING_PAYABLE"


class MakingView(PageView):
    """Base of both ways in: from chosen partner settlements, and from payouts that did not arrive."""

    permission = Permission.PAYOUTS_SUBMIT
    title = gettext_lazy("일괄지급 만들기")
    from_label: ClassVar[Label]

    def page(self) -> ListPage:
        """Return the list on which things were chosen."""
        raise NotImplementedError

    def settlements(self, chosen: Selection) -> QuerySet[Any]:
        """Return the partner settlements that the choice stands for."""
        raise NotImplementedError

    def get(self, request: PageRequest) -> HttpResponseBase:
        """Lead to the list where things are chosen; this page is reached by posting a choice."""
        messages.info(request, _("지급할 내역을 먼저 골라 주세요."))
        return redirect(self.page().url())

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Show what would be made; make it when the person has seen exactly that."""
        now, scope = clock.now(), request.scope
        chosen = selection.read(request, self.page(), scope)
        account = _bank_account(scope, request.POST.get("account", ""))
        wanted = list(self.settlements(chosen).values_list("pk", flat=True))
        found = rehearse(scope, wanted, left_out(request), clock.seoul_day(now))
        if not found.chosen:
            raise NothingPayable(_("고른 내역은 모두 이미 지급에 들어갔거나 지금은 지급할 수 없어요."))
        seen = request.POST.get("seal")
        form = DetailsForm(request.POST if seen is not None else None, initial=_initial(scope), now=now)
        notice = notice_of(found, seen) if "make" in request.POST else ""
        if "make" in request.POST and not notice and form.is_valid():
            return _make(request, found, form, account)
        context = self._context(chosen, found, form, account)
        context |= {"notice": notice, "token": request.POST.get("token") or new_token()}
        return render(request, "payouts/making.html", context, status=409 if notice else 200)

    def _context(
        self, chosen: Selection, found: Rehearsal, form: DetailsForm, account: BankAccount
    ) -> dict[str, object]:
        funds = queries.funds(account)
        left = funds.uncommitted - found.total
        return {
            "title": self.title,
            "crumb": self.from_label,
            "back": f"{chosen.page.url()}?{chosen.filters.query()}",
            "selection": chosen,
            "rehearsal": found,
            "form": form,
            "payable": found.payable[:SHOWN_LINES],
            "payable_hidden": max(len(found.payable) - SHOWN_LINES, 0),
            "skipped": found.skipped[:SHOWN_LINES],
            "skipped_hidden": max(len(found.skipped) - SHOWN_LINES, 0),
            "negatives": [(row, row.pk in found.left_out, found.left_out.get(row.pk, "")) for row in found.negatives],
            "funds": funds,
            "left": left,
            "short": max(-left, 0),
            "account": shown.destination(account.bank, account.last4),
            "account_id": account.public_id,
            "bank_accounts": bank_account_choices(account.scope),
        }


class NewView(MakingView):
    """From the list of partner settlements."""

    from_label = gettext_lazy("정산 내역 관리")

    def page(self) -> ListPage:
        """Return the list of partner settlements."""
        return page_named(_SETTLEMENTS)()

    def settlements(self, chosen: Selection) -> QuerySet[Any]:
        """Return the chosen rows themselves."""
        return chosen.queryset()


class AgainView(MakingView):
    """From payouts that failed, came back, or were stopped: what they were made of is paid again."""

    title = gettext_lazy("다시 지급하기")
    from_label = gettext_lazy("지급 내역")

    def page(self) -> ListPage:
        """Return the list of payouts."""
        return lists.PayoutList()

    def settlements(self, chosen: Selection) -> QuerySet[PartnerSettlement]:
        """Return what the chosen payouts were made of."""
        claimed = Claim.objects.filter(payout_ref__in=chosen.queryset().values("pk"))
        return PartnerSettlement.objects.within(chosen.scope).filter(pk__in=claimed.values("partner_settlement_id"))


def _bank_account(scope: Scope, chosen: str) -> BankAccount:
    """Return the account that was chosen, the usual one where none was."""
    if chosen:
        found = queries.bank_accounts(scope).filter(public_id=chosen).first()
        if found is None:
            raise NoBankAccount(_("고른 지급 계좌를 찾을 수 없어요."))
        return found
    try:
        return queries.default_bank_account(scope)
    except NotFound as error:
        raise NoBankAccount(_("돈을 보낼 지급 계좌가 아직 없어요. 먼저 지급 계좌를 등록해 주세요.")) from error


def bank_account_choices(scope: Scope) -> list[tuple[str, str]]:
    """Return the accounts a scope may pay from, as a form offers them."""
    rows = queries.bank_accounts(scope)
    return [(row.public_id, f"{row.name} · {shown.destination(row.bank, row.last4)}") for row in rows]


def left_out(request: PageRequest) -> Mapping[str, str]:
    """Return why negative settlements are to be left out, by public id."""
    return {key: request.POST.get(f"reason-{key}", "").strip()[:500] for key in request.POST.getlist("leave")}


def _initial(scope: Scope) -> dict[str, object]:
    setting = settings.current(scope)
    return {
        "name": _("%(day)s 일괄지급") % {"day": clock.today().isoformat()},
        "deposit_memo": setting.default_deposit_memo,
        "withdrawal_memo": setting.default_withdrawal_memo,
    }


def notice_of(found: Rehearsal, seen: str | None) -> str:
    """Return why the person has to look again before anything is made; empty when nothing stands in the way."""
    rows, _dot, left = (seen or "").partition(".")
    if rows != found.rows_seal:
        return _("그사이 지급할 내역이 바뀌었어요. 아래 건수와 합계를 다시 확인해 주세요.")
    if found.unexplained:
        return _("차감 정산을 빼려면 사유를 적어 주세요. 승인자가 볼 수 있어요.")
    if left != found.left_seal:
        return _("뺀 차감 정산을 반영해서 다시 계산했어요. 확인하고 다시 눌러 주세요.")
    if not found.payable:
        return _("지급할 수 있는 파트너가 없어요. 아래 사유를 확인해 주세요.")
    return ""


def new_token() -> str:
    """Return a signed id that makes one form count once."""
    return signing.dumps(ids.new_id(ids.BULK_PAYOUT, clock.now()), salt=_SALT)


def id_of(token: str) -> str:
    """Return the id a form carries; a new one where it carries none that we signed lately."""
    try:
        return str(signing.loads(token, salt=_SALT, max_age=_TOKEN_SECONDS))
    except signing.BadSignature:
        return ids.new_id(ids.BULK_PAYOUT, clock.now())


def _make(request: PageRequest, found: Rehearsal, form: DetailsForm, account: BankAccount) -> HttpResponse:
    public_id = id_of(request.POST.get("token", ""))
    try:
        with transaction.atomic():
            bulk = _create(request, found, form, account, public_id)
    except IntegrityError as error:
        if refused_by(error) != "payouts_bulk_id":
            raise
        messages.info(request, _("이미 만든 일괄지급이에요. 두 번 만들지 않았어요."))
        return redirect(links.bulk_url(public_id))
    messages.success(request, _("일괄지급을 만들고 있어요. 다 만들어지면 내용을 확인하고 승인을 요청해 주세요."))
    return redirect(links.bulk_url(bulk.public_id))


def _create(
    request: PageRequest, found: Rehearsal, form: DetailsForm, account: BankAccount, public_id: str
) -> BulkPayout:
    return building.create_bulk_payout(
        scope=request.scope,
        choice=Choice(found.chosen, found.left_out),
        name=form.cleaned_data["name"],
        by=request.actor,
        now=clock.now(),
        public_id=public_id,
        bank_account=account,
        scheduled_at=form.scheduled_at,
        deposit_memo=form.cleaned_data["deposit_memo"],
        withdrawal_memo=form.cleaned_data["withdrawal_memo"],
    )
