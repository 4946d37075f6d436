"""
Partners: who is owed money, and the account it goes to.

The account number is sealed under merchant, environment and the partner's id. A changed account counts at once, but
waits for an approver other than whoever changed it; until then payouts to it wait too. The audit trail keeps the
account that was confirmed last, sealed as it was, so that a rejection can bring it back.
"""

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access import audit, sealed
from access import queries as access_queries
from access.models import AuditEvent
from access.roles import Permission, allowed
from core import ids, jobs
from core.actor import Actor
from core.errors import Conflict, DomainError, Forbidden, InvalidRequest
from core.money import CurrencyNotSupported, minor_digits
from core.scope import Scope
from ledger.posting import refused_by
from settlement import lookups
from settlement.models import (
    AccountStatus,
    BusinessStatus,
    Contract,
    Partner,
    PartnerType,
    PropertyTarget,
    Schedule,
    ScheduleTarget,
    TaxationType,
)
from settlement.operations import lookups_ops, properties
from settlement.operations.policies import given
from settlement.refusals import (
    contract_not_found,
    contracts_not_found,
    currency_not_supported,
    partner_ids_duplicated,
    partner_ids_used,
    partner_not_found,
    refuse,
)

TABLE, COLUMN = "settlement_partner", "account_number_sealed"
KIND = "partner"
VERIFY_JOB = "settlement.verify_account"
VERIFY_BUSINESS_JOB = "settlement.verify_business"
_ACCOUNT_CHANGED, _ACCOUNT_CONFIRMED, _ACCOUNT_REJECTED = (
    "partner.account_changed",
    "partner.account_confirmed",
    "partner.account_rejected",
)
_ACCOUNT = ("bank", "account_currency", "account_fingerprint", "account_holder")
_BUSINESS_NEEDS = ("company_name", "business_registration_number", "representative_name")


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to write to."""

    name: str
    email: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """
    A bank account as it is asked for.

    `verification_id` names a look-up of it to be used; `is_verified` says that one has been used for it already.
    """

    bank: str
    currency: str
    number: str
    holder: str
    verification_id: str = ""
    is_verified: bool = False


@dataclass(frozen=True, slots=True)
class Taxpayer:
    """What kind of taxpayer a partner is; the business fields are empty for a person, the birthdate for a business."""

    type: PartnerType
    company_name: str = ""
    taxation_type: str = ""
    business_registration_number: str = ""
    representative_name: str = ""
    company_address: str = ""
    business_type: str = ""
    business_class: str = ""
    birthdate: date | None = None


@dataclass(frozen=True, slots=True)
class PartnerDraft:
    """A partner to be made; `public_id` is generated when empty."""

    name: str
    contact: Contact
    account: Account
    default_contract_id: str
    taxpayer: Taxpayer
    memo: str = ""
    tags: Sequence[str] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    public_id: str = ""
    company_verification_id: str = ""


@dataclass(frozen=True, slots=True)
class PartnerChanges:
    """
    What changes about a partner; None stays. A person's birthdate, business fields and properties merge by key.

    A property set to None is taken away. `business_status` is what a look-up of the new number has said already.
    """

    name: str | None = None
    contact_name: str | None = None
    contact_email: str | None = None
    contact_phone: str | None = None
    account: Account | None = None
    default_contract_id: str | None = None
    memo: str | None = None
    tags: Sequence[str] | None = None
    properties: Mapping[str, str | None] = field(default_factory=dict)
    type: PartnerType | None = None
    # Fields of `Taxpayer` that were sent with the type.
    taxpayer: Mapping[str, object] | None = None
    company_verification_id: str = ""
    business_status: str = ""


def account_number(partner: Partner) -> str:
    """Open a partner's account number. For paying and for a disclosure that is audited, nothing else."""
    row = _place(partner.scope, partner.public_id)
    return sealed.unseal(partner.account_number_sealed, table=TABLE, column=COLUMN, row=row)


def _place(scope: Scope, public_id: str) -> str:
    return f"{scope.merchant_id}/{'test' if scope.is_test else 'live'}/{public_id}"


def get(scope: Scope, public_id: str) -> Partner:
    """Return a partner with its default contract. Raises PARTNER_NOT_FOUND."""
    found = Partner.objects.within(scope).select_related("default_contract").filter(public_id=public_id).first()
    if found is None:
        raise partner_not_found(public_id)
    return found


def create(*, scope: Scope, by: Actor, now: datetime, draft: PartnerDraft) -> Partner:
    """
    Make an approved partner and have its account and business looked up in the background.

    A first account needs no confirmation. Raises PARTNER_ID_ALREADY_EXISTS, CONTRACT_NOT_FOUND,
    CURRENCY_NOT_SUPPORTED, USER_DEFINED_PROPERTY_NOT_FOUND, and the refusals of `lookups_ops.use_account` and
    `use_company`.
    """
    check_currency(draft.account.currency)
    properties.check(scope, PropertyTarget.PARTNER, draft.properties)
    contract = _contract(scope, draft.default_contract_id)
    with transaction.atomic():
        partner = _new(scope, now, draft, contract)
        try:
            with transaction.atomic():
                partner.save(force_insert=True)
        except IntegrityError as error:
            if refused_by(error) != "settlement_partner_id":
                raise
            message = _("이미 쓴 파트너 아이디예요: %(id)s") % {"id": partner.public_id}
            raise refuse("PARTNER_ID_ALREADY_EXISTS", 409, message) from error
        _welcome(partner, by, now)
    return partner


def create_many(*, scope: Scope, by: Actor, now: datetime, drafts: Sequence[PartnerDraft]) -> list[Partner]:
    """
    Make partners, all or none.

    Raises PARTNER_IDS_DUPLICATED, CURRENCY_NOT_SUPPORTED, CONTRACTS_NOT_FOUND, USER_DEFINED_PROPERTY_NOT_FOUND,
    PARTNER_IDS_ALREADY_EXISTS, and the refusals of verifications.
    """
    chosen = [draft.public_id for draft in drafts if draft.public_id]
    if doubled := sorted(one for one, times in Counter(chosen).items() if times > 1):
        raise partner_ids_duplicated(doubled)
    for draft in drafts:
        check_currency(draft.account.currency)
    contracts = _contracts(scope, [draft.default_contract_id for draft in drafts])
    properties.check(scope, PropertyTarget.PARTNER, {key: "" for draft in drafts for key in draft.properties})
    with transaction.atomic():
        _refuse_used(scope, chosen)
        made = [_new(scope, now, draft, contracts[draft.default_contract_id]) for draft in drafts]
        try:
            with transaction.atomic():
                Partner.objects.bulk_create(made)
        except IntegrityError as error:
            if refused_by(error) != "settlement_partner_id":
                raise
            _refuse_used(scope, chosen)
            raise
        for partner in made:
            _welcome(partner, by, now)
    return made


def _new(scope: Scope, now: datetime, draft: PartnerDraft, contract: Contract) -> Partner:
    public_id = draft.public_id or ids.new_id(ids.PARTNER, now)
    taxpayer = draft.taxpayer
    status = BusinessStatus.NOT_VERIFIED.value
    if draft.company_verification_id:
        status = lookups_ops.use_company(
            scope=scope,
            now=now,
            verification_id=draft.company_verification_id,
            number=taxpayer.business_registration_number,
        )
    return Partner(
        **scope.filters(),
        public_id=public_id,
        created_at=now,
        applied_at=now,
        name=draft.name,
        contact_name=draft.contact.name,
        contact_email=draft.contact.email,
        contact_phone=draft.contact.phone,
        default_contract=contract,
        memo=draft.memo,
        tags=list(draft.tags),
        user_defined_properties=properties.merged({}, draft.properties),
        account_changed_at=now,
        business_status=status,
        **_account_columns(scope, public_id, use_verification(scope, now, draft.account)),
        **asdict(taxpayer),
    )


def _welcome(partner: Partner, by: Actor, now: datetime) -> None:
    _record(partner, by, "partner.created", after=_told(partner))
    _ask_holder(partner, by, now)
    _ask_business(partner, by, now)


def _refuse_used(scope: Scope, chosen: Sequence[str]) -> None:
    rows = Partner.objects.within(scope).filter(public_id__in=chosen)
    if used := sorted(rows.values_list("public_id", flat=True)):
        raise partner_ids_used(used)


def change(*, scope: Scope, by: Actor, now: datetime, public_id: str, changes: PartnerChanges) -> Partner:
    """
    Change what is given. A changed account counts at once and waits for an approver.

    Raises PARTNER_NOT_FOUND, ARCHIVED_PARTNER, CONTRACT_NOT_FOUND, CURRENCY_NOT_SUPPORTED,
    USER_DEFINED_PROPERTY_NOT_FOUND, INSUFFICIENT_DATA_TO_CHANGE_PARTNER_TYPE, and the refusals of verifications.
    """
    with transaction.atomic():
        partner = lock(scope, public_id)
        if partner.is_archived:
            raise archived_partner()
        for catch_up in _before_changes:
            catch_up(partner, now)
        apply(partner, use_verifications(partner, changes, now), by=by, now=now)
    return partner


def before_changes(catch_up: Callable[[Partner, datetime], object]) -> None:
    """
    Register what brings a locked partner up to date before somebody changes it.

    Planned changes build on this module and are known to it only so: one whose moment has come must not land on top of
    a later change because no sweeper has run in between.
    """
    if catch_up not in _before_changes:
        _before_changes.append(catch_up)


_before_changes: list[Callable[[Partner, datetime], object]] = []


def apply(partner: Partner, changes: PartnerChanges, *, by: Actor, now: datetime) -> None:
    """Make a change to a locked partner, whose verifications have been used. Raises as `change`."""
    columns = _changed_columns(partner, changes)
    if columns:
        before = {name: _plain(getattr(partner, name)) for name in columns}
        _set(partner, columns | {"applied_at": now})
        after = {name: _plain(value) for name, value in columns.items()}
        _record(partner, by, "partner.changed", before=_without_values(before), after=_without_values(after))
        if "business_registration_number" in columns:
            _ask_business(partner, by, now)
    if changes.account is not None:
        _change_account(partner, changes.account, by, now)


def as_changed(partner: Partner, changes: PartnerChanges, applied_at: datetime) -> Partner:
    """Turn a partner in memory, not to be saved, into what a change will make of it. Raises as `change`."""
    columns = _changed_columns(partner, changes) | {"applied_at": applied_at}
    if changes.account is not None:
        new = _account_columns(partner.scope, partner.public_id, changes.account)
        if changes.account.is_verified or any(getattr(partner, name) != new[name] for name in _ACCOUNT):
            columns |= new
    for name, value in columns.items():
        setattr(partner, name, value)
    return partner


def use_verifications(partner: Partner, changes: PartnerChanges, now: datetime) -> PartnerChanges:
    """Use the verifications a change brings along; return it without them. Raises their refusals."""
    if changes.account is not None:
        changes = replace(changes, account=use_verification(partner.scope, now, changes.account))
    if changes.company_verification_id:
        sent = changes.taxpayer or {}
        number = str(sent.get("business_registration_number", partner.business_registration_number))
        status = lookups_ops.use_company(
            scope=partner.scope, now=now, verification_id=changes.company_verification_id, number=number
        )
        changes = replace(changes, company_verification_id="", business_status=status)
    return changes


def use_verification(scope: Scope, now: datetime, account: Account) -> Account:
    """Use the look-up an account names; return the account as verified. Raises the refusals of the look-up."""
    if not account.verification_id:
        return account
    lookups_ops.use_account(
        scope=scope,
        now=now,
        verification_id=account.verification_id,
        bank=account.bank,
        number=account.number,
        holder=account.holder,
    )
    return replace(account, verification_id="", is_verified=True)


def _changed_columns(partner: Partner, changes: PartnerChanges) -> dict[str, object]:
    """Return the columns, the account's aside, that a change makes different."""
    properties.check(partner.scope, PropertyTarget.PARTNER, changes.properties)
    columns = given(
        name=changes.name,
        contact_name=changes.contact_name,
        contact_email=changes.contact_email,
        contact_phone=changes.contact_phone,
        memo=changes.memo,
        tags=None if changes.tags is None else list(changes.tags),
    )
    if changes.account is not None:
        check_currency(changes.account.currency)
    if changes.default_contract_id is not None:
        columns["default_contract"] = _contract(partner.scope, changes.default_contract_id)
    if changes.properties:
        columns["user_defined_properties"] = properties.merged(partner.user_defined_properties, changes.properties)
    if changes.type is not None:
        columns |= asdict(_changed_taxpayer(partner, changes.type, changes.taxpayer or {}))
    columns = {name: value for name, value in columns.items() if getattr(partner, name) != value}
    if changes.business_status:
        columns["business_status"] = changes.business_status
    elif "business_registration_number" in columns:
        columns["business_status"] = BusinessStatus.NOT_VERIFIED.value
    return columns


def archived_partner() -> DomainError:
    """Return the refusal to change an archived partner."""
    return refuse("ARCHIVED_PARTNER", 409, _("보관한 파트너는 바꿀 수 없어요. 먼저 복원해 주세요."))


def archive(*, scope: Scope, by: Actor, public_id: str) -> Partner:
    """
    Archive a partner: it leaves the lists and cannot be changed; what it is owed stays.

    Raises PARTNER_NOT_FOUND, CANNOT_ARCHIVE_SCHEDULED_PARTNER.
    """
    return _archive(scope, public_id, by, archived=True)


def recover(*, scope: Scope, by: Actor, public_id: str) -> Partner:
    """Bring an archived partner back. Raises PARTNER_NOT_FOUND."""
    return _archive(scope, public_id, by, archived=False)


def lock(scope: Scope, public_id: str) -> Partner:
    """Return a partner, locked until the transaction ends. Raises PARTNER_NOT_FOUND."""
    rows = Partner.objects.within(scope).select_related("default_contract").filter(public_id=public_id)
    found = rows.select_for_update(of=("self",), no_key=True).first()
    if found is None:
        raise partner_not_found(public_id)
    return found


# ---- the account


def confirm_account(*, scope: Scope, by: Actor, now: datetime, public_id: str) -> Partner:
    """
    Confirm a changed account, so that payouts may go to it.

    Raises Conflict when nothing waits, Forbidden when `by` is no approver or changed the account.
    """
    del now
    with transaction.atomic():
        partner = lock(scope, public_id)
        _decider(partner, by)
        _set(partner, {"account_confirmed": True})
        _record(partner, by, _ACCOUNT_CONFIRMED, after=_told_account(partner))
    return partner


def reject_account(*, scope: Scope, by: Actor, now: datetime, public_id: str, reason: str = "") -> Partner:
    """
    Reject a changed account and bring the one confirmed last back.

    Raises Conflict when nothing waits, Forbidden when `by` is no approver or changed the account.
    """
    with transaction.atomic():
        partner = lock(scope, public_id)
        first = _decider(partner, by)
        before = _told_account(partner)
        old: Mapping[str, str] = first.before or {}
        _set(
            partner,
            {
                "bank": old["bank"],
                "account_currency": old["currency"],
                "account_number_sealed": _sealed_here(partner, b64decode(old["sealed"])),
                "account_last4": old["last4"],
                "account_fingerprint": old["fingerprint"],
                "account_holder": old["holder"],
                "account_status": old["status"],
                "account_confirmed": True,
                "account_changed_at": now,
            },
        )
        _record(partner, by, _ACCOUNT_REJECTED, before=before, after=_told_account(partner), reason=reason)
    return partner


def _decider(partner: Partner, by: Actor) -> AuditEvent:
    """Return the first change since the account was confirmed last, if `by` may decide about it."""
    if partner.account_confirmed:
        raise Conflict(_("확인을 기다리는 계좌가 없어요."))
    if not is_approver(partner.scope, by):
        raise Forbidden(_("승인자만 계좌를 확인하거나 되돌릴 수 있어요."))
    events = AuditEvent.objects.filter(**partner.scope.filters(), object_kind=KIND, object_id=partner.public_id)
    last = events.filter(action__in=[_ACCOUNT_CONFIRMED, _ACCOUNT_REJECTED]).order_by("-id").first()
    waiting = list(events.filter(action=_ACCOUNT_CHANGED, id__gt=last.pk if last else 0).order_by("id"))
    if by.user_id in {event.user_id for event in waiting}:
        raise Forbidden(_("계좌를 바꾼 사람은 스스로 확인할 수 없어요. 다른 승인자에게 요청해 주세요."))
    return waiting[0]


def _sealed_here(partner: Partner, kept: bytes) -> bytes:
    """Return a number the audit trail kept, sealed for its place; older events sealed it under the id alone."""
    here = _place(partner.scope, partner.public_id)
    try:
        sealed.unseal(kept, table=TABLE, column=COLUMN, row=here)
    except sealed.CannotOpen:
        number = sealed.unseal(kept, table=TABLE, column=COLUMN, row=partner.public_id)
        return sealed.seal(number, table=TABLE, column=COLUMN, row=here)
    return kept


def is_approver(scope: Scope, by: Actor) -> bool:
    """Say whether somebody may decide about accounts and holds: a person with that role, never an API secret."""
    if by.user_id is None or by.secret_id is not None:
        return False
    mine = access_queries.members(scope).filter(user_id=by.user_id, is_active=True)
    return allowed(mine.values_list("role", flat=True).first(), Permission.ACCOUNT_DECIDE)


def _change_account(partner: Partner, account: Account, by: Actor, now: datetime) -> None:
    before = _kept_account(partner)
    columns = _account_columns(partner.scope, partner.public_id, account)
    if all(getattr(partner, name) == columns[name] for name in _ACCOUNT):
        if account.is_verified and partner.account_status != AccountStatus.VERIFIED:
            _set(partner, {"account_status": AccountStatus.VERIFIED})
            _record(partner, by, "partner.account_verified", after={"status": AccountStatus.VERIFIED.value})
        return
    _set(partner, columns | {"account_confirmed": False, "account_changed_at": now, "applied_at": now})
    _record(partner, by, _ACCOUNT_CHANGED, before=before, after=_told_account(partner))
    _ask_holder(partner, by, now)


def check_currency(currency: str) -> None:
    """Raise CURRENCY_NOT_SUPPORTED for a currency that cannot be settled."""
    try:
        minor_digits(currency)
    except CurrencyNotSupported as error:
        raise currency_not_supported(currency) from error


def _account_columns(scope: Scope, public_id: str, account: Account) -> dict[str, object]:
    status = AccountStatus.VERIFIED if account.is_verified else AccountStatus.NOT_VERIFIED
    return {
        "bank": account.bank,
        "account_currency": account.currency,
        "account_number_sealed": sealed.seal(account.number, table=TABLE, column=COLUMN, row=_place(scope, public_id)),
        "account_last4": sealed.last4(account.number),
        "account_fingerprint": sealed.fingerprint(account.bank, account.number),
        "account_holder": account.holder,
        "account_status": status,
    }


def _ask_holder(partner: Partner, by: Actor, now: datetime) -> None:
    """Have the account looked up after commit, unless it has been; only accounts in won can be."""
    if partner.account_status == AccountStatus.VERIFIED:
        return
    if partner.account_currency == "KRW" and lookups.account_lookup() is not None:
        arguments = {"partner": partner.public_id}
        jobs.enqueue(scope=partner.scope, kind=VERIFY_JOB, arguments=arguments, by=by, now=now)


def verify_account(*, scope: Scope, by: Actor, public_id: str) -> Partner:
    """
    Look the account's holder up and store what was found. Call it outside transactions: it goes over the network.

    Raises PARTNER_NOT_FOUND. An account that changed meanwhile keeps its own status.
    """
    partner = get(scope, public_id)
    lookup = lookups.account_lookup()
    if lookup is None or partner.account_currency != "KRW":
        return partner
    try:
        holder = lookup(scope, partner.bank, account_number(partner))
    except lookups.LookupUnavailable:
        status = AccountStatus.VERIFY_ERROR
    else:
        matches = holder is not None and lookups.same_name(holder, partner.account_holder)
        status = AccountStatus.VERIFIED if matches else AccountStatus.VERIFY_FAILED
    with transaction.atomic():
        current = lock(scope, public_id)
        if _same_account(current, partner):
            before = current.account_status
            _set(current, {"account_status": status})
            after = {"status": status.value}
            _record(current, by, "partner.account_verified", before={"status": str(before)}, after=after)
    return current


def _same_account(one: Partner, other: Partner) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in _ACCOUNT)


def _ask_business(partner: Partner, by: Actor, now: datetime) -> None:
    """Have the business looked up after commit, unless its status came with the number."""
    if partner.type != PartnerType.BUSINESS or not partner.business_registration_number:
        return
    if partner.business_status == BusinessStatus.NOT_VERIFIED and lookups.company_lookup() is not None:
        arguments = {"partner": partner.public_id}
        jobs.enqueue(scope=partner.scope, kind=VERIFY_BUSINESS_JOB, arguments=arguments, by=by, now=now)


def verify_business(*, scope: Scope, by: Actor, public_id: str) -> Partner:
    """
    Look a partner's business up and store what was found. Call it outside transactions: it goes over the network.

    Raises PARTNER_NOT_FOUND. A number that changed meanwhile keeps its own status.
    """
    partner = get(scope, public_id)
    lookup, number = lookups.company_lookup(), partner.business_registration_number
    if lookup is None or partner.type != PartnerType.BUSINESS or not number:
        return partner
    plain = sealed.digits(number)
    try:
        found = lookup(scope, plain) if len(plain) == lookups_ops.BRN_DIGITS else None
    except lookups.LookupUnavailable:
        status = BusinessStatus.VERIFY_ERROR.value
    else:
        status = found.status if found else BusinessStatus.NOT_FOUND.value
    with transaction.atomic():
        current = lock(scope, public_id)
        if current.business_registration_number == number and current.business_status != status:
            before = {"business_status": str(current.business_status)}
            _set(current, {"business_status": status})
            _record(current, by, "partner.business_verified", before=before, after={"business_status": status})
    return current


# ---- small parts


def _contract(scope: Scope, public_id: str) -> Contract:
    found = Contract.objects.within(scope).filter(public_id=public_id).first()
    if found is None:
        raise contract_not_found(public_id)
    return found


def _contracts(scope: Scope, public_ids: Iterable[str]) -> dict[str, Contract]:
    wanted = list(dict.fromkeys(public_ids))
    found = {row.public_id: row for row in Contract.objects.within(scope).filter(public_id__in=wanted)}
    if missing := [one for one in wanted if one not in found]:
        raise contracts_not_found(missing)
    return found


def _changed_taxpayer(partner: Partner, wanted: PartnerType, sent: Mapping[str, object]) -> Taxpayer:
    current = Taxpayer(**{name: getattr(partner, name) for name in Taxpayer.__dataclass_fields__})
    if current.type == wanted:
        return replace(current, **sent)  # type: ignore[arg-type] # the caller names fields of Taxpayer
    changed = replace(Taxpayer(wanted), **sent)  # type: ignore[arg-type] # likewise
    if wanted is not PartnerType.BUSINESS:
        return changed
    if not all(getattr(changed, name) for name in _BUSINESS_NEEDS):
        raise refuse("INSUFFICIENT_DATA_TO_CHANGE_PARTNER_TYPE", 400, _("사업자에 필요한 정보가 모자라요."))
    return changed if changed.taxation_type else replace(changed, taxation_type=TaxationType.NORMAL.value)


def check_taxpayer(taxpayer: Taxpayer) -> Taxpayer:
    """Return a taxpayer with all it needs; a business is taxed normally unless it says so. Raises InvalidRequest."""
    if taxpayer.type is not PartnerType.BUSINESS:
        return taxpayer
    for name in _BUSINESS_NEEDS:
        if not getattr(taxpayer, name):
            raise InvalidRequest(_("사업자에 필요한 정보가 모자라요."), field=name)
    return taxpayer if taxpayer.taxation_type else replace(taxpayer, taxation_type=TaxationType.NORMAL.value)


def _archive(scope: Scope, public_id: str, by: Actor, *, archived: bool) -> Partner:
    with transaction.atomic():
        partner = lock(scope, public_id)
        if archived and is_scheduled(partner):
            message = _("예약한 변경이 있어 보관할 수 없어요. 먼저 예약을 취소해 주세요.")
            raise refuse("CANNOT_ARCHIVE_SCHEDULED_PARTNER", 409, message)
        if partner.is_archived != archived:
            _set(partner, {"is_archived": archived})
            _record(partner, by, "partner.archived" if archived else "partner.recovered")
    return partner


def is_scheduled(partner: Partner) -> bool:
    """Say whether a change of the partner waits for its moment."""
    plans = Schedule.objects.filter(target=ScheduleTarget.PARTNER, target_id=partner.pk)
    return plans.filter(failure="").exists()


def _set(partner: Partner, columns: Mapping[str, object]) -> None:
    for name, value in columns.items():
        setattr(partner, name, value)
    partner.save(update_fields=list(columns))


def _plain(value: object) -> object:
    if isinstance(value, Contract):
        return value.public_id
    return value.isoformat() if isinstance(value, date) else value


def _without_values(told: Mapping[str, object]) -> dict[str, object]:
    """Return what the trail says, with the keys of custom properties and not their values, which may be secret."""
    kept = told.get("user_defined_properties")
    return {**told, "user_defined_properties": sorted(kept)} if isinstance(kept, Mapping) else dict(told)


def _told(partner: Partner) -> dict[str, object]:
    told = {name: _plain(getattr(partner, name)) for name in Taxpayer.__dataclass_fields__}
    return told | {"name": partner.name, "contract": partner.default_contract.public_id} | _told_account(partner)


def _told_account(partner: Partner) -> dict[str, object]:
    return {
        "bank": partner.bank,
        "currency": partner.account_currency,
        "last4": partner.account_last4,
        "holder": partner.account_holder,
        "status": str(partner.account_status),
    }


def _kept_account(partner: Partner) -> dict[str, object]:
    """Return what the trail keeps of a replaced account: enough to bring it back, and nothing anybody could read."""
    return _told_account(partner) | {
        "fingerprint": partner.account_fingerprint,
        "sealed": b64encode(bytes(partner.account_number_sealed)).decode("ascii"),
    }


def _record(partner: Partner, by: Actor, action: str, *, reason: str = "", **told: Mapping[str, object] | None) -> None:
    audit.record(
        scope=partner.scope,
        by=by,
        action=action,
        kind=KIND,
        object_id=partner.public_id,
        before=told.get("before"),
        after=told.get("after"),
        reason=reason,
    )
