"""Usage-based billing files of the vendor before new commerce: the priced block and the daily block without prices."""

from reconciliation.formats.columns import Column, Format, Holds, many
from reconciliation.lines import Kind

_WHO = (
    Column("PartnerId", Holds.ID, ("ResellerID",)),
    Column("PartnerName", Holds.TEXT, ("ResellerName",)),
    Column("PartnerBillableAccountId", Holds.ID, ("ResellerBillableAccount",)),
    Column("CustomerCompanyName", Holds.TEXT, ("CustomerName",)),
    *many(Holds.ID, "MpnId"),
    Column("ResellerMpnId", Holds.ID, ("Tier2MpnId",)),
    *many(Holds.ID, "InvoiceNumber"),
)
_WHAT = (
    *many(Holds.ID, "SubscriptionId", needed=True),
    *many(Holds.TEXT, "SubscriptionName", "SubscriptionDescription"),
    *many(Holds.ID, "OrderId"),
    *many(Holds.TEXT, "ServiceName", "ServiceType"),
    *many(Holds.ID, "ResourceGuid", needed=True),
    *many(Holds.TEXT, "ResourceName"),
    Column("Region", Holds.TEXT, ("국가", "지역")),
    *many(Holds.ID, "Sku"),
    Column("DetailLineItemId", Holds.WHOLE),
)
_REST = (
    *many(Holds.ID, "CustomerId"),
    *many(Holds.TEXT, "DomainName", "BillingCycleType"),
    Column("Unit", Holds.TEXT, ("단위",)),
)

USAGE = Format(
    kind=Kind.USAGE,
    columns=(
        *_WHO,
        *many(Holds.DATE, "ChargeStartDate", "ChargeEndDate", needed=True),
        *_WHAT,
        *many(Holds.QUANTITY, "ConsumedQuantity", "IncludedQuantity", "OverageQuantity", needed=True),
        *many(Holds.NUMBER, "ListPrice", "PretaxCharges", "TaxAmount", "PostTaxTotal", needed=True),
        Column("Currency", Holds.CURRENCY, ("통화",), needed=True),
        *many(Holds.NUMBER, "PretaxEffectiveRate", "PostTaxEffectiveRate"),
        *many(Holds.TEXT, "ChargeType", needed=True),
        *_REST,
    ),
    must=("ListPrice", "OverageQuantity", "PretaxCharges"),
    printed_totals=((("PostTaxTotal",), "total"), (("PretaxCharges",), "pretax"), (("TaxAmount",), "tax")),
)

# The charge period is not among what identifies a daily record, its own day is: so it may be missing here.
USAGE_DAILY_LEGACY = Format(
    kind=Kind.USAGE_DAILY_LEGACY,
    columns=(
        *_WHO,
        *many(Holds.DATE, "ChargeStartDate", "ChargeEndDate"),
        *_WHAT,
        *many(Holds.QUANTITY, "ConsumedQuantity", needed=True),
        *many(Holds.ID, "CustomerBillableAccount"),
        *many(Holds.DATE, "UsageDate", needed=True),
        *many(Holds.TEXT, "MeteredRegion", "MeteredService", "MeteredServiceType"),
        Column("Project", Holds.TEXT, ("프로젝트",)),
        Column("ServiceInfo", Holds.TEXT, ("ServiceInfo1",)),
        *_REST,
    ),
    must=("UsageDate", "ConsumedQuantity", "ResourceGuid"),
    none_of=USAGE.must,
)
