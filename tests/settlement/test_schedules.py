"""Protects what was planned: a change for a day to come counts from that day, takes effect once, and is never lost."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q

from access.models import AuditEvent
from access.roles import Role
from core import jobs
from core.actor import Actor
from core.errors import DomainError, InvalidRequest
from core.scope import Scope
from settlement import lookups, terms
from settlement.models import AccountStatus, ContractVersion, Partner, PartnerType, Schedule, SettlementRecord
from settlement.operations import contracts, partners, policies, recompute, schedules
from settlement.operations.partners import Account, PartnerChanges
from settlement.operations.policies import ADDITIONAL_FEE, CONTRACT, DISCOUNT_SHARE, FeeInput
from settlement.refusals import refuse
from tests import build

NOW, SOON, LATER = build.noon("2023-08-11"), build.noon("2023-08-20"), build.noon("2023-09-01")
NEW_ACCOUNT = Account("SHINHAN", "KRW", "999-888-777666", "박다른")


@pytest.fixture
def shop(db: None) -> Iterator[Scope]:  # noqa: ARG001 - the tables are in it
    """Give a merchant with one contract of 10 % and no look-ups."""
    before, companies = lookups.account_lookup(), lookups.company_lookup()
    lookups.register(None)
    lookups.register_company(None)
    scope = build.merchant()
    build.contract(scope)
    yield scope
    lookups.register(before)
    lookups.register_company(companies)


def plan(scope: Scope, *, at: Any = SOON, now: Any = NOW, replacing: bool = False, **changes: Any) -> ContractVersion:
    return schedules.plan_policy(
        CONTRACT,
        scope=scope,
        by=build.BY,
        now=now,
        public_id="ten-percent",
        columns=contracts.changed_columns(**changes),
        applied_at=at,
        replacing=replacing,
    )


def plan_partner(scope: Scope, *, by: Actor = build.BY, at: Any = SOON, now: Any = NOW, **changes: Any) -> Partner:
    return schedules.plan_partner(
        scope=scope, by=by, now=now, public_id="seller-7", changes=PartnerChanges(**changes), applied_at=at
    )


def counting(scope: Scope, day: str) -> ContractVersion:
    return terms.version_on(CONTRACT.get(scope, "ten-percent").versions.all(), build.day(day))


def refused(code: str, status: int) -> Any:
    return pytest.raises(DomainError, check=lambda error: (error.code, error.status) == (f"PLATFORM_{code}", status))


class TestPolicies:
    def test_start_dates_from_the_day_on_use_the_planned_version(self, shop: Scope) -> None:
        build.partner(shop)
        plan(shop, fee=FeeInput(rate=20_000))

        before = build.order(shop, start="2023-08-19", on="2023-08-11")
        from_then = build.order(shop, start="2023-08-20", on="2023-08-11")
        assert (before.platform_fee, from_then.platform_fee) == (1_000, 2_000)

    def test_a_change_in_between_leaves_the_planned_one_on_top(self, shop: Scope) -> None:
        planned = plan(shop, fee=FeeInput(rate=20_000))
        contracts.change(scope=shop, by=build.BY, now=NOW + timedelta(days=1), public_id="ten-percent", memo="봄")

        now, then = counting(shop, "2023-08-19"), counting(shop, "2023-08-20")
        assert (now.fee_rate, now.memo, then.fee_rate, then.memo) == (10_000, "봄", 20_000, "봄")
        assert then.pk != planned.pk
        numbers = list(ContractVersion.objects.order_by("pk").values_list("number", flat=True))
        assert numbers == [1, 2, 3, 4]

    def test_takes_effect_once_also_long_after_its_moment(self, shop: Scope) -> None:
        plan(shop, fee=FeeInput(rate=20_000))
        assert schedules.apply_due(now=SOON - timedelta(seconds=1)) == 0

        assert schedules.apply_due(now=LATER) == 1
        assert schedules.apply_due(now=LATER) == 0

        current: Any = CONTRACT.get(shop, "ten-percent").current
        assert (current.fee_rate, current.applied_at) == (20_000, SOON)
        assert not Schedule.objects.exists()
        assert AuditEvent.objects.filter(action="contract.planned_change_applied").count() == 1

    def test_a_change_after_the_moment_comes_on_top_though_no_sweeper_has_run(self, shop: Scope) -> None:
        plan(shop, fee=FeeInput(rate=20_000))
        changed = contracts.change(scope=shop, by=build.BY, now=LATER, public_id="ten-percent", memo="가을")

        current: Any = changed.current
        assert (current.fee_rate, current.memo) == (20_000, "가을")

    def test_dropped_it_counts_no_more(self, shop: Scope) -> None:
        plan(shop, fee=FeeInput(rate=20_000))
        schedules.drop_policy(CONTRACT, scope=shop, by=build.BY, now=NOW, public_id="ten-percent")

        assert counting(shop, "2023-12-31").fee_rate == 10_000
        assert schedules.apply_due(now=LATER) == 0
        with refused("CONTRACT_NOT_FOUND", 404):
            schedules.drop_policy(CONTRACT, scope=shop, by=build.BY, now=NOW, public_id="ten-percent")
        with refused("CONTRACT_NOT_FOUND", 404):
            schedules.policy_version(CONTRACT, scope=shop, public_id="ten-percent")

    def test_replaced_only_the_new_one_counts(self, shop: Scope) -> None:
        with refused("CONTRACT_NOT_FOUND", 404):
            plan(shop, fee=FeeInput(rate=20_000), replacing=True)
        plan(shop, fee=FeeInput(rate=20_000))
        with refused("CONTRACT_SCHEDULE_ALREADY_EXISTS", 409):
            plan(shop, fee=FeeInput(rate=30_000))
        plan(shop, fee=FeeInput(rate=30_000), at=LATER, replacing=True)

        assert counting(shop, "2023-08-31").fee_rate == 10_000
        assert counting(shop, "2023-09-01").fee_rate == 30_000

    def test_refusals(self, shop: Scope) -> None:
        with pytest.raises(InvalidRequest):
            plan(shop, memo="x", at=NOW)
        plan(shop, memo="x")
        with refused("CANNOT_ARCHIVE_SCHEDULED_CONTRACT", 409):
            contracts.archive(scope=shop, by=build.BY, public_id="ten-percent")
        schedules.drop_policy(CONTRACT, scope=shop, by=build.BY, now=NOW, public_id="ten-percent")
        contracts.archive(scope=shop, by=build.BY, public_id="ten-percent")
        with refused("ARCHIVED_CONTRACT", 409):
            plan(shop, memo="x")

    def test_the_other_policies_too(self, shop: Scope) -> None:
        build.share(shop)
        build.extra_fee(shop)
        told = {"scope": shop, "by": build.BY, "now": NOW, "applied_at": SOON}
        share = policies.discount_share_columns(partner_share_rate=70_000)
        fee = policies.additional_fee_columns(fee=FeeInput(amount=300, is_fixed=True))
        schedules.plan_policy(DISCOUNT_SHARE, public_id="half", columns=share, **told)  # type: ignore[arg-type] # keywords
        schedules.plan_policy(ADDITIONAL_FEE, public_id="five", columns=fee, **told)  # type: ignore[arg-type] # keywords

        assert schedules.apply_due(now=SOON) == 2
        shared: Any = DISCOUNT_SHARE.get(shop, "half").current
        charged: Any = ADDITIONAL_FEE.get(shop, "five").current
        assert shared.partner_share_rate == 70_000
        assert (charged.fee_rate, charged.fee_amount, charged.fee_is_fixed) == (0, 300, True)

    def test_orders_ahead_are_computed_again_whenever_it_may_touch_them(self, shop: Scope) -> None:
        build.partner(shop)
        order = build.order(shop, start="2099-08-21", on="2023-08-11")

        def again() -> int:
            assert jobs.run_due_jobs() == 1
            recompute.scheduled(scope=shop, by=build.BY, now=NOW)
            return SettlementRecord.objects.get(pk=order.pk).platform_fee

        plan(shop, fee=FeeInput(rate=20_000))
        assert again() == 2_000
        contracts.change(scope=shop, by=build.BY, now=NOW, public_id="ten-percent", fee=FeeInput(rate=5_000))
        assert again() == 2_000
        schedules.drop_policy(CONTRACT, scope=shop, by=build.BY, now=NOW, public_id="ten-percent")
        assert again() == 500


class TestPartners:
    def test_shows_what_will_be_and_changes_only_then(self, shop: Scope) -> None:
        build.partner(shop, tags=["차"])
        shown = plan_partner(shop, memo="단골", tags=["커피"])
        assert (shown.memo, shown.tags, shown.applied_at) == ("단골", ["커피"], SOON)
        read = schedules.partner_as_planned(scope=shop, public_id="seller-7")
        assert (read.memo, read.applied_at) == ("단골", SOON)
        assert partners.get(shop, "seller-7").memo == ""

        assert schedules.apply_due(now=LATER) == 1
        assert schedules.apply_due(now=LATER) == 0
        after = partners.get(shop, "seller-7")
        assert (after.memo, after.tags) == ("단골", ["커피"])
        assert not Schedule.objects.exists()

    def test_a_later_change_stays_on_top_though_no_sweeper_has_run(self, shop: Scope) -> None:
        build.partner(shop)
        plan_partner(shop, memo="예약", tags=["차"])
        changes = PartnerChanges(memo="나중")
        partners.change(scope=shop, by=build.BY, now=LATER, public_id="seller-7", changes=changes)

        assert schedules.apply_due(now=LATER) == 0
        after = partners.get(shop, "seller-7")
        assert (after.memo, after.tags) == ("나중", ["차"])

    def test_a_planned_account_is_sealed_and_waits_for_another_approver(self, shop: Scope) -> None:
        build.partner(shop)
        maker = build.person(shop, "maker", Role.APPROVER)
        other = build.person(shop, "other", Role.APPROVER)
        shown = plan_partner(shop, by=maker, account=NEW_ACCOUNT)
        assert partners.account_number(shown) == NEW_ACCOUNT.number

        kept = Schedule.objects.get()
        assert b"777666" not in bytes(kept.sealed_update or b"")
        assert "777666" not in str(kept.update)
        assert kept.update["account"]["last4"] == "7666"

        assert schedules.apply_due(now=LATER) == 1
        after = partners.get(shop, "seller-7")
        assert (after.bank, after.account_confirmed) == ("SHINHAN", False)
        assert partners.account_number(after) == NEW_ACCOUNT.number
        with pytest.raises(DomainError, match="스스로"):
            partners.confirm_account(scope=shop, by=maker, now=LATER, public_id="seller-7")
        assert partners.confirm_account(scope=shop, by=other, now=LATER, public_id="seller-7").account_confirmed
        trail = str(list(AuditEvent.objects.values_list("before", "after")))
        assert "999-888-777666" not in trail

    def test_a_person_keeps_the_birthdate_that_was_planned(self, shop: Scope) -> None:
        build.partner(shop, taxpayer=build.WHT_PAYER)
        plan_partner(shop, type=PartnerType.NON_WHT_PAYER, taxpayer={"birthdate": build.day("1990-02-03")})

        assert schedules.apply_due(now=SOON) == 1
        after = partners.get(shop, "seller-7")
        assert (after.type, after.birthdate) == (PartnerType.NON_WHT_PAYER, build.day("1990-02-03"))

    def test_a_birthdate_can_be_planned_away(self, shop: Scope) -> None:
        build.partner(shop, taxpayer=replace(build.WHT_PAYER, birthdate=build.day("1990-02-03")))
        plan_partner(shop, type=PartnerType.WHT_PAYER, taxpayer={"birthdate": None})

        assert schedules.apply_due(now=SOON) == 1
        assert partners.get(shop, "seller-7").birthdate is None

    def test_one_that_can_no_longer_be_made_is_kept_with_the_reason(self, shop: Scope) -> None:
        build.partner(shop, taxpayer=build.WHT_PAYER)
        plan_partner(shop, type=PartnerType.BUSINESS, taxpayer=_business())
        kept = Schedule.objects.get()
        told = schedules.planned_changes(kept, partners.get(shop, "seller-7"))
        assert told.type is PartnerType.BUSINESS
        # The sealed change belongs to this partner's id; under another it cannot be opened any more.
        Partner.objects.filter(public_id="seller-7").update(public_id="renamed")

        assert schedules.apply_due(now=LATER) == 0
        failed = Schedule.objects.get()
        assert failed.failure
        assert schedules.apply_due(now=LATER) == 0
        assert AuditEvent.objects.filter(action="partner.planned_change_failed").count() == 1
        with refused("PARTNER_NOT_FOUND", 404):
            schedules.partner_as_planned(scope=shop, public_id="renamed")
        schedules.drop_partner(scope=shop, by=build.BY, public_id="renamed")
        assert not Schedule.objects.exists()

    def test_a_refused_change_undoes_all_of_itself(self, shop: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
        build.partner(shop)
        plan_partner(shop, memo="단골", account=NEW_ACCOUNT)

        def refuse_account(*_arguments: object) -> None:
            raise refuse("CURRENCY_NOT_SUPPORTED", 400, "그 통화는 이제 쓸 수 없어요.")

        monkeypatch.setattr(partners, "_change_account", refuse_account)
        assert schedules.apply_due(now=LATER) == 0
        after = partners.get(shop, "seller-7")
        assert (after.memo, after.bank) == ("", build.ACCOUNT.bank)
        assert Schedule.objects.get().failure == "그 통화는 이제 쓸 수 없어요."

    def test_refusals(self, shop: Scope) -> None:
        build.partner(shop)
        with pytest.raises(InvalidRequest):
            plan_partner(shop, memo="x", at=NOW)
        with refused("CONTRACT_NOT_FOUND", 404):
            plan_partner(shop, default_contract_id="none")
        with refused("PARTNER_NOT_FOUND", 404):
            schedules.drop_partner(scope=shop, by=build.BY, public_id="seller-7")
        assert not Schedule.objects.exists()
        plan_partner(shop, memo="x")
        with refused("PARTNER_SCHEDULE_ALREADY_EXISTS", 409):
            plan_partner(shop, memo="y")
        with refused("CANNOT_ARCHIVE_SCHEDULED_PARTNER", 409):
            partners.archive(scope=shop, by=build.BY, public_id="seller-7")
        schedules.drop_partner(scope=shop, by=build.BY, public_id="seller-7")
        partners.archive(scope=shop, by=build.BY, public_id="seller-7")
        with refused("ARCHIVED_PARTNER", 409):
            plan_partner(shop, memo="y")


def _business() -> dict[str, object]:
    names = ("company_name", "taxation_type", "business_registration_number", "representative_name")
    return {name: getattr(build.BUSINESS, name) for name in names}


class TestMany:
    def plan(self, scope: Scope, condition: Any, **changes: Any) -> int:
        return schedules.plan_partners(
            scope=scope,
            by=build.BY,
            now=NOW,
            condition=condition,
            changes=PartnerChanges(**changes),
            applied_at=SOON,
        )

    def test_plans_for_every_partner_of_a_filter_or_for_none(self, shop: Scope) -> None:
        for name in ("a", "b", "c"):
            build.partner(shop, name, tags=["차"] if name != "c" else [])
        assert self.plan(shop, Q(tags__overlap=["차"]), memo="봄") == 2
        with pytest.raises(DomainError) as caught:
            self.plan(shop, Q(), memo="x")
        assert caught.value.code == "PLATFORM_PARTNER_SCHEDULES_ALREADY_EXIST"
        assert sorted(caught.value.facts["ids"]) == ["a", "b"]  # type: ignore[call-overload] # a list on the wire
        assert Schedule.objects.count() == 2

        assert schedules.apply_due(now=SOON) == 2
        assert dict(Partner.objects.values_list("public_id", "memo")) == {"a": "봄", "b": "봄", "c": ""}

    def test_archived_ones_are_named(self, shop: Scope) -> None:
        build.partner(shop, "a")
        partners.archive(scope=shop, by=build.BY, public_id="a")
        with pytest.raises(DomainError) as caught:
            self.plan(shop, Q(is_archived=True), memo="x")
        assert caught.value.code == "PLATFORM_ARCHIVED_PARTNERS_CANNOT_BE_SCHEDULED"


def test_two_workers_apply_each_change_once(committed_db: str) -> None:  # noqa: ARG001 - it is committed to
    scope = build.merchant()
    for number in range(8):
        build.partner(scope, f"p{number}")
    for number in range(8):
        schedules.plan_partner(
            scope=scope,
            by=build.BY,
            now=NOW,
            public_id=f"p{number}",
            changes=PartnerChanges(memo="한 번"),
            applied_at=SOON,
        )
    schedules.plan_policy(
        CONTRACT,
        scope=scope,
        by=build.BY,
        now=NOW,
        public_id="ten-percent",
        columns={"memo": "한 번"},
        applied_at=SOON,
    )

    counts = build.together([lambda: schedules.apply_due(now=LATER)] * 3)

    assert sum(count for count in counts if isinstance(count, int)) == 9
    assert all(isinstance(count, int) for count in counts)
    assert AuditEvent.objects.filter(action="partner.changed").count() == 8
    assert AuditEvent.objects.filter(action="contract.planned_change_applied").count() == 1
    assert not Schedule.objects.exists()
    assert set(Partner.objects.values_list("account_status", flat=True)) == {AccountStatus.VERIFIED}
