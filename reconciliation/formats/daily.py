"""Daily-rated usage of the vendor's new commerce: one meter of one resource on one day, with its price."""

from reconciliation.formats.columns import Column, Format, Holds, many
from reconciliation.lines import Kind

_METER = ("측정기", "미터")


def _meter(name: str, *korean: str) -> Column:
    return Column(name, Holds.TEXT, tuple(f"{meter} {word}" for meter in _METER for word in korean))


NCE_DAILY = Format(
    kind=Kind.NCE_DAILY,
    columns=(
        *many(Holds.ID, "PartnerId"),
        *many(Holds.TEXT, "PartnerName"),
        Column("CustomerName", Holds.TEXT, ("CustomerCompanyName",)),
        *many(Holds.TEXT, "CustomerDomainName", "CustomerCountry"),
        Column("CustomerId", Holds.ID, needed=True, may_be_empty=True),
        *many(Holds.ID, "MpnId"),
        Column("ResellerMpnId", Holds.ID, ("Tier2MpnId", "대리점 MPNID")),
        *many(Holds.ID, "InvoiceNumber", "ProductId", "SkuId", "AvailabilityId"),
        *many(Holds.TEXT, "SkuName", "ProductName", "PublisherName"),
        *many(Holds.ID, "PublisherId"),
        *many(Holds.TEXT, "SubscriptionDescription"),
        *many(Holds.ID, "SubscriptionId"),
        *many(Holds.DATE, "ChargeStartDate", "ChargeEndDate"),
        Column("UsageDate", Holds.DATE, ("사용 날짜",), needed=True),
        _meter("MeterType", "유형", "형식", "종류"),
        _meter("MeterCategory", "범주", "카테고리"),
        _meter("MeterSubCategory", "하위 범주", "하위 카테고리"),
        Column("MeterId", Holds.ID, ("측정기 Id", "미터 Id"), needed=True),
        _meter("MeterName", "이름"),
        _meter("MeterRegion", "지역", "영역"),
        Column("Unit", Holds.TEXT, ("UnitOfMeasure", "단위")),
        *many(Holds.QUANTITY, "ConsumedQuantity"),
        *many(Holds.TEXT, "ResourceLocation", "ConsumedService", "ResourceGroup", "ResourceURI", "ChargeType"),
        Column("UnitPrice", Holds.NUMBER, ("단가",), needed=True),
        Column("Quantity", Holds.QUANTITY, ("수량",), needed=True),
        Column("UnitType", Holds.TEXT, ("(Unittype.pixel)",)),
        Column("BillingPreTaxTotal", Holds.NUMBER, ("Billing pre tax", "청구 전 세금"), needed=True),
        Column("BillingCurrency", Holds.CURRENCY, ("청구 통화",), needed=True),
        Column("PricingPreTaxTotal", Holds.NUMBER, ("가격 책정 pretax 합계",)),
        Column("PricingCurrency", Holds.CURRENCY, ("가격 책정 통화",)),
        *many(Holds.TEXT, "ServiceInfo1", "ServiceInfo2"),
        Column("Tags", Holds.TEXT, ("태그", "태그들")),
        Column("AdditionalInfo", Holds.TEXT, ("추가 정보",)),
        *many(Holds.NUMBER, "EffectiveUnitPrice", "PCToBCExchangeRate"),
        *many(Holds.DATE, "PCToBCExchangeRateDate"),
        *many(Holds.ID, "EntitlementId"),
        *many(Holds.TEXT, "EntitlementDescription"),
        Column(
            "PartnerEarnedCreditPercentage",
            Holds.NUMBER,
            ("RateOfPartnerEarnedCredit",),
            percent=True,
            stored_as="RateOfPartnerEarnedCredit",
        ),
        Column("CreditPercentage", Holds.NUMBER, ("RateOfCredit",), percent=True, stored_as="RateOfCredit"),
        *many(Holds.TEXT, "CreditType"),
        *many(Holds.ID, "BenefitOrderId", "BenefitId"),
        *many(Holds.TEXT, "BenefitType"),
    ),
    must=("UsageDate", "MeterId"),
    one_of=("BillingPreTaxTotal", "PricingPreTaxTotal"),
    printed_totals=((("BillingPreTaxTotal",), "total"),),
)
