"""
Looking up account holders and businesses, and using what was found.

A look-up leaves a verification behind: its id, handed over when a partner is made or changed, spares a second look-up
and is used once. Looking up goes over the network, so it happens outside transactions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from access import sealed
from core import ids
from core.errors import DomainError, InvalidRequest, refusal
from core.scope import Scope
from settlement import banks, lookups
from settlement.lookups import Business, LookupUnavailable
from settlement.models import AccountVerification, CompanyVerification, PublicObject
from settlement.refusals import refuse

ACCOUNT_VERIFICATION = ids.IdKind("av", 17, dated=True)
COMPANY_VERIFICATION = ids.IdKind("cv", 18, dated=True)
BRN_DIGITS = 10
_MOST_DIGITS = 20

R = TypeVar("R", bound=PublicObject)


@dataclass(frozen=True, slots=True)
class Found:
    """A business that was looked up, and the id under which this may be used; no business, no id."""

    number: str
    business: Business | None
    verification_id: str = ""


# ---- looking up


def account_holder(*, scope: Scope, now: datetime, bank: str, number: str) -> tuple[str, str]:
    """
    Return an account holder's name and the id of the verification.

    Raises NOT_SUPPORTED_BANK, EXTERNAL_API_FAILED, EXTERNAL_API_TEMPORARILY_FAILED, InvalidRequest for an account that
    the bank does not know.
    """
    lookup = lookups.account_lookup()
    if bank not in banks.BY_CODE:
        raise refuse("NOT_SUPPORTED_BANK", 400, _("예금주를 조회할 수 없는 은행이에요: %(bank)s") % {"bank": bank})
    plain = sealed.digits(number)
    if not 1 <= len(plain) <= _MOST_DIGITS:
        raise InvalidRequest(_("계좌 번호를 확인해 주세요."), field="accountNumber")
    if lookup is None:
        raise _failed()
    try:
        holder = lookup(scope, bank, plain)
    except LookupUnavailable as error:
        raise (_failed_for_now() if error.temporary else _failed()) from error
    if holder is None:
        raise InvalidRequest(_("은행에 없는 계좌예요. 계좌 번호를 확인해 주세요."), field="accountNumber")
    row = AccountVerification(
        **scope.filters(),
        public_id=ids.new_id(ACCOUNT_VERIFICATION, now),
        created_at=now,
        bank=bank,
        account_fingerprint=sealed.fingerprint(bank, number),
        holder=holder,
    )
    row.save(force_insert=True)
    return holder, row.public_id


def company(*, scope: Scope, now: datetime, number: str) -> Found:
    """Look one business up. Raises COMPANY_NOT_FOUND, EXTERNAL_API_FAILED, InvalidRequest."""
    lookup = lookups.company_lookup()
    if lookup is None:
        raise _failed()
    try:
        found = lookup(scope, business_number(number))
    except LookupUnavailable as error:
        raise _failed() from error
    if found is None:
        raise refuse("COMPANY_NOT_FOUND", 404, _("등록된 사업자가 아니에요: %(number)s") % {"number": number})
    return _kept(scope, now, number, found)


def companies(*, scope: Scope, now: datetime, numbers: Sequence[str]) -> list[Found]:
    """Look businesses up; unknown ones come without a business. Raises B2B_NOT_ENABLED, B2B_EXTERNAL_SERVICE."""
    lookup = lookups.company_lookup()
    if lookup is None:
        raise refusal("B2B_NOT_ENABLED", 403, _("사업자 조회를 쓸 수 없는 환경이에요."))
    answers: list[tuple[str, Business | None]] = []
    for number in numbers:
        plain = sealed.digits(number)
        try:
            answers.append((number, lookup(scope, plain) if len(plain) == BRN_DIGITS else None))
        except LookupUnavailable as error:
            raise refusal("B2B_EXTERNAL_SERVICE", 502, _("사업자 정보를 조회하지 못했어요.")) from error
    with transaction.atomic():
        return [_kept(scope, now, number, found) if found else Found(number, None) for number, found in answers]


def business_number(number: str) -> str:
    """Return the ten digits of a business registration number, hyphens aside. Raises InvalidRequest."""
    plain = sealed.digits(number)
    if len(plain) != BRN_DIGITS:
        raise InvalidRequest(_("사업자 등록번호는 숫자 10자리예요."), field="businessRegistrationNumber")
    return plain


def _kept(scope: Scope, now: datetime, number: str, found: Business) -> Found:
    row = CompanyVerification(
        **scope.filters(),
        public_id=ids.new_id(COMPANY_VERIFICATION, now),
        created_at=now,
        business_registration_number=found.number,
        business_status=found.status,
        taxation_type=found.taxation_type,
    )
    row.save(force_insert=True)
    return Found(number, found, row.public_id)


def _failed() -> DomainError:
    return refuse("EXTERNAL_API_FAILED", 503, _("조회 기관에서 답을 받지 못했어요."))


def _failed_for_now() -> DomainError:
    message = _("조회 기관이 지금 응답하지 않아요. 잠시 뒤에 다시 시도해 주세요.")
    return refuse("EXTERNAL_API_TEMPORARILY_FAILED", 503, message)


# ---- using what was found


def use_account(*, scope: Scope, now: datetime, verification_id: str, bank: str, number: str, holder: str) -> None:
    """
    Use the look-up of an account, in the caller's transaction; of two at the same time one gets it.

    Raises ACCOUNT_VERIFICATION_NOT_FOUND, ACCOUNT_VERIFICATION_ALREADY_USED, ACCOUNT_VERIFICATION_FAILED.
    """
    row, mine = _use(AccountVerification, scope, verification_id, now)
    if row is None:
        raise refuse("ACCOUNT_VERIFICATION_NOT_FOUND", 404, _("계좌 조회 결과를 찾을 수 없어요."))
    if not mine:
        raise refuse("ACCOUNT_VERIFICATION_ALREADY_USED", 409, _("이미 쓴 계좌 조회 결과예요."))
    same = row.account_fingerprint == sealed.fingerprint(bank, number) and row.bank == bank
    if not same or not lookups.same_name(row.holder, holder):
        message = _("조회한 계좌와 은행, 계좌 번호 또는 예금주가 달라요.")
        raise refuse("ACCOUNT_VERIFICATION_FAILED", 400, message)


def use_company(*, scope: Scope, now: datetime, verification_id: str, number: str) -> str:
    """
    Use the look-up of a business, in the caller's transaction; return its business status.

    Raises COMPANY_VERIFICATION_ALREADY_USED, InvalidRequest for an unknown id or another number.
    """
    row, mine = _use(CompanyVerification, scope, verification_id, now)
    if row is None:
        raise InvalidRequest(_("사업자 조회 결과를 찾을 수 없어요."), field="companyVerificationId")
    if not mine:
        raise refuse("COMPANY_VERIFICATION_ALREADY_USED", 409, _("이미 쓴 사업자 조회 결과예요."))
    if row.business_registration_number != sealed.digits(number):
        raise InvalidRequest(_("조회한 사업자와 사업자 등록번호가 달라요."), field="companyVerificationId")
    return str(row.business_status)


def _use(model: type[R], scope: Scope, verification_id: str, now: datetime) -> tuple[R | None, bool]:
    """Return a verification, and whether it is the caller who uses it."""
    rows: Any = model._default_manager.filter(**scope.filters(), public_id=verification_id)  # noqa: SLF001 - public in all but name
    mine = rows.filter(used_at=None).update(used_at=now) == 1
    return rows.first(), mine
