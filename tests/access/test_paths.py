"""Promise: an id may hold anything, slashes included, and still names one thing."""

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from access import paths
from access.roles import Role

from .build import firm

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.probe")]


@pytest.fixture
def headers() -> dict[str, str]:
    moon = firm()
    return {"Authorization": f"PortOne {moon.secret(moon.person('mina', Role.ADMIN))[1]}"}


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("/platform/things/plain", {"id": "plain"}),
        ("/platform/things/a%2Fb%20c%20%ED%95%9C", {"id": "a/b c 한"}),
        ("/platform/things/a%2fb", {"id": "a/b"}),
        ("/platform/things/100%25", {"id": "100%"}),
        ("/platform/things/a%252Fb", {"id": "a%2Fb"}),
        ("/platform/things/a+b%3F%23;v=1", {"id": "a+b?#;v=1"}),
        ("/platform/things/a%2Farchive", {"id": "a/archive"}),
        ("/platform/things/..%2F..", {"id": "../.."}),
        ("/platform/things/x?test=true", {"id": "x"}),
        ("http://testserver/platform/things/a%2Fb", {"id": "a/b"}),
    ],
)
def test_ids_come_as_they_were_meant(url: str, answer: dict[str, str], headers: dict[str, str]) -> None:
    path = url.removeprefix("http://testserver")
    response = Client(headers=headers).get(path, **paths.raw(url))
    assert response.json() == answer


def test_a_fixed_suffix_belongs_to_the_path(headers: dict[str, str]) -> None:
    url = "/platform/things/a%2Fb/archive"
    response = Client(headers=headers).post(url, b"", content_type="text/plain", **paths.raw(url))
    assert response.json() == {"archived": "a/b"}


def test_without_a_raw_path_ids_without_slash_work(headers: dict[str, str]) -> None:
    assert Client(headers=headers).get("/platform/things/%ED%95%9C%20100%25").json() == {"id": "한 100%"}


@pytest.mark.parametrize("url", ["/platform/things/%FF", "/platform/things/" + "a" * 1001, "/platform/things/a/b"])
def test_what_names_nothing_is_404_in_json(url: str, headers: dict[str, str]) -> None:
    response = Client(headers=headers).get(url, **paths.raw(url))
    assert (response.status_code, response.json()["type"]) == (404, "NOT_FOUND")


def test_nul_is_400(headers: dict[str, str]) -> None:
    url = "/platform/things/a%00b"
    response = Client(headers=headers).get(url, **paths.raw(url))
    assert (response.status_code, response.json()["type"]) == (400, "INVALID_REQUEST")


def test_a_raw_path_that_disagrees_is_not_believed() -> None:
    request = RequestFactory().get("/platform/things/real", **paths.raw("/platform/things/other"))
    paths.use_raw_path(request)
    assert request.path_info == "/platform/things/real"


def test_ids_are_encoded_when_an_address_is_made() -> None:
    assert paths.IdConverter().to_url("a/b c") == "a%2Fb%20c"
    assert reverse("access:api-login") == "/login/api-secret"


@pytest.mark.parametrize(
    ("path", "is_api"),
    [
        ("/platform/partners", True),
        ("/api/v1/x", True),
        ("/login/api-secret", True),
        ("/token/refresh", True),
        ("/login/", False),
        ("/platformer", False),
        ("/settings/api-secrets/", False),
        ("/", False),
    ],
)
def test_which_paths_are_the_apis(path: str, is_api: bool) -> None:  # noqa: FBT001 - a table of cases
    assert paths.is_api(path) is is_api
