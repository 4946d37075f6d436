"""Which matching policy an order line gets, and which one counts when it is matched."""

from collections.abc import Iterable
from dataclasses import dataclass

from matching.engine.terms import Company, Override, Policy

# The origin of a policy that somebody set on the order line.
BY_HAND = "order_line"


@dataclass(frozen=True, slots=True)
class Found:
    """A policy, and where it comes from: item_and_vendor, item, vendor, company or order_line."""

    policy: Policy
    source: str


def is_too_weak(policy: Policy | None, company: Company) -> bool:
    """Say whether the company's rules refuse a policy; None means the company's own."""
    return policy is not None and company.override is Override.HIGHER and policy.strength < company.line_policy.strength


def search(entries: Iterable[tuple[str, Policy | None]], company: Company) -> Found:
    """
    Return the first policy of the entries, given with their level, the most specific first; else the company's.

    An entry that says "as the company" counts as not there, and so does one that has become too weak.
    """
    for source, policy in entries:
        if policy is not None and not is_too_weak(policy, company):
            return Found(policy, source)
    return Found(company.line_policy, "company")


def in_force(stored: Policy, company: Company) -> Policy:
    """Return the policy that counts when matching: a stored one that has become too weak gives way."""
    return company.line_policy if is_too_weak(stored, company) else stored
