"""Protects the promise that the API's description is valid, covers every address of both prefixes, and is served."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from access import openapi
from access.api import ApiView, PlatformView, V1View

OWN_DOCS = ("/api/schema/", "/api/docs/")


@cache
def described() -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call] # it comes without types
    return schema


def endpoints() -> Iterator[tuple[str, type[ApiView]]]:
    """Yield path and view of every address of the API."""

    def within(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[tuple[str, type[ApiView]]]:
        for one in patterns:
            path = before + str(one.pattern)
            if isinstance(one, URLResolver):
                yield from within(one.url_patterns, path)
                continue
            view = getattr(one.callback, "view_class", None) or getattr(one.callback, "cls", None)
            if isinstance(view, type) and issubclass(view, ApiView):
                yield "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path), view

    yield from within(get_resolver().url_patterns, "")


ENDPOINTS = sorted(endpoints(), key=lambda found: found[0])


def methods(view: type[ApiView]) -> list[str]:
    return [name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)]


def test_it_is_valid_openapi() -> None:
    assert described()["openapi"] == "3.1.0"
    validate_schema(described())  # type: ignore[no-untyped-call] # it comes without types


def test_both_prefixes_are_there() -> None:
    assert {issubclass(view, V1View) for _path, view in ENDPOINTS} == {True, False}
    assert sum(issubclass(view, PlatformView) for _path, view in ENDPOINTS) > 40


@pytest.mark.parametrize(("path", "view"), ENDPOINTS, ids=[path for path, _view in ENDPOINTS])
def test_every_address_is_described(path: str, view: type[ApiView]) -> None:
    for method in methods(view):
        found = openapi.operations().get((method, path))
        assert found is not None, f"{method} {path} is in no module of API_DESCRIPTIONS"
        if found != openapi.HIDDEN:
            assert described()["paths"][path][method.lower()]["summary"]


def test_nothing_is_described_that_is_not_there() -> None:
    real = {(method, path) for path, view in ENDPOINTS for method in methods(view)}
    assert set(openapi.operations()) <= real


@pytest.mark.parametrize("path", sorted({path for path, _view in ENDPOINTS}))
def test_every_operation_says_what_it_takes_answers_and_refuses(path: str) -> None:
    for method, operation in described()["paths"].get(path, {}).items():
        answers = operation["responses"]
        assert {"400", "401", "403"} <= set(answers), method
        assert set(answers) & {"200", "201"}, method
        for name in re.findall(r"{(\w+)}", path):
            assert any(one["name"] == name and one["in"] == "path" for one in operation["parameters"])
        keys = [one for one in operation["parameters"] if one["name"] == "Idempotency-Key"]
        assert len(keys) <= (0 if method == "get" else 1)
        if path.startswith("/api/v1") and method == "post" and not path.endswith(("/preview", "/test", "/evaluate")):
            assert keys[0]["required"]


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(described())
    for kind, name in set(re.findall(r"#/components/(\w+)/(\w+)", text)):
        assert name in described()["components"][kind]


def test_operation_ids_are_unique() -> None:
    ids = [one["operationId"] for methods in described()["paths"].values() for one in methods.values()]
    assert len(set(ids)) == len(ids)


@pytest.mark.django_db
def test_it_is_served_with_a_page_to_try_it() -> None:
    answer = Client().get("/api/schema/?format=json")
    assert answer.status_code == 200
    assert answer.json()["paths"].keys() == described()["paths"].keys()
    page = Client().get("/api/docs/")
    assert page.status_code == 200
    assert b"swagger" in page.content


@pytest.mark.django_db
def test_a_secret_of_the_merchant_is_how_to_sign_in() -> None:
    schemes = described()["components"]["securitySchemes"]
    assert schemes["secret"]["name"] == "Authorization"
    assert described()["paths"]["/login/api-secret"]["post"]["security"] == []
