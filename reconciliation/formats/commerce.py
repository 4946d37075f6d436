"""Invoice files of the vendor's new commerce and of its forerunner, the one-time and recurring purchases."""

from reconciliation.formats.columns import Column, Format, Holds, many
from reconciliation.lines import Kind

_2019 = "19"
_JANUARY_2020 = "20"
_NOVEMBER_2020 = "20b"
_MARCH_2021 = "21"
_JUNE_2021 = "21b"
EDITIONS = (_2019, _JANUARY_2020, _NOVEMBER_2020, _MARCH_2021, _JUNE_2021)
"""Editions of the format, oldest first."""

_COLUMNS = (
    *many(Holds.ID, "PartnerId", "CustomerId", since=_2019),
    Column("CustomerName", Holds.TEXT, ("고객 이름",), since=_2019),
    *many(Holds.TEXT, "CustomerDomainName", since=_2019),
    Column("CustomerCountry", Holds.TEXT, ("고객 국가",), since=_2019),
    Column("InvoiceNumber", Holds.ID, ("송장 번호",), needed=True, since=_2019),
    *many(Holds.ID, "MpnId", since=_2019),
    Column("ResellerMpnId", Holds.ID, ("대리점 MpnId", "Tier2MpnId"), since=_2019),
    Column("OrderId", Holds.ID, ("주문 ID",), since=_2019),
    Column("OrderDate", Holds.DATE, ("주문 날짜",), since=_2019),
    *many(Holds.ID, "ProductId", "SkuId", needed=True, since=_2019),
    *many(Holds.ID, "AvailabilityId", since=_2019),
    Column("SkuName", Holds.TEXT, ("SKU 이름",), since=_2019),
    Column("ProductName", Holds.TEXT, ("제품 이름",), since=_2019),
    Column("ChargeType", Holds.TEXT, ("청구 유형",), needed=True, since=_2019),
    Column("UnitPrice", Holds.NUMBER, ("단가",), needed=True, since=_2019),
    Column("Quantity", Holds.QUANTITY, ("수량",), needed=True, since=_2019),
    Column("Subtotal", Holds.NUMBER, ("하위 합계", "소계"), needed=True, since=_2019),
    Column("TaxTotal", Holds.NUMBER, ("세금 합계",), needed=True, since=_2019),
    Column("Total", Holds.NUMBER, ("TotalForCustomer", "총액", "합계"), needed=True, since=_2019),
    Column("Currency", Holds.CURRENCY, ("통화",), needed=True, since=_2019),
    Column("PriceAdjustmentDescription", Holds.TEXT, ("DiscountDetails",), since=_2019),
    *many(Holds.TEXT, "PublisherName", since=_2019),
    *many(Holds.ID, "PublisherId", since=_2019),
    Column("SubscriptionDescription", Holds.TEXT, ("구독 설명",), since=_2019),
    Column("SubscriptionId", Holds.ID, ("구독 ID",), since=_2019),
    *many(Holds.DATE, "ChargeStartDate", needed=True, since=_2019),
    *many(Holds.DATE, "ChargeEndDate", since=_2019),
    Column("TermAndBillingCycle", Holds.TEXT, ("용어 및 Billingcycle",), since=_2019),
    Column("EffectiveUnitPrice", Holds.NUMBER, ("유효 단가", "효과적인 단가"), needed=True, since=_2019),
    Column("UnitType", Holds.TEXT, ("(Unittype.pixel)", "단위 형식", "단위 유형"), since=_2019),
    *many(Holds.ID, "AlternateId", since=_2019),
    *many(Holds.QUANTITY, "BillableQuantity", since=_JANUARY_2020),
    *many(Holds.TEXT, "BillingFrequency", since=_JANUARY_2020),
    *many(Holds.CURRENCY, "PricingCurrency", since=_JANUARY_2020),
    *many(Holds.NUMBER, "PCToBCExchangeRate", since=_JANUARY_2020),
    *many(Holds.DATE, "PCToBCExchangeRateDate", since=_JANUARY_2020),
    *many(Holds.TEXT, "MeterDescription", since=_JANUARY_2020),
    *many(Holds.ID, "ReservationOrderId", since=_NOVEMBER_2020),
    *many(Holds.TEXT, "CreditReasonCode", since=_MARCH_2021),
    *many(Holds.DATE, "SubscriptionStartDate", "SubscriptionEndDate", since=_JUNE_2021),
    *many(Holds.ID, "ReferenceId", since=_JUNE_2021),
    *many(Holds.TEXT, "ProductQualifiers", since=_JUNE_2021),
    *many(Holds.ID, "PromotionId", since=_JUNE_2021),
)
_MUST = ("ProductId", "SkuId", "Subtotal", "ChargeType")
_SINCE_NOVEMBER_2020 = (
    "ReservationOrderId",
    "CreditReasonCode",
    "SubscriptionStartDate",
    "ReferenceId",
    "ProductQualifiers",
    "PromotionId",
)
_PRINTED_TOTALS = ((("Total",), "total"), (("Subtotal",), "pretax"), (("TaxTotal",), "tax"))

NCE_INVOICE = Format(
    kind=Kind.NCE_INVOICE,
    columns=_COLUMNS,
    must=_MUST,
    one_of=_SINCE_NOVEMBER_2020,
    printed_totals=_PRINTED_TOTALS,
)
ONETIME_RECURRING = Format(
    kind=Kind.ONETIME_RECURRING,
    columns=_COLUMNS,
    must=_MUST,
    none_of=_SINCE_NOVEMBER_2020,
    printed_totals=_PRINTED_TOTALS,
)
