"""Licence-based billing files of the vendor: one row a charge or correction of one subscription and charge period."""

from reconciliation.formats.columns import Column, Format, Holds, many
from reconciliation.lines import Kind

LICENSE = Format(
    kind=Kind.LICENSE,
    columns=(
        Column("PartnerId", Holds.ID, ("OperatingUnit",)),
        Column("CustomerId", Holds.ID, since="17"),
        *many(Holds.ID, "CustomerNumber"),
        *many(Holds.TEXT, "CustomerName"),
        *many(Holds.ID, "MpnId"),
        Column("ResellerMpnId", Holds.ID, ("재판매인 MPN ID", "Tier2MpnId")),
        *many(Holds.ID, "OrderId", "SubscriptionId"),
        *many(Holds.ID, "SyndicationPartnerSubscriptionNumber", needed=True),
        *many(Holds.ID, "OfferId", "DurableOfferId"),
        *many(Holds.TEXT, "OfferName"),
        Column("SubscriptionStartDate", Holds.DATE, ("Subscription.subscriptionstartdate",)),
        Column("SubscriptionEndDate", Holds.DATE, ("Subscription.subscriptionenddate",)),
        *many(Holds.DATE, "ChargeStartDate", "ChargeEndDate", needed=True),
        *many(Holds.TEXT, "ChargeType", needed=True),
        Column("UnitPrice", Holds.NUMBER, ("단가",), needed=True),
        Column("Quantity", Holds.WHOLE, ("수량",), needed=True),
        Column("Amount", Holds.NUMBER, ("합계", "금액"), needed=True),
        *many(Holds.NUMBER, "TotalOtherDiscount", needed=True),
        Column("Subtotal", Holds.NUMBER, ("소계",), needed=True),
        Column("Tax", Holds.NUMBER, ("세금",), needed=True),
        *many(Holds.NUMBER, "TotalForCustomer", needed=True),
        Column("Currency", Holds.CURRENCY, ("통화",), needed=True),
        *many(Holds.TEXT, "DomainName", "SubscriptionName", "SubscriptionDescription", "BillingCycleType"),
    ),
    must=("Amount", "TotalOtherDiscount", "TotalForCustomer"),
    one_of=("DurableOfferId", "OfferName"),
    printed_totals=(
        (("TotalForCustomer",), "total"),
        (("Subtotal",), "pretax"),
        (("Tax",), "tax"),
        (("Amount",), "amount"),
        (("TotalOtherDiscount",), "discount"),
    ),
)
