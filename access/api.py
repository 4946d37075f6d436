"""
The base of every API endpoint.

A view names the scope it needs and has one method per HTTP method, which parses, calls one operation and returns a
body (or an `Answer`). The base does the rest, in this order: credentials, size, form, environment, scope, key, then the
method. Methods that change something run in one durable transaction that the base opens, so the stored answer of an
Idempotency-Key and what the request did commit together.

`PlatformView` is the compatible wire (always 200, unknown fields ignored, key optional), `V1View` our own (unknown
fields refused, key required).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, ClassVar, cast

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access import api_secrets, idempotency, wire
from access.idempotency import Stored
from access.models import ApiSecret, ApiToken
from access.parse import Fields, QueryFields, strict_json
from access.roles import ApiScope
from core import clock
from core.actor import Actor, ActorKind
from core.errors import DomainError, Forbidden, InvalidRequest
from core.scope import Scope
from core.transactions import whole

log = structlog.get_logger(__name__)

_SAFE = frozenset({"GET", "HEAD"})
_TRIES = 3
# Deadlock, serialization failure, lock timeout: nothing has happened, and the next try usually gets through.
_WORTH_RETRYING = frozenset({"40P01", "40001", "55P03"})
_KEPT_REFUSALS = frozenset({404, 409, 422})


class Unauthorized(DomainError):
    """No credentials, or none that are live."""

    code, status = "UNAUTHORIZED", 401


class TooLarge(DomainError):
    """The body is larger than this address takes."""

    code, status = "REQUEST_TOO_LARGE", 413


class LengthRequired(DomainError):
    """The body came in pieces, and this server cannot tell where it ends."""

    code, status = "LENGTH_REQUIRED", 411


class KeyReused(DomainError):
    """The key came with another request before."""

    code, status = "IDEMPOTENCY_KEY_REUSED", 422


@dataclass(frozen=True, slots=True)
class Answer:
    """A body with a status other than 200, or with headers. Headers are not repeated on replays."""

    body: object = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiRequest(Request):
    """What an endpoint's method gets."""

    scope: Scope
    actor: Actor
    secret: ApiSecret
    fields: Fields  # the body; of a GET the argument object
    query: QueryFields
    request_id: str

    @property
    def plain(self) -> HttpRequest:
        """Return Django's own request."""
        inner: HttpRequest = self._request
        return inner

    def upload(self, name: str) -> "UploadedFile[bytes]":
        """Return the one file uploaded under a name, in a view that takes files. Raises InvalidRequest."""
        files = self.plain.FILES.getlist(name)
        if len(files) != 1:
            raise InvalidRequest(f"{name}: {_('파일 하나를 올려 주세요.')}", field=name)
        return files[0]


Handler = Callable[..., object]


class ApiView(APIView):
    """
    Base of both prefixes; see the module.

    `scope_needed` names the scope of the methods that change something (GET needs `read`), or maps methods to scopes.
    `acts` False: the method changes nothing or keeps its own transactions, so the base opens none and takes no key.
    `takes_files` True: the body is a multipart upload; `request.fields` holds its text fields.
    """

    scope_needed: ClassVar[ApiScope | Mapping[str, ApiScope] | None] = None
    acts: ClassVar[bool] = True
    open_to_all: ClassVar[bool] = False
    takes_files: ClassVar[bool] = False
    largest_body: ClassVar[int] = 1_048_576
    refuses_unknown: ClassVar[bool] = False
    keeps_listed_400: ClassVar[bool] = False
    methods: ClassVar[frozenset[str]]

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = ()

    def __init_subclass__(cls) -> None:
        """Note which methods a view has."""
        super().__init_subclass__()
        cls.methods = frozenset(name.upper() for name in cls.http_method_names if hasattr(cls, name))

    def needs_key(self) -> bool:
        """Say whether a POST without an Idempotency-Key is refused."""
        return False

    def reused(self) -> DomainError:
        """Return the refusal of a key that came with another request before."""
        return KeyReused(_("같은 Idempotency-Key로 다른 요청을 보냈어요."))

    def initialize_request(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> Request:
        """Wrap the request without parsing anything yet."""
        made = ApiRequest(request, parsers=[], authenticators=[])
        # Otherwise the framework looks for them on itself first, each time.
        made.method, made.META = request.method, request.META
        return made

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check, run the method, and answer in JSON whatever happens."""
        self.args, self.kwargs = args, kwargs
        call = cast("ApiRequest", self.initialize_request(request))
        self.request = call
        self.headers = self.default_response_headers
        try:
            self._prepare(call)
            answer = self._run(call)
        except Exception as error:  # noqa: BLE001 - known errors are answered, all others raised again by handle_exception
            answer = cast("HttpResponse", self.handle_exception(error))
        # The framework's stubs know only its own responses here; plain ones pass through as they are.
        self.response = self.finalize_response(call, cast("Response", answer), *args, **kwargs)
        return cast("HttpResponse", self.response)

    # ---- Before the method

    def _prepare(self, call: ApiRequest) -> None:
        call.request_id = getattr(call.plain, "request_id", "")
        if not self.open_to_all:
            call.secret = self._caller(call)
        if call.method not in self.methods:
            raise exceptions.MethodNotAllowed(call.method or "")
        call.query = QueryFields.parse(call.plain.GET.lists())
        call.fields = self._argument(call) if call.method in _SAFE else self._body(call)
        if self.open_to_all:
            return
        call.scope = Scope(call.secret.merchant_id, self._is_test(call))
        if call.secret.test_only and not call.scope.is_test:
            raise Forbidden(_("테스트 전용 키예요. test=true로 요청해 주세요."))
        self._check_scope(call)
        call.actor = Actor(
            kind=ActorKind.API,
            name=call.secret.name,
            user_id=call.secret.owner_id,
            secret_id=call.secret.pk,
            request_id=call.request_id,
            address=getattr(call.plain, "address", ""),
        )

    def _caller(self, call: ApiRequest) -> ApiSecret:
        scheme, _space, text = call.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        now, text = clock.now(), text.strip()
        secret = None
        if scheme.lower() == "portone":
            secret = api_secrets.recognise(text, now)
        elif scheme.lower() == "bearer":
            secret = api_secrets.recognise_token(text, ApiToken.Kind.ACCESS, now)
        if secret is None:
            raise Unauthorized(_("API 키를 다시 확인해 주세요."))
        api_secrets.note_use(secret, now)
        return secret

    def _argument(self, call: ApiRequest) -> Fields:
        sent = call.query.maybe_text("requestBody", longest=self.largest_body)
        return Fields.of(strict_json(self._bytes(call) if sent is None else sent.encode()))

    def _body(self, call: ApiRequest) -> Fields:
        if self.takes_files:
            self._check_size(call)
            return QueryFields.parse(call.plain.POST.lists())
        return Fields.of(strict_json(self._bytes(call)))

    def _check_size(self, call: ApiRequest) -> None:
        if int(call.META.get("CONTENT_LENGTH") or 0) > self.largest_body:
            raise TooLarge(_("본문이 너무 커요."))

    def _bytes(self, call: ApiRequest) -> bytes:
        self._check_size(call)
        stream = call.plain
        if not call.META.get("CONTENT_LENGTH") and call.META.get("HTTP_TRANSFER_ENCODING"):
            # Django reads nothing without a length. A server that ends the stream itself lets us read to its end.
            if not call.META.get("wsgi.input_terminated"):
                raise LengthRequired(_("Content-Length 헤더가 필요해요."))
            stream = call.META["wsgi.input"]
        data: bytes = stream.read(self.largest_body + 1)
        if len(data) > self.largest_body:
            raise TooLarge(_("본문이 너무 커요."))
        return data

    def _is_test(self, call: ApiRequest) -> bool:
        # Older clients say it in the body or the filter; the query wins.
        inside = call.fields.maybe_boolean("isForTest")
        within = call.fields.mapping("filter") if call.fields.is_object("filter") else None
        if inside is None and within is not None:
            inside = within.maybe_boolean("isForTest")
        from_query = call.query.maybe_boolean("test")
        return bool(inside) if from_query is None else from_query

    def _check_scope(self, call: ApiRequest) -> None:
        reads = call.method in _SAFE
        needed = self.scope_needed
        if isinstance(needed, Mapping):
            needed = needed.get(call.method or "")
        elif reads:
            needed = ApiScope.READ
        if (needed or (ApiScope.READ if reads else ApiScope.WRITE)) not in call.secret.scopes:
            raise Forbidden(_("이 키에는 그 권한이 없어요."))

    # ---- The method

    def _run(self, call: ApiRequest) -> HttpResponse:
        if call.method in _SAFE or not self.acts or self.open_to_all:
            return self._call(call)
        key = idempotency.read_key(call.META.get("HTTP_IDEMPOTENCY_KEY"))
        if key is None and self.needs_key() and call.method == "POST":
            raise InvalidRequest(_("Idempotency-Key 헤더가 필요해요."), field=idempotency.HEADER)
        for _try in range(_TRIES - 1):
            try:
                return self._act(call, key)
            except OperationalError as error:
                if _state(error) not in _WORTH_RETRYING:
                    raise
                log.info("api_retried", state=_state(error))
        return self._act(call, key)

    def _act(self, call: ApiRequest, key: str | None) -> HttpResponse:
        if key is None:
            with whole():
                return self._call(call)
        made: list[HttpResponse] = []

        def act() -> Stored:
            made.append(self._call(call))
            return _stored(made[0])

        stored = idempotency.once(
            scope=call.scope, key=key, mark=self._mark(call), reused=self.reused, act=act, refused=self._keep
        )
        if made:
            return made[0]
        response = HttpResponse(stored.body, status=stored.status, content_type=stored.content_type)
        if stored.replayed:
            response["Idempotency-Replayed"] = "true"
        return response

    def _keep(self, refusal: DomainError) -> Stored | None:
        listed = self.keeps_listed_400 and refusal.status == 400 and refusal.code != InvalidRequest.code  # noqa: PLR2004
        return _stored(wire.refuse(refusal)) if listed or refusal.status in _KEPT_REFUSALS else None

    def _call(self, call: ApiRequest) -> HttpResponse:
        handler: Handler = getattr(self, (call.method or "").lower())
        response = _response(handler(call, *self.args, **self.kwargs))
        if self.refuses_unknown:
            call.fields.done()
            call.query.done()
        return response

    def _mark(self, call: ApiRequest) -> bytes:
        plain = call.plain
        query = {name: list(values) for name, values in plain.GET.lists()}
        body: object = call.fields.as_sent()
        if self.takes_files:
            files = [(name, item) for name, items in plain.FILES.lists() for item in items]
            body = [body, sorted((name, str(item.name), _digest(item)) for name, item in files)]
        return idempotency.fingerprint(method=call.method or "", path=plain.path_info, query=query, body=body)


class PlatformView(ApiView):
    """An endpoint of the compatible wire: success is always 200 with a JSON body, unknown fields are ignored."""

    keeps_listed_400 = True

    def reused(self) -> DomainError:
        """Return what the compatible wire says about a key that came with another request."""
        return InvalidRequest(_("같은 Idempotency-Key로 다른 요청을 보냈어요."), field=idempotency.HEADER)


class V1View(ApiView):
    """An endpoint of our own API: unknown fields are refused; a POST needs a key unless `idempotent` is False."""

    refuses_unknown = True
    idempotent: ClassVar[bool] = True

    def needs_key(self) -> bool:
        """Say whether a POST without a key is refused."""
        return self.idempotent


def list_argument(request: ApiRequest) -> Fields:
    """Return the argument object of a GET list, from the query's `requestBody` or else the body; `{}` without one."""
    return request.fields


# ---- Errors


def handle_error(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Answer a known error in the one shape; None for a bug, which is then logged and answered as 500."""
    request_id = getattr(context.get("request"), "request_id", "")
    if isinstance(error, DomainError):
        return wire.refuse(error)
    if isinstance(error, exceptions.APIException):
        return wire.failure(error.status_code)
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return wire.failure(status)
    if isinstance(error, OperationalError):
        log.warning("api_database_unavailable", state=_state(error), request_id=request_id)
        response = wire.failure(503, request_id)
        response["Retry-After"] = "1"
        return response
    return None


def json_400(_request: HttpRequest, _exception: Exception | None = None) -> HttpResponse:
    """Answer a malformed request outside any view."""
    return wire.failure(400)


def json_403(_request: HttpRequest, _exception: Exception | None = None) -> HttpResponse:
    """Answer a refused request outside any view."""
    return wire.failure(403)


def json_404(_request: HttpRequest, _exception: Exception | None = None) -> HttpResponse:
    """Answer an unknown path; also good as a catch-all view."""
    return wire.failure(404)


def json_500(request: HttpRequest) -> HttpResponse:
    """Answer a bug."""
    return wire.failure(500, getattr(request, "request_id", ""))


_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (RequestDataTooBig, 413),
    (SuspiciousOperation, 400),
    (UnreadablePostError, 400),
    (PermissionDenied, 403),
    (Http404, 404),
)


def _state(error: OperationalError) -> str:
    return getattr(error.__cause__, "pgcode", None) or ""


def _response(result: object) -> HttpResponse:
    if isinstance(result, HttpResponseBase):
        # A stream, which only a GET returns, passes through like a whole answer.
        return cast("HttpResponse", result)
    if isinstance(result, Answer):
        response = HttpResponse(status=204) if result.status == 204 else wire.respond(result.body, result.status)  # noqa: PLR2004
        for name, value in result.headers.items():
            response[name] = value
        return response
    return wire.respond(result if result is not None else {})


def _stored(response: HttpResponse) -> Stored:
    return Stored(response.status_code, response.content, response.get("Content-Type", wire.JSON))


def _digest(item: Any) -> str:
    total = sha256()
    for chunk in item.chunks():
        total.update(chunk)
    item.seek(0)
    return total.hexdigest()
