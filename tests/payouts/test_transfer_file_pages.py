"""Protects the pages of transfer files: only who may takes one, looking decides nothing, strangers find nothing."""

import re
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.models import AuditEvent
from access.roles import Role
from console.files.sheet_read import Field, open_sheet
from core import clock
from payouts.models import (
    Attempt,
    AttemptState,
    BankAccount,
    BulkPayout,
    Payout,
    PayoutStatus,
    TransferFile,
    TransferFileState,
    TransferResult,
)
from payouts.operations import funds, running, transfer_files
from payouts.pages import transfers
from settlement.models import PartnerSettlement
from tests.access.build import code_now, signed_in
from tests.payouts.test_pages import SETUP, Shop, shop, text_of
from tests.payouts.test_transfer_files import report
from tests.query_counts import recorded


@pytest.fixture
def here(db: None) -> Shop:  # noqa: ARG001 - needs tables
    return shop()


def by_file(here: Shop) -> BankAccount:
    account = funds.open_bank_account(
        scope=here.scope, name="파일 계좌", bank="IBK", number="140099998888", holder="한빛마켓", rail="file",
        by=SETUP, now=clock.now(), public_id="by-file",
    )  # fmt: skip
    funds.top_up(account=account, amount=1_000_000, on=clock.today(), reference="opening", by=SETUP)
    return account


def made(here: Shop, *partners: str) -> TransferFile:
    """Make a file of an approved bulk payout."""
    here.approved(*partners, bank_account=by_file(here))
    running.start_due(clock.now())
    transfer_files.make_files(now=clock.now())
    return TransferFile.objects.get()


def _columns() -> list[Field]:
    return [Field(column.key, str(column.label)) for column in transfers.FileList.columns]


def open_page(here: Shop, name: str, key: str = "", *, who: str = "maker") -> Any:
    return here.browser(who).get(reverse(f"payouts:{name}", args=[key] if key else []))


def post(here: Shop, name: str, key: str, *, who: str = "maker", **values: Any) -> Any:
    return here.browser(who).post(reverse(f"payouts:{name}", args=[key]), values)


def result_of(found: TransferFile, status: str = "ACSC") -> BytesIO:
    body = BytesIO(report(found.public_id, [(Attempt.objects.get().reference, status, "")]))
    body.name = "결과.xml"
    return body


class TestTheFile:
    def test_list_page_and_panel_show_it(self, here: Shop) -> None:
        found = made(here, "acme", "beta")
        here.browser("maker")
        with recorded("payouts:files"):
            listed = open_page(here, "files")
        assert found.public_id in text_of(listed)
        with recorded("payouts:file"):
            page = open_page(here, "file", found.public_id)
        told = text_of(page)
        assert "이체 2건" in told
        assert "아직 아무도 받지 않았어요." in told
        assert "110123" not in told
        assert found.public_id in text_of(here.get("bulk-payout", BulkPayout.objects.get().public_id))

    @pytest.mark.parametrize("form", ["csv", "xlsx"])
    def test_the_list_leaves_as_a_file(self, here: Shop, form: str) -> None:
        found = made(here, "acme")
        address = reverse("console:list-export", args=[transfers.FileList.slug])
        wanted = {"format": form, "filters": "", "cols": [column.key for column in transfers.FileList.columns]}
        response: Any = here.browser("maker").post(address, wanted)
        rows = list(open_sheet(BytesIO(b"".join(response.streaming_content)), _columns()))
        assert [cells["public_id"] for _number, cells in rows] == [found.public_id]

    def test_taking_is_recorded_and_keeps_its_format(self, here: Shop) -> None:
        found = made(here, "acme")
        page = post(here, "file-download", found.public_id, form="csv")
        assert page.status_code == 200
        assert "받는분" in b"".join(page.streaming_content).decode("utf-8-sig")
        assert page["Cache-Control"] == "no-store"
        assert AuditEvent.objects.filter(action="transfer_file.downloaded", object_id=found.public_id).exists()
        assert post(here, "file-download", found.public_id, form="xlsx").status_code == 409
        assert "maker" in text_of(open_page(here, "file", found.public_id))

    def test_only_by_post_and_only_who_pays_out(self, here: Shop) -> None:
        found = made(here, "acme")
        assert open_page(here, "file-download", found.public_id).status_code == 405
        for who in ("viewer", "checker"):
            assert post(here, "file-download", found.public_id, who=who, form="csv").status_code == 403
        assert TransferFile.objects.get().downloads == 0

    def test_a_stranger_finds_nothing(self, here: Shop) -> None:
        found = made(here, "acme")
        other = shop("다른상점")
        for name in ("file", "file-withdraw"):
            assert open_page(other, name, found.public_id).status_code == 404
        for name in ("file-download", "file-upload"):
            assert post(other, name, found.public_id, form="csv", file=result_of(found)).status_code == 404
        assert found.public_id not in text_of(open_page(other, "files"))


class TestTheResult:
    def test_it_is_shown_before_it_does_anything(self, here: Shop) -> None:
        found = made(here, "acme")
        post(here, "file-download", found.public_id, form="pain001")
        answer = post(here, "file-upload", found.public_id, file=result_of(found))
        result = TransferResult.objects.get()
        assert answer["Location"] == reverse("payouts:file-result", args=[result.public_id])
        with recorded("payouts:file-result"):
            page = open_page(here, "file-result", result.public_id)
        assert "성공 1건" in text_of(page)
        assert Attempt.objects.get().state == AttemptState.ACCEPTED

        assert post(here, "file-result", result.public_id, who="viewer", action="confirm").status_code == 403
        post(here, "file-result", result.public_id, action="confirm")
        assert Payout.objects.get().status == PayoutStatus.SUCCEEDED
        assert "반영했어요" in text_of(open_page(here, "file-result", result.public_id))
        post(here, "file-result", result.public_id, action="confirm")
        assert Payout.objects.get().status == PayoutStatus.SUCCEEDED

    def test_what_cannot_be_read_says_where_and_why(self, here: Shop) -> None:
        found = made(here, "acme")
        post(here, "file-download", found.public_id, form="pain001")
        bad = BytesIO(b"<!DOCTYPE x [<!ENTITY a 'b'>]><Document/>")
        bad.name = "나쁜.xml"
        page = post(here, "file-upload", found.public_id, file=bad)
        assert page.status_code == 400
        assert "나쁜.xml 1번째 줄: DTD나 엔티티 선언이" in text_of(page)
        assert not TransferResult.objects.exists()

    def test_it_can_be_thrown_away(self, here: Shop) -> None:
        found = made(here, "acme")
        post(here, "file-download", found.public_id, form="pain001")
        post(here, "file-upload", found.public_id, file=result_of(found, "RJCT"))
        result = TransferResult.objects.get()
        post(here, "file-result", result.public_id, action="discard")
        assert Attempt.objects.get().state == AttemptState.ACCEPTED
        assert post(here, "file-result", result.public_id, action="confirm").status_code == 409

    def test_another_merchants_result_is_not_there(self, here: Shop) -> None:
        found = made(here, "acme")
        post(here, "file-download", found.public_id, form="pain001")
        post(here, "file-upload", found.public_id, file=result_of(found))
        other = shop("다른상점")
        result = TransferResult.objects.get()
        assert open_page(other, "file-result", result.public_id).status_code == 404
        assert post(other, "file-result", result.public_id, action="confirm").status_code == 404


class TestWithdrawing:
    def test_one_person_asks_and_another_confirms_with_a_code(self, here: Shop) -> None:
        found = made(here, "acme")
        post(here, "file-withdraw", found.public_id, evidence="은행 목록에 없어요")
        wanted = found.withdrawals.get()
        asked = open_page(here, "file", found.public_id, who="checker")
        assert "은행 목록에 없어요" in text_of(asked)
        assert "철회하기" in text_of(asked)
        assert "철회하기" not in text_of(open_page(here, "file", found.public_id))
        assert post(here, "file-withdrawal", wanted.public_id).status_code == 403

        post(here, "file-withdrawal", wanted.public_id, who="checker", stepup_code=code_now())
        assert TransferFile.objects.get().state == TransferFileState.WITHDRAWN
        assert Attempt.objects.get().state == AttemptState.CREATED
        assert post(here, "file-download", found.public_id, form="csv").status_code == 409

    def test_without_a_word_on_how_it_is_known_nothing_is_asked(self, here: Shop) -> None:
        found = made(here, "acme")
        post(here, "file-withdraw", found.public_id, evidence="  ")
        assert not found.withdrawals.exists()

    def test_it_can_be_refused(self, here: Shop) -> None:
        found = made(here, "acme")
        post(here, "file-withdraw", found.public_id, evidence="은행 목록에 없어요")
        wanted = found.withdrawals.get()
        post(here, "file-keep", wanted.public_id, who="checker", reason="은행에 있어요", stepup_code=code_now())
        assert TransferFile.objects.get().state == TransferFileState.MADE


class TestNewAccount:
    def admin(self, here: Shop) -> Client:
        return signed_in(here.firm.person(f"admin-{here.scope.merchant_id}", Role.ADMIN, code=True))

    def fields(self, **values: str) -> dict[str, str]:
        usual = {"name": "파일 계좌", "bank": "IBK", "number": "140-0999-98888", "holder": "한빛마켓", "rail": "file"}
        return usual | values

    def test_an_admin_adds_one_and_its_number_is_sealed(self, here: Shop) -> None:
        browser = self.admin(here)
        response = browser.post(reverse("payouts:account-new"), self.fields(stepup_code=code_now()))
        assert response.status_code == 302
        account = BankAccount.objects.get(rail="file")
        assert (account.last4, account.scope) == ("8888", here.scope)
        assert b"140099998888" not in bytes(account.number_sealed)
        assert funds.number_of(account) == "140099998888"
        event = AuditEvent.objects.get(action="bank_account.opened", object_id=account.public_id)
        assert "140099998888" not in str(event.after)
        assert "파일 계좌" in text_of(browser.get(reverse("payouts:accounts")))

    @pytest.mark.parametrize(
        "values",
        [{"number": "12ab5678"}, {"number": "1"}, {"rail": "test"}, {"rail": "nothing"}, {"bank": "MISC_FOREIGN"}],
    )
    def test_what_is_wrong_is_refused(self, here: Shop, values: dict[str, str]) -> None:
        response = self.admin(here).post(reverse("payouts:account-new"), self.fields(**values))
        assert response.status_code == 400
        assert not BankAccount.objects.filter(rail="file").exists()

    def test_the_same_account_is_not_added_twice(self, here: Shop) -> None:
        by_file(here)
        response = self.admin(here).post(reverse("payouts:account-new"), self.fields(number="140099998888"))
        assert "이미 있는 계좌예요." in text_of(response)

    def test_nobody_else_may(self, here: Shop) -> None:
        for who in ("viewer", "maker", "checker"):
            assert open_page(here, "account-new", who=who).status_code == 403


class TestChoosing:
    def choice(self, here: Shop, **values: str) -> Any:
        here.partner("acme")
        row = here.owe("acme", 10_000)
        posted = {"ids": [row.public_id], "filters": "", "day": clock.today().isoformat()}
        return here.browser("maker").post(reverse("payouts:new"), posted | values)

    def test_the_account_is_chosen_where_there_are_several(self, here: Shop) -> None:
        assert "돈이 나가는 계좌" not in text_of(self.choice(here))
        by_file(here)
        page = here.browser("maker").post(
            reverse("payouts:new"),
            {"ids": [row_id(here)], "filters": "", "day": clock.today().isoformat(), "account": "by-file"},
        )
        assert re.search(r'value="by-file" selected', page.content.decode())
        seal = re.search(r'name="seal" value="([^"]*)"', page.content.decode())
        assert seal is not None
        here.browser("maker").post(
            reverse("payouts:new"),
            {
                "ids": [row_id(here)],
                "filters": "",
                "day": clock.today().isoformat(),
                "account": "by-file",
                "seal": seal[1],
                "make": "1",
                "name": "파일로",
                "when": "now",
            },
        )
        assert BulkPayout.objects.get().bank_account.public_id == "by-file"

    def test_an_account_of_somebody_else_cannot_be_chosen(self, here: Shop) -> None:
        other = shop("다른상점")
        by_file(other)
        assert self.choice(here, account="by-file").status_code == 409


def row_id(here: Shop) -> str:
    return PartnerSettlement.objects.within(here.scope).get().public_id
