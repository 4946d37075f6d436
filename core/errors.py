"""
The one error shape.

A refusal is a `DomainError`: a stable code (UPPER_SNAKE, the `type` on the wire), an HTTP status, a sentence a person
can act on, and the facts it was decided on. Views show the sentence; the API sends `{"type", "message", ...facts}`.
"""

from collections.abc import Mapping
from typing import ClassVar, cast


class DomainError(Exception):
    """Base of every expected refusal. Never a bug, never logged as one."""

    code: ClassVar[str] = "INVALID_REQUEST"
    status: ClassVar[int] = 400

    def __init__(self, message: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts: Mapping[str, object] = facts

    def body(self) -> dict[str, object]:
        """Return the JSON object of the wire."""
        return {"type": self.code, "message": str(self.message), **self.facts}


class InvalidRequest(DomainError):
    """The request itself is malformed; `field` names where."""


class NotFound(DomainError):
    """No such thing in this scope."""

    code, status = "NOT_FOUND", 404


class Conflict(DomainError):
    """The thing is not in a state in which this can be done."""

    code, status = "CONFLICT", 409


class Forbidden(DomainError):
    """Known, but not allowed."""

    code, status = "FORBIDDEN", 403


class StaleVersion(Conflict):
    """Somebody changed the thing after it was read."""

    code = "STALE_VERSION"


def refusal(code: str, status: int, message: str = "", **facts: object) -> DomainError:
    """Make a refusal whose code is data (the compatible wire has two hundred of them)."""
    kind = cast("type[DomainError]", type("Refusal", (DomainError,), {"code": code, "status": status}))
    return kind(message, **facts)
