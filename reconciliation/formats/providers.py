"""Settlement files of payment providers: Stripe payout reconciliation, itemised, and Adyen settlement details."""

import re

from reconciliation.formats.columns import Column, Format, Holds, many
from reconciliation.lines import Kind

METADATA = re.compile(r"\w*metadata\s*\[.+\]", re.IGNORECASE | re.DOTALL)
"""What the header of a column with the merchant's own data looks like: payment_metadata[order_id]."""

STRIPE_PAYOUT = Format(
    kind=Kind.STRIPE_PAYOUT,
    columns=(
        *many(Holds.ID, "automatic_payout_id"),
        *many(Holds.DATE, "automatic_payout_effective_at"),
        *many(Holds.ID, "balance_transaction_id", needed=True),
        *many(Holds.DATE, "created_utc", "created", "available_on_utc", "available_on"),
        *many(Holds.CURRENCY, "currency", needed=True),
        *many(Holds.NUMBER, "gross", "fee", "net", needed=True),
        *many(Holds.TEXT, "reporting_category", needed=True),
        *many(Holds.ID, "source_id"),
        *many(Holds.TEXT, "description"),
        *many(Holds.NUMBER, "customer_facing_amount"),
        *many(Holds.CURRENCY, "customer_facing_currency"),
    ),
    must=("balance_transaction_id", "gross", "fee", "net", "reporting_category"),
    printed_totals=((("net",), "net"), (("gross",), "gross"), (("fee",), "fee")),
)

ADYEN_SETTLEMENT = Format(
    kind=Kind.ADYEN_SETTLEMENT,
    columns=(
        *many(Holds.TEXT, "Company Account", "Merchant Account"),
        Column("Psp Reference", Holds.ID, needed=True, may_be_empty=True),
        *many(Holds.ID, "Merchant Reference"),
        *many(Holds.TEXT, "Payment Method"),
        *many(Holds.DATE, "Creation Date"),
        *many(Holds.TEXT, "TimeZone", "Type"),
        *many(Holds.ID, "Modification Reference"),
        *many(Holds.CURRENCY, "Gross Currency"),
        Column("Gross Debit (GC)", Holds.NUMBER, needed=True, may_be_empty=True),
        Column("Gross Credit (GC)", Holds.NUMBER, needed=True, may_be_empty=True),
        *many(Holds.NUMBER, "Exchange Rate"),
        *many(Holds.CURRENCY, "Net Currency", needed=True),
        Column("Net Debit (NC)", Holds.NUMBER, needed=True, may_be_empty=True),
        Column("Net Credit (NC)", Holds.NUMBER, needed=True, may_be_empty=True),
        *many(Holds.NUMBER, "Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)"),
        *many(Holds.TEXT, "Payment Method Variant"),
        *many(Holds.ID, "Modification Merchant Reference", "Batch Number"),
        *many(Holds.TEXT, *(f"Reserved{number}" for number in range(4, 11))),
    ),
    must=("Psp Reference", "Gross Debit (GC)", "Gross Credit (GC)", "Net Debit (NC)", "Net Credit (NC)"),
    printed_totals=((("Net Credit (NC)", "Net Debit (NC)"), "net"),),
)
