"""
People who race each other over one bulk payout; a program of its own, beside the lab.

In every round a bulk payout is submitted, and then, at the same moment, two people approve what they have seen, and
somebody edits it, cancels it, rejects it, or changes the account of a partner in it. What was seen before each approval
is kept: whatever the bank executes must be in there. `settle` ends what nobody else will: accounts that wait for a
decision, and payouts whose account is another one by now.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import django
from django.conf import settings

if TYPE_CHECKING:
    from core.actor import Actor
    from core.scope import Scope
    from payouts.models import BulkPayout

_ROUND_PARTNERS = 2
_LEAST, _MOST = 1_000, 70_000_000
_LONGEST_DELAY_SECONDS = 0.03
_SETTLE_SECONDS = 0.5
_ROUNDS_BETWEEN_DECISIONS = 5
_MOST_LOOKS, _LOOK_SECONDS = 50, 0.1


@dataclass(frozen=True)
class _People:
    """Who takes part."""

    scope: "Scope"
    operator: "Actor"
    approvers: Sequence["Actor"]


def _people() -> _People:
    from access.models import Merchant, User
    from access.queries import actor_for
    from core.scope import Scope

    found = {user.username: actor_for(user) for user in User.objects.all()}
    scope = Scope(Merchant.objects.get().pk)
    return _People(scope, found["operator"], (found["approver"], found["approver2"]))


def _again_when_cut(step: Callable[[], object]) -> None:
    """Do a step; a database that has just been restarted is waited for, and the refusals of a race are its result."""
    from django.db import Error, IntegrityError, connection

    from core.errors import DomainError

    for _try in range(60):
        try:
            step()
        except (DomainError, IntegrityError):
            return
        except Error:
            connection.close()
            time.sleep(0.5)
        else:
            return


class Round:
    """One bulk payout and everybody who wants something of it."""

    def __init__(self, number: int, seed: int, people: _People, seen: Path) -> None:
        self.number, self.people, self.seen = number, people, seen
        self.random = Random(f"{seed}:{number}")  # noqa: S311 - a race that can be repeated
        self.partners = [f"{_name(place)}" for place in (number * _ROUND_PARTNERS, number * _ROUND_PARTNERS + 1)]

    def run(self) -> None:
        """Prepare, race, and let an approver decide about a changed account half of the time."""
        bulk = self._submitted()
        if bulk is None:
            return
        steps = [lambda: self._approve(bulk, 0), lambda: self._approve(bulk, 1)]
        against = [
            self._edit,
            self._edit,
            self._change_account,
            self._change_account,
            self._remove,
            self._cancel,
            self._reject,
        ]
        chosen = self.random.sample(against, self.random.choice((1, 1, 2)))
        steps += [lambda other=other: other(bulk) for other in chosen]  # type: ignore[misc] # bound now
        delays = [self.random.uniform(0, _LONGEST_DELAY_SECONDS) for _step in steps]
        barrier = threading.Barrier(len(steps))
        threads = [
            threading.Thread(target=self._at_once, args=(barrier, delay, step))
            for step, delay in zip(steps, delays, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _at_once(self, barrier: threading.Barrier, delay: float, step: Callable[[], None]) -> None:
        from django.db import connection

        barrier.wait()
        time.sleep(delay)
        try:
            _again_when_cut(step)
        finally:
            connection.close()

    def _submitted(self) -> "BulkPayout | None":
        """Owe, build and submit; None when the database went away for good meanwhile."""
        from core import clock, jobs
        from payouts import queries
        from payouts.models import BankAccount, BulkPayout
        from payouts.operations import approval, building
        from settlement import claims
        from settlement.operations import records

        scope, operator = self.people.scope, self.people.operator
        accounts = list(BankAccount.objects.within(scope).order_by("pk"))
        bulk_id = f"race-{self.number:05d}"

        def owe() -> None:
            if claims.claimable(scope).filter(partner__public_id__in=self.partners).exists():
                return
            rows = [
                records.ManualRow(one, self.random.randrange(_LEAST, _MOST), settlement_date=clock.today())
                for one in self.partners
            ]
            records.record_many_manual(scope=scope, by=operator, now=clock.now(), rows=rows)

        def begin() -> None:
            free = claims.claimable(scope).filter(partner__public_id__in=self.partners).values_list("pk", flat=True)
            building.create_bulk_payout(
                scope=scope, choice=building.Choice(list(free), {}), name=bulk_id, by=operator, now=clock.now(),
                public_id=bulk_id, bank_account=accounts[self.number % len(accounts)],
            )  # fmt: skip

        def submit() -> None:
            bulk = queries.find_bulk(scope, bulk_id)
            approval.submit(scope=scope, bulk_id=bulk_id, seen_hash=bulk.content_hash, by=operator, now=clock.now())

        def build() -> None:
            for _try in range(_MOST_LOOKS):
                jobs.run_due_jobs()
                if BulkPayout.objects.within(scope).exclude(status="PREPARING").filter(public_id=bulk_id).exists():
                    return
                time.sleep(_LOOK_SECONDS)

        for step in (owe, begin, build, submit):
            _again_when_cut(step)
        return BulkPayout.objects.within(scope).filter(public_id=bulk_id, status="PENDING_APPROVAL").first()

    # --- who wants what

    def _approve(self, bulk: "BulkPayout", who: int) -> None:
        """Look and approve; who is told that the content has changed looks again, once, a moment later."""
        from payouts.operations.approval import ContentChanged, NotSubmittable

        try:
            self._approve_once(bulk, who)
        except (ContentChanged, NotSubmittable):
            time.sleep(2 * _LONGEST_DELAY_SECONDS)
            self._approve_once(bulk, who)

    def _approve_once(self, bulk: "BulkPayout", who: int) -> None:
        from core import clock
        from payouts.models import Decision
        from payouts.operations import approval

        seen_hash = _look(self.people.scope, bulk.public_id, self.seen)
        if self.random.random() < 0.5:  # noqa: PLR2004 - half of the people read before they press
            time.sleep(self.random.uniform(0, _LONGEST_DELAY_SECONDS))
        approval.decide(
            scope=self.people.scope,
            bulk_id=bulk.public_id,
            seen_hash=seen_hash,
            decision=Decision.APPROVED,
            by=self.people.approvers[who],
            now=clock.now(),
        )

    def _reject(self, bulk: "BulkPayout") -> None:
        from core import clock
        from payouts.models import Decision
        from payouts.operations import approval

        approval.decide(
            scope=self.people.scope,
            bulk_id=bulk.public_id,
            seen_hash=bulk.content_hash,
            decision=Decision.REJECTED,
            by=self.people.approvers[1],
            now=clock.now(),
            reason="금액을 다시 확인해 주세요.",
        )

    def _edit(self, bulk: "BulkPayout") -> None:
        """Change the memos and submit the new content: the old approvals must not carry over."""
        from core import clock
        from payouts import queries
        from payouts.operations import approval, building

        scope, operator = self.people.scope, self.people.operator
        building.change_details(
            scope=scope, bulk_id=bulk.public_id, by=operator, now=clock.now(), deposit_memo=f"고침 {self.number}"
        )
        fresh = queries.find_bulk(scope, bulk.public_id)
        approval.submit(scope=scope, bulk_id=bulk.public_id, seen_hash=fresh.content_hash, by=operator, now=clock.now())

    def _remove(self, bulk: "BulkPayout") -> None:
        from core import clock
        from payouts.operations import building

        first = bulk.payouts.order_by("pk").values_list("public_id", flat=True)[:1]
        building.remove_payouts(
            scope=self.people.scope,
            bulk_id=bulk.public_id,
            payout_ids=list(first),
            by=self.people.operator,
            now=clock.now(),
        )

    def _cancel(self, bulk: "BulkPayout") -> None:
        from core import clock
        from payouts.operations import building

        building.cancel_bulk_payout(
            scope=self.people.scope, bulk_id=bulk.public_id, by=self.people.operator, now=clock.now()
        )

    def _change_account(self, bulk: "BulkPayout") -> None:  # noqa: ARG002 - everybody is called alike
        from core import clock
        from settlement.operations import partners

        number = f"333{self.random.randrange(10**8, 10**9)}1"
        account = partners.Account("KAKAO", "KRW", number, "다른 사람", is_verified=True)
        partners.change(
            scope=self.people.scope,
            by=self.people.operator,
            now=clock.now(),
            public_id=self.partners[0],
            changes=partners.PartnerChanges(account=account),
        )


def _name(place: int) -> str:
    from access.models import Merchant
    from settlement.models import Partner

    rows = Partner.objects.filter(merchant_id=Merchant.objects.get().pk, is_test=False).order_by("pk")
    return str(rows.values_list("public_id", flat=True)[place % rows.count()])


def _look(scope: "Scope", bulk_id: str, seen: Path) -> str:
    """See a bulk payout as its page shows it, in one moment; keep what was seen; return its hash."""
    from django.db import transaction

    from config.chaos.desk import note
    from payouts import queries

    with transaction.atomic():
        bulk = queries.lock_bulk(scope, bulk_id)
        rows = list(queries.payouts_of(bulk).exclude(status="CANCELLED"))
        found = [
            (bulk.content_hash, row.public_id, row.amount, row.bank, queries.account_number(row), row.account_holder)
            for row in rows
        ]
    note(seen, found)
    return bulk.content_hash


def race(folder: Path, part: int, parts: int) -> None:
    """Run every so manieth round, one after another, while the rest of the product sends what was approved."""
    from config.chaos.world import read_plan

    plan, people = read_plan(folder), _people()
    random = Random(f"{plan.seed}:decisions:{part}")  # noqa: S311 - the same decisions every time
    for number in range(part, plan.partners, parts):
        # A round that a restart cut short begins again where it stands.
        _again_when_cut(lambda number=number: Round(number, plan.seed, people, folder / "seen.jsonl").run())  # type: ignore[misc] # bound now
        # Whoever looks after accounts does so now and then; until then the payouts wait, and others behind them.
        if number // parts % _ROUNDS_BETWEEN_DECISIONS == 0:
            _again_when_cut(lambda: _settle_once(people, random))


def settle(folder: Path) -> None:
    """Decide about every waiting account, and stop what can never be sent, until nothing is open."""
    random = Random(json.loads((folder / "plan.json").read_text())["seed"])  # noqa: S311 - the same decisions every time
    people = _people()
    while _settle_once(people, random):
        time.sleep(_SETTLE_SECONDS)


def _settle_once(people: _People, random: Random) -> int:
    """Do what a person would do next; returns how many bulk payouts are still being sent."""
    from core import clock
    from core.errors import DomainError
    from payouts.models import BulkPayout, BulkStatus, Payout
    from payouts.operations import running
    from settlement.models import Partner
    from settlement.operations import partners

    scope, approver = people.scope, people.approvers[0]
    for partner in Partner.objects.within(scope).filter(account_confirmed=False):
        decide = partners.confirm_account if random.random() < 0.5 else partners.reject_account  # noqa: PLR2004 - either
        decide(scope=scope, by=approver, now=clock.now(), public_id=partner.public_id)
    waiting = Payout.objects.within(scope).filter(status="PREPARED", bulk_payout__status=BulkStatus.ONGOING)
    stuck = {
        row.bulk_payout.public_id
        for row in waiting.select_related("partner", "bulk_payout")
        if row.account_fingerprint != row.partner.account_fingerprint
    }
    for bulk_id in sorted(stuck):
        try:
            running.stop(scope=scope, bulk_id=bulk_id, by=people.operator, now=clock.now(), reason="계좌가 바뀌었어요.")
        except DomainError:
            continue  # it ended by itself in this very moment
    sending = (BulkStatus.APPROVED, BulkStatus.SCHEDULED, BulkStatus.ONGOING, BulkStatus.POST_PROCESS_PENDING)
    return BulkPayout.objects.within(scope).filter(status__in=sending).count()


def main() -> None:
    """Run one part: `python -m config.chaos.races race FOLDER PART PARTS` or `… settle FOLDER`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    settings.SEND_HINTS = False
    folder, numbers = Path(sys.argv[2]), [int(word) for word in sys.argv[3:]]
    if sys.argv[1] == "race":
        race(folder, *numbers)
    else:
        settle(folder)


if __name__ == "__main__":
    main()
