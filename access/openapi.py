"""
The machine-readable description of the API, from shapes that are declared as data.

Endpoints read their requests by hand, so nothing can be derived from serializers. Each application lists its endpoints
in a module `described`: `OPERATIONS` maps (method, path) to an `Operation`, made of the small shapes below. The modules
are named in the setting API_DESCRIPTIONS.

A shape is JSON Schema. `record("Name", {"key*": …, "other": …})` names one; a star marks what is always there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from drf_spectacular.openapi import AutoSchema

from access.api import ApiView, V1View
from access.idempotency import HEADER
from access.roles import ApiScope
from core.money import MAX_AMOUNT

Shape = dict[str, Any]

# ---- shapes

BOOLEAN: Final[Shape] = {"type": "boolean"}
COUNT: Final[Shape] = {"type": "integer", "minimum": 0}
AMOUNT: Final[Shape] = {
    "type": "integer",
    "format": "int64",
    "minimum": -MAX_AMOUNT,
    "maximum": MAX_AMOUNT,
    "description": "Minor units of the currency; 1 = 1 won.",
}
UNSIGNED: Final[Shape] = AMOUNT | {"minimum": 0}
# Sums over many rows; each of them is an amount, together they may be more.
TOTAL: Final[Shape] = {"type": "integer", "format": "int64", "description": "Minor units of the currency."}
RATE: Final[Shape] = {"type": "integer", "minimum": 0, "description": "In 1/100,000: 10000 is 10 %."}
DAY: Final[Shape] = {
    "type": "string",
    "format": "date",
    "pattern": r"^\d{4}-\d{2}-\d{2}$",
    "description": "A day in Seoul.",
}
MOMENT: Final[Shape] = {"type": "string", "format": "date-time"}
CURRENCY: Final[Shape] = {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["KRW"]}
ID: Final[Shape] = {"type": "string", "minLength": 1, "maxLength": 300}
GRAPHQL_ID: Final[Shape] = {"type": "string", "description": "Opaque second id."}


def text(most: int = 10_000, least: int = 0, **more: Any) -> Shape:
    """Return a text of so many characters."""
    return {"type": "string", "maxLength": most, **({"minLength": least} if least else {}), **more}


def integer(minimum: int, maximum: int) -> Shape:
    """Return a whole number within bounds."""
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def words(*values: str) -> Shape:
    """Return one of a list of words."""
    return {"type": "string", "enum": list(values)}


def constant(value: str) -> Shape:
    """Return the one word that tells kinds of objects apart."""
    return {"type": "string", "const": value}


def listed(item: Shape, most: int | None = None, fewest: int = 0) -> Shape:
    """Return a list."""
    bounds = {"minItems": fewest or None, "maxItems": most}
    return {"type": "array", "items": item} | {name: value for name, value in bounds.items() if value is not None}


def mapped(item: Shape) -> Shape:
    """Return an object whose names are data."""
    return {"type": "object", "additionalProperties": item}


def fields(spec: Mapping[str, Shape], **more: Any) -> Shape:
    """Return an object; a star after a name marks what is always there."""
    required = [name.removesuffix("*") for name in spec if name.endswith("*")]
    shape: Shape = {"type": "object", "properties": {name.removesuffix("*"): one for name, one in spec.items()}}
    return shape | ({"required": required} if required else {}) | more


def either(*shapes: Shape) -> Shape:
    """Return what fits any of some shapes."""
    return {"anyOf": list(shapes)}


def one_key(spec: Mapping[str, Shape]) -> Shape:
    """Return an object that holds exactly one of some keys."""
    return fields(spec) | {"oneOf": [{"required": [name]} for name in spec]}


COMPONENTS: dict[str, Shape] = {}


def component(name: str, shape: Shape) -> Shape:
    """Name a shape; returns the reference to it."""
    if COMPONENTS.setdefault(name, shape) != shape:
        raise ValueError(f"two shapes are called {name}")
    return {"$ref": f"#/components/schemas/{name}"}


def record(name: str, spec: Mapping[str, Shape], **more: Any) -> Shape:
    """Name an object; returns the reference to it."""
    return component(name, fields(spec, **more))


# ---- errors

ERROR: Final = record(
    "Error",
    {
        "type*": {"type": "string", "description": "A code that does not change."},
        "message": {"type": "string", "description": "A sentence for a person."},
        "field": {"type": "string", "description": "Which part of the request it is about."},
        "requestId": {"type": "string"},
    },
    description="Every refusal, everywhere, has this shape; some codes add facts.",
)
_COMMON: Final[Mapping[str, int]] = {
    "INVALID_REQUEST": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "LENGTH_REQUIRED": 411,
    "REQUEST_TOO_LARGE": 413,
    "INTERNAL_ERROR": 500,
    "TEMPORARILY_UNAVAILABLE": 503,
}
_MEANING: Final[Mapping[int, str]] = {
    400: "The request is malformed, or breaks a rule that its code names.",
    401: "No credentials, or none that are live.",
    403: "The API secret lacks the scope, or may only be used for tests.",
    404: "There is no such thing in this merchant and environment.",
    409: "The state of things does not allow it.",
    411: "The body came without a Content-Length.",
    413: "The body is too large.",
    422: "The Idempotency-Key came with another request before.",
    500: "A bug on our side; nothing was stored.",
    502: "A service this depends on failed.",
    503: "Try again in a moment, with the same Idempotency-Key.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A code an endpoint may refuse with, its status and the facts that come with it."""

    code: str
    status: int
    facts: Mapping[str, Shape] = field(default_factory=dict)

    def shape(self) -> Shape:
        """Return the refusal's own shape, named for its code."""
        name = "".join(word.capitalize() for word in self.code.split("_")) + "Error"
        own = fields({"type*": constant(self.code), "message": {"type": "string"}, **self.facts})
        return component(name, own)


def _answers_to(refusals: Iterable[Refusal]) -> dict[str, Shape]:
    by_status: dict[int, list[Refusal]] = {}
    for one in refusals:
        by_status.setdefault(one.status, []).append(one)
    return {str(status): _named_or_own(status, by_status[status]) for status in sorted(by_status)}


def _named_or_own(status: int, refusals: Sequence[Refusal]) -> Shape:
    # What every endpoint may say alike stands once, and is referred to.
    if [one.code for one in refusals] == [code for code, common in _COMMON.items() if common == status]:
        return {"$ref": f"#/components/responses/{refusals[0].code}"}
    return _refused(status, refusals)


def _refused(status: int, refusals: Sequence[Refusal]) -> Shape:
    plain = sorted({one.code for one in refusals if not one.facts})
    kinds = [{"allOf": [ERROR, {"properties": {"type": words(*plain)}}]}] if plain else []
    kinds += [one.shape() for one in refusals if one.facts]
    schema = kinds[0] if len(kinds) == 1 else either(*kinds)
    return _answer(_MEANING.get(status, "Refused."), {"application/json": {"schema": schema}})


def _answer(description: str, content: Shape) -> Shape:
    return {"description": description, "headers": {"X-Request-Id": _REQUEST_ID}, "content": content}


_REQUEST_ID: Final[Shape] = {"schema": {"type": "string"}, "description": "Names this request in the logs."}


# ---- operations


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One endpoint and method.

    `answer` is the shape of success, `answers` other statuses beside it. `argument` is the argument object of a list on
    the compatible wire. `query` maps parameters to shapes. `file` names the media type of an answer that is a file.
    `upload` says that the body is a multipart form with a file.
    """

    tag: str
    summary: str
    answer: Shape | None = None
    body: Shape | None = None
    argument: Shape | None = None
    query: Mapping[str, Shape] = field(default_factory=dict)
    refusals: Sequence[Refusal] = ()
    file: str = ""
    upload: bool = False
    also: Sequence[int] = ()
    example: Mapping[str, Any] | None = None
    unstable: bool = False


HIDDEN: Final = "hidden"
Operations = Mapping[tuple[str, str], Operation | str]


@cache
def operations() -> dict[tuple[str, str], Operation | str]:
    """Return what all applications describe."""
    found: dict[tuple[str, str], Operation | str] = {}
    for name in settings.API_DESCRIPTIONS:
        described: Operations = import_module(name).OPERATIONS
        found |= described
    return found


class DescribedSchema(AutoSchema):
    """Writes the operation of an endpoint from its description."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Shape | None:
        """Return the operation; None for what is no endpoint of the API or described elsewhere."""
        if not isinstance(self.view, ApiView):
            return None
        self.path, self.path_regex, self.path_prefix, self.registry = path, path_regex, path_prefix, registry
        self.method = method.upper()
        found = operations().get((self.method, path))
        if found == HIDDEN:
            return None
        if not isinstance(found, Operation):
            return {"operationId": f"{method} {path}", "summary": "", "responses": {}, "x-undescribed": True}
        return _operation(found, self.view, self.method, path)


# The web server itself says so, before anything of ours has seen the request.
_TOO_LONG: Final[Shape] = {
    "description": "The address has more than 8,190 bytes; the argument of a list may be the body of the GET instead.",
    "content": {"text/html": {"schema": {"type": "string"}}},
}


def _operation(described: Operation, view: ApiView, method: str, path: str) -> Shape:
    answers = _success(described) | _answers_to(_refusals(described, view, method, path))
    answers["414"] = {"$ref": "#/components/responses/ADDRESS_TOO_LONG"}
    operation: Shape = {
        "operationId": _operation_id(method, path),
        "summary": described.summary,
        "tags": [described.tag],
        "parameters": _parameters(described, view, method, path),
        "responses": dict(sorted(answers.items())),
        "security": [] if view.open_to_all else [{"secret": []}, {"token": []}],
    }
    if described.unstable:
        operation["x-unstable"] = True
    body = _body(described)
    if body:
        operation["requestBody"] = body
    if not view.open_to_all:
        operation["description"] = f"Needs the scope `{_scope(view, method)}`."
    return operation


def _operation_id(method: str, path: str) -> str:
    parts = [part.strip("{}") for part in path.strip("/").replace("-", "_").split("/")]
    return "_".join([*parts, method.lower()])


def _scope(view: ApiView, method: str) -> str:
    needed = view.scope_needed
    if isinstance(needed, Mapping):
        needed = needed.get(method)
    elif method == "GET":
        needed = ApiScope.READ
    return str((needed or (ApiScope.READ if method == "GET" else ApiScope.WRITE)).value)


def _parameters(described: Operation, view: ApiView, method: str, path: str) -> list[Shape]:
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    found: list[Shape] = [{"name": name, "in": "path", "required": True, "schema": ID} for name in names]
    if view.open_to_all:
        return found
    test = "Work on the test environment; live is the default. The two share no data."
    found.append({"name": "test", "in": "query", "schema": BOOLEAN, "description": test})
    if described.argument is not None:
        argument = {"application/json": {"schema": described.argument}}
        where = "The argument object as JSON; a body of the GET is read too."
        found.append({"name": "requestBody", "in": "query", "content": argument, "description": where})
    for name, schema in described.query.items():
        exploded = {"explode": False, "style": "form"} if schema.get("type") == "array" else {}
        found.append({"name": name, "in": "query", "schema": schema, **exploded})
    if method != "GET" and view.acts:
        needed = isinstance(view, V1View) and view.idempotent and method == "POST"
        found.append({"name": HEADER, "in": "header", "required": needed, "schema": _KEY, "description": _KEY_SAYS})
    return found


_KEY: Final[Shape] = {"type": "string", "minLength": 16, "maxLength": 256, "pattern": "^[A-Za-z0-9._:-]{16,256}$"}
_KEY_SAYS: Final = (
    "The same key with the same request is answered with the first answer, for 30 days. Any 16 to 256 printable ASCII"
    " characters will do, bare or as a quoted string."
)


def _body(described: Operation) -> Shape | None:
    if described.upload:
        form = fields({"file*": {"type": "string", "contentMediaType": "application/octet-stream"}})
        return {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    if described.body is None:
        return None
    content: Shape = {"schema": described.body}
    if described.example is not None:
        content["example"] = dict(described.example)
    return {"required": True, "content": {"application/json": content}}


def _success(described: Operation) -> dict[str, Shape]:
    if described.file:
        schema: Shape = {"type": "string"}
        return {"200": _answer("The file.", {described.file: {"schema": schema}})}
    shape = described.answer if described.answer is not None else fields({})
    content = {"application/json": {"schema": shape}}
    return {str(status): _answer("Done.", content) for status in (described.also or (200,))}


def _refusals(described: Operation, view: ApiView, method: str, path: str) -> list[Refusal]:
    common = [Refusal(code, status) for code, status in _COMMON.items()]
    found = [*common, *described.refusals]
    if "{" in path and not any(one.code == "NOT_FOUND" for one in found):
        found.append(Refusal("NOT_FOUND", 404))
    if method != "GET" and view.acts and not view.open_to_all:
        found.append(Refusal("IDEMPOTENCY_OUTSTANDING_REQUEST", 409))
        if isinstance(view, V1View):
            found.append(Refusal("IDEMPOTENCY_KEY_REUSED", 422))
    return found


def complete(result: Shape, **_context: object) -> Shape:
    """Add the named shapes and how to sign in; the last step of writing the description."""
    parts = result.setdefault("components", {})
    parts["schemas"] = dict(sorted(COMPONENTS.items()))
    parts["responses"] = {code: _refused(status, [Refusal(code, status)]) for code, status in _COMMON.items()}
    parts["responses"]["ADDRESS_TOO_LONG"] = _TOO_LONG
    parts["securitySchemes"] = {
        "secret": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`PortOne <API secret>`, as client libraries send it.",
        },
        "token": {"type": "http", "scheme": "bearer", "description": "An access token of `POST /login/api-secret`."},
    }
    return result
