"""Protects the promise that building by statements over many rows gives what plain arithmetic over each row gives."""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from django.db import transaction

from core import clock, jobs
from core.models import Job
from core.scope import Scope
from ledger import posting
from ledger.accounts import Address
from ledger.chart import Code
from ledger.models import Entry, Journal
from ledger.posting import Origin, Posting, credit, debit
from payouts import amounts, journals, queries
from payouts.content import bulk_hash
from payouts.models import BankAccount, BulkPayout, BulkStatus, Payout, PayoutStatus
from payouts.operations import building, direct
from payouts.sealing import content_of_bulk
from payouts.terms import payout_terms
from settlement import calculators, claims
from settlement.models import (
    AccountStatus,
    Calculator,
    Claim,
    Partner,
    PartnerSettlement,
    Setting,
)
from settlement.operations import holding, settings
from tests import build

NOW = build.noon()
MEMOS = building.Memos("정산", "\\t 탭\t과 줄\n바꿈")
_numbers = count(1)


def hash_of(bulk: BulkPayout) -> str:
    """Compute the content hash payout by payout, from the objects."""
    live = queries.payouts_of(bulk).exclude(status=PayoutStatus.CANCELLED)
    return bulk_hash(
        bulk=bulk.public_id,
        version=bulk.version,
        bank_account=bulk.bank_account.public_id,
        scheduled_at=bulk.scheduled_at,
        payouts=[(row.public_id, queries.content_of(row).hash()) for row in live],
    )


def owed(
    scope: Scope,
    partner: Partner,
    amount: int,
    *,
    kind: str = "ORDER",
    tax_free: int = 0,
    currency: str = "KRW",
    debt: int = 0,
) -> PartnerSettlement:
    """Make a due partner settlement with its money in the books; a cancel's `amount` is what is taken back."""
    sign = -1 if kind == "ORDER_CANCEL" else 1
    net = sign * amount
    row = PartnerSettlement.objects.create(
        **scope.filters(),
        public_id=f"ps-{next(_numbers)}",
        partner=partner,
        contract=None if kind == "MANUAL" else partner.default_contract,
        type=kind,
        settlement_date=build.day(build.TODAY),
        currency=currency,
        settlement=amount,
        settlement_tax_free=tax_free,
        net=net,
        net_tax_free=sign * tax_free,
        credit_total=max(net, 0) + debt,
        debit_total=max(-net, 0) + debt,
        record_count=1,
    )
    available, receivable = (
        Address(code, partner.public_id, currency) for code in (Code.PARTNER_AVAILABLE, Code.PARTNER_RECEIVABLE)
    )
    legs = [
        credit(available, row.credit_total),
        debit(receivable, row.debit_total),
        debit(Address(Code.MANUAL_EXPENSE, "GENERAL", currency), net),
    ]
    made = Posting("test.owed", row.public_id, row.settlement_date, legs, Origin("test", row.public_id))
    posting.post(scope=scope, posting=made, by=build.BY)
    return row


def shop() -> Scope:
    """Make a merchant with an account to pay from."""
    scope = build.merchant()
    kept: dict[str, Any] = {"number_sealed": b"", "last4": "0001", "holder": "h", "rail": "simulator"}
    BankAccount.objects.create(**scope.filters(), public_id="main", name="main", bank="SHINHAN", **kept)
    return scope


def new_bulk(scope: Scope) -> BulkPayout:
    """Store an empty bulk payout."""
    return BulkPayout.objects.create(
        **scope.filters(), public_id=f"bp-{next(_numbers)}", name="x", bank_account=queries.default_bank_account(scope)
    )


def make(scope: Scope, bulk: BulkPayout, ids: Sequence[int]) -> BulkPayout:
    """Make a bulk payout of settlements as one chunk."""
    with transaction.atomic():
        building.build_chunk(scope=scope, bulk_id=bulk.public_id, settlement_ids=ids, memos=MEMOS, by=build.BY, now=NOW)
    return queries.find_bulk(scope, bulk.public_id)


def take_back(scope: Scope, bulk: BulkPayout) -> None:
    """Cancel a bulk payout that was made."""
    building.cancel_bulk_payout(scope=scope, bulk_id=bulk.public_id, by=build.BY, now=NOW)


# ---- random worlds

TAXPAYERS = (build.BUSINESS, build.WHT_PAYER, build.NON_WHT_PAYER)


def random_world(dice: random.Random) -> tuple[Scope, list[PartnerSettlement]]:
    """Make partners of every kind who are owed, owe, are held back, were paid before, or cannot be paid."""
    scope = shop()
    settings.change(
        scope=scope,
        by=build.BY,
        deduct_wht=dice.random() < 0.7,
        settlement_amount_type=dice.choice(["GROSS", "NET"]),
        manual_settlement_per_transfer=dice.random() < 0.4,
        default_deposit_memo="기본",
    )
    Calculator.objects.create(
        **scope.filters(),
        number=1,
        applied_at=build.noon(build.LONG_AGO),
        rounding_vat=dice.choice(["DOWN", "UP", "OFF"]),
    )
    rows = [row for place in range(dice.randint(8, 14)) for row in _partner_with_rows(scope, dice, place)]
    _history(scope, dice, rows)
    return scope, list(PartnerSettlement.objects.within(scope).order_by("pk"))


def _partner_with_rows(scope: Scope, dice: random.Random, place: int) -> list[PartnerSettlement]:
    partner = build.partner(scope, f"partner {place}", taxpayer=dice.choice(TAXPAYERS), name=f'이름 "{place}"\\')
    if partner.type == "BUSINESS" and dice.random() < 0.3:
        partner.taxation_type = "TAX_FREE"
    if dice.random() < 0.1:
        partner.account_status = AccountStatus.NOT_VERIFIED
    partner.account_confirmed = dice.random() > 0.1
    partner.save()
    rows = []
    for _number in range(dice.randint(0, 6)):
        kind = dice.choice(["ORDER", "ORDER", "ORDER_CANCEL", "MANUAL"])
        size = dice.randint(1, 10**6) * (10**8 if dice.random() < 0.05 else 1)
        amount = -size // 5 if kind == "MANUAL" and dice.random() < 0.3 else size
        rows.append(
            owed(
                scope,
                partner,
                amount,
                kind=kind,
                tax_free=int(amount * dice.choice([0, 0, 1, 3]) // 3),
                currency=dice.choice(["KRW", "KRW", "KRW", "KRW", "USD"]),
                debt=dice.choice([0, 0, 0, 777]),
            )
        )
    return rows


def _history(scope: Scope, dice: random.Random, rows: Sequence[PartnerSettlement]) -> None:
    """Let some be in a live payout, some be free again, some paid by hand, some held back, some excluded."""

    def some(share: float) -> list[int]:
        free = set(claims.claimable(scope).values_list("pk", flat=True))
        return [row.pk for row in rows if row.pk in free and dice.random() < share]

    for _time in range(2):
        take_back(scope, make(scope, new_bulk(scope), some(0.3)))
    make(scope, new_bulk(scope), some(0.1))
    for pk in some(0.08):
        row = PartnerSettlement.objects.get(pk=pk)
        if row.net > 0 and row.currency == "KRW":
            direct.complete(scope=scope, by=build.BY, now=NOW, bulk_id=f"hand-{pk}", settlement_ids=[row.public_id])
    for share, decide in ((0.2, holding.withhold), (0.1, holding.exclude)):
        names = list(PartnerSettlement.objects.filter(pk__in=some(share)).values_list("public_id", flat=True))
        if names:
            decide(scope=scope, by=build.BY, now=NOW, public_ids=names)
    held = PartnerSettlement.objects.within(scope).filter(hold_reason="OPERATOR", state="PAYOUT_WITHHELD")
    for row in held:
        PartnerSettlement.objects.filter(pk=row.pk).update(hold_reason=dice.choice(["OPERATOR", "ACCOUNT"]))
    PartnerSettlement.objects.filter(pk=getattr(held.last(), "pk", 0)).update(hold_reason="COMPLIANCE")


# ---- plain arithmetic, settlement by settlement


@dataclass
class Expected:
    """What must come of it; payouts are named by partner, currency and the settlements in them."""

    payouts: dict[tuple[str, str, frozenset[int]], dict[str, object]] = field(default_factory=dict)
    claims: set[tuple[int, int, int | None, int, int, int, int]] = field(default_factory=set)
    reserves: dict[frozenset[int], list[tuple[Address, int, str]]] = field(default_factory=dict)
    freed: dict[str, list[tuple[Address, int, str]]] = field(default_factory=dict)
    skipped: list[tuple[str, str, int, str]] = field(default_factory=list)


def expected(scope: Scope, chosen: Sequence[int]) -> Expected:
    """Work out with the ORM and one settlement at a time what a bulk payout of these comes to."""
    setting = settings.current(scope)
    counting = calculators.counting(scope, clock.seoul_day(NOW))
    groups: Mapping[tuple[int, str, int], list[Any]] = defaultdict(list)
    for row in claims.claimable(scope).filter(pk__in=chosen).select_related("partner").order_by("pk"):
        apart = row.pk if setting.manual_settlement_per_transfer and row.type == "MANUAL" else 0
        groups[row.partner_id, row.currency, apart].append(row)
    found = Expected()
    for (_partner, currency, _apart), rows in sorted(groups.items()):
        partner = rows[0].partner
        reason = _reason(partner, currency, rows, _figures(setting, counting, partner, rows).amount)
        if reason:
            found.skipped.append((partner.public_id, partner.name, sum(row.net for row in rows), reason))
        else:
            _expect_payout(found, scope, setting, counting, partner, rows)
    return found


def _figures(
    setting: Setting, counting: Calculator | None, partner: Partner, rows: Sequence[Any]
) -> amounts.PayoutAmounts:
    return amounts.payout_amounts(
        [amounts.SettlementAmount(amounts.SettlementType(r.type), r.settlement, r.settlement_tax_free) for r in rows],
        payout_terms(setting, counting, partner),
    )


def _reason(partner: Partner, currency: str, rows: Sequence[Any], amount: int) -> str:
    reasons = {
        "CURRENCY": currency != "KRW",
        "NEGATIVE": amount < 0 or sum(row.net for row in rows) < 0,
        "COMPLIANCE": any(row.hold_reason == "COMPLIANCE" for row in rows),
        "ACCOUNT_NOT_VERIFIED": partner.account_status != "VERIFIED",
        "ACCOUNT_CHANGE_PENDING": not partner.account_confirmed,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _expect_payout(
    found: Expected, scope: Scope, setting: Setting, counting: Calculator | None, partner: Partner, rows: Sequence[Any]
) -> None:
    figures = _figures(setting, counting, partner, rows)
    taken = frozenset(row.pk for row in rows)
    plus, minus = (sum(getattr(row, side) for row in rows) for side in ("credit_total", "debit_total"))
    paid_before = Payout.objects.within(scope).filter(
        partner=partner, status=PayoutStatus.SUCCEEDED, account_fingerprint=partner.account_fingerprint
    )
    found.payouts[partner.public_id, "KRW", taken] = {
        "settlement_amount": figures.settlement_amount,
        "settlement_tax_free_amount": figures.settlement_tax_free_amount,
        "supply_amount": figures.supply_amount,
        "tax_free_amount": figures.tax_free_amount,
        "vat_amount": figures.vat_amount,
        "income_tax_amount": figures.income_tax_amount,
        "local_income_tax_amount": figures.local_income_tax_amount,
        "amount": figures.amount,
        "reserved_credit": plus,
        "reserved_debit": minus,
        "reserved_vat": figures.amount + figures.withheld - plus + minus,
        "settlement_count": len(rows),
        "deduct_wht": setting.deduct_wht,
        "settlement_amount_type": setting.settlement_amount_type,
        "bank": partner.bank,
        "account_last4": partner.account_last4,
        "account_fingerprint": partner.account_fingerprint,
        "account_holder": partner.account_holder,
        "is_new_destination": not paid_before.exists(),
        "withdrawal_memo": MEMOS.withdrawal,
        "deposit_memo": MEMOS.deposit,
        "memo": "",
        "fail_code": "",
        "fail_reason": "",
        "replaces_id": None,
        "status": "CONFIRMED",
        "status_changed_at": NOW,
        "created_at": NOW,
    }
    for row in rows:
        number = row.claim_no + 1
        figures_then = (row.net, row.net_tax_free, row.credit_total, row.debit_total)
        found.claims.add((row.pk, number, row.claim_no or None, *figures_then))
        if row.hold_reason and row.credit_total:
            held, free = (
                Address(code, partner.public_id, "KRW") for code in (Code.PARTNER_HELD, Code.PARTNER_AVAILABLE)
            )
            legs = [(held, row.credit_total, "HOLD"), (free, -row.credit_total, "HOLD")]
            found.freed[f"hold:{row.public_id}:{row.hold_no + 1}"] = legs
    money = journals.Money(
        payout="",
        partner=partner.public_id,
        bank_account="main",
        currency="KRW",
        amount=figures.amount,
        income_tax=figures.income_tax_amount,
        local_tax=figures.local_income_tax_amount,
        reserved_credit=plus,
        reserved_debit=minus,
        reserved_vat=figures.amount + figures.withheld - plus + minus,
    )
    legs = [
        (leg.account, leg.amount, leg.component) for leg in journals.reserve(money, build.day(build.TODAY)).real_legs()
    ]
    if legs:
        found.reserves[taken] = legs


def legs_of(journal: Journal) -> list[tuple[Address, int, str]]:
    """Return a journal's legs in their order."""
    rows = Entry.objects.filter(journal_id=journal.pk).select_related("account").order_by("leg_no")
    return [(Address.of(row.account), row.amount, row.component) for row in rows]


def built(bulk: BulkPayout, names: Sequence[str]) -> dict[tuple[str, str, frozenset[int]], dict[str, object]]:
    """Return the payouts of a bulk payout as `Expected` names them, with these columns."""
    found = {}
    for payout in queries.payouts_of(bulk):
        taken = frozenset(Claim.objects.filter(payout_ref_id=payout.pk).values_list("partner_settlement_id", flat=True))
        found[payout.partner.public_id, payout.currency, taken] = {name: getattr(payout, name) for name in names}
    return found


@pytest.mark.django_db
class TestAgainstPlainArithmetic:
    @pytest.mark.parametrize("seed", range(12))
    def test_payouts_claims_journals_and_amounts_are_the_same(self, seed: int) -> None:
        dice = random.Random(seed)
        scope, rows = random_world(dice)
        chosen = [row.pk for row in rows if dice.random() < 0.95]
        wanted, before = expected(scope, chosen), Journal.objects.latest("pk").pk

        bulk = make(scope, new_bulk(scope), chosen)

        names = next(iter(wanted.payouts.values()), {})
        assert built(bulk, list(names)) == wanted.payouts
        assert [(r["partner"], r["name"], r["net"], r["reason"]) for r in bulk.skipped] == wanted.skipped
        mine = Claim.objects.filter(payout_ref__bulk_public_id=bulk.public_id)
        columns = (
            "partner_settlement_id",
            "claim_no",
            "after_no",
            "net",
            "net_tax_free",
            "credit_total",
            "debit_total",
        )
        assert set(mine.values_list(*columns)) == wanted.claims
        self.check_journals(bulk, wanted, Journal.objects.filter(pk__gt=before))
        self.check_sealed(bulk)
        assert not PartnerSettlement.objects.filter(claims__in=mine).exclude(hold_reason="").exists()
        assert build.off_balance(scope) == 0

    def check_journals(self, bulk: BulkPayout, wanted: Expected, posted: Any) -> None:
        freed = posted.filter(event_type="settlement.freed")
        assert {row.event_key: legs_of(row) for row in freed} == wanted.freed
        reserved = {}
        for row in posted.filter(event_type="payout.reserved"):
            payout = Payout.objects.get(bulk_payout=bulk, public_id=row.origin_id)
            assert (row.event_key, row.origin_kind) == (f"reserve:{payout.public_id}", "payout")
            assert row.business_date == build.day(build.TODAY)
            taken = Claim.objects.filter(payout_ref_id=payout.pk).values_list("partner_settlement_id", flat=True)
            reserved[frozenset(taken)] = legs_of(row)
        assert reserved == wanted.reserves
        assert posted.count() == len(wanted.freed) + len(wanted.reserves)

    def check_sealed(self, bulk: BulkPayout) -> None:
        for payout in queries.payouts_of(bulk):
            assert queries.account_number(payout) == build.ACCOUNT.number
            assert payout.content_hash == queries.content_of(payout).hash()
        assert content_of_bulk(bulk).hash == hash_of(bulk)

    def test_the_worlds_hold_everything_that_can_happen(self) -> None:
        seen: set[str] = set()
        for seed in range(12):
            dice = random.Random(seed)
            scope, rows = random_world(dice)
            wanted = expected(scope, [row.pk for row in rows])
            seen |= {row[3] for row in wanted.skipped}
            seen |= {"freed"} if wanted.freed else set()
            seen |= {"again"} if any(row[1] > 1 for row in wanted.claims) else set()
            seen |= {"paid before"} if any(not row["is_new_destination"] for row in wanted.payouts.values()) else set()
            seen |= {"apart"} if settings.current(scope).manual_settlement_per_transfer else set()
            seen |= {component for legs in wanted.reserves.values() for _account, _amount, component in legs}
        reasons = {"CURRENCY", "NEGATIVE", "COMPLIANCE", "ACCOUNT_NOT_VERIFIED", "ACCOUNT_CHANGE_PENDING"}
        assert seen == reasons | {"freed", "again", "paid before", "apart", "vat", "settlement", "payout"}


@pytest.mark.django_db
class TestResuming:
    @pytest.fixture
    def scope(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scope]:
        monkeypatch.setattr(building, "CHUNK_WEIGHT", 45)
        yield (scope := shop())
        assert build.off_balance(scope) == 0

    def fill(self, scope: Scope) -> list[int]:
        """Owe five partners twice; the second owes more than is due."""
        made = [build.partner(scope, f"seller-{place}", taxpayer=build.NON_WHT_PAYER) for place in range(5)]
        rows = [owed(scope, partner, 1_000 + number) for partner in made for number in range(2)]
        return [row.pk for row in (*rows, owed(scope, made[1], 9_000, kind="ORDER_CANCEL"))]

    def started(self, scope: Scope, chosen: Sequence[int]) -> BulkPayout:
        return building.create_bulk_payout(
            scope=scope, choice=building.Choice(chosen, {}), name="8월", by=build.BY, now=clock.now()
        )

    def run(self, bulk: BulkPayout) -> bool:
        return jobs.run_job(Job.objects.get(kind="payouts.build", dedupe=bulk.public_id).pk)

    def test_chunks_hold_whole_partners_and_everything_chosen(self, scope: Scope) -> None:
        chosen = self.fill(scope)
        owner = dict(PartnerSettlement.objects.values_list("pk", "partner_id"))
        chunks = building.partner_chunks(scope, chosen)

        assert sorted(pk for chunk in chunks for pk in chunk) == sorted(chosen)
        partners = [{owner[pk] for pk in chunk} for chunk in chunks]
        assert len(partners) > 2
        assert sum(map(len, partners)) == 5

    def test_a_killed_job_goes_on_where_it_stopped(self, scope: Scope) -> None:
        chosen = self.fill(scope)
        bulk = self.started(scope, chosen)
        for chunk in building.partner_chunks(scope, chosen)[:2]:
            make(scope, bulk, chunk)
        before = set(Payout.objects.values_list("public_id", flat=True))
        assert before

        assert self.run(bulk)

        done = queries.find_bulk(scope, bulk.public_id)
        assert (done.status, done.payout_count, done.total_amount) == (BulkStatus.PREPARED, 4, 4 * 2_001)
        assert [row["partner"] for row in done.skipped] == ["seller-1"], "told once, not once for each try"
        assert before < set(Payout.objects.values_list("public_id", flat=True))
        assert done.content_hash == hash_of(done)
        assert Journal.objects.filter(event_type="payout.reserved").count() == 4

    def test_making_a_chunk_again_changes_nothing(self, scope: Scope) -> None:
        chosen, bulk = self.fill(scope), new_bulk(scope)
        first = make(scope, bulk, chosen)
        journals_before = Journal.objects.count()

        again = make(scope, bulk, chosen)

        assert again.skipped == first.skipped
        assert (Payout.objects.count(), Claim.objects.count()) == (4, 8)
        assert Journal.objects.count() == journals_before

    def test_whoever_was_passed_over_is_not_paid_by_a_later_try(self, scope: Scope) -> None:
        chosen, bulk = self.fill(scope), new_bulk(scope)
        make(scope, bulk, chosen)
        owed(scope, Partner.objects.get(public_id="seller-1"), 50_000)

        make(scope, bulk, list(PartnerSettlement.objects.values_list("pk", flat=True)))

        assert not Payout.objects.filter(partner__public_id="seller-1").exists()

    def test_nothing_is_made_of_a_cancelled_bulk_payout(self, scope: Scope) -> None:
        chosen, bulk = self.fill(scope), new_bulk(scope)
        take_back(scope, bulk)
        with pytest.raises(building.NotEditable):
            make(scope, bulk, chosen)
        assert not Payout.objects.exists()

    def test_settlements_of_another_merchant_look_absent(self, scope: Scope) -> None:
        theirs = self.fill(scope)
        ours = shop()
        with pytest.raises(claims.NotClaimable):
            self.started(ours, theirs)

        assert building.partner_chunks(ours, theirs) == []
        make(ours, new_bulk(ours), theirs)
        assert not Payout.objects.exists()

    def test_whoever_would_get_less_than_nothing_after_vat_holds_nobody_else_up(self, scope: Scope) -> None:
        settings.change(scope=scope, by=build.BY, settlement_amount_type="NET")
        odd = build.partner(scope, "odd")
        rows = [owed(scope, odd, 10_000), owed(scope, odd, 9_999, kind="ORDER_CANCEL")]
        # What is taken back was taxed, what is left is not: the VAT to be returned is more than the one won.
        PartnerSettlement.objects.filter(pk=rows[0].pk).update(settlement_tax_free=10_000, net_tax_free=10_000)
        rows.append(owed(scope, build.partner(scope, "other"), 5_000))

        bulk = make(scope, new_bulk(scope), [row.pk for row in rows])

        assert [(row["partner"], row["reason"]) for row in bulk.skipped] == [("odd", "NEGATIVE")]
        assert Payout.objects.get().partner.public_id == "other"

    def test_negative_ones_that_are_due_go_in_unasked(self, scope: Scope) -> None:
        partner = build.partner(scope, "seller", taxpayer=build.NON_WHT_PAYER)
        due = owed(scope, partner, 10_000)
        owed(scope, partner, 4_000, kind="ORDER_CANCEL")
        bulk = self.started(scope, [due.pk])
        assert self.run(bulk)

        assert queries.find_bulk(scope, bulk.public_id).total_amount == 6_000
