"""Protects the promise that settlements paid by hand are paid once, all or none, and leave balanced books."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from access.models import AuditEvent
from core import clock
from core.errors import DomainError
from core.scope import Scope
from ledger.chart import Code
from ledger.posting import refused_by
from payouts import queries
from payouts.models import Attempt, BankAccount, BulkPayout, BulkStatus, Completion, Payout, PayoutMethod, PayoutStatus
from payouts.operations import direct, funds
from settlement import claims
from settlement.models import HoldReason, PartnerSettlement, SettlementAmountType
from settlement.operations import holding, settings
from tests import build

DAY = "2023-08-11"
MONTH = "2023-08"


def complete(scope: Scope, *settlements: PartnerSettlement | str, bulk_id: str = "august", **values: Any) -> BulkPayout:
    named = [one if isinstance(one, str) else one.public_id for one in settlements]
    return direct.complete(
        scope=scope, by=build.BY, now=build.noon(DAY), bulk_id=bulk_id, settlement_ids=named, **values
    )


def refusal(scope: Scope, *settlements: PartnerSettlement | str, **values: Any) -> DomainError:
    with pytest.raises(DomainError) as refused, transaction.atomic():
        complete(scope, *settlements, **values)
    return refused.value


def statuses(scope: Scope) -> list[str]:
    rows = claims.with_status(PartnerSettlement.objects.within(scope)).order_by("pk")
    return [row.status for row in rows]


@pytest.fixture
def scope() -> Scope:
    return build.merchant()


@pytest.mark.django_db
class TestPaidAtOnce:
    def test_withheld_tax_is_owed_and_the_operators_funds_stand_for_the_bank(self, scope: Scope) -> None:
        build.partner(scope, "writer", taxpayer=build.WHT_PAYER)
        due = build.settled(scope, 1_000_000, "writer")

        bulk = complete(scope, due, name="8월 직접 지급", completed_on=build.day("2023-08-10"))

        assert (bulk.status, bulk.method, bulk.payout_count, bulk.total_amount) == (
            BulkStatus.COMPLETED,
            PayoutMethod.DIRECT,
            1,
            967_000,
        )
        payout = Payout.objects.get(bulk_payout=bulk)
        assert payout.status == PayoutStatus.SUCCEEDED
        assert Completion.objects.get(payout=payout).completed_on == build.day("2023-08-10")
        assert not Attempt.objects.exists()
        assert statuses(scope) == ["PAID_OUT"]
        assert build.money(scope, "writer") == {}
        assert build.balance(scope, Code.OPERATOR_FUNDS, direct.OUTSIDE) == 967_000
        assert build.balance(scope, Code.WITHHELD_INCOME_TAX, MONTH) == 30_000
        assert build.balance(scope, Code.WITHHELD_LOCAL_TAX, MONTH) == 3_000
        assert build.off_balance(scope) == 0
        assert AuditEvent.objects.filter(action="bulk_payout.paid_by_hand", object_id="august").exists()

    def test_what_a_partner_owes_is_taken_off_and_partners_are_paid_apart(self, scope: Scope) -> None:
        build.partner(scope, "a", taxpayer=build.NON_WHT_PAYER)
        build.partner(scope, "b", taxpayer=build.NON_WHT_PAYER)
        rows = [
            build.settled(scope, 50_000, "a"),
            build.settled(scope, -20_000, "a", settlement_date="2023-08-10"),
            build.settled(scope, 7_000, "b"),
        ]

        bulk = complete(scope, *rows)

        amounts = Payout.objects.filter(bulk_payout=bulk).order_by("pk").values_list("partner__public_id", "amount")
        assert list(amounts) == [("a", 30_000), ("b", 7_000)]
        assert build.money(scope, "a") == build.money(scope, "b") == {}
        assert build.off_balance(scope) == 0

    def test_nothing_to_pay_ends_well_too(self, scope: Scope) -> None:
        build.partner(scope, "a", taxpayer=build.NON_WHT_PAYER)
        rows = [build.settled(scope, 5_000, "a"), build.settled(scope, -5_000, "a", settlement_date="2023-08-10")]

        complete(scope, *rows)

        assert Payout.objects.get().status == PayoutStatus.SUCCEEDED
        assert build.off_balance(scope) == 0

    def test_vat_is_added_for_net_amounts(self, scope: Scope) -> None:
        settings.change(scope=scope, by=build.BY, settlement_amount_type=SettlementAmountType.NET)
        build.partner(scope, "shop")
        complete(scope, build.settled(scope, 100_000, "shop"))

        assert Payout.objects.get().amount == 110_000
        assert build.balance(scope, Code.INPUT_VAT) == 10_000
        assert build.off_balance(scope) == 0

    def test_other_currencies_and_accounts_nobody_verified(self, scope: Scope) -> None:
        build.partner(scope, "abroad", verified=False, taxpayer=build.NON_WHT_PAYER)
        complete(scope, build.settled(scope, 12_345, "abroad", currency="USD"))

        assert (Payout.objects.get().currency, Payout.objects.get().amount) == ("USD", 12_345)

    def test_held_money_is_freed_first(self, scope: Scope) -> None:
        build.partner(scope, "a", taxpayer=build.NON_WHT_PAYER)
        due = build.settled(scope, 5_000, "a")
        holding.withhold(scope=scope, by=build.BY, now=build.noon(), public_ids=[due.public_id])
        assert build.money(scope, "a") == {"held": 5_000}

        complete(scope, due)

        assert build.money(scope, "a") == {}

    def test_an_account_that_is_set_up_is_the_one_named(self, scope: Scope) -> None:
        funds.open_bank_account(
            scope=scope,
            name="지급 계좌",
            bank="SHINHAN",
            number="110123456789",
            holder="달빛마켓",
            rail="test-environment",
            by=build.BY,
            now=build.noon(),
            public_id="main",
        )
        build.partner(scope, "a", taxpayer=build.NON_WHT_PAYER)

        assert complete(scope, build.settled(scope, 5_000, "a")).bank_account.public_id == "main"
        assert not BankAccount.objects.filter(public_id=direct.OUTSIDE).exists()
        assert queries.default_bank_account(scope).public_id == "main"


@pytest.mark.django_db
class TestRefused:
    """In the order in which the checks are made; a refused call leaves nothing."""

    @pytest.fixture(autouse=True)
    def a_due_settlement(self, scope: Scope) -> None:
        build.partner(scope, "a", taxpayer=build.NON_WHT_PAYER)
        self.due = build.settled(scope, 5_000, "a")

    @pytest.fixture(autouse=True)
    def nothing_is_left(self, scope: Scope, a_due_settlement: None) -> Any:  # noqa: ARG002 - it comes first
        before = build.money(scope, "a")
        yield
        assert build.money(scope, "a") == before
        assert not Payout.objects.exclude(bulk_payout__public_id="used").exists()

    def test_none_then_doubles_then_the_id(self, scope: Scope) -> None:
        build.partner(scope, "other", taxpayer=build.NON_WHT_PAYER)
        complete(scope, build.settled(scope, 1, "other"), bulk_id="used")

        assert refusal(scope, bulk_id="used").code == "PLATFORM_NO_SELECTED_PARTNER_SETTLEMENTS"
        doubled = refusal(scope, "nobody", "nobody", bulk_id="used")
        assert (doubled.code, doubled.status) == ("PLATFORM_DUPLICATED_PARTNER_SETTLEMENT_IDS", 400)
        used = refusal(scope, "nobody", bulk_id="used")
        assert (used.code, used.status) == ("PLATFORM_BULK_PAYOUT_ID_ALREADY_EXISTS", 409)

    def test_unknown_then_wrong_state_then_negative(self, scope: Scope) -> None:
        excluded = build.settled(scope, 100, "a", settlement_date="2023-08-09")
        holding.exclude(scope=scope, by=build.BY, now=build.noon(), public_ids=[excluded.public_id])
        owing = build.settled(scope, -9_000, "a", settlement_date="2023-08-10")
        self.money_after(scope)

        unknown = refusal(scope, "nobody", excluded, owing)
        assert (unknown.code, unknown.facts["ids"]) == ("PLATFORM_PARTNER_SETTLEMENTS_NOT_FOUND", ["nobody"])
        wrong = refusal(scope, excluded, owing)
        assert wrong.code == "PLATFORM_NON_PAYABLE_PARTNER_SETTLEMENTS"
        assert wrong.facts["ids"] == [excluded.public_id]
        assert len(list(wrong.facts["graphqlIds"])) == 1  # type: ignore[call-overload] # a list, as the wire wants it
        negative = refusal(scope, self.due, owing)
        assert (negative.code, negative.status) == ("PLATFORM_CURRENCY_NOT_SUPPORTED", 400)
        holding.delete(scope=scope, by=build.BY, now=build.noon(), public_ids=[excluded.public_id, owing.public_id])

    def money_after(self, scope: Scope) -> None:
        assert build.money(scope, "a") == {"available": 5_000, "held": 100, "receivable": 9_000}

    def test_what_another_merchant_has_is_not_there(self, scope: Scope) -> None:
        elsewhere = build.merchant("별빛마켓")
        build.partner(elsewhere, "a")
        assert refusal(scope, build.settled(elsewhere, 1, "a")).status == 404

    def test_a_day_to_come(self, scope: Scope) -> None:
        assert refusal(scope, self.due, completed_on=build.day("2023-08-12")).code == "INVALID_REQUEST"

    def test_what_only_an_approver_may_free(self, scope: Scope) -> None:
        row = PartnerSettlement.objects.get(pk=self.due.pk)
        holding.keep(settlements=[row], reason=HoldReason.COMPLIANCE, by=build.BY, now=build.noon())
        assert refusal(scope, self.due).code == "PLATFORM_NON_PAYABLE_PARTNER_SETTLEMENTS"
        holding.free(settlements=[row], by=build.BY, now=build.noon())


@pytest.mark.django_db
def test_a_completion_stays(scope: Scope) -> None:
    build.partner(scope, "a")
    complete(scope, build.settled(scope, 5_000, "a"))
    ended = Completion.objects.get()

    ended.evidence = "changed"
    with pytest.raises((IntegrityError, Exception)) as refused, transaction.atomic():
        ended.save(update_fields=["evidence"])
    assert "append_only" in refused_by(refused.value) or "permission denied" in str(refused.value)  # type: ignore[arg-type] # either refuses


@pytest.mark.parametrize("same_id", [True, False])
def test_two_calls_at_once_pay_once(committed_db: str, same_id: bool) -> None:  # noqa: ARG001, FBT001 - its database, its case
    scope = build.merchant()
    now = clock.now()
    build.partner(scope, "a", taxpayer=build.NON_WHT_PAYER)
    today = clock.today()
    due = [
        build.settled(scope, 1_000 + place, "a", settlement_date=(today - timedelta(days=place)).isoformat())
        for place in range(5)
    ]
    named = [row.public_id for row in due]

    def call(bulk_id: str, wanted: Sequence[str]) -> BulkPayout:
        return direct.complete(scope=scope, by=build.BY, now=now, bulk_id=bulk_id, settlement_ids=wanted)

    calls = [partial(call, "same" if same_id else f"bulk-{n}", named[:: 1 if n % 2 else -1]) for n in range(4)]
    ended = build.together(calls)

    assert sum(isinstance(one, BulkPayout) for one in ended) == 1
    codes = {one.code for one in ended if isinstance(one, DomainError)}
    usual = {"PLATFORM_BULK_PAYOUT_ID_ALREADY_EXISTS"} if same_id else {"PLATFORM_NON_PAYABLE_PARTNER_SETTLEMENTS"}
    assert codes == usual
    assert [payout.amount for payout in Payout.objects.all()] == [5_010]
    assert build.balance(scope, Code.OPERATOR_FUNDS, direct.OUTSIDE) == 5_010
    assert build.off_balance(scope) == 0
