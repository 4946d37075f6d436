"""The compatible wire: changes of policies and partners that are planned for a moment to come."""

from collections.abc import Callable
from typing import Any

from access.api import ApiRequest, PlatformView
from core import clock
from settlement import wire, wire_in
from settlement.api import AdditionalFeeApi, ContractApi, DiscountShareApi, Partner, Shape
from settlement.list_filters import partner_filter
from settlement.operations import contracts, policies, schedules


class _PolicySchedule:
    """The one planned change of a policy."""

    to_columns: Callable[..., dict[str, object]]

    def get(self: Any, request: ApiRequest, public_id: str) -> Shape:
        """Return the policy as it will be. X_NOT_FOUND."""
        shape: Shape = self.of(schedules.policy_version(self.kind, scope=request.scope, public_id=public_id))
        return shape

    def post(self: Any, request: ApiRequest, public_id: str) -> Shape:
        """Plan a change. X_NOT_FOUND, ARCHIVED_X, X_SCHEDULE_ALREADY_EXISTS."""
        planned: Shape = self._planned(request, public_id)
        return planned

    def put(self: Any, request: ApiRequest, public_id: str) -> Shape:
        """Replace the planned change. X_NOT_FOUND."""
        planned: Shape = self._planned(request, public_id, replacing=True)
        return planned

    def delete(self: Any, request: ApiRequest, public_id: str) -> Shape:
        """Drop the planned change. X_NOT_FOUND."""
        schedules.drop_policy(self.kind, scope=request.scope, by=request.actor, now=clock.now(), public_id=public_id)
        return {}

    def _planned(self: Any, request: ApiRequest, public_id: str, *, replacing: bool = False) -> Shape:
        version = schedules.plan_policy(
            self.kind,
            scope=request.scope,
            by=request.actor,
            now=clock.now(),
            public_id=public_id,
            columns=self.to_columns(**self.parse_changes(request.fields.mapping("update"))),
            applied_at=request.fields.moment("appliedAt"),
            replacing=replacing,
        )
        return {f"scheduled{self.key[0].upper()}{self.key[1:]}": self.of(version)}


class ContractSchedule(_PolicySchedule, ContractApi):
    """GET, POST, PUT, DELETE /contracts/{id}/schedule."""

    to_columns = staticmethod(contracts.changed_columns)
    of = staticmethod(wire.contract)


class DiscountShareSchedule(_PolicySchedule, DiscountShareApi):
    """GET, POST, PUT, DELETE /discount-share-policies/{id}/schedule."""

    to_columns = staticmethod(policies.discount_share_columns)
    of = staticmethod(wire.discount_share_policy)


class AdditionalFeeSchedule(_PolicySchedule, AdditionalFeeApi):
    """GET, POST, PUT, DELETE /additional-fee-policies/{id}/schedule."""

    to_columns = staticmethod(policies.additional_fee_columns)
    of = staticmethod(wire.additional_fee_policy)


class PartnerSchedule(PlatformView):
    """GET, POST, PUT, DELETE /partners/{id}/schedule."""

    def get(self, request: ApiRequest, public_id: str) -> Shape:
        """Return the partner as it will be. PARTNER_NOT_FOUND."""
        return wire.partner(schedules.partner_as_planned(scope=request.scope, public_id=public_id))

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Plan a change. The refusals of PATCH, PARTNER_SCHEDULE_ALREADY_EXISTS."""
        return self._planned(request, public_id)

    def put(self, request: ApiRequest, public_id: str) -> Shape:
        """Replace the planned change. PARTNER_NOT_FOUND."""
        return self._planned(request, public_id, replacing=True)

    def delete(self, request: ApiRequest, public_id: str) -> Shape:
        """Drop the planned change. PARTNER_NOT_FOUND."""
        schedules.drop_partner(scope=request.scope, by=request.actor, public_id=public_id)
        return {}

    def _planned(self, request: ApiRequest, public_id: str, *, replacing: bool = False) -> Shape:
        partner = schedules.plan_partner(
            scope=request.scope,
            by=request.actor,
            now=clock.now(),
            public_id=public_id,
            changes=wire_in.partner_changes(request.fields.mapping("update")),
            applied_at=request.fields.moment("appliedAt"),
            replacing=replacing,
        )
        return {"scheduledPartner": wire.partner(partner)}


class PartnersSchedule(Partner):
    """POST /partners/schedule; GET and PATCH are those of a partner whose id is the word."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:  # noqa: ARG002 - the word itself
        """Plan one change for every partner of a filter. PARTNER_SCHEDULES_ALREADY_EXIST."""
        schedules.plan_partners(
            scope=request.scope,
            by=request.actor,
            now=clock.now(),
            condition=partner_filter(request.fields.maybe_mapping("filter")),
            changes=wire_in.partner_changes(request.fields.mapping("update")),
            applied_at=request.fields.moment("appliedAt"),
        )
        return {}
