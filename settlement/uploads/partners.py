"""The upload of partners: new ones, and changes of known ones by the rules that count wherever a partner is changed."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar, Final, TypeVar

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import sealed
from access.roles import Permission
from console.columns import Kind, Label
from console.files.values import Raw, clean_text
from console.uploads import CellRefused, Checked, Field, Loaded, Problem, Progress, Row, UploadKind, Verdict, twice
from core.actor import Actor
from core.money import CurrencyNotSupported, minor_digits
from core.scope import Scope
from settlement import banks, business_numbers
from settlement.models import PUBLIC_ID_LENGTH, Contract, Partner, PartnerType, TaxationType
from settlement.operations import partners
from settlement.operations.partners import Account, Contact, PartnerChanges, PartnerDraft, Taxpayer
from settlement.uploads import refused
from settlement.uploads.orders import parse_currency

KIND: Final = "partners"
_CHUNK = 1_000
_MOST_TAGS, _LONGEST_TAG = 10, 100
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_BUSINESS_NEEDS = ("taxation", "company_name", "business_number", "representative")
# Field of the upload -> field of a taxpayer, for businesses.
_OF_BUSINESS: Mapping[str, str] = {
    "taxation": "taxation_type",
    "business_number": "business_registration_number",
    "representative": "representative_name",
    "company_name": "company_name",
    "company_address": "company_address",
    "business_type": "business_type",
    "business_class": "business_class",
}
T = TypeVar("T")


def parse_bank(raw: Raw) -> str:
    """Return the code of the bank somebody means. Raises CellRefused."""
    found = banks.find(clean_text(raw))
    if found is None:
        raise CellRefused("unknown_bank")
    return found.code


def parse_email(raw: Raw) -> str:
    """Return an e-mail address. Raises CellRefused."""
    written = clean_text(raw)
    if not _EMAIL.fullmatch(written):
        raise CellRefused("not_an_email")
    return written


def parse_tags(raw: Raw) -> str:
    """Return tags separated by commas, tidied. Raises CellRefused."""
    tags = [tag.strip() for tag in clean_text(raw).split(",") if tag.strip()]
    if len(tags) > _MOST_TAGS or any(len(tag) > _LONGEST_TAG for tag in tags):
        raise CellRefused("too_many_tags")
    return ",".join(tags)


class PartnerUpload(UploadKind):
    """Partners with their accounts; a known id changes that partner."""

    kind = KIND
    title = gettext_lazy("파트너 등록")
    permission = Permission.EDIT
    guide = (
        gettext_lazy("이미 있는 파트너 아이디를 적으면 그 파트너를 바꿔요. 이때 비운 칸은 그대로 둬요."),
        gettext_lazy("계좌가 바뀌면 승인자가 확인할 때까지 그 파트너의 지급은 기다려요."),
    )
    fields = (
        Field(
            "id",
            gettext_lazy("파트너 아이디"),
            "partner_id",
            kind=Kind.ID,
            max=PUBLIC_ID_LENGTH,
            samples=("partner-001", "partner-002"),
            note=gettext_lazy("비우면 새 아이디를 만들어요."),
        ),
        Field("name", gettext_lazy("파트너 이름"), "partner_name", required=True, samples=("한빛상회", "김하늘")),
        Field("contact_name", gettext_lazy("담당자 이름"), "contact_name", required=True, samples=("이담당", "김하늘")),
        Field(
            "contact_email",
            gettext_lazy("담당자 이메일"),
            "contact_email",
            required=True,
            max=320,
            parse=parse_email,
            samples=("lee@example.com", "sky@example.com"),
        ),
        Field(
            "contact_phone",
            gettext_lazy("담당자 연락처"),
            "contact_phone_number",
            max=50,
            samples=("02-1234-5678", ""),
        ),
        Field(
            "contract",
            gettext_lazy("기본 계약 아이디"),
            "default_contract_id",
            required=True,
            kind=Kind.ID,
            max=PUBLIC_ID_LENGTH,
            samples=("contract-basic", "contract-basic"),
        ),
        Field(
            "bank",
            gettext_lazy("은행 코드"),
            "bank",
            required=True,
            parse=parse_bank,
            samples=("국민은행", "088"),
            note=gettext_lazy("은행 이름(국민은행), 영문 코드(KOOKMIN), 세 자리 코드(004) 가운데 하나로 적어 주세요."),
        ),
        Field(
            "number",
            gettext_lazy("계좌 번호"),
            "account_number",
            required=True,
            kind=Kind.MASKED,
            max=50,
            samples=("123456-01-123456", "110-123-456789"),
        ),
        Field("holder", gettext_lazy("예금주명"), "account_holder", required=True, samples=("한빛상회", "김하늘")),
        Field(
            "currency",
            gettext_lazy("통화"),
            "currency",
            required=True,
            max=3,
            parse=parse_currency,
            samples=("KRW", "KRW"),
        ),
        Field("memo", gettext_lazy("메모"), "memo", max=256),
        Field(
            "tags",
            gettext_lazy("태그"),
            "tags",
            max=2_000,
            parse=parse_tags,
            samples=("의류,서울", ""),
            note=gettext_lazy("여럿이면 쉼표로 나눠 주세요. 열 개까지 쓸 수 있어요."),
        ),
        Field(
            "type",
            gettext_lazy("파트너 유형"),
            "partner_type",
            required=True,
            choices={
                "사업자": PartnerType.BUSINESS.value,
                "원천징수 대상자": PartnerType.WHT_PAYER.value,
                "원천징수 비대상자": PartnerType.NON_WHT_PAYER.value,
            },
            samples=("사업자", "원천징수 대상자"),
        ),
        Field(
            "taxation",
            gettext_lazy("과세·소득 유형"),
            "taxation_type",
            choices={
                "일반 과세": TaxationType.NORMAL.value,
                "간이 과세(세금계산서 발행)": TaxationType.SIMPLE_TAX_INVOICE_ISSUER.value,
                "간이 과세(세금계산서 미발행)": TaxationType.SIMPLE.value,
                "면세": TaxationType.TAX_FREE.value,
            },
            samples=("일반 과세", ""),
        ),
        Field(
            "business_number",
            gettext_lazy("사업자 등록번호"),
            "business_registration_number",
            kind=Kind.MASKED,
            max=20,
            samples=("120-81-47521", ""),
        ),
        Field("representative", gettext_lazy("대표자명"), "representative_name", samples=("박대표", "")),
        Field("company_name", gettext_lazy("회사명"), "company_name", samples=("한빛상회", "")),
        Field("company_address", gettext_lazy("사업장 주소"), "company_address", max=400),
        Field("business_class", gettext_lazy("업종"), "business_class", max=100),
        Field("business_type", gettext_lazy("업태"), "business_type", max=100),
        Field(
            "birthdate",
            gettext_lazy("대표자 생년월일"),
            "birthdate",
            kind=Kind.DATE,
            samples=("", "1990-01-31"),
            note=gettext_lazy("사업자가 아닐 때만 적어 주세요."),
        ),
    )
    messages: ClassVar[Mapping[str, Label]] = {
        **refused.MESSAGES,
        "unknown_bank": gettext_lazy("모르는 은행이에요. 은행 이름이나 세 자리 코드로 적어 주세요."),
        "not_an_email": gettext_lazy("이메일 주소를 확인해 주세요."),
        "too_many_tags": gettext_lazy("태그는 100자까지, 열 개까지 쓸 수 있어요."),
        "only_business": gettext_lazy("사업자일 때만 적어 주세요."),
        "only_person": gettext_lazy("사업자가 아닐 때만 적어 주세요."),
        "business_number": gettext_lazy("사업자 등록번호가 맞지 않아요. 다시 확인해 주세요."),
    }

    def check(self, scope: Scope, rows: Sequence[Row]) -> Checked:
        """Compare the rows with each other and with the partners and contracts there are."""
        problems = twice(rows, "id")
        wanted = {row.values["contract"] for row in rows}
        contracts = set(Contract.objects.within(scope).filter(public_id__in=wanted).values_list("public_id", flat=True))
        verdicts: dict[int, Verdict] = {}
        for row, known in _with_known(scope, rows):
            problems += _problems(row, known, contracts)
            if known is not None:
                verdicts[row.number] = Verdict.CHANGED if _differs(row.values, known) else Verdict.SAME
        return Checked(problems, verdicts)

    def load(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime) -> Loaded:
        """Make new partners and change known ones."""
        return self.load_and_tell(scope, rows, by, now, lambda _done: None)

    def load_and_tell(self, scope: Scope, rows: Sequence[Row], by: Actor, now: datetime, progress: Progress) -> Loaded:
        """Make new partners and change known ones, and tell how far it is."""
        made = changed = done = 0
        for chunk in _chunks(_with_known(scope, rows)):
            drafts = [_draft(row.values) for row, known in chunk if known is None]
            made += len(partners.create_many(scope=scope, by=by, now=now, drafts=drafts))
            for row, known in chunk:
                if known is not None and _differs(row.values, known):
                    changes = _changes(row.values, known)
                    partners.change(scope=scope, by=by, now=now, public_id=known.public_id, changes=changes)
                    changed += 1
            done += len(chunk)
            progress(done)
        message = _("파트너 %(made)s명을 등록하고 %(changed)s명을 바꿨어요.")
        message %= {"made": f"{made:,}", "changed": f"{changed:,}"}
        return Loaded(made + changed, message, reverse("settlement:partners"))


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    source = iter(items)
    while chunk := list(islice(source, _CHUNK)):
        yield chunk


def _with_known(scope: Scope, rows: Sequence[Row]) -> Iterator[tuple[Row, Partner | None]]:
    """Yield each row with the partner it names, if there is one."""
    for chunk in _chunks(rows):
        named = {row.values["id"] for row in chunk if "id" in row.values}
        found = Partner.objects.within(scope).select_related("default_contract").filter(public_id__in=named)
        known = {partner.public_id: partner for partner in found}
        for row in chunk:
            yield row, known.get(row.values.get("id", ""))


def _problems(row: Row, known: Partner | None, contracts: set[str]) -> Iterator[Problem]:
    values = row.values
    if known is not None and known.is_archived:
        yield Problem(row.number, "id", "archived_partner")
    if values["contract"] not in contracts:
        yield Problem(row.number, "contract", "contract_not_found")
    try:
        minor_digits(values["currency"])
    except CurrencyNotSupported:
        yield Problem(row.number, "currency", "currency_not_supported")
    if values["type"] != PartnerType.BUSINESS:
        yield from (Problem(row.number, name, "only_business") for name in _OF_BUSINESS if name in values)
        return
    if "birthdate" in values:
        yield Problem(row.number, "birthdate", "only_person")
    if known is None or known.type != PartnerType.BUSINESS:
        yield from (Problem(row.number, name, "required") for name in _BUSINESS_NEEDS if name not in values)
    if "business_number" in values and not business_numbers.is_plausible(values["business_number"]):
        yield Problem(row.number, "business_number", "business_number")


# ---- what a row says


@dataclass(frozen=True, slots=True)
class _Plain:
    """A partner's columns and a row's, under the same names, to be compared."""

    said: Mapping[str, object]
    stands: Mapping[str, object]

    @property
    def differs(self) -> bool:
        return any(self.stands[name] != value for name, value in self.said.items())


def _differs(values: Mapping[str, Any], known: Partner) -> bool:
    return _account_differs(values, known) or _compared(values, known).differs


def _account_differs(values: Mapping[str, Any], known: Partner) -> bool:
    said = (values["bank"], values["currency"], values["holder"], sealed.fingerprint(values["bank"], values["number"]))
    return said != (known.bank, known.account_currency, known.account_holder, known.account_fingerprint)


def _compared(values: Mapping[str, Any], known: Partner) -> _Plain:
    said: dict[str, object] = {
        "name": values["name"],
        "contact_name": values["contact_name"],
        "contact_email": values["contact_email"],
        "contract": values["contract"],
        "type": values["type"],
        **_taxpayer(values),
    }
    said |= {name: values[name] for name in ("contact_phone", "memo") if name in values}
    said |= {"tags": _tags(values)} if "tags" in values else {}
    stands = {name: getattr(known, name) for name in said if name != "contract"}
    return _Plain(said, stands | {"contract": known.default_contract.public_id})


def _taxpayer(values: Mapping[str, Any]) -> dict[str, object]:
    """Return the fields of a taxpayer that a row gives."""
    if values["type"] != PartnerType.BUSINESS:
        return {"birthdate": values["birthdate"]} if "birthdate" in values else {}
    return {column: values[name] for name, column in _OF_BUSINESS.items() if name in values}


def _tags(values: Mapping[str, Any]) -> list[str]:
    return values["tags"].split(",") if values.get("tags") else []


def _account(values: Mapping[str, Any]) -> Account:
    return Account(values["bank"], values["currency"], values["number"], values["holder"])


def _draft(values: Mapping[str, Any]) -> PartnerDraft:
    return PartnerDraft(
        public_id=values.get("id", ""),
        name=values["name"],
        contact=Contact(values["contact_name"], values["contact_email"], values.get("contact_phone", "")),
        account=_account(values),
        default_contract_id=values["contract"],
        taxpayer=Taxpayer(PartnerType(values["type"]), **_taxpayer(values)),  # type: ignore[arg-type] # fields of Taxpayer
        memo=values.get("memo", ""),
        tags=_tags(values),
    )


def _changes(values: Mapping[str, Any], known: Partner) -> PartnerChanges:
    return PartnerChanges(
        name=values["name"],
        contact_name=values["contact_name"],
        contact_email=values["contact_email"],
        contact_phone=values.get("contact_phone"),
        account=_account(values) if _account_differs(values, known) else None,
        default_contract_id=values["contract"],
        memo=values.get("memo"),
        tags=_tags(values) if "tags" in values else None,
        type=PartnerType(values["type"]),
        taxpayer=_taxpayer(values),
    )
