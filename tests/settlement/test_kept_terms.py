"""Promise: an order is recorded by the terms that count when it begins, whatever the process kept of those before."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, cast

import psycopg2
import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from config import roles
from core.kept import Kept
from core.rows import copied
from core.scope import Scope
from settlement.calculation import ParameterValue
from settlement.models import Contract, Partner
from settlement.operations import _order_terms, environment
from settlement.operations._order_terms import Named, OrderTerms
from tests import build

NAMED = Named(partner="seller-7", payment="p-1", contract=None, discounts=["half"], fees=["five"])
# A change of each thing that an order is recorded by, as the database sees it.
CHANGES = {
    "a version of the contract": "update settlement_contractversion set fee_rate = 12345",
    "a version more": "insert into settlement_contractversion (number, applied_at, name, memo, created_by, fee_rate,"
    " fee_amount, fee_is_fixed, vat_payer, subtract_payment_vat, lag_days, cycle_method, cycle_days, cycle_dates,"
    " date_policy, contract_id) select 9, applied_at, 'nine', memo, created_by, 777, 0, false, vat_payer,"
    " subtract_payment_vat, lag_days, cycle_method, cycle_days, cycle_dates, date_policy, contract_id"
    " from settlement_contractversion order by id limit 1",
    "a version withdrawn": "update settlement_contractversion set withdrawn_at = now() where number > 1",
    "the contract": "update settlement_contract set is_archived = true where public_id = 'ten-percent'",
    "the partner": "update settlement_partner set memo = 'changed'",
    "the contract of the partner": "update settlement_partner set default_contract_id ="
    " (select id from settlement_contract where public_id = 'other')",
    "a version of the discount": "update settlement_discountsharepolicyversion set partner_share_rate = 1",
    "the discount": "update settlement_discountsharepolicy set is_archived = true",
    "the id of the discount": "update settlement_discountsharepolicy set public_id = 'whole'",
    "a version of the fee": "update settlement_additionalfeepolicyversion set third_party = 'somebody'",
    "the fee": "update settlement_additionalfeepolicy set is_archived = true",
    "the settings": "update settlement_setting set deduct_wht = not deduct_wht",
    "a holiday more": "insert into settlement_holiday (merchant_id, is_test, day, name, added_by)"
    " select merchant_id, is_test, '2023-09-04', 'new', '' from settlement_setting",
    "a holiday less": "delete from settlement_holiday where day = '2023-08-15'",
    "a parameter": "insert into settlement_settlementparameter (merchant_id, is_test, key, name, decimal, scale)"
    " select merchant_id, is_test, 'RATE', 'rate', 1, 0 from settlement_setting",
    "a calculation": "insert into settlement_calculator (merchant_id, is_test, number, applied_at, created_by, memo,"
    " rounding_platform_fee, rounding_discount_share, rounding_additional_fee, rounding_settlement, rounding_vat,"
    " replaced, own) select merchant_id, is_test, 1, '2020-01-01', '', '', 'UP', 'UP', 'UP', 'UP', 'UP', '{}', '[]'"
    " from settlement_setting",
}


@pytest.fixture
def shop(db: None) -> Scope:  # noqa: ARG001 - a transaction that is rolled back
    """Give a merchant whose terms are all there."""
    return furnished()


@pytest.fixture
def open_shop(committed_db: str) -> Scope:  # noqa: ARG001 - a database that may be committed to
    """Give the same in a database of its own."""
    return furnished()


def furnished(name: str = "달빛마켓") -> Scope:
    scope = build.merchant(name)
    environment.open_environment(scope)
    build.partner(scope)
    build.contract(scope, "other", fee=build.FIVE_PERCENT)
    build.share(scope)
    build.extra_fee(scope)
    return scope


def terms_of(scope: Scope, named: Named = NAMED) -> OrderTerms:
    with transaction.atomic():
        found = _order_terms.read(scope, named, build.day(build.TODAY))
    assert found is not None
    return found


def seen(row: Any) -> Any:
    """Return everything that can be seen of terms, to compare them."""
    if isinstance(row, Model):
        read_with = row._state.fields_cache  # noqa: SLF001 - what a row was read with has no other name
        return {name: seen(value) for name, value in (vars(row) | read_with).items() if name != "_state"}
    return row


def picture(found: OrderTerms) -> Any:
    return {
        "partner": seen(found.partner),
        "contract": seen(found.contract),
        "discounts": {one: seen(version) for one, version in found.discounts.items()},
        "fees": {one: seen(version) for one, version in found.fees.items()},
        "setting": seen(found.setting),
        "calculations": [seen(version) for version in found.calculators.versions],
        "parameters": dict(found.calculators.defaults),
        "holidays": found.holidays,
        "known": found.known,
    }


@contextmanager
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(_order_terms, "_partners", Kept(10))
        patched.setattr(_order_terms, "_terms", Kept(10))
        yield


def statements(scope: Scope, named: Named = NAMED) -> list[str]:
    """Return what reading terms asks, by the function that it calls."""
    with CaptureQueriesContext(connection) as captured:
        terms_of(scope, named)
    calls = [query["sql"] for query in captured.captured_queries if "settlement_order_" in query["sql"]]
    return ["terms" if "settlement_order_terms" in call else "begin" for call in calls]


@contextmanager
def somebody_else() -> Iterator[Any]:
    """Give a cursor of another connection, whose transaction is not committed; it waits for nobody."""
    with closing(psycopg2.connect(**connection.get_connection_params())) as other, other.cursor() as cursor:
        cursor.execute("set lock_timeout = 1")
        yield cursor


def run(statement: str, *values: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


class TestChanges:
    @pytest.mark.parametrize("change", CHANGES)
    def test_every_change_counts_at_once(self, shop: Scope, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
        if change == "a version withdrawn":
            run(CHANGES["a version more"])
        before = picture(terms_of(shop))
        assert picture(terms_of(shop)) == before
        run(CHANGES[change])
        after = picture(terms_of(shop))
        assert after != before
        with nothing_kept(monkeypatch):
            assert picture(terms_of(shop)) == after

    def test_what_has_not_changed_is_not_read_again(self, shop: Scope) -> None:
        terms_of(shop)
        assert statements(shop) == ["begin"]
        run("update settlement_setting set deduct_wht = deduct_wht")
        assert statements(shop) == ["begin", "terms"]
        assert statements(shop) == ["begin"]
        run("update settlement_partner set memo = 'changed'")
        assert statements(shop) == ["begin"]
        assert terms_of(shop).partner.memo == "changed"

    def test_a_partner_more_reads_no_terms(self, shop: Scope) -> None:
        terms_of(shop)
        build.partner(shop, "seller-8")
        assert statements(shop, Named("seller-8", "p-1", None, ["half"], ["five"])) == ["begin"]

    def test_emptied_tables_count_too(self, open_shop: Scope) -> None:
        assert terms_of(open_shop).holidays
        with roles.as_owner():
            run("truncate settlement_holiday")
        assert not terms_of(open_shop).holidays

    def test_what_is_not_there_is_looked_for_again(self, shop: Scope) -> None:
        named = Named("seller-7", "p-1", "third", [], [])
        assert terms_of(shop, named).contract is None
        build.contract(shop, "third")
        found = terms_of(shop, named).contract
        assert found is not None
        assert (found.contract.public_id, found.name) == ("third", "third")

    def test_a_change_undone_to_a_savepoint_is_undone(self, shop: Scope) -> None:
        before = picture(terms_of(shop))
        with transaction.atomic():
            run(CHANGES["the settings"])
            assert picture(terms_of(shop)) != before
            transaction.set_rollback(True)
        assert picture(terms_of(shop)) == before
        run(CHANGES["a version of the contract"])
        assert picture(terms_of(shop)) != before


class TestScopes:
    def test_each_scope_has_its_own(self, shop: Scope) -> None:
        other = furnished("별빛마켓")
        for scope in (shop, other, shop):
            found = terms_of(scope)
            assert found.contract is not None
            owned = [found.partner, found.contract.contract, found.setting, found.discounts["half"].policy]
            assert {row.scope for row in owned} == {scope}
            assert _order_terms.read(Scope(scope.merchant_id, is_test=True), NAMED, build.day(build.TODAY)) is None

    def test_a_change_marks_its_own_scope_only(self, shop: Scope) -> None:
        other = furnished("별빛마켓")
        terms_of(shop)
        terms_of(other)
        run("update settlement_setting set deduct_wht = false where merchant_id = %s", other.merchant_id)
        assert statements(shop) == ["begin"]
        assert statements(other) == ["begin", "terms"]

    def test_a_contract_of_another_name_is_gone(self, shop: Scope) -> None:
        named = Named("seller-7", "p-1", "other", [], [])
        assert terms_of(shop, named).contract is not None
        Contract.objects.within(shop).filter(public_id="other").update(public_id="renamed")
        assert terms_of(shop, named).contract is None

    def test_the_application_makes_no_marks(self, shop: Scope) -> None:
        for attempt in ("delete from settlement_termsmark", "update settlement_termsmark set is_test = is_test"):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                run(attempt)
        assert statements(shop) == ["begin", "terms"]


class TestRaces:
    def test_only_what_is_committed_counts(self, open_shop: Scope) -> None:
        before = picture(terms_of(open_shop))
        with somebody_else() as other:
            other.execute(CHANGES["a version of the contract"])
            assert picture(terms_of(open_shop)) == before
            assert statements(open_shop) == ["begin"]
            other.connection.rollback()
            assert statements(open_shop) == ["begin"]
            other.execute(CHANGES["a version of the contract"])
            assert statements(open_shop) == ["begin"]
            other.connection.commit()
            found = terms_of(open_shop).contract
        assert found is not None
        assert found.fee_rate == 12_345

    def test_changes_at_the_same_time_do_not_wait_and_all_count(self, open_shop: Scope) -> None:
        terms_of(open_shop)
        with somebody_else() as early, somebody_else() as late:
            early.execute(CHANGES["the settings"])
            late.execute(CHANGES["a holiday less"])
            early.execute(CHANGES["a parameter"])
            late.execute(CHANGES["the fee"])
            # Whoever began later ends earlier: its mark must not stand for the change that is still to come.
            late.connection.commit()
            found = terms_of(open_shop)
            assert (found.fees["five"].policy.is_archived, dict(found.calculators.defaults)) == (True, {})
            early.connection.commit()
        found = terms_of(open_shop)
        assert "RATE" in found.calculators.defaults
        assert not found.setting.deduct_wht
        assert build.day("2023-08-15") not in found.holidays
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from settlement_termsmark")
            assert cursor.fetchone() == (2,)
            run("update settlement_setting set deduct_wht = true")
            cursor.execute("select count(*) from settlement_termsmark")
            assert cursor.fetchone() == (1,)

    def test_an_undone_transaction_leaves_nothing_kept(self, open_shop: Scope) -> None:
        before = picture(terms_of(open_shop))
        with transaction.atomic():
            run(CHANGES["the settings"])
            run(CHANGES["the partner"])
            assert picture(terms_of(open_shop)) != before
            transaction.set_rollback(True)
        assert picture(terms_of(open_shop)) == before

    def test_threads_that_read_while_terms_change_see_each_change_whole(self, open_shop: Scope) -> None:
        def change() -> list[tuple[int, int]]:
            for rate in range(1, 40):
                with transaction.atomic():
                    run("update settlement_contractversion set fee_rate = %s", rate)
                    run("update settlement_discountsharepolicyversion set partner_share_rate = %s", rate)
            return []

        def look() -> list[tuple[int, int]]:
            named = (Named("seller-7", f"p-{n}", None, ["half"], []) for n in range(60))
            found = [terms_of(open_shop, one) for one in named]
            return [(one.contract.fee_rate, one.discounts["half"].partner_share_rate) for one in found if one.contract]

        run("update settlement_contractversion set fee_rate = 0")
        run("update settlement_discountsharepolicyversion set partner_share_rate = 0")
        _none, *looks = build.together([change, look, look, look])
        for pairs in looks:
            assert isinstance(pairs, list)
            assert len(pairs) == 60
            assert all(fee == share for fee, share in pairs)
            assert pairs == sorted(pairs)
        found = terms_of(open_shop).contract
        assert found is not None
        assert found.fee_rate == 39


class TestCopies:
    def test_nobody_changes_what_is_kept(self, shop: Scope) -> None:
        run(CHANGES["a calculation"])
        before = picture(terms_of(shop))
        mine = terms_of(shop)
        assert mine.contract is not None
        mine.partner.name = mine.contract.name = mine.contract.contract.public_id = "spoilt"
        mine.partner.default_contract.public_id = mine.fees["five"].name = "spoilt"
        mine.partner.tags.append("spoilt")
        mine.partner.user_defined_properties["spoilt"] = {"string": "spoilt"}
        mine.contract.cycle_days.append(99)
        mine.discounts["half"].policy.public_id = "spoilt"
        mine.setting.deduct_wht = not mine.setting.deduct_wht
        mine.calculators.versions[0].replaced["spoilt"] = "1"
        with pytest.raises(AttributeError):
            cast("dict[str, ParameterValue]", mine.calculators.defaults).clear()
        assert statements(shop) == ["begin"]
        assert picture(terms_of(shop)) == before

    def test_a_copy_shares_nothing_that_changes(self, shop: Scope) -> None:
        row = Partner.objects.within(shop).select_related("default_contract").get()
        row.user_defined_properties = {"a": {"string": "b"}}
        copy = copied(row)
        assert seen(copy) == seen(row)
        copy.user_defined_properties["a"]["string"] = "c"
        copy.default_contract.public_id = "d"
        copy.tags.append("e")
        assert (row.user_defined_properties, row.default_contract.public_id, row.tags) == (
            {"a": {"string": "b"}},
            "ten-percent",
            [],
        )


class TestKept:
    def test_no_more_is_kept_than_there_is_room_for(self) -> None:
        kept: Kept[int] = Kept(2)
        for number in (1, 2, 2, 3):
            kept.keep(number, "mark", number)
        assert kept.find(1) is None
        assert kept.find(2) == ("mark", 2)
        kept.keep(3, "later", 4)
        assert (kept.find(2), kept.find(3)) == (("mark", 2), ("later", 4))

    def test_each_database_has_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        kept: Kept[int] = Kept(2)
        kept.keep("key", "mark", 1)
        monkeypatch.setitem(connection.settings_dict, "NAME", "another")
        assert kept.find("key") is None
