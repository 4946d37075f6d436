"""Our own API: making a bulk payout, changing it, asking for its approval, and stopping it. Approving is for people."""

from typing import Any

from django.db import IntegrityError
from django.utils.translation import gettext as _

from access.api import Answer, ApiRequest, V1View
from access.parse import Fields
from access.roles import ApiScope
from core import clock
from core.errors import Conflict, InvalidRequest, NotFound
from core.scope import Scope
from ledger.posting import refused_by
from payouts import queries
from payouts.api_v1 import BulkPayouts, BulkPayoutView, bulk_shape
from payouts.models import BankAccount, BulkPayout
from payouts.operations import approval, building, running
from settlement.models import PUBLIC_ID_LENGTH, PartnerSettlement
from settlement.refusals import settlements_not_found

Shape = dict[str, Any]
_MOST = 10_000
_MEMO = 100
_NAME = 200


class BulkPayoutExists(Conflict):
    """The id was used before."""

    code = "BULK_PAYOUT_ID_ALREADY_EXISTS"


def _shape(scope: Scope, public_id: str) -> Shape:
    row = queries.find_bulk(scope, public_id)
    return bulk_shape(row, queries.figures_of([row])[row.pk], queries.makers_of([row]))


def _keys(scope: Scope, public_ids: list[str]) -> dict[str, int]:
    rows = PartnerSettlement.objects.within(scope).filter(public_id__in=public_ids).exclude(state="VOIDED")
    found = dict(rows.values_list("public_id", "pk"))
    if missing := [one for one in public_ids if one not in found]:
        raise settlements_not_found(missing)
    return found


def _choice(scope: Scope, fields: Fields) -> building.Choice:
    wanted = fields.texts("partnerSettlementIds", most=_MOST, longest=PUBLIC_ID_LENGTH)
    left_out: dict[str, str] = {}
    for one in fields.maybe_items("leftOut", most=_MOST) or []:
        left_out[one.text("partnerSettlementId", longest=PUBLIC_ID_LENGTH)] = one.text("reason", longest=500)
    keys = _keys(scope, [*wanted, *left_out])
    return building.Choice([keys[one] for one in wanted], {keys[one]: reason for one, reason in left_out.items()})


def _account(scope: Scope, fields: Fields) -> BankAccount | None:
    public_id = fields.maybe_text("bankAccountId", longest=PUBLIC_ID_LENGTH)
    if public_id is None:
        return None
    account = queries.bank_accounts(scope).filter(public_id=public_id).first()
    if account is None:
        raise NotFound(_("지급 계좌를 찾을 수 없어요."), field="bankAccountId")
    return account


class MadeBulkPayouts(BulkPayouts):
    """GET and POST /bulk-payouts."""

    scope_needed = {"GET": ApiScope.READ, "POST": ApiScope.PAYOUTS_SUBMIT}

    def post(self, request: ApiRequest) -> Answer:
        """Begin a bulk payout; its payouts are made in the background, so it is PREPARING at first."""
        fields, now = request.fields, clock.now()
        given: Shape = {
            "public_id": fields.maybe_text("id", longest=PUBLIC_ID_LENGTH) or "",
            "name": fields.maybe_text("name", longest=_NAME) or "",
            "scheduled_at": fields.maybe_moment("scheduledAt"),
            "deposit_memo": fields.maybe_text("depositMemo", longest=_MEMO) or "",
            "withdrawal_memo": fields.maybe_text("withdrawalMemo", longest=_MEMO) or "",
            "bank_account": _account(request.scope, fields),
            "choice": _choice(request.scope, fields),
        }
        try:
            made = building.create_bulk_payout(scope=request.scope, by=request.actor, now=now, **given)
        except IntegrityError as error:
            if refused_by(error) != "payouts_bulk_id":
                raise
            message = _("이미 쓴 일괄지급 번호예요: %(id)s")
            raise BulkPayoutExists(message % {"id": given["public_id"]}, id=given["public_id"]) from error
        return Answer(_shape(request.scope, made.public_id), 201)


class MadeBulkPayout(BulkPayoutView):
    """GET and PATCH /bulk-payouts/{id}."""

    scope_needed = {"GET": ApiScope.READ, "PATCH": ApiScope.PAYOUTS_SUBMIT}

    def patch(self, request: ApiRequest, public_id: str) -> Shape:
        """Change name, memos or schedule of one that has not started; approvals given so far are void."""
        fields = request.fields
        given: Shape = {
            "name": fields.maybe_text("name", longest=_NAME),
            "deposit_memo": fields.maybe_text("depositMemo", longest=_MEMO),
            "withdrawal_memo": fields.maybe_text("withdrawalMemo", longest=_MEMO),
            "reschedule": fields.given("scheduledAt"),
            "scheduled_at": fields.maybe_moment("scheduledAt"),
        }
        if not any(value not in (None, False) for value in given.values()):
            raise InvalidRequest(_("바꿀 항목을 하나 이상 보내 주세요."))
        building.change_details(scope=request.scope, bulk_id=public_id, by=request.actor, now=clock.now(), **given)
        return _shape(request.scope, public_id)


class _BulkAction(V1View):
    scope_needed = ApiScope.PAYOUTS_SUBMIT

    def _done(self, request: ApiRequest, bulk: BulkPayout) -> Shape:
        return _shape(request.scope, bulk.public_id)


class BulkPayoutSubmit(_BulkAction):
    """POST /bulk-payouts/{id}/submit."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Ask for approval of exactly the content that was seen, named by its hash."""
        seen = request.fields.text("contentHash", longest=64)
        bulk = approval.submit(
            scope=request.scope, bulk_id=public_id, seen_hash=seen, by=request.actor, now=clock.now()
        )
        return self._done(request, bulk)


class BulkPayoutCancel(_BulkAction):
    """POST /bulk-payouts/{id}/cancel."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Cancel one that has not started; its settlements can be paid again."""
        reason = request.fields.maybe_text("reason", longest=500) or ""
        bulk = building.cancel_bulk_payout(
            scope=request.scope, bulk_id=public_id, by=request.actor, now=clock.now(), reason=reason
        )
        return self._done(request, bulk)


class BulkPayoutStop(_BulkAction):
    """POST /bulk-payouts/{id}/stop."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Stop what has not been taken up for sending, of all payouts or of those named."""
        reason = request.fields.maybe_text("reason", longest=500) or ""
        some = request.fields.texts("payoutIds", most=_MOST, longest=PUBLIC_ID_LENGTH) or None
        running.stop(
            scope=request.scope,
            bulk_id=public_id,
            by=request.actor,
            now=clock.now(),
            reason=reason,
            payout_ids=some,
        )
        return _shape(request.scope, public_id)
