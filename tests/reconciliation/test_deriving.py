"""Promise: billing records made from orders are what is left of the orders, each once however often they are made."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from access.roles import Role
from core import jobs
from core.errors import InvalidRequest
from core.scope import Scope
from reconciliation import queries
from reconciliation.lines import Kind
from reconciliation.models import BillingRecord, Source
from reconciliation.operations import comparing, deriving, own_records
from reconciliation.operations.deriving import Derived, Wanted
from reconciliation.operations.own_records import PeriodLocked
from settlement.models import PropertyTarget, SettlementRecord
from settlement.operations import properties, records
from tests import build
from tests.access.build import firm, signed_in
from tests.build import BY, merchant, noon
from tests.reconciliation.stored import accepted, own, save, sheet

pytestmark = pytest.mark.django_db
TODAY = build.day(build.TODAY)
WANTED = Wanted(Kind.NCE_INVOICE, TODAY, TODAY)
KEYS = ("CustomerId", "subscription_id", "PRODUCTID", "sku_id")


def shop(scope: Scope | None = None) -> Scope:
    """Return a merchant with a seller and properties for the ids of new commerce, spelled as people spell."""
    scope = scope or merchant()
    build.contract(scope)
    build.partner(scope)
    for key in KEYS:
        properties.define(scope=scope, by=BY, now=noon(), target=PropertyTarget.RECORD, key=key, name=key)
    return scope


def said(row: int = 0, **more: str) -> dict[str, str]:
    """Return the properties of an order that answers a line of the sheet."""
    cells = sheet(row + 1).rows[row]
    names = ("CustomerId", "SubscriptionId", "ProductId", "SkuId")
    return dict(zip(KEYS, (cells[name] for name in names), strict=True)) | more


def order(scope: Scope, amount: int = 11_000, **more: Any) -> SettlementRecord:
    return build.order(scope, amount, **{"properties": said(), **more})


def derive(scope: Scope, wanted: Wanted = WANTED) -> Derived:
    return deriving.derive(scope=scope, wanted=wanted, by=BY, now=noon(), tell=lambda _done, _total: None)


def of(derived: Derived) -> tuple[int, int, int, int]:
    return derived.new, derived.changed, derived.same, derived.withdrawn


def test_an_order_becomes_one_record_and_a_cancel_takes_away_from_it() -> None:
    scope = shop()
    whole = build.order(scope, None, lines=[build.line("seat", 1_100, 10)], properties=said())
    build.cancel(scope, whole, lines=[("seat", 4)])
    made = derive(scope)
    assert (made.orders, of(made)) == (2, (2, 0, 0, 0))
    first, second = queries.records(scope)
    assert (first.quantity, second.quantity) == (Decimal(10), Decimal(-4))
    assert first.subtotal + (first.tax or 0) == 11_000
    assert second.subtotal + (second.tax or 0) == -4_400
    assert first.own_key == second.own_key
    assert (first.source, first.source_id) == (Source.ORDER, whole.public_id)
    assert (first.first_day, first.last_day) == (TODAY, TODAY)


def test_what_is_made_is_what_a_file_is_compared_with() -> None:
    scope = shop()
    may = build.day("2024-05-10")
    order(scope, 6_633, on="2024-05-10", start="2024-05-10", currency="EUR")
    derive(scope, Wanted(Kind.NCE_INVOICE, may, may))
    batch = accepted(scope, sheet(2))
    result = comparing.compare(scope=scope, batch_id=batch.public_id, by=BY, now=noon())
    assert result.counts == {"matched": 1, "missing_on_our_side": 1}


def test_doing_it_again_changes_nothing_and_the_preview_says_so() -> None:
    scope = shop()
    order(scope)
    assert of(deriving.preview(scope=scope, wanted=WANTED)) == (1, 0, 0, 0)
    assert not BillingRecord.objects.exists()
    derive(scope)
    assert of(deriving.preview(scope=scope, wanted=WANTED)) == (0, 0, 1, 0)
    assert of(derive(scope)) == (0, 0, 1, 0)
    assert BillingRecord.objects.count() == 1


def test_a_deleted_order_takes_its_record_back_with_it() -> None:
    scope = shop()
    gone = order(scope)
    order(scope, 22_000)
    derive(scope)
    records.void_record(scope=scope, by=BY, now=noon(), public_id=gone.public_id)
    assert of(deriving.preview(scope=scope, wanted=WANTED)) == (0, 0, 1, 1)
    assert of(derive(scope)) == (0, 0, 1, 1)
    assert of(derive(scope)) == (0, 0, 1, 0)
    (left,) = queries.records(scope)
    assert left.subtotal + (left.tax or 0) == 22_000
    newest = queries.history(scope, deriving.ref_of(Kind.NCE_INVOICE, gone.public_id))[0]
    assert (newest.is_withdrawn, newest.source_id) == (True, gone.public_id)


def test_orders_without_all_ids_are_counted_and_give_nothing() -> None:
    scope = shop()
    order(scope, properties={"CustomerId": "c1"})
    build.order(scope, 1_000)
    made = derive(scope)
    assert (made.orders, made.without_ids, of(made)) == (2, 2, (0, 0, 0, 0))


def test_what_a_person_changed_or_took_back_stays() -> None:
    scope = shop()
    refs = [deriving.ref_of(Kind.NCE_INVOICE, order(scope).public_id) for _time in range(2)]
    derive(scope)
    by_hand = queries.records(scope).get(ref=refs[0])
    save(scope, own(by_hand.ref, subtotal="1"))
    own_records.withdraw(scope=scope, refs=[refs[1]], by=BY, now=noon(), source=Source.ORDER, reason="아니에요")
    made = derive(scope)
    assert (made.by_hand, of(made)) == (2, (0, 0, 0, 0))
    assert [str(record.subtotal) for record in queries.records(scope)] == ["1"]


def test_other_days_other_kinds_and_other_merchants_are_left_alone() -> None:
    scope, other = shop(), shop(merchant("남"))
    order(scope)
    order(other)
    yesterday = date.fromordinal(TODAY.toordinal() - 1)
    assert derive(scope, Wanted(Kind.NCE_INVOICE, yesterday, yesterday)).orders == 0
    assert derive(scope, Wanted(Kind.LICENSE, TODAY, TODAY)).without_ids == 1
    assert derive(scope).new == 1
    assert BillingRecord.objects.within(other).count() == 0
    with pytest.raises(InvalidRequest):
        Wanted(Kind.NCE_INVOICE, TODAY, yesterday)


def test_closed_days_refuse_the_whole() -> None:
    scope = shop()
    order(scope)
    own_records.lock_period(scope=scope, first_day=TODAY, last_day=TODAY, by=BY, now=noon())
    assert deriving.preview(scope=scope, wanted=WANTED).locked == 1
    with pytest.raises(PeriodLocked):
        derive(scope)
    assert not BillingRecord.objects.exists()


def test_a_secret_property_carries_nothing() -> None:
    scope = shop()
    properties.set_secret(scope=scope, by=BY, target=PropertyTarget.RECORD, key="sku_id", is_secret=True)
    assert deriving.properties_of(scope, Kind.NCE_INVOICE)["sku_id"] is None
    order(scope)
    assert derive(scope).without_ids == 1


def test_foreign_money_keeps_its_cents() -> None:
    scope = shop()
    build.contract(scope, "dollars")
    build.order(scope, 1_234, currency="USD", properties=said())
    derive(scope)
    (record,) = queries.records(scope)
    assert record.subtotal + (record.tax or 0) == Decimal("12.34")


def test_the_page_previews_makes_and_tells_what_it_did(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    mine = firm()
    scope = shop(mine.scope)
    order(scope)
    browser = signed_in(mine.person("operator", Role.OPERATOR))
    form = {"kind": "nce_invoice", "first_day": build.TODAY, "last_day": build.TODAY}
    address = reverse("reconciliation:derive")
    assert browser.get(address).status_code == 200
    page = browser.get(address, form).content.decode()
    assert "subscription_id" in page
    assert "청구 기록 만들기" in page
    assert browser.get(address, form | {"last_day": "2000-01-01"}).status_code == 422
    started = browser.post(address, form)
    assert started.status_code == 302
    assert "작업 보기" in browser.get(started["Location"]).content.decode()
    jobs.run_due_jobs()
    assert "새 기록" in browser.get(started["Location"]).content.decode()
    assert len(queries.records(scope)) == 1
    stranger = signed_in(firm("Sun Shop").person("stranger", Role.OPERATOR))
    assert stranger.get(started["Location"]).status_code == 404
