"""Promise: an order over HTTP costs few statements in fewer messages, and no look at other records."""

import json
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from access.models import AuditEvent, IdempotencyKey, Merchant
from access.roles import Role
from config import roles
from core.scope import Scope
from ledger.models import Journal
from settlement.models import SettlementRecord
from settlement.operations import _order_terms
from tests import build
from tests.access.build import Firm
from tests.messages import commands, messages

ORDER: dict[str, Any] = {
    "partnerId": "seller-7",
    "orderDetail": {"orderAmount": 10_000},
    "settlementStartDate": build.TODAY,
    "settlementDate": "2999-01-01",
    "discounts": [],
    "additionalFees": [],
    "externalPaymentDetail": {"currency": "KRW", "orderName": "찻잔", "method": {"card": {}}},
}


def shop() -> tuple[Scope, str]:
    scope = build.merchant()
    build.partner(scope)
    firm = Firm(Merchant.objects.get(pk=scope.merchant_id), scope)
    _secret, text = firm.secret(firm.person("owner", Role.ADMIN))
    return scope, text


def send(secret: str, payment: str, **changes: object) -> Any:
    headers = {"Authorization": f"PortOne {secret}", "Idempotency-Key": f"{payment:0>16}"}
    body = json.dumps(ORDER | {"paymentId": payment} | changes)
    return Client().post("/platform/transfers/order", body, content_type="application/json", headers=headers)


def test_an_order_takes_eight_statements(committed_db: str) -> None:  # noqa: ARG001 - transactions of its own
    _scope, secret = shop()
    assert send(secret, "first").status_code == 200
    with CaptureQueriesContext(connection) as seen:
        answer = send(secret, "second")
    assert answer.status_code == 200, answer.content
    about = ["access_apisecret", "BEGIN", "access_free_key", "settlement_order_partner", "settlement_add_record"]
    about += ["ledger_plain_journal", "access_idempotencykey", "COMMIT"]
    statements = [query["sql"] for query in seen.captured_queries]
    assert len(statements) == len(about), statements
    assert all(word in statement for word, statement in zip(about, statements, strict=True)), statements
    assert SettlementRecord.objects.count() == Journal.objects.count() == IdempotencyKey.objects.count() == 2
    assert AuditEvent.objects.filter(action="settlement_record.recorded").count() == 2


def test_an_order_takes_six_messages(committed_db: str) -> None:  # noqa: ARG001 - likewise
    _scope, secret = shop()
    assert send(secret, "first").status_code == 200
    with messages() as sent:
        assert send(secret, "second").status_code == 200
    assert commands(sent) == [
        ["execute"],
        ["begin", "execute"],
        ["execute"],
        ["execute"],
        ["execute"],
        ["execute", "commit"],
    ]


def test_a_refused_order_is_undone_as_a_whole_and_its_answer_is_kept(committed_db: str) -> None:  # noqa: ARG001 - likewise
    _scope, secret = shop()
    assert send(secret, "first", id="mine").status_code == 200
    refused = send(secret, "second", id="mine")
    assert (refused.status_code, refused.json()["type"]) == (409, "PLATFORM_TRANSFER_ID_ALREADY_USED")
    again = send(secret, "second", id="mine")
    assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (409, refused.content, "true")
    assert SettlementRecord.objects.count() == Journal.objects.count() == 1
    assert AuditEvent.objects.filter(action="settlement_record.recorded").count() == 1


def looked_at() -> int:
    """Return how many records this transaction has read so far."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables"
            " where relname = 'settlement_settlementrecord'"
        )
        (found,) = cursor.fetchone()
    return int(found)


def terms_of(scope: Scope, payment: str) -> _order_terms.OrderTerms:
    named = _order_terms.Named(partner="seller-7", payment=payment, contract=None, discounts=[], fees=[])
    found = _order_terms.read(scope, named, build.day(build.TODAY))
    assert found is not None
    return found


@pytest.mark.django_db
def test_a_plan_made_while_there_was_nothing_looks_at_no_other_record() -> None:
    looks_at_no_other_record()


def test_a_plan_made_while_there_were_a_few_records_looks_at_no_other(committed_db: str) -> None:  # noqa: ARG001 - figures of its own
    # As if they had been counted: then the index of the keys, which is in the order asked for, seems to be as good.
    with roles.as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "select pg_restore_relation_stats('schemaname', 'public', 'relname', 'settlement_settlementrecord',"
            " 'relpages', 1, 'reltuples', 5::real)"
        )
    with transaction.atomic():
        looks_at_no_other_record()


def looks_at_no_other_record() -> None:
    scope, _secret = shop()
    # More often than PostgreSQL tries other plans before it keeps one.
    for _time in range(10):
        assert terms_of(scope, "p-7").known is None
    for number in range(20):
        build.order(scope, payment_id=f"p-{number}")
    before = looked_at()
    assert terms_of(scope, "unknown").known is None
    assert looked_at() == before
    assert terms_of(scope, "p-7").known == SettlementRecord.objects.get(payment_id="p-7").public_id
