"""Who does something: a person, an API secret, or the system itself. Handed to every operation."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class ActorKind(StrEnum):
    """What kind of actor stands behind a change."""

    USER = "user"
    API = "api"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """
    One actor in one request.

    `user_id` is the person who answers for the change: the user, or the owner of the API secret; None for the system.
    """

    kind: ActorKind
    name: str
    user_id: int | None = None
    secret_id: int | None = None
    request_id: str = ""
    address: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.name}"

    def told(self) -> dict[str, str | int | None]:
        """Return the actor as a job keeps it."""
        return {**asdict(self), "kind": self.kind.value}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Actor":
        """Return the actor that a job was told of."""
        return cls(**{**told, "kind": ActorKind(told["kind"])})


def system(task: str, request_id: str = "") -> Actor:
    """Return the actor for background work named by its task."""
    return Actor(kind=ActorKind.SYSTEM, name=task, request_id=request_id)
