"""A small API to test the base with: its endpoints leave an audit event, so that effects can be counted."""

import os
from typing import ClassVar

from django.urls import include, path

from access import audit
from access.api import Answer, ApiRequest, PlatformView, V1View, list_argument
from access.models import AuditEvent
from access.roles import ApiScope
from core.errors import Conflict, InvalidRequest, refusal

ACTION = "probe.done"


def effects() -> int:
    """Return how often an endpoint had its effect."""
    return AuditEvent.objects.filter(action=ACTION).count()


def _act(request: ApiRequest, name: str) -> None:
    audit.record(scope=request.scope, by=request.actor, action=ACTION, kind="probe", object_id=name)


class Things(PlatformView):
    """A list, and creation."""

    def get(self, request: ApiRequest) -> dict[str, object]:
        argument = list_argument(request)
        page = argument.maybe_mapping("page")
        return {"size": page.integer("size") if page else 10, "isForTest": request.scope.is_test}

    def post(self, request: ApiRequest) -> dict[str, object]:
        name = request.fields.text("name")
        _act(request, name)
        if name == "taken":
            raise Conflict("There is one already.")
        if name == "listed":
            raise refusal("PLATFORM_LISTED", 400, "A listed refusal.", amount=3)
        if name == "malformed":
            raise InvalidRequest("Found out late.", field="name")
        if name == "bug":
            raise ZeroDivisionError
        if name == "killed":
            os._exit(9)
        return {"name": name, "number": effects(), "isForTest": request.scope.is_test}


class Thing(PlatformView):
    """One thing, named by an id that may hold anything."""

    def get(self, _request: ApiRequest, thing_id: str) -> dict[str, str]:
        return {"id": thing_id}


class Archive(PlatformView):
    """An action without a body."""

    def post(self, _request: ApiRequest, thing_id: str) -> dict[str, str]:
        return {"archived": thing_id}


class Complete(PlatformView):
    """An action that needs a scope of its own."""

    scope_needed: ClassVar[ApiScope] = ApiScope.PAYOUTS_SUBMIT

    def post(self, _request: ApiRequest) -> dict[str, str]:
        return {}


class V1Things(V1View):
    """Creation on our own prefix."""

    def post(self, request: ApiRequest) -> Answer:
        name = request.fields.text("name")
        _act(request, name)
        return Answer({"name": name, "number": effects()}, status=201)

    def get(self, request: ApiRequest) -> dict[str, object]:
        return {"limit": request.query.maybe_integer("limit")}


class V1Check(V1View):
    """A POST that changes nothing."""

    acts = False
    idempotent = False

    def post(self, request: ApiRequest) -> dict[str, object]:
        return {"amount": request.fields.amount("amount")}


class V1Upload(V1View):
    """An upload."""

    takes_files = True

    def post(self, request: ApiRequest) -> dict[str, object]:
        _act(request, request.fields.text("kind"))
        return {"size": request.upload("file").size}


urlpatterns = [
    path("", include("access.urls")),
    path("platform/things", Things.as_view()),
    path("platform/things/complete", Complete.as_view()),
    path("platform/things/<id:thing_id>", Thing.as_view()),
    path("platform/things/<id:thing_id>/archive", Archive.as_view()),
    path("api/v1/things", V1Things.as_view()),
    path("api/v1/check", V1Check.as_view()),
    path("api/v1/upload", V1Upload.as_view()),
]
