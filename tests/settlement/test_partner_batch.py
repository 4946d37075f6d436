"""Protects partners made many at a time, all or none, and look-ups that spare another one exactly once."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from access import sealed
from access.models import AuditEvent
from access.roles import Role
from core import jobs
from core.errors import DomainError, InvalidRequest
from core.scope import Scope
from settlement import lookups
from settlement.lookups import Business
from settlement.models import AccountVerification, BusinessStatus, CompanyVerification, Partner
from settlement.operations import lookups_ops, partners
from settlement.operations.partners import Account, PartnerChanges
from tests import build
from tests.settlement.test_api import CONTRACT, PARTNER, Wire, wire

__all__ = ["wire"]

NOW = build.noon()
LATER = build.noon("2023-08-12")
HOLDERS = {"123456789012": "김정산", "999888777666": "박다른"}


@pytest.fixture(autouse=True)
def bank() -> Iterator[list[str]]:
    """Give look-ups that answer from two small books; what was asked is noted."""
    asked: list[str] = []

    def holder(_scope: Scope, _bank: str, number: str) -> str | None:
        asked.append(number)
        return HOLDERS.get(sealed.digits(number))

    def business(_scope: Scope, number: str) -> Business | None:
        asked.append(number)
        return Business(number, "SUSPENDED", "NORMAL") if number == "1178178260" else None

    before, companies = lookups.account_lookup(), lookups.company_lookup()
    lookups.register(holder)
    lookups.register_company(business)
    yield asked
    lookups.register(before)
    lookups.register_company(companies)


@pytest.fixture
def shop(db: None) -> Scope:  # noqa: ARG001 - the tables are in it
    """Give a merchant with one contract."""
    scope = build.merchant()
    build.contract(scope)
    return scope


def refused(code: str, status: int) -> Any:
    return pytest.raises(DomainError, check=lambda error: (error.code, error.status) == (f"PLATFORM_{code}", status))


def account_verified(scope: Scope) -> str:
    _holder, verification_id = lookups_ops.account_holder(scope=scope, now=NOW, bank="KOOKMIN", number="123456789012")
    return verification_id


def with_verification(verification_id: str, **values: str) -> Account:
    usual: dict[str, Any] = {"bank": "KOOKMIN", "currency": "KRW", "number": "123-456-789012", "holder": "김 정산"}
    return Account(**(usual | values), verification_id=verification_id)


def create(scope: Scope, public_id: str = "seller-7", *, now: Any = LATER, **values: Any) -> Partner:
    return partners.create(scope=scope, by=build.BY, now=now, draft=build.partner_draft(public_id, **values))


class TestBatch:
    def many(self, scope: Scope, *drafts: Any) -> list[Partner]:
        return partners.create_many(scope=scope, by=build.BY, now=NOW, drafts=list(drafts))

    def test_makes_all_with_trail_and_look_ups(self, shop: Scope, bank: list[str]) -> None:
        made = self.many(shop, build.partner_draft("a"), build.partner_draft("b"), build.partner_draft(""))

        assert [row.public_id for row in made][:2] == ["a", "b"]
        assert made[2].public_id.startswith("ptn-")
        assert AuditEvent.objects.filter(action="partner.created").count() == 3
        assert jobs.run_due_jobs() == 6
        assert len(bank) == 6
        assert set(Partner.objects.values_list("account_status", "business_status")) == {("VERIFIED", "SUSPENDED")}
        assert partners.account_number(partners.get(shop, "b")) == build.ACCOUNT.number

    def test_one_wrong_row_and_nothing_is_made(self, shop: Scope) -> None:
        create(shop, "known")
        good = build.partner_draft("good")
        for code, ids, wrong in (
            ("PARTNER_IDS_DUPLICATED", ["good"], build.partner_draft("good")),
            ("PARTNER_IDS_ALREADY_EXISTS", ["known"], build.partner_draft("known")),
            ("CONTRACTS_NOT_FOUND", ["none"], build.partner_draft("x", default_contract_id="none")),
        ):
            with pytest.raises(DomainError) as caught:
                self.many(shop, good, wrong)
            assert caught.value.code == f"PLATFORM_{code}"
            assert caught.value.facts["ids"] == ids
            assert len(caught.value.facts["graphqlIds"]) == 1  # type: ignore[arg-type] # a list on the wire
        with refused("CURRENCY_NOT_SUPPORTED", 400):
            self.many(shop, good, build.partner_draft("x", account=Account("KOOKMIN", "GBP", "1", "x")))
        with refused("USER_DEFINED_PROPERTY_NOT_FOUND", 404):
            self.many(shop, good, build.partner_draft("x", properties={"nobody": "defined"}))
        assert list(Partner.objects.values_list("public_id", flat=True)) == ["known"]


class TestAccountVerification:
    def test_spares_a_look_up(self, shop: Scope, bank: list[str]) -> None:
        made = create(shop, account=with_verification(account_verified(shop)), company_verification_id="")

        assert made.account_status == "VERIFIED"
        assert jobs.run_due_jobs() == 1
        assert bank == ["123456789012", "1178178260"]

    def test_is_used_once(self, shop: Scope) -> None:
        verification_id = account_verified(shop)
        create(shop, account=with_verification(verification_id))
        with refused("ACCOUNT_VERIFICATION_ALREADY_USED", 409):
            create(shop, "other", account=with_verification(verification_id))
        with refused("ACCOUNT_VERIFICATION_NOT_FOUND", 404):
            create(shop, "other", account=with_verification("av-nobody"))
        test_side = Scope(shop.merchant_id, is_test=True)
        build.contract(test_side)
        with refused("ACCOUNT_VERIFICATION_NOT_FOUND", 404):
            create(test_side, account=with_verification(account_verified(shop)))

    @pytest.mark.parametrize("other", [{"bank": "SHINHAN"}, {"number": "999-888-777666"}, {"holder": "박다른"}])
    def test_must_fit_and_a_failed_try_does_not_use_it_up(self, shop: Scope, other: dict[str, str]) -> None:
        verification_id = account_verified(shop)
        with refused("ACCOUNT_VERIFICATION_FAILED", 400):
            create(shop, account=with_verification(verification_id, **other))
        assert create(shop, account=with_verification(verification_id)).account_status == "VERIFIED"

    def test_verifies_a_changed_account_and_an_unchanged_one(self, shop: Scope) -> None:
        create(shop)
        verification_id = account_verified(shop)
        changes = PartnerChanges(account=with_verification(verification_id, holder=build.ACCOUNT.holder))
        changed = partners.change(scope=shop, by=build.BY, now=LATER, public_id="seller-7", changes=changes)
        assert (changed.account_status, changed.account_confirmed) == ("VERIFIED", True)

        _holder, other = lookups_ops.account_holder(scope=shop, now=NOW, bank="SHINHAN", number="999888777666")
        new = Account("SHINHAN", "KRW", "999888777666", "박다른", verification_id=other)
        changed = partners.change(
            scope=shop, by=build.BY, now=LATER, public_id="seller-7", changes=PartnerChanges(account=new)
        )
        assert (changed.account_status, changed.account_confirmed) == ("VERIFIED", False)


class TestCompanyVerification:
    def test_brings_the_status_and_is_used_once(self, shop: Scope, bank: list[str]) -> None:
        found = lookups_ops.company(scope=shop, now=NOW, number="117-81-78260")
        account = with_verification(account_verified(shop))
        made = create(shop, account=account, company_verification_id=found.verification_id)
        assert made.business_status == BusinessStatus.SUSPENDED
        assert jobs.run_due_jobs() == 0
        assert bank == ["1178178260", "123456789012"]
        with refused("COMPANY_VERIFICATION_ALREADY_USED", 409):
            create(shop, "other", company_verification_id=found.verification_id)
        with pytest.raises(InvalidRequest):
            create(shop, "other", company_verification_id="cv-nobody")

    def test_must_be_about_the_number(self, shop: Scope) -> None:
        found = lookups_ops.company(scope=shop, now=NOW, number="1178178260")
        create(shop)
        sent = {"business_registration_number": "2208162517"}
        for verification_id, refusal in ((found.verification_id, InvalidRequest), ("", None)):
            changes = PartnerChanges(type=build.BUSINESS.type, taxpayer=sent, company_verification_id=verification_id)
            told: dict[str, Any] = {"scope": shop, "by": build.BY, "now": LATER, "public_id": "seller-7"}
            if refusal:
                with pytest.raises(refusal):
                    partners.change(**told, changes=changes)
            else:
                assert partners.change(**told, changes=changes).business_status == BusinessStatus.NOT_VERIFIED
        assert CompanyVerification.objects.get().used_at is None

    def test_a_changed_number_is_looked_up_again(self, shop: Scope) -> None:
        create(shop)
        jobs.run_due_jobs()
        assert partners.get(shop, "seller-7").business_status == BusinessStatus.SUSPENDED
        sent = {"business_registration_number": "220-81-62517"}
        changes = PartnerChanges(type=build.BUSINESS.type, taxpayer=sent)
        partners.change(scope=shop, by=build.BY, now=LATER, public_id="seller-7", changes=changes)
        assert partners.get(shop, "seller-7").business_status == BusinessStatus.NOT_VERIFIED
        assert jobs.run_due_jobs() == 1
        assert partners.get(shop, "seller-7").business_status == BusinessStatus.NOT_FOUND


@pytest.mark.django_db
class TestWire:
    WORDS = (
        *("batch", "schedule", "counterparty-connect", "counterparty-disconnect"),
        *("member-company-connect", "member-company-disconnect"),
    )

    def test_a_batch(self, wire: Wire) -> None:
        wire.ok("POST", "/contracts", CONTRACT)
        made = wire.ok("POST", "/partners/batch", {"partners": [PARTNER, PARTNER | {"id": "b"}]})
        assert [one["id"] for one in made["partners"]] == ["seller-7", "b"]
        wrong: tuple[dict[str, Any], ...] = ({}, {"partners": []}, {"partners": [{"id": "x"}]})
        for body in wrong:
            assert wire.refused("POST", "/partners/batch", body) == (400, "INVALID_REQUEST")

    @pytest.mark.parametrize("word", WORDS)
    def test_the_words_of_paths_may_be_ids_too(self, wire: Wire, word: str) -> None:
        wire.ok("POST", "/contracts", CONTRACT)
        wire.ok("POST", "/partners", PARTNER | {"id": word})
        path = f"/partners/{word}"
        assert wire.ok("GET", path)["id"] == word
        assert wire.ok("PATCH", path, {"memo": "x"})["partner"]["memo"] == "x"
        planned = {"update": {"memo": "y"}, "appliedAt": "2999-01-01T00:00:00Z"}
        assert wire.ok("POST", f"{path}/schedule", planned)["scheduledPartner"]["memo"] == "y"
        assert wire.ok("PUT", f"{path}/schedule", planned)["scheduledPartner"]["memo"] == "y"
        assert wire.ok("DELETE", f"{path}/schedule") == {}
        assert wire.refused("PUT", f"{path}/schedule", planned) == (404, "PARTNER_NOT_FOUND")
        assert wire.ok("POST", f"{path}/archive")["partner"]["isArchived"]

    @pytest.mark.parametrize("kind", ["counterparty", "member-company"])
    def test_the_tax_office_is_not_linked(self, wire: Wire, kind: str) -> None:
        wire.ok("POST", "/contracts", CONTRACT)
        wire.ok("POST", "/partners", PARTNER)
        wire.ok("POST", "/partners", PARTNER | {"id": "person", "type": {"whtPayer": {}}})
        simple = {"business": PARTNER["type"]["business"] | {"taxationType": "SIMPLE"}}
        wire.ok("POST", "/partners", PARTNER | {"id": "simple", "type": simple})
        for verb in ("connect", "disconnect"):
            path = f"/partners/{kind}-{verb}"
            assert wire.refused("POST", f"{path}/seller-7") == (403, "BTX_NOT_ENABLED")
            assert wire.refused("POST", f"{path}/nobody") == (404, "PARTNER_NOT_FOUND")
            assert wire.refused("POST", f"{path}/person") == (400, "PARTNER_TYPE_IS_NOT_BUSINESS")
            assert wire.refused("POST", f"{path}/simple") == (400, "PARTNER_TAXATION_TYPE_IS_SIMPLE")
            assert wire.refused("POST", path) == (403, "BTX_NOT_ENABLED")
            assert wire.refused("POST", path, {"filter": {"ids": ["nobody"]}}) == (404, "PARTNER_NOT_FOUND")
            assert wire.refused("POST", path, {"filter": {"tags": ["none"]}}) == (404, "TARGET_PARTNER_NOT_FOUND")
        wire.ok("POST", "/partners/seller-7/archive")
        assert wire.refused("POST", f"/partners/{kind}-connect/seller-7") == (409, "ARCHIVED_PARTNER")

    def test_what_lists_may_be_filtered_by(self, wire: Wire) -> None:
        assert wire.ok("GET", "/partner-filter-options") == {"tags": [], "contractSummary": []}
        assert wire.ok("GET", "/discount-share-policy-filter-options") == {"partnerShareRates": []}
        for public_id in ("ten-percent", "other"):
            wire.ok("POST", "/contracts", CONTRACT | {"id": public_id, "name": f"계약 {public_id}"})
        wire.ok("POST", "/partners", PARTNER | {"tags": ["차", "봄"]})
        wire.ok("POST", "/partners", PARTNER | {"id": "b", "tags": ["차"], "defaultContractId": "other"})
        wire.ok("POST", "/partners/b/archive")
        for number, rate in enumerate((50_000, 20_000, 50_000)):
            wire.ok("POST", "/discount-share-policies", {"id": f"d{number}", "name": "x", "partnerShareRate": rate})
        wire.ok("POST", "/discount-share-policies/d1/archive")

        first, second = {"id": "other", "name": "계약 other"}, {"id": "ten-percent", "name": "계약 ten-percent"}
        options = wire.ok("GET", "/partner-filter-options")
        assert options == {"tags": ["봄", "차"], "contractSummary": [first, second]}
        archived = wire.ok("GET", "/partner-filter-options?isArchived=true")
        assert archived == {"tags": ["차"], "contractSummary": [first]}
        rates = "/discount-share-policy-filter-options"
        assert wire.ok("GET", rates) == {"partnerShareRates": [20_000, 50_000]}
        assert wire.ok("GET", f"{rates}?isArchived=false") == {"partnerShareRates": [50_000]}


@pytest.mark.django_db
class TestSealedNumbers:
    def test_a_number_opens_only_for_its_own_merchant_and_side(self, shop: Scope) -> None:
        other = build.merchant("다른마켓")
        build.contract(other)
        mine, theirs = create(shop), create(other)
        theirs.account_number_sealed = mine.account_number_sealed
        with pytest.raises(sealed.CannotOpen):
            partners.account_number(theirs)

    def test_the_migration_seals_again_and_back(self, shop: Scope) -> None:
        migration = import_module("settlement.migrations.0006_planned_changes")
        create(shop)
        migration.seal_by_id(apps, None)
        with pytest.raises(sealed.CannotOpen):
            partners.account_number(partners.get(shop, "seller-7"))
        migration.seal_by_scope(apps, None)
        assert partners.account_number(partners.get(shop, "seller-7")) == build.ACCOUNT.number

    def test_an_account_kept_by_the_trail_before_comes_back_too(self, shop: Scope) -> None:
        create(shop)
        maker, approver = build.person(shop, "maker", Role.OPERATOR), build.person(shop, "checker", Role.APPROVER)
        import_module("settlement.migrations.0006_planned_changes").seal_by_id(apps, None)
        new = Account("SHINHAN", "KRW", "999888777666", "박다른")
        told: dict[str, Any] = {"scope": shop, "now": LATER, "public_id": "seller-7"}
        partners.change(**told, by=maker, changes=PartnerChanges(account=new))

        partners.reject_account(**told, by=approver)
        assert partners.account_number(partners.get(shop, "seller-7")) == build.ACCOUNT.number


def test_of_two_at_once_one_gets_the_verification(committed_db: str) -> None:  # noqa: ARG001 - it is committed to
    scope = build.merchant()
    build.contract(scope)
    verification_id = account_verified(scope)

    def made(public_id: str) -> Any:
        return lambda: create(scope, public_id, account=with_verification(verification_id))

    results = build.together([made(f"p{number}") for number in range(4)])

    assert sum(isinstance(one, Partner) for one in results) == 1
    codes = {one.code for one in results if isinstance(one, DomainError)}
    assert codes == {"PLATFORM_ACCOUNT_VERIFICATION_ALREADY_USED"}
    assert AccountVerification.objects.get().used_at == LATER


def test_two_batches_with_the_same_ids_make_one_set(committed_db: str) -> None:  # noqa: ARG001 - it is committed to
    scope = build.merchant()
    build.contract(scope)
    drafts = [build.partner_draft(f"p{number}") for number in range(20)]

    results = build.together(
        [lambda: partners.create_many(scope=scope, by=build.BY, now=NOW, drafts=drafts) for _each in range(3)]
    )

    assert sum(isinstance(one, list) for one in results) == 1
    codes = {one.code for one in results if isinstance(one, DomainError)}
    assert codes == {"PLATFORM_PARTNER_IDS_ALREADY_EXISTS"}
    assert Partner.objects.count() == 20
