"""Protects whom money goes to: partners, their accounts and what they are settled by change only as they should."""

from collections.abc import Callable, Iterator

import pytest

from access import queries as access_queries
from access.models import AuditEvent
from access.roles import Role
from core import jobs
from core.errors import Conflict, DomainError, Forbidden, InvalidRequest
from core.scope import Scope
from settlement import lookups
from settlement.dates import Cycle, CycleMethod, DatePolicy
from settlement.models import Holiday, PartnerType, Setting
from settlement.operations import contracts, partners, policies, settings
from settlement.operations.environment import open_environment
from settlement.operations.partners import Account, PartnerChanges
from settlement.operations.policies import FeeInput
from tests import build

pytestmark = pytest.mark.django_db
NOW = build.noon()
OTHER_ACCOUNT = Account("SHINHAN", "KRW", "999-888-777666", "박다른")


@pytest.fixture
def shop() -> Scope:
    """Give a merchant with one contract."""
    scope = build.merchant()
    build.contract(scope)
    return scope


@pytest.fixture
def bank() -> Iterator[dict[str, str | None]]:
    """Give a look-up that knows some holders by account number; it breaks for numbers it has never heard of."""
    holders: dict[str, str | None] = {}

    def look_up(_scope: Scope, _bank: str, number: str) -> str | None:
        if number not in holders:
            raise lookups.LookupUnavailable
        return holders[number]

    before, companies = lookups.account_lookup(), lookups.company_lookup()
    lookups.register(look_up)
    lookups.register_company(None)
    yield holders
    lookups.register(before)
    lookups.register_company(companies)


def change(scope: Scope, public_id: str = "seller-7", by: object = build.BY, **changes: object) -> None:
    partners.change(scope=scope, by=by, now=NOW, public_id=public_id, changes=PartnerChanges(**changes))  # type: ignore[arg-type] # keywords of the draft


class TestPartners:
    def test_an_account_number_is_stored_sealed(self, shop: Scope) -> None:
        partner = build.partner(shop)

        assert partners.account_number(partner) == build.ACCOUNT.number
        assert b"789012" not in bytes(partner.account_number_sealed)
        assert partner.account_last4 == "9012"
        trail = [str([event.before, event.after]) for event in AuditEvent.objects.all()]
        assert not any("123-456-789012" in text for text in trail)

    def test_an_id_is_used_once_per_environment(self, shop: Scope) -> None:
        build.partner(shop)
        with pytest.raises(DomainError) as caught:
            build.partner(shop)
        assert (caught.value.code, caught.value.status) == ("PLATFORM_PARTNER_ID_ALREADY_EXISTS", 409)
        build.partner(Scope(shop.merchant_id, is_test=True))

    def test_refusals(self, shop: Scope) -> None:
        for code, draft in (
            ("CONTRACT_NOT_FOUND", {"default_contract_id": "none"}),
            ("CURRENCY_NOT_SUPPORTED", {"account": Account("KOOKMIN", "GBP", "1", "x")}),
            ("USER_DEFINED_PROPERTY_NOT_FOUND", {"properties": ["x"]}),
        ):
            with pytest.raises(DomainError) as caught:
                partners.create(scope=shop, by=build.BY, now=NOW, draft=build.partner_draft(**draft))
            assert caught.value.code == f"PLATFORM_{code}"

    def test_only_what_is_given_changes(self, shop: Scope) -> None:
        build.partner(shop, memo="old")
        change(shop, contact_email="new@example.com", memo="new")

        partner = partners.get(shop, "seller-7")
        assert (partner.contact_email, partner.contact_name, partner.memo) == ("new@example.com", "김담당", "new")
        assert partner.account_confirmed
        event = access_queries.history(shop, "partner", "seller-7")[0]
        assert event.before == {"contact_email": "contact@example.com", "memo": "old"}

    def test_a_person_becomes_a_business_with_all_it_needs(self, shop: Scope) -> None:
        build.partner(shop, taxpayer=build.WHT_PAYER)
        with pytest.raises(DomainError) as caught:
            change(shop, type=PartnerType.BUSINESS, taxpayer={"company_name": "정산상사"})
        assert caught.value.code == "PLATFORM_INSUFFICIENT_DATA_TO_CHANGE_PARTNER_TYPE"

        needed = {"company_name": "정산상사", "business_registration_number": "1178178260", "representative_name": "김"}
        change(shop, type=PartnerType.BUSINESS, taxpayer=needed)
        partner = partners.get(shop, "seller-7")
        assert (partner.type, partner.taxation_type) == ("BUSINESS", "NORMAL")
        change(shop, type=PartnerType.NON_WHT_PAYER)
        partner.refresh_from_db()
        assert (partner.type, partner.taxation_type, partner.company_name) == ("NON_WHT_PAYER", "", "")

    def test_an_archived_one_cannot_be_changed_until_it_is_recovered(self, shop: Scope) -> None:
        build.partner(shop)
        partners.archive(scope=shop, by=build.BY, public_id="seller-7")
        with pytest.raises(DomainError) as caught:
            change(shop, memo="x")
        assert (caught.value.code, caught.value.status) == ("PLATFORM_ARCHIVED_PARTNER", 409)
        partners.recover(scope=shop, by=build.BY, public_id="seller-7")
        change(shop, memo="x")

    def test_another_merchants_partner_is_not_there(self, shop: Scope) -> None:
        build.partner(shop)
        other = build.merchant("햇살상회")
        for attempt in (
            lambda: partners.get(other, "seller-7"),
            lambda: change(other, memo="x"),
            lambda: partners.archive(scope=other, by=build.BY, public_id="seller-7"),
        ):
            with pytest.raises(DomainError) as caught:
                attempt()
            assert caught.value.code == "PLATFORM_PARTNER_NOT_FOUND"


class TestChangedAccounts:
    def test_wait_for_an_approver_other_than_whoever_changed_them(self, shop: Scope) -> None:
        build.partner(shop)
        first, second = build.person(shop, "first", Role.APPROVER), build.person(shop, "second", Role.APPROVER)
        operator = build.person(shop, "operator", Role.OPERATOR)

        change(shop, by=first, account=OTHER_ACCOUNT)
        partner = partners.get(shop, "seller-7")
        assert (partner.account_holder, partner.account_confirmed, partner.account_status) == (
            "박다른",
            False,
            "NOT_VERIFIED",
        )
        for who in (first, operator, build.BY):
            with pytest.raises(Forbidden):
                partners.confirm_account(scope=shop, by=who, now=NOW, public_id="seller-7")
        partners.confirm_account(scope=shop, by=second, now=NOW, public_id="seller-7")

        partner.refresh_from_db()
        assert partner.account_confirmed
        assert partners.account_number(partner) == OTHER_ACCOUNT.number
        with pytest.raises(Conflict):
            partners.confirm_account(scope=shop, by=second, now=NOW, public_id="seller-7")

    def test_rejection_brings_the_confirmed_one_back_even_after_two_changes(self, shop: Scope) -> None:
        build.partner(shop)
        first, second = build.person(shop, "first", Role.APPROVER), build.person(shop, "second", Role.APPROVER)
        change(shop, by=first, account=OTHER_ACCOUNT)
        change(shop, account=Account("IBK", "KRW", "5550000555", "이또"))

        with pytest.raises(Forbidden):
            partners.reject_account(scope=shop, by=first, now=NOW, public_id="seller-7")
        partners.reject_account(scope=shop, by=second, now=NOW, public_id="seller-7", reason="전화로 확인했어요")

        partner = partners.get(shop, "seller-7")
        assert (partner.bank, partner.account_holder, partner.account_confirmed) == ("KOOKMIN", "김정산", True)
        assert partner.account_status == "VERIFIED"
        assert partners.account_number(partner) == build.ACCOUNT.number

    def test_the_same_account_again_is_no_change(self, shop: Scope) -> None:
        build.partner(shop)
        change(shop, account=Account("KOOKMIN", "KRW", "123456789012", "김정산"))

        assert partners.get(shop, "seller-7").account_confirmed


class TestLookUp:
    def test_says_whether_the_holder_matches(self, shop: Scope, bank: dict[str, str | None]) -> None:
        for public_id, holder, status in (
            ("same", "김정산", "VERIFIED"),
            ("spaced", " 김 정산 ", "VERIFIED"),
            ("other", "박다른", "VERIFY_FAILED"),
            ("none", None, "VERIFY_FAILED"),
        ):
            bank[build.ACCOUNT.number] = holder
            build.partner(shop, public_id, verified=False)
            assert jobs.run_due_jobs() == 1
            assert partners.get(shop, public_id).account_status == status

    def test_that_breaks_is_an_error_of_its_own(self, shop: Scope, bank: dict[str, str | None]) -> None:
        assert bank == {}
        build.partner(shop, verified=False)
        jobs.run_due_jobs()

        assert partners.get(shop, "seller-7").account_status == "VERIFY_ERROR"

    def test_is_not_made_for_other_currencies(self, shop: Scope, bank: dict[str, str | None]) -> None:
        bank["1"] = "x"
        build.partner(shop, verified=False, account=Account("CITI", "USD", "1", "x"))
        assert jobs.run_due_jobs() == 0

    def test_of_an_account_that_has_changed_meanwhile_is_forgotten(
        self, shop: Scope, bank: dict[str, str | None]
    ) -> None:
        build.partner(shop, verified=False)

        def change_meanwhile(_scope: Scope, _bank: str, _number: str) -> str:
            lookups.register(lambda *_asked: None)
            change(shop, account=OTHER_ACCOUNT)
            return "김정산"

        lookups.register(change_meanwhile)
        partners.verify_account(scope=shop, by=build.BY, public_id="seller-7")
        assert partners.get(shop, "seller-7").account_status == "NOT_VERIFIED"
        assert bank == {}


class TestPolicies:
    def test_a_change_adds_a_version_and_keeps_the_others(self, shop: Scope) -> None:
        contracts.change(scope=shop, by=build.BY, now=NOW, public_id="ten-percent", fee=FeeInput(rate=3_300))
        contract = contracts.change(scope=shop, by=build.BY, now=NOW, public_id="ten-percent", memo="봄")

        rows = contract.versions.order_by("number").values_list("number", "fee_rate", "memo", "lag_days")
        assert list(rows) == [(1, 10_000, "", 2), (2, 3_300, "", 2), (3, 3_300, "봄", 2)]
        assert contract.current is not None
        assert contract.current.number == 3

    def test_a_change_of_nothing_adds_none(self, shop: Scope) -> None:
        contract = contracts.change(scope=shop, by=build.BY, now=NOW, public_id="ten-percent", name="ten-percent")
        assert contract.versions.count() == 1

    def test_a_cycle_names_days_that_exist(self, shop: Scope) -> None:
        for cycle in (
            Cycle(2, CycleMethod.WEEKLY, DatePolicy.CALENDAR_DAY),
            Cycle(2, CycleMethod.MONTHLY, DatePolicy.CALENDAR_DAY, days_of_month=(32,)),
            Cycle(0, CycleMethod.DAILY, DatePolicy.CALENDAR_DAY),
            Cycle(11, CycleMethod.DAILY, DatePolicy.CALENDAR_DAY),
        ):
            with pytest.raises(InvalidRequest):
                build.contract(shop, "other", cycle=cycle)

    def test_refusals_have_the_stem_of_their_kind(self, shop: Scope) -> None:
        build.share(shop)
        build.extra_fee(shop)
        contracts.archive(scope=shop, by=build.BY, public_id="ten-percent")
        policies.archive_discount_share(scope=shop, by=build.BY, public_id="half")
        policies.archive_additional_fee(scope=shop, by=build.BY, public_id="five")
        scope, by = shop, build.BY
        attempts: list[tuple[str, Callable[[], object]]] = [
            ("CONTRACT_ALREADY_EXISTS", lambda: build.contract(scope)),
            ("DISCOUNT_SHARE_POLICY_ALREADY_EXISTS", lambda: build.share(scope)),
            ("ADDITIONAL_FEE_POLICY_ALREADY_EXISTS", lambda: build.extra_fee(scope)),
            ("CONTRACT_NOT_FOUND", lambda: contracts.change(scope=scope, by=by, now=NOW, public_id="none", name="x")),
            (
                "ARCHIVED_CONTRACT",
                lambda: contracts.change(scope=scope, by=by, now=NOW, public_id="ten-percent", name="x"),
            ),
            (
                "ARCHIVED_DISCOUNT_SHARE_POLICY",
                lambda: policies.change_discount_share(scope=scope, by=by, now=NOW, public_id="half", name="x"),
            ),
            (
                "ARCHIVED_ADDITIONAL_FEE_POLICY",
                lambda: policies.change_additional_fee(scope=scope, by=by, now=NOW, public_id="five", name="x"),
            ),
        ]
        for code, attempt in attempts:
            with pytest.raises(DomainError) as caught:
                attempt()
            assert caught.value.code == f"PLATFORM_{code}"
        assert not contracts.recover(scope=shop, by=build.BY, public_id="ten-percent").is_archived


class TestEnvironment:
    def test_opens_with_korean_holidays_once(self) -> None:
        scope = build.merchant()
        open_environment(scope)
        count = Holiday.objects.within(scope).count()
        Holiday.objects.within(scope).filter(day=build.day("2023-09-28")).update(name="추석 연휴")
        open_environment(scope)

        days = dict(Holiday.objects.within(scope).values_list("day", "name"))
        assert len(days) == count
        assert days[build.day("2023-09-28")] == "추석 연휴"
        assert {build.day("2024-05-01"), build.day("2028-01-01"), build.day("2024-02-12")} <= days.keys()

    def test_the_first_use_of_settings_opens_it(self) -> None:
        scope = build.merchant()
        setting = settings.current(scope)

        assert (setting.deduct_wht, setting.settlement_amount_type) == (True, "GROSS")
        assert Holiday.objects.within(scope).exists()

    def test_only_named_settings_change(self) -> None:
        scope = build.merchant()
        settings.change(scope=scope, by=build.BY, deduct_wht=False, default_deposit_memo="정산금")

        setting = Setting.objects.within(scope).get()
        assert (setting.deduct_wht, setting.default_deposit_memo, setting.default_withdrawal_memo) == (
            False,
            "정산금",
            "",
        )
        with pytest.raises(TypeError):
            settings.change(scope=scope, by=build.BY, merchant_id=7)
