"""The compatible wire: settings, policies, partners, records and partner settlements."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from access.api import ApiRequest, PlatformView, list_argument
from access.models import Merchant
from core import clock
from settlement import calculators, queries, wire, wire_in
from settlement.list_filters import (
    Page,
    contract_filter,
    discount_share_filter,
    fee_filter,
    partner_filter,
    record_filter,
    settlement_filter,
    settlement_statuses,
)
from settlement.models import Versioned
from settlement.operations import contracts, holding, partners, policies, records, settings
from settlement.operations.policies import ADDITIONAL_FEE, CONTRACT, DISCOUNT_SHARE, Kind

Shape = dict[str, Any]


class SettingView(PlatformView):
    """The settings of the environment."""

    def get(self, request: ApiRequest) -> Shape:
        """Return them."""
        return wire.setting(settings.current(request.scope))

    def patch(self, request: ApiRequest) -> Shape:
        """Change what is sent."""
        changes = wire_in.setting_changes(request.fields)
        return {"setting": wire.setting(settings.change(scope=request.scope, by=request.actor, **changes))}


# ---- policies


class PolicyApi(PlatformView):
    """What the three kinds of policies have in common; subclasses of a kind say which it is."""

    kind: ClassVar[Kind[Any, Any]]
    key: ClassVar[str]

    def shape(self, policy: Versioned) -> Shape:
        """Return a policy as it says now."""
        raise NotImplementedError


class ContractApi(PolicyApi):
    """Contracts."""

    kind = CONTRACT
    key = "contract"
    create = staticmethod(contracts.create)
    change = staticmethod(contracts.change)
    archive = staticmethod(contracts.archive)
    recover = staticmethod(contracts.recover)
    parse_new = staticmethod(wire_in.new_contract)
    parse_changes = staticmethod(wire_in.contract_changes)
    condition = staticmethod(contract_filter)

    def shape(self, policy: Any) -> Shape:
        """Return a contract as it says now."""
        policy.current.contract = policy
        return wire.contract(policy.current)


class DiscountShareApi(PolicyApi):
    """Discount share policies."""

    kind = DISCOUNT_SHARE
    key = "discountSharePolicy"
    create = staticmethod(policies.create_discount_share)
    change = staticmethod(policies.change_discount_share)
    archive = staticmethod(policies.archive_discount_share)
    recover = staticmethod(policies.recover_discount_share)
    parse_new = staticmethod(wire_in.new_discount_share)
    parse_changes = staticmethod(wire_in.discount_share_changes)
    condition = staticmethod(discount_share_filter)

    def shape(self, policy: Any) -> Shape:
        """Return a discount share policy as it says now."""
        policy.current.policy = policy
        return wire.discount_share_policy(policy.current)


class AdditionalFeeApi(PolicyApi):
    """Additional fee policies."""

    kind = ADDITIONAL_FEE
    key = "additionalFeePolicy"
    create = staticmethod(policies.create_additional_fee)
    change = staticmethod(policies.change_additional_fee)
    archive = staticmethod(policies.archive_additional_fee)
    recover = staticmethod(policies.recover_additional_fee)
    parse_new = staticmethod(wire_in.new_additional_fee)
    parse_changes = staticmethod(wire_in.additional_fee_changes)
    condition = staticmethod(fee_filter)

    def shape(self, policy: Any) -> Shape:
        """Return an additional fee policy as it says now."""
        policy.current.policy = policy
        return wire.additional_fee_policy(policy.current)


class _PolicyList:
    """All policies of a kind, and a new one."""

    def get(self: Any, request: ApiRequest) -> Shape:
        """Return a page of them, newest first; archived ones only when asked for."""
        argument = list_argument(request)
        page = Page.of(argument)
        rows = self.kind.policy.objects.within(request.scope).select_related("current")
        rows = rows.filter(self.condition(argument.maybe_mapping("filter")))
        items = [self.shape(policy) for policy in page.of_rows(rows)]
        return {"items": items, "page": page.shape(rows)}

    def post(self: Any, request: ApiRequest) -> Shape:
        """Make one. X_ALREADY_EXISTS."""
        told = {"scope": request.scope, "by": request.actor, "now": clock.now()}
        return {self.key: self.shape(self.create(**told, **self.parse_new(request.fields)))}


class _PolicyItem:
    """One policy."""

    def get(self: Any, request: ApiRequest, public_id: str) -> Shape:
        """Return it. X_NOT_FOUND."""
        shape: Shape = self.shape(self.kind.get(request.scope, public_id))
        return shape

    def patch(self: Any, request: ApiRequest, public_id: str) -> Shape:
        """Change what is sent, from now on. X_NOT_FOUND, ARCHIVED_X."""
        told = {"scope": request.scope, "by": request.actor, "now": clock.now(), "public_id": public_id}
        return {self.key: self.shape(self.change(**told, **self.parse_changes(request.fields)))}


class _PolicyArchive:
    """One policy, archived."""

    def post(self: Any, request: ApiRequest, public_id: str) -> Shape:
        """Archive it. X_NOT_FOUND."""
        return {self.key: self.shape(self.archive(scope=request.scope, by=request.actor, public_id=public_id))}


class _PolicyRecover:
    """One policy, recovered."""

    def post(self: Any, request: ApiRequest, public_id: str) -> Shape:
        """Bring it back. X_NOT_FOUND."""
        return {self.key: self.shape(self.recover(scope=request.scope, by=request.actor, public_id=public_id))}


class Contracts(_PolicyList, ContractApi):
    """GET, POST /contracts."""


class Contract(_PolicyItem, ContractApi):
    """GET, PATCH /contracts/{id}."""


class ContractArchive(_PolicyArchive, ContractApi):
    """POST /contracts/{id}/archive."""


class ContractRecover(_PolicyRecover, ContractApi):
    """POST /contracts/{id}/recover."""


class DiscountSharePolicies(_PolicyList, DiscountShareApi):
    """GET, POST /discount-share-policies."""


class DiscountSharePolicy(_PolicyItem, DiscountShareApi):
    """GET, PATCH /discount-share-policies/{id}."""


class DiscountSharePolicyArchive(_PolicyArchive, DiscountShareApi):
    """POST /discount-share-policies/{id}/archive."""


class DiscountSharePolicyRecover(_PolicyRecover, DiscountShareApi):
    """POST /discount-share-policies/{id}/recover."""


class AdditionalFeePolicies(_PolicyList, AdditionalFeeApi):
    """GET, POST /additional-fee-policies."""


class AdditionalFeePolicy(_PolicyItem, AdditionalFeeApi):
    """GET, PATCH /additional-fee-policies/{id}."""


class AdditionalFeePolicyArchive(_PolicyArchive, AdditionalFeeApi):
    """POST /additional-fee-policies/{id}/archive."""


class AdditionalFeePolicyRecover(_PolicyRecover, AdditionalFeeApi):
    """POST /additional-fee-policies/{id}/recover."""


# ---- partners


class Partners(PlatformView):
    """GET, POST /partners."""

    def get(self, request: ApiRequest) -> Shape:
        """Return a page of partners, newest first; archived ones only when asked for."""
        argument = list_argument(request)
        page = Page.of(argument)
        rows = queries.partner_rows(request.scope).filter(partner_filter(argument.maybe_mapping("filter")))
        found = page.of_rows(rows.select_related("default_contract"))
        return {"items": [wire.partner(row) for row in found], "page": page.shape(rows)}

    def post(self, request: ApiRequest) -> Shape:
        """Make a partner; its account is looked up right afterwards."""
        draft = wire_in.new_partner(request.fields)
        made = partners.create(scope=request.scope, by=request.actor, now=clock.now(), draft=draft)
        return {"partner": wire.partner(made)}


class Partner(PlatformView):
    """GET, PATCH /partners/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return a partner. PARTNER_NOT_FOUND."""
        return wire.partner(partners.get(request.scope, public_id))

    def patch(self, request: ApiRequest, public_id: str) -> Shape:
        """Change what is sent. A changed account counts at once and waits for an approver."""
        changes = wire_in.partner_changes(request.fields)
        changed = partners.change(
            scope=request.scope, by=request.actor, now=clock.now(), public_id=public_id, changes=changes
        )
        return {"partner": wire.partner(changed)}


class PartnerArchive(PlatformView):
    """POST /partners/{id}/archive."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Archive a partner. PARTNER_NOT_FOUND."""
        row = partners.archive(scope=request.scope, by=request.actor, public_id=public_id)
        return {"partner": wire.partner(row)}


class PartnerRecover(PlatformView):
    """POST /partners/{id}/recover."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Bring a partner back. PARTNER_NOT_FOUND."""
        row = partners.recover(scope=request.scope, by=request.actor, public_id=public_id)
        return {"partner": wire.partner(row)}


# ---- records


def _shown(request: ApiRequest, public_id: str) -> Shape:
    row = queries.record(request.scope, public_id)
    return wire.record(row, queries.policy_versions([row]))


class Transfer(PlatformView):
    """GET, DELETE /transfers/{id}."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return a record. TRANSFER_NOT_FOUND."""
        return _shown(request, public_id)

    def delete(self, request: ApiRequest, public_id: str) -> Shape:
        """Take a record back. TRANSFER_NOT_FOUND, TRANSFER_NON_DELETABLE_STATUS, CANCEL_ORDER_TRANSFERS_EXISTS."""
        records.void_record(scope=request.scope, by=request.actor, now=clock.now(), public_id=public_id)
        return {}


class _NewRecord(Transfer):
    """A new record: parsed, recorded, shown. GET and DELETE are those of a record whose id is the word."""

    def _made(self, request: ApiRequest, operation: Callable[..., Any], **wanted: object) -> Shape:
        made = operation(scope=request.scope, by=request.actor, now=clock.now(), **wanted)
        # Nothing can have claimed it yet: it shows as it was written, and reading it back would take as long again.
        made.status, made.payout_id = made.state, None
        return {"transfer": wire.record(made, queries.policy_versions([made]))}


class OrderTransfers(_NewRecord):
    """POST /transfers/order."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:  # noqa: ARG002 - the word itself
        """Record an order."""
        return self._made(request, records.record_order, draft=wire_in.new_order(request.fields))


class OrderCancelTransfers(_NewRecord):
    """POST /transfers/order-cancel."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:  # noqa: ARG002 - the word itself
        """Record the cancel of an order."""
        return self._made(request, records.record_cancel, draft=wire_in.new_cancel(request.fields))


class ManualTransfers(_NewRecord):
    """POST /transfers/manual."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:  # noqa: ARG002 - the word itself
        """Record a manual adjustment."""
        return self._made(request, records.record_manual, row=wire_in.new_manual(request.fields))


class TransferSummaries(PlatformView):
    """GET /transfer-summaries."""

    def get(self, request: ApiRequest) -> Shape:
        """Return a page of records, newest first."""
        argument = list_argument(request)
        page = Page.of(argument)
        condition = record_filter(argument.maybe_mapping("filter"), request.scope)
        store_id = Merchant.objects.values_list("public_id", flat=True).get(pk=request.scope.merchant_id)
        # Counted and paged on bare rows: status and names are looked up for the page alone.
        bare = queries.records(request.scope).filter(condition)
        keys = [row.pk for row in page.of_rows(bare.only("pk"))]
        rows = queries.whole_records(queries.record_rows(request.scope)).filter(pk__in=keys).order_by("-pk")
        shapes = [wire.record_summary(row, store_id) for row in rows.defer("lines", "discounts", "additional_fees")]
        return {"transferSummaries": shapes, "page": page.shape(bare)}


# ---- partner settlements


class PartnerSettlements(PlatformView):
    """GET /partner-settlements."""

    def get(self, request: ApiRequest) -> Shape:
        """Return a page of partner settlements, newest first, and how many have which status."""
        argument = list_argument(request)
        page = Page.of(argument)
        wanted = argument.maybe_mapping("filter")
        everything = queries.partner_settlement_rows(request.scope).filter(settlement_filter(wanted, request.scope))
        statuses = settlement_statuses(wanted)
        rows = everything.filter(status__in=statuses) if statuses else everything
        found = list(page.of_rows(queries.whole_settlements(rows).select_related("partner__default_contract")))
        versions = queries.contract_versions({row.contract_version_id for row in found if row.contract_version_id})
        own = calculators.formula_sums(request.scope, [row.pk for row in found])
        return {
            "items": [
                wire.partner_settlement(row, versions.get(row.contract_version_id), own.get(row.pk, {}))
                for row in found
            ],
            "page": page.shape(rows),
            "counts": wire.counts(_by_status(everything)),
        }


def _by_status(rows: QuerySet[Any]) -> dict[str, int]:
    return dict(rows.order_by().values_list("status").annotate(found=Count("pk")))


class PartnerSettlementDelete(PlatformView):
    """POST /partner-settlements/delete."""

    def post(self, request: ApiRequest) -> Shape:
        """Take partner settlements back with all their records."""
        if not request.fields.has("partnerSettlementIds"):
            raise request.fields.wrong("partnerSettlementIds", _("필수 값이에요."))
        wanted = request.fields.texts("partnerSettlementIds", most=1_000, longest=300)
        holding.delete(scope=request.scope, by=request.actor, now=clock.now(), public_ids=wanted)
        return {}
