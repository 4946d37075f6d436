"""The database itself refuses what matching refuses: tolerances, policies, receipts, posted invoices, foreign rows."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from access.operations import create_merchant
from core import actor, clock
from core.scope import Scope
from ledger.posting import refused_by
from matching.models import (
    Experiment,
    Invoice,
    InvoiceLine,
    Item,
    MatchRun,
    OrderLine,
    Parameters,
    PolicyEntry,
    PriceTolerance,
    Receipt,
    ReceiptLine,
    ReceiptMatch,
    Vendor,
)
from matching.operations import deciding, receipts
from tests.matching.world import APPROVER, OPERATOR, Buying

pytestmark = pytest.mark.django_db


def company_of(name: str = "buyer") -> Buying:
    made = Buying(Scope(create_merchant(name=name, by=actor.system("test"), now=clock.now()).pk))
    made.open(line_matching_policy="three_way", post_invoice_with_discrepancies="require_approval")
    return made


@pytest.fixture
def buying() -> Buying:
    return company_of()


def refused(action: Callable[[], object]) -> str:
    """Return the constraint that refuses an action."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        action()
    return refused_by(caught.value)


def sql(statement: str, *values: int) -> Callable[[], object]:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)

    return run


def test_no_tolerance_is_negative(buying: Buying) -> None:
    for column in (
        "invoice_totals_tolerance_percent",
        "price_total_tolerance_percent",
        "price_total_tolerance_amount",
        "charges_tolerance_percent",
        "over_delivery_percent",
    ):
        change = Parameters.objects.within(buying.scope)
        assert refused(lambda: change.update(**{column: Decimal(-1)})) == "matching_tolerance_not_negative"  # noqa: B023 - called at once
    row = PriceTolerance.objects.within(buying.scope)
    assert refused(lambda: row.update(percent=-1)) == "matching_price_tolerance_not_negative"


def test_the_tolerance_for_everything_stays(buying: Buying) -> None:
    row = PriceTolerance.objects.within(buying.scope).get()
    assert refused(row.delete) == "matching_default_tolerance_required"
    assert refused(sql("delete from matching_pricetolerance")) == "matching_default_tolerance_required"
    move = PriceTolerance.objects.filter(pk=row.pk)
    assert refused(lambda: move.update(item_group="G")) == "matching_default_tolerance_required"
    assert move.update(percent=3) == 1


def test_a_weaker_policy_is_refused_and_an_older_one_may_stay(buying: Buying) -> None:
    vendor = Vendor.objects.within(buying.scope).get(account="paper")
    weak = PolicyEntry(**buying.scope.filters(), vendor=vendor, policy="two_way")
    assert refused(weak.save) == "matching_policy_too_weak"
    buying.order()
    line = OrderLine.objects.filter(order__public_id="PO")
    assert refused(lambda: line.update(policy="not_required")) == "matching_policy_too_weak"
    Parameters.objects.within(buying.scope).update(line_matching_policy="not_required")
    assert line.update(policy="two_way") == 1
    Parameters.objects.within(buying.scope).update(line_matching_policy="three_way")
    assert line.update(description="later") == 1


def test_a_receipt_line_is_matched_with_no_more_than_came(buying: Buying) -> None:
    buying.order()
    buying.receive("R", "10")
    buying.receive("GONE", "5")
    receipts.cancel_receipt(**buying.who, receipt_id="GONE")
    buying.bill("A", quantity="6")
    buying.bill("B", quantity="6")
    rows = ReceiptMatch.objects.filter(receipt_line__receipt__public_id="R").order_by("pk")
    assert [row.quantity for row in rows] == [6, 4]
    last = rows.last()
    assert last is not None
    more = ReceiptMatch.objects.filter(pk=last.pk)
    assert refused(lambda: more.update(quantity=Decimal("4.000001"))) == "matching_receipt_overmatched"
    assert refused(lambda: more.update(quantity=-1)) == "matching_receipt_sign"
    assert refused(lambda: more.update(quantity=29, divisor=7)) == "matching_receipt_overmatched"
    assert more.update(quantity=28, divisor=7) == 1
    gone = ReceiptLine.objects.get(receipt__public_id="GONE")
    wrong = ReceiptMatch(invoice_line=last.invoice_line, receipt_line=gone, quantity=1)
    assert refused(wrong.save) == "matching_receipt_cancelled"


def test_a_receipt_of_another_order_line_is_not_matched(buying: Buying) -> None:
    buying.order()
    buying.order("OTHER")
    buying.receive("R", "10", order="OTHER")
    buying.bill("A", quantity="6")
    line, row = InvoiceLine.objects.get(), ReceiptLine.objects.get()
    wrong = ReceiptMatch(invoice_line=line, receipt_line=row, quantity=1)
    assert refused(wrong.save) == "matching_receipt_of_order_line"


def test_a_posted_invoice_stays_as_it_was_posted(buying: Buying) -> None:
    buying.order()
    buying.receive()
    buying.bill()
    buying.post()
    row = Invoice.objects.get()
    for change in (
        lambda: Invoice.objects.filter(pk=row.pk).update(amount=1),
        lambda: Invoice.objects.filter(pk=row.pk).update(status="pending"),
        sql("delete from matching_invoice"),
        sql("update matching_invoiceline set quantity = 1"),
        sql("delete from matching_invoiceline"),
        sql("delete from matching_receiptmatch"),
        sql("update matching_receiptmatch set quantity = 1"),
    ):
        assert refused(change) == "matching_invoice_posted"
    assert Invoice.objects.filter(pk=row.pk).update(unpaid_reason="CURRENCY") == 1


def test_what_was_found_out_and_what_came_is_not_rewritten(buying: Buying) -> None:
    buying.order()
    buying.receive()
    buying.bill()
    run = MatchRun.objects.latest("pk")
    with pytest.raises(DatabaseError), transaction.atomic():
        MatchRun.objects.filter(pk=run.pk).update(status="passed")
    assert refused(sql("update matching_receiptline set quantity = 1")) == "matching_receipt_stays"
    assert refused(lambda: Receipt.objects.update(date="2020-01-01")) == "matching_receipt_stays"
    for table in ("matching_receipt", "matching_receiptline", "matching_leak"):
        with pytest.raises(DatabaseError), transaction.atomic():
            sql(f"delete from {table}")()  # noqa: S608 - names above


def test_whoever_entered_an_invoice_does_not_approve_it(buying: Buying) -> None:
    buying.order()
    buying.bill(price="12000")
    own = Invoice.objects.filter(public_id="INV")
    change = {"is_approved": True, "approved_by_id": OPERATOR.user_id}
    assert refused(lambda: own.update(**change)) == "matching_another_person_approves"
    deciding.approve(scope=buying.scope, by=APPROVER, now=buying.now, invoice_id="INV", comment="급함")
    assert own.get().match_status == "failed_approved"


def test_rows_never_point_at_another_company(buying: Buying) -> None:
    other = company_of("other")
    foreign, item = Vendor.objects.within(other.scope).get(account="paper"), Item.objects.within(other.scope).get()
    buying.order()
    mine = PriceTolerance.objects.create(**buying.scope.filters(), vendor_group="G")
    for change in (
        lambda: PriceTolerance.objects.filter(pk=mine.pk).update(item=item),
        lambda: PolicyEntry.objects.create(**buying.scope.filters(), vendor=foreign, policy="three_way"),
        lambda: OrderLine.objects.filter(order__merchant_id=buying.scope.merchant_id).update(item=item),
        sql("update matching_purchaseorder set vendor_id = %s where public_id = 'PO'", foreign.pk),
    ):
        assert refused(change) == "matching_same_scope"
    assert Experiment.objects.within(other.scope).count() == 0
