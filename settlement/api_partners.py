"""The compatible wire: many partners at once, what lists may be filtered by, and the tax office."""

from typing import ClassVar

from access.api import ApiRequest, PlatformView
from core import clock
from settlement import filter_options, wire, wire_in
from settlement.api import Partner, Shape
from settlement.list_filters import partner_filter
from settlement.operations import partners, tax_office
from settlement.operations.tax_office import Link


class PartnersBatch(Partner):
    """POST /partners/batch; GET and PATCH are those of a partner whose id is the word."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:  # noqa: ARG002 - the word itself
        """Make partners, all or none. PARTNER_IDS_DUPLICATED, PARTNER_IDS_ALREADY_EXISTS, CONTRACTS_NOT_FOUND."""
        drafts = wire_in.new_partners(request.fields)
        made = partners.create_many(scope=request.scope, by=request.actor, now=clock.now(), drafts=drafts)
        return {"partners": [wire.partner(row) for row in made]}


class PartnerFilterOptions(PlatformView):
    """GET /partner-filter-options."""

    def get(self, request: ApiRequest) -> Shape:
        """Return the tags in use, and the contracts that partners have."""
        rows = filter_options.partners_in_use(request.scope, archived=request.query.maybe_boolean("isArchived"))
        contracts = [{"id": public_id, "name": name} for public_id, name in filter_options.contracts(rows)]
        return {"tags": filter_options.tags(rows), "contractSummary": contracts}


class DiscountShareFilterOptions(PlatformView):
    """GET /discount-share-policy-filter-options."""

    def get(self, request: ApiRequest) -> Shape:
        """Return the share rates in use."""
        rates = filter_options.share_rates(request.scope, archived=request.query.maybe_boolean("isArchived"))
        return {"partnerShareRates": rates}


# ---- the tax office


class _TaxOfficeMany(Partner):
    """Many partners' link to the tax office; GET and PATCH are those of a partner whose id is the word."""

    def post(self, request: ApiRequest, public_id: str) -> Shape:  # noqa: ARG002 - the word itself
        """Refuse: PARTNER_NOT_FOUND, TARGET_PARTNER_NOT_FOUND, else BTX_NOT_ENABLED."""
        wanted = request.fields.maybe_mapping("filter")
        named = wanted.texts("ids", most=1_000, longest=300) if wanted else []
        tax_office.link_many(scope=request.scope, public_ids=named, condition=partner_filter(wanted))
        return {}


class _TaxOfficeOne(PlatformView):
    link: ClassVar[Link]

    def post(self, request: ApiRequest, public_id: str) -> Shape:
        """Refuse what could not be linked, else BTX_NOT_ENABLED."""
        tax_office.link(scope=request.scope, public_id=public_id, link=self.link)
        return {}


class TaxOfficeConnect(_TaxOfficeOne):
    """POST /partners/counterparty-connect/{id}, by its older name /partners/member-company-connect/{id}."""

    link = Link.CONNECT


class TaxOfficeDisconnect(_TaxOfficeOne):
    """POST /partners/counterparty-disconnect/{id}, by its older name /partners/member-company-disconnect/{id}."""

    link = Link.DISCONNECT


class TaxOfficeConnectMany(_TaxOfficeMany):
    """POST /partners/counterparty-connect, by its older name /partners/member-company-connect."""


class TaxOfficeDisconnectMany(_TaxOfficeMany):
    """POST /partners/counterparty-disconnect, by its older name /partners/member-company-disconnect."""
