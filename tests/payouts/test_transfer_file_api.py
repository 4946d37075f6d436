"""Protects transfer files over the API: scoped, recorded, harmless to repeat."""

from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from access.models import ApiSecret
from access.roles import DEFAULT_SCOPES, ApiScope, Role
from core import jobs
from payouts.models import Attempt, AttemptState, TransferFile, TransferFileDownload
from tests.payouts.test_pages import Shop, shop
from tests.payouts.test_transfer_file_pages import made, result_of
from tests.payouts.test_transfer_files import report


class Api:
    """A client with a secret of one merchant."""

    def __init__(self, here: Shop, *scopes: ApiScope) -> None:
        owner = here.firm.person(f"owner-{here.scope.merchant_id}-{len(scopes)}", Role.ADMIN)
        self.secret: ApiSecret
        self.secret, self.text = here.firm.secret(owner, scopes or (*DEFAULT_SCOPES, ApiScope.PAYOUTS_SUBMIT))
        self.count = 0

    def get(self, path: str) -> Any:
        return Client().get(f"/api/v1/{path}", headers={"authorization": f"PortOne {self.text}"})

    def post(self, path: str, data: Any = None, *, key: str = "") -> Any:
        self.count += 1
        headers = {
            "authorization": f"PortOne {self.text}",
            "idempotency-key": key or f"key-of-this-test-{self.secret.pk}-{self.count}",
        }
        if data is None:
            return Client().post(f"/api/v1/{path}", "{}", content_type="application/json", headers=headers)
        return Client().post(f"/api/v1/{path}", data, headers=headers)


@pytest.fixture
def here(db: None) -> Shop:  # noqa: ARG001 - needs tables
    return shop()


def test_the_whole_way(here: Shop) -> None:
    found = made(here, "acme")
    api = Api(here)
    (listed,) = api.get("transfer-files?state=MADE").json()["items"]
    assert listed == api.get(f"transfer-files/{found.public_id}").json()
    assert (listed["amount"], listed["transferCount"], listed["state"]) == (10_000, 1, "MADE")

    content = api.get(f"transfer-files/{found.public_id}/content?form=pain001")
    assert b"<EndToEndId>" in b"".join(content.streaming_content)
    assert TransferFileDownload.objects.get().by == "backend"

    read = api.post(f"transfer-files/{found.public_id}/results", {"file": result_of(found)})
    assert read.status_code == 201, read.content
    body = read.json()
    assert body["figures"] == [{"verdict": "succeeded", "count": 1, "amount": 10_000}]
    assert Attempt.objects.get().state == AttemptState.ACCEPTED
    again = api.post(f"transfer-files/{found.public_id}/results", {"file": result_of(found)})
    assert again.json()["id"] == body["id"]

    told = api.post(f"transfer-results/{body['id']}/confirm")
    assert (told.status_code, told.json()["state"]) == (202, "CHECKED")
    assert api.post(f"transfer-results/{body['id']}/confirm").status_code == 202
    assert jobs.run_due_jobs() == 1
    done = api.post(f"transfer-results/{body['id']}/confirm")
    assert (done.status_code, done.json()["state"]) == (200, "CONFIRMED")
    assert Attempt.objects.get().state == AttemptState.SUCCEEDED
    assert api.post(f"transfer-results/{body['id']}/confirm").json() == done.json()
    assert api.get(f"transfer-results/{body['id']}").json() == done.json()
    assert api.post(f"transfer-results/{body['id']}/discard").status_code == 409


def test_what_cannot_be_read_is_told_with_its_places(here: Shop) -> None:
    found = made(here, "acme")
    api = Api(here)
    api.get(f"transfer-files/{found.public_id}/content?form=csv")
    file = BytesIO(report("tf-OTHER", []))
    file.name = "result.xml"
    refused = api.post(f"transfer-files/{found.public_id}/results", {"file": file})
    assert (refused.status_code, refused.json()["type"]) == (400, "TRANSFER_RESULT_REFUSED")
    assert refused.json()["problems"][0].startswith("result.xml ")


def test_a_format_that_is_none_and_a_file_nobody_took(here: Shop) -> None:
    found = made(here, "acme")
    api = Api(here)
    assert api.get(f"transfer-files/{found.public_id}/content?form=pdf").status_code == 400
    assert api.post(f"transfer-files/{found.public_id}/results", {"file": result_of(found)}).status_code == 409
    assert TransferFile.objects.get().downloads == 0


def test_reading_alone_is_not_enough_for_account_numbers(here: Shop) -> None:
    found = made(here, "acme")
    api = Api(here, ApiScope.READ, ApiScope.WRITE)
    assert api.get(f"transfer-files/{found.public_id}").status_code == 200
    assert api.get(f"transfer-files/{found.public_id}/content?form=csv").status_code == 403
    assert api.post(f"transfer-files/{found.public_id}/results", {"file": result_of(found)}).status_code == 403
    assert TransferFile.objects.get().downloads == 0


def test_another_merchants_files_are_not_there(here: Shop) -> None:
    found = made(here, "acme")
    Api(here).get(f"transfer-files/{found.public_id}/content?form=pain001")
    read = Api(here, ApiScope.PAYOUTS_SUBMIT).post(
        f"transfer-files/{found.public_id}/results", {"file": result_of(found)}
    )
    other = Api(shop("다른상점"))
    assert other.get("transfer-files").json()["items"] == []
    for path in (
        f"transfer-files/{found.public_id}",
        f"transfer-files/{found.public_id}/content?form=pain001",
        f"transfer-results/{read.json()['id']}",
    ):
        assert other.get(path).status_code == 404
    assert other.post(f"transfer-files/{found.public_id}/results", {"file": result_of(found)}).status_code == 404
    for verb in ("confirm", "discard"):
        assert other.post(f"transfer-results/{read.json()['id']}/{verb}").status_code == 404
    assert Attempt.objects.get().state == AttemptState.ACCEPTED
