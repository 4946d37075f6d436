"""Protects the upload of partners: new ones are made whole, known ones change by the usual rules, accounts wait."""

import io

import pytest

from console import uploads
from console.uploads import Verdict
from core.scope import Scope
from settlement.models import Partner
from settlement.operations import partners
from settlement.uploads.partners import PartnerUpload
from tests import build

pytestmark = pytest.mark.django_db
HEADER = (
    "파트너 아이디,파트너 이름,담당자 이름,담당자 이메일,기본 계약 아이디,은행 코드,계좌 번호,예금주명,통화,"
    "파트너 유형,과세·소득 유형,사업자 등록번호,대표자명,회사명,대표자 생년월일,태그"
)
SHOP = (
    "shop-1,한빛상회,이담당,lee@example.com,ten-percent,{bank},123-456-789012,한빛상회,krw,"
    "사업자,일반 과세,120-81-47521,박대표,한빛,,{tags}"
)
MAN = "{id},김하늘,김하늘,sky@example.com,ten-percent,신한,110123456789,김하늘,KRW,원천징수 대상자,,,,,1990-01-31,"


@pytest.fixture
def shop() -> Scope:
    """Give a merchant with a contract."""
    scope = build.merchant()
    build.contract(scope)
    return scope


def file(*rows: str) -> io.BytesIO:
    return io.BytesIO("\r\n".join([HEADER, *rows]).encode("utf-8-sig"))


def refusals(scope: Scope, *rows: str) -> list[tuple[object, object, object]]:
    kind = PartnerUpload()
    found = kind.examine(scope, file(*rows))
    for error in found.errors:
        assert kind.sentence(error) != error["code"]
    return [(error["row"], error["column"], error["code"]) for error in found.errors]


def load(scope: Scope, *rows: str) -> uploads.Loaded:
    return PartnerUpload().perform(scope, file(*rows), build.BY, build.noon())


def test_new_partners_are_made(shop: Scope) -> None:
    rows = (SHOP.format(bank="국민은행", tags="의류；서울"), MAN.format(id="man-1"), MAN.format(id=""))
    assert PartnerUpload().examine(shop, file(*rows)).counts[Verdict.NEW] == 3
    assert load(shop, *rows).rows == 3

    made = Partner.objects.get(public_id="shop-1")
    assert (made.bank, made.account_last4, made.type, made.taxation_type) == ("KOOKMIN", "9012", "BUSINESS", "NORMAL")
    assert (made.business_registration_number, made.account_confirmed) == ("1208147521", True)
    assert partners.account_number(made) == "123456789012"
    assert Partner.objects.filter(type="WHT_PAYER", birthdate="1990-01-31").count() == 2


@pytest.mark.parametrize("bank", ["국민은행", "004", "KOOKMIN", " kb국민은행 ", "국민"])
def test_banks_are_understood_however_written(shop: Scope, bank: str) -> None:
    load(shop, SHOP.format(bank=bank, tags=""))
    assert Partner.objects.get().bank == "KOOKMIN"


def test_known_partners_change_and_their_accounts_wait(shop: Scope) -> None:
    first = SHOP.format(bank="국민은행", tags="")
    load(shop, first, MAN.format(id="man-1"))
    same = PartnerUpload().examine(shop, file(first, MAN.format(id="man-1")))
    assert (same.errors, same.counts[Verdict.SAME]) == ([], 2)
    assert load(shop, first).rows == 0

    renamed = first.replace("이담당", "정담당").replace("123-456-789012", "123-456-789099")
    assert PartnerUpload().examine(shop, file(renamed)).counts[Verdict.CHANGED] == 1
    assert load(shop, renamed).rows == 1
    made = Partner.objects.get(public_id="shop-1")
    assert (made.contact_name, made.account_last4, made.account_confirmed) == ("정담당", "9099", False)


def test_an_empty_cell_leaves_what_there_is(shop: Scope) -> None:
    load(shop, SHOP.format(bank="국민은행", tags="의류"))
    emptied = SHOP.format(bank="국민은행", tags="").replace("일반 과세", "").replace("한빛,,", ",,")

    assert PartnerUpload().examine(shop, file(emptied)).counts[Verdict.SAME] == 1
    made = Partner.objects.get()
    assert (made.tags, made.company_name) == (["의류"], "한빛")


def test_wrong_partners_name_row_column_and_reason(shop: Scope) -> None:
    good = SHOP.format(bank="국민은행", tags="")

    def other(number: int, old: str, new: str) -> str:
        return good.replace("shop-1", f"shop-{number}").replace(old, new)

    assert refusals(
        shop,
        good,
        good,
        other(2, "국민은행", "없는은행"),
        other(3, "ten-percent", "none"),
        other(4, "120-81-47521", "120-81-47522"),
        other(5, "lee@example.com", "lee"),
        other(6, "krw", "XXX"),
        other(7, ",한빛,", ",,"),
        other(8, "123-456-789012", "1.10E+11"),
        MAN.format(id="man-1").replace("대상자,,", "대상자,면세,"),
        other(9, ",한빛,,", ",한빛,1990-01-31,"),
        other(10, "사업자,", "상인,"),
    ) == [
        (3, "파트너 아이디", "twice_in_file"),
        (4, "은행 코드", "unknown_bank"),
        (5, "기본 계약 아이디", "contract_not_found"),
        (6, "사업자 등록번호", "business_number"),
        (7, "담당자 이메일", "not_an_email"),
        (8, "통화", "currency_not_supported"),
        (9, "회사명", "required"),
        (10, "계좌 번호", "must_be_text"),
        (11, "과세·소득 유형", "only_business"),
        (12, "대표자 생년월일", "only_person"),
        (13, "파트너 유형", "unknown_choice"),
    ]
    assert not Partner.objects.exists()


def test_archived_partners_are_not_changed(shop: Scope) -> None:
    load(shop, SHOP.format(bank="국민은행", tags=""))
    partners.archive(scope=shop, by=build.BY, public_id="shop-1")

    assert refusals(shop, SHOP.format(bank="국민은행", tags="")) == [(2, "파트너 아이디", "archived_partner")]
