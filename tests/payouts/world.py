"""A small world for payout tests: a merchant with people, a bank process, partners who are owed money."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from django.test import override_settings

from access.models import Merchant
from access.operations import create_merchant
from core import actor, clock, jobs
from core.actor import Actor, ActorKind
from core.scope import Scope
from ledger import posting
from ledger import queries as books
from ledger.accounts import Address
from ledger.chart import Code
from ledger.posting import Origin, Posting, credit, debit
from payouts import queries
from payouts.models import Attempt, BankAccount, BulkPayout, Decision, Payout
from payouts.operations import approval, building, dispatch, inquiry, running
from settlement.dates import Cycle, CycleMethod, DatePolicy
from settlement.models import AccountStatus, Partner, PartnerSettlement, PartnerType
from settlement.operations import contracts, environment, partners, policies, records
from tests.payouts.rails.bank import BankProcess

MAKER = Actor(ActorKind.USER, "operator", user_id=101)
CHECKER = Actor(ActorKind.USER, "approver", user_id=102)
SECOND_CHECKER = Actor(ActorKind.USER, "approver2", user_id=103)
SYSTEM = actor.system("test")
HOLDER = "김지우"


@dataclass
class World:
    """One merchant, its bank account, and the bank."""

    bank: BankProcess
    merchant: Merchant
    scope: Scope
    account: BankAccount
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**6)))

    def top_up(self, amount: int) -> None:
        """Put the operator's money into the payout account, at the bank and in the books."""
        owner = self.account.public_id
        legs = [debit(Address(Code.BANK, owner), amount), credit(Address(Code.OPERATOR_FUNDS, owner), amount)]
        step = Posting(
            "funds.topped_up", f"top-up:{next(self.numbers)}", clock.today(), legs, Origin("bank_account", owner)
        )
        posting.post(scope=self.scope, posting=step, by=SYSTEM)

    def partner(self, name: str, *, number: str = "", kind: PartnerType = PartnerType.NON_WHT_PAYER) -> Partner:
        """Make a verified partner whose account the bank knows."""
        number = number or f"11012345{next(self.numbers):06d}"
        self.bank.call("POST", "/v1/accounts", {"bank": "KOOKMIN", "accountNumber": number, "holder": HOLDER})
        made = partners.create(
            scope=self.scope,
            by=MAKER,
            now=clock.now(),
            draft=partners.PartnerDraft(
                name=name,
                contact=partners.Contact(name=name, email=f"{name}@example.com"),
                account=partners.Account(bank="KOOKMIN", currency="KRW", number=number, holder=HOLDER),
                default_contract_id="standard",
                taxpayer=partners.Taxpayer(type=kind),
                public_id=name,
            ),
        )
        Partner.objects.filter(pk=made.pk).update(account_status=AccountStatus.VERIFIED)
        return made

    def owe(self, partner: str, amount: int, *, on: date | None = None) -> None:
        """Record a manual settlement that is due."""
        row = records.ManualRow(partner_id=partner, amount=amount, settlement_date=on or clock.today())
        records.record_manual(scope=self.scope, by=MAKER, now=clock.now(), row=row)

    def owe_many(self, count: int, amount: int = 1_000) -> None:
        """Make so many partners and owe each of them."""
        for place in range(count):
            self.partner(f"p{place:04d}")
            self.owe(f"p{place:04d}", amount + place)

    def build(self, ids: Sequence[int] | None = None, *, scheduled_at: datetime | None = None) -> BulkPayout:
        """Build a bulk payout of everything due, or of these partner settlements."""
        everything = PartnerSettlement.objects.within(self.scope).values_list("pk", flat=True)
        bulk = building.create_bulk_payout(
            scope=self.scope,
            choice=building.Choice(list(everything if ids is None else ids), {}),
            name="정산 지급",
            by=MAKER,
            now=clock.now(),
            scheduled_at=scheduled_at,
        )
        while jobs.run_due_jobs():
            pass
        return queries.find_bulk(self.scope, bulk.public_id)

    def submit(self, bulk: BulkPayout) -> BulkPayout:
        """Submit as the maker."""
        return approval.submit(
            scope=self.scope, bulk_id=bulk.public_id, seen_hash=bulk.content_hash, by=MAKER, now=clock.now()
        )

    def approve(self, bulk: BulkPayout, by: Actor = CHECKER) -> BulkPayout:
        """Approve as a checker."""
        return approval.decide(
            scope=self.scope,
            bulk_id=bulk.public_id,
            seen_hash=bulk.content_hash,
            decision=Decision.APPROVED,
            by=by,
            now=clock.now(),
        )

    def approved(self) -> BulkPayout:
        """Build, submit and approve everything due."""
        return self.approve(self.submit(self.build()))

    def send(self) -> int:
        """Let one worker start and send everything that is due now."""
        running.start_due(clock.now())
        total = 0
        while found := dispatch.send_due(now=clock.now()):
            total += found
        return total

    def ask(self) -> int:
        """Let one worker ask about everything whose inquiry is due now."""
        return inquiry.ask_due(now=clock.now())

    def payout(self, partner: str) -> Payout:
        """Return a partner's newest payout."""
        return Payout.objects.within(self.scope).filter(partner__public_id=partner).latest("pk")

    def balance(self, code: Code, partner: str = "acme") -> int:
        """Return the balance of a partner's account."""
        return books.balance(self.scope, Address(code, partner))

    def witness(self) -> dict[str, int]:
        """Return what the bank executed: reference and amount."""
        found = self.bank.call("GET", "/v1/transfers?after=0&limit=100000")[1]["transfers"]
        return {row["reference"]: row["amount"] for row in found}


def later(seconds: float) -> None:
    """Let the clock pass by making everything due earlier: no test sleeps."""
    past = timedelta(seconds=seconds)
    for attempt in Attempt.objects.all():
        Attempt.objects.filter(pk=attempt.pk).update(
            due_at=attempt.due_at - past,
            next_inquiry_at=attempt.next_inquiry_at and attempt.next_inquiry_at - past,
            submitted_at=attempt.submitted_at and attempt.submitted_at - past,
            not_received_at=attempt.not_received_at and attempt.not_received_at - past,
            lease_until=attempt.lease_until and attempt.lease_until - past,
        )


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Make the world in the current database, and end its bank."""
    bank = BankProcess(folder / "bank.jsonl")
    try:
        with override_settings(JEONGSAN=_with_bank(f"http://127.0.0.1:{bank.port}")):
            now = clock.now()
            merchant = create_merchant(name="한빛마켓", by=SYSTEM, now=now)
            scope = Scope(merchant.pk)
            environment.open_environment(scope)
            contracts.create(
                scope=scope,
                by=SYSTEM,
                now=now,
                public_id="standard",
                name="표준 계약",
                fee=policies.FeeInput(rate=10_000),
                vat_payer="PARTNER",
                cycle=Cycle(lag_days=2, method=CycleMethod.DAILY, date_policy=DatePolicy.HOLIDAY_AFTER),
            )
            account = BankAccount.objects.create(
                **scope.filters(),
                public_id="main",
                name="지급 계좌",
                bank="SHINHAN",
                number_sealed=b"",
                last4="0001",
                holder="한빛마켓",
                rail="simulator",
            )
            made = World(bank, merchant, scope, account)
            made.top_up(1_000_000_000)
            yield made
    finally:
        if bank.process.poll() is None:
            bank.stop()


def _with_bank(url: str) -> dict[str, object]:
    from django.conf import settings

    return {**settings.JEONGSAN, "BANK_URL": url}
