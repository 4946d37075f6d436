"""Forms of settlement's pages: what people type, made into what the operations take."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.sealed import digits
from console.files.errors import ValueRefused
from console.files.values import parse_won
from core.errors import DomainError
from core.money import MAX_AMOUNT, MINOR_DIGITS, RATE_SCALE
from core.scope import Scope
from settlement import queries, tables
from settlement.dates import Cycle, MonthDay, Weekday
from settlement.dates import CycleMethod as Method
from settlement.dates import DatePolicy as Policy
from settlement.models import (
    PUBLIC_ID_LENGTH,
    AdditionalFeePolicyVersion,
    Contract,
    ContractVersion,
    CustomProperty,
    CycleMethod,
    DatePolicy,
    Holiday,
    Partner,
    PartnerType,
    PropertyTarget,
    Setting,
    TaxationType,
    VatPayer,
)
from settlement.operations.partners import Account, Contact, PartnerChanges, PartnerDraft, Taxpayer
from settlement.operations.policies import FeeInput
from settlement.operations.records import ManualRow
from settlement.pages import banks

_PERCENT = RATE_SCALE // 100
_MOST_TAGS, _LONGEST_TAG, _OFFERED_TAGS = 10, 100, 30
_MONTH = 100
_LAST_DAY = 31
_FEWEST_DIGITS = 6


# ---- fields


class WonField(forms.CharField):
    """Whole minor units as people write them: `1,234`, `₩1,234`, `-500`, `△500`."""

    def __init__(self, *, negative: bool = False, **options: Any) -> None:
        super().__init__(max_length=40, **options)
        self.negative = negative
        self.widget.attrs |= {"inputmode": "text" if negative else "numeric", "autocomplete": "off"}

    def clean(self, value: Any) -> int | None:
        """Return the amount, None when it may be and is empty."""
        text = super().clean(value)
        if not text:
            return None
        try:
            amount = parse_won(text, negative=self.negative)
        except ValueRefused as refusal:
            raise forms.ValidationError(_now("금액을 1,234처럼 적어 주세요. 원 아래 단위는 쓸 수 없어요.")) from refusal
        if abs(amount) > MAX_AMOUNT:
            raise forms.ValidationError(_now("금액이 너무 커요."))
        return amount


class PercentField(forms.CharField):
    """A percentage with up to three places (`3.3`), as hundred-thousandths."""

    def __init__(self, *, most: int | None = None, **options: Any) -> None:
        super().__init__(max_length=20, **options)
        self.most = most
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def clean(self, value: Any) -> int | None:
        """Return the rate, None when it may be and is empty."""
        text = super().clean(value).replace("%", "").replace(",", "").strip()
        if not text:
            return None
        try:
            units = Decimal(text) * _PERCENT
            whole = int(units)
        except (InvalidOperation, OverflowError, ValueError):
            whole = -1
            units = Decimal(0)
        if whole < 0 or units != whole or not text.isascii() or whole > MAX_AMOUNT:
            raise forms.ValidationError(
                _now("비율을 10이나 3.3처럼 적어 주세요. 소수점 아래 세 자리까지 쓸 수 있어요.")
            )
        if self.most is not None and whole > self.most:
            raise forms.ValidationError(_now("100%를 넘을 수 없어요."))
        return whole


def percent(units: int) -> str:
    """Write a rate as a form shows it."""
    text = f"{Decimal(units) / _PERCENT:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class _Group:
    """A group of boxes that a summary of errors can point at: the id of its legend."""

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        """Return the group's own id, or that of one of its boxes."""
        return id_ if index is None else f"{id_}_{index}"


class Radios(_Group, forms.RadioSelect):
    """One of several."""


class Boxes(_Group, forms.CheckboxSelectMultiple):
    """Any of several."""


def _day() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "min": "2000-01-01", "max": "2099-12-31"})


def _memo(limit: int = 2_000) -> forms.CharField:
    return forms.CharField(
        label=_("메모"), required=False, max_length=limit, widget=forms.Textarea(attrs={"rows": 2}), empty_value=""
    )


def _public_id() -> forms.CharField:
    return forms.CharField(
        label=pgettext_lazy("object", "아이디"),
        required=False,
        max_length=PUBLIC_ID_LENGTH,
        help_text=_("비워 두면 자동으로 만들어요. 나중에 바꿀 수 없어요."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class Tellable(forms.Form):
    """A form to which a refusal of the operation can be added."""

    # The operation's word for a field -> the form's.
    told: ClassVar[Mapping[str, str]] = {}
    # A refusal's code -> the field it is about.
    codes: ClassVar[Mapping[str, str]] = {}

    def need(self, *names: str, when: bool) -> None:
        """Ask for fields of a choice: a form not sent yet shows all of them as needed, a sent one only the chosen's."""
        for name in names:
            self.fields[name].required = when or not self.is_bound

    def tell(self, refusal: DomainError) -> None:
        """Put a refusal beside the field it is about, or on top."""
        named = str(refusal.facts.get("field", ""))
        field = self.told.get(named) or _MOMENT.get(named, named) or self.codes.get(refusal.code)
        self.add_error(field if field in self.fields else None, str(refusal.message) or refusal.code)


_MOMENT: Mapping[str, str] = {"appliedAt": "applied_at"}


class Plannable(Tellable):
    """A change that counts from now on, or from a moment to come; what is new counts at once."""

    when = forms.ChoiceField(
        label=_("적용할 때"),
        choices=[("now", _("지금부터")), ("later", _("예약"))],
        initial="now",
        required=False,
        widget=Radios,
    )
    applied_at = forms.DateTimeField(
        label=_("적용을 시작할 때"),
        required=False,
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        help_text=_("이 시각이 되면 저절로 바뀌어요. 그 전에는 바꾸거나 취소할 수 있어요."),
    )

    def drop_when(self) -> None:
        """Leave out when the change counts."""
        del self.fields["when"], self.fields["applied_at"]

    def clean_applied_at(self) -> datetime | None:
        """Ask for the moment of a planned change."""
        moment: datetime | None = self.cleaned_data["applied_at"]
        if self.cleaned_data.get("when") == "later" and moment is None:
            raise forms.ValidationError(_now("언제부터 적용할지 골라 주세요."))
        return moment

    def moment(self) -> datetime | None:
        """Return when a planned change is to count; None for now."""
        return self.cleaned_data.get("applied_at") if self.cleaned_data.get("when") == "later" else None


# ---- manual settlement, decisions


def partner_named(scope: Scope, word: str) -> str:
    """Return the id of the partner with this id, or with a name only one partner has. Raises ValidationError."""
    known = Partner.objects.within(scope)
    if known.filter(public_id=word).exists():
        return word
    named = list(known.filter(name=word, is_archived=False).values_list("public_id", flat=True)[:2])
    if not named:
        raise forms.ValidationError(_now("이런 이름이나 아이디의 파트너가 없어요."))
    if len(named) > 1:
        raise forms.ValidationError(_now("같은 이름의 파트너가 여럿이에요. 아이디로 골라 주세요."))
    return str(named[0])


class ManualForm(Tellable):
    """One manual adjustment."""

    told = {"settlementAmount": "amount", "settlementTaxFreeAmount": "tax_free"}
    codes = {"PLATFORM_PARTNER_NOT_FOUND": "partner", "PLATFORM_NEGATIVE_AMOUNT_NOT_ALLOWED": "amount"}

    partner = forms.CharField(
        label=_("파트너"),
        max_length=PUBLIC_ID_LENGTH,
        help_text=_("이름이나 아이디로 찾아서 골라 주세요."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    settlement_date = forms.DateField(
        label=_("정산일"), widget=_day(), help_text=_("지난 날이면 바로 지급할 수 있게 돼요.")
    )
    amount = WonField(
        label=_("정산 금액"), negative=True, help_text=_("파트너에게 줄 금액이에요. 받을 금액은 -를 붙여 주세요.")
    )
    tax_free = WonField(label=_("정산 면세액"), negative=True, required=False)
    currency = forms.ChoiceField(label=_("통화"), choices=[(code, code) for code in MINOR_DIGITS], initial="KRW")
    reason = forms.ChoiceField(label=_("사유"), choices=list(tables.REASONS.items()))
    memo = _memo()

    def __init__(self, *args: Any, scope: Scope, **options: Any) -> None:
        super().__init__(*args, **options)
        self.scope = scope

    def clean_partner(self) -> str:
        """Return the partner's id, found by id or by a name only one partner has."""
        return partner_named(self.scope, self.cleaned_data["partner"].strip())

    def clean_amount(self) -> int:
        """Refuse zero: it would settle nothing."""
        amount: int = self.cleaned_data["amount"]
        if not amount:
            raise forms.ValidationError(_now("0이 아닌 금액을 적어 주세요."))
        return amount

    def row(self) -> ManualRow:
        """Return the adjustment to be recorded."""
        data = self.cleaned_data
        return ManualRow(
            partner_id=data["partner"],
            amount=data["amount"],
            settlement_date=data["settlement_date"],
            tax_free=data["tax_free"] or 0,
            currency=data["currency"],
            reason=data["reason"],
            memo=data["memo"],
        )


class ReasonForm(forms.Form):
    """Why something is taken back, shown or rejected."""

    reason = forms.CharField(label=_("사유"), max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class MemoForm(forms.Form):
    """A memo that stays with what was decided."""

    memo = _memo()


# ---- partners


class PartnerForm(Plannable):
    """A partner of any of the three types; what the other types need stays empty."""

    codes = {
        "PLATFORM_PARTNER_ID_ALREADY_EXISTS": "public_id",
        "PLATFORM_CONTRACT_NOT_FOUND": "default_contract",
        "PLATFORM_CURRENCY_NOT_SUPPORTED": "account_currency",
        "PLATFORM_INSUFFICIENT_DATA_TO_CHANGE_PARTNER_TYPE": "type",
    }

    public_id = _public_id()
    name = forms.CharField(label=_("파트너 이름"), max_length=200)
    default_contract = forms.ChoiceField(label=_("기본 계약"))
    type = forms.ChoiceField(
        label=_("파트너 유형"), choices=PartnerType.choices, initial=PartnerType.BUSINESS, widget=Radios
    )
    company_name = forms.CharField(label=_("회사명"), max_length=200, required=False)
    taxation_type = forms.ChoiceField(
        label=_("과세 유형"), choices=TaxationType.choices, required=False, initial=TaxationType.NORMAL
    )
    business_registration_number = forms.CharField(label=_("사업자 등록번호"), max_length=20, required=False)
    representative_name = forms.CharField(label=_("대표자명"), max_length=200, required=False)
    company_address = forms.CharField(label=_("사업장 주소"), max_length=400, required=False)
    business_type = forms.CharField(label=_("업태"), max_length=100, required=False)
    business_class = forms.CharField(label=_("업종"), max_length=100, required=False)
    birthdate = forms.DateField(label=_("생년월일"), required=False, widget=_day())
    contact_name = forms.CharField(label=_("담당자 이름"), max_length=200)
    contact_email = forms.EmailField(label=_("담당자 이메일"))
    contact_phone = forms.CharField(label=_("담당자 연락처"), max_length=50, required=False)
    bank = forms.ChoiceField(label=_("은행"))
    account_number = forms.CharField(
        label=_("계좌번호"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    account_holder = forms.CharField(label=_("예금주"), max_length=200)
    account_currency = forms.ChoiceField(
        label=_("계좌 통화"), choices=[(code, code) for code in MINOR_DIGITS], initial="KRW"
    )
    known_tags = forms.MultipleChoiceField(label=_("쓰고 있는 태그"), required=False, widget=Boxes)
    tags = forms.CharField(
        label=_("새 태그"), required=False, help_text=_("쉼표로 나눠 주세요. 태그는 모두 10개까지 쓸 수 있어요.")
    )
    memo = _memo(256)

    BUSINESS: ClassVar[tuple[str, ...]] = (
        "company_name",
        "taxation_type",
        "business_registration_number",
        "representative_name",
        "company_address",
        "business_type",
        "business_class",
    )
    NEEDED: ClassVar[tuple[str, ...]] = ("company_name", "business_registration_number", "representative_name")

    def __init__(self, *args: Any, scope: Scope, partner: Partner | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.partner = partner
        # The browser cannot know what the chosen type needs.
        self.use_required_attribute = False
        self.need(*self.NEEDED, "taxation_type", when=self.data.get("type") == PartnerType.BUSINESS)
        contracts = Contract.objects.within(scope).select_related("current").order_by("-id")
        kept = [row for row in contracts if not row.is_archived or (partner and row.pk == partner.default_contract_id)]
        named = [(row.public_id, f"{row.current.name if row.current else ''} ({row.public_id})") for row in kept]
        for field, choices in (("default_contract", named), ("bank", banks.choices())):
            self.fields[field].choices = [("", _now("골라 주세요")), *choices]  # type: ignore[attr-defined] # choice fields
        offered = [*(partner.tags if partner else ()), *queries.used_tags(scope, _OFFERED_TAGS)]
        tags = [(tag, tag) for tag in dict.fromkeys(offered)]
        self.fields["known_tags"].choices = tags  # type: ignore[attr-defined] # likewise
        if not tags:
            del self.fields["known_tags"]
        if partner is None:
            self.drop_when()
        else:
            del self.fields["public_id"]
            number = self.fields["account_number"]
            number.required = False
            number.help_text = _now("%(account)s에서 바꿀 때만 적어 주세요. 바꾸면 승인자의 확인을 기다려요.") % {
                "account": tables.account_text(partner.bank, partner.account_last4)
            }

    @classmethod
    def initial_of(cls, partner: Partner) -> dict[str, object]:
        """Return what the form of a known partner shows; its account number stays hidden."""
        same = (*cls.BUSINESS, "name", "type", "birthdate", "memo", "bank", "account_holder", "account_currency")
        more = ("contact_name", "contact_email", "contact_phone")
        shown: dict[str, object] = {name: getattr(partner, name) for name in (*same, *more)}
        return shown | {"default_contract": partner.default_contract.public_id, "known_tags": partner.tags}

    def clean_account_number(self) -> str:
        """Return the number as digits; hyphens and spaces are people's."""
        text = self.cleaned_data["account_number"].strip()
        found = digits(text)
        if text and len(found) < _FEWEST_DIGITS:
            raise forms.ValidationError(_now("계좌번호를 다시 확인해 주세요."))
        return found

    def clean_tags(self) -> list[str]:
        """Return the tags, chosen and new, each once."""
        new = (tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip())
        tags = list(dict.fromkeys([*self.cleaned_data.get("known_tags", ()), *new]))
        if len(tags) > _MOST_TAGS or any(len(tag) > _LONGEST_TAG for tag in tags):
            raise forms.ValidationError(_now("태그는 100자까지, 10개까지 쓸 수 있어요."))
        return tags

    def clean(self) -> dict[str, Any]:
        """Ask for the whole account when a part of it changes."""
        data = super().clean() or {}
        if self.partner and not data.get("account_number") and self._account_differs(data):
            self.add_error("account_number", _now("계좌를 바꾸려면 계좌번호도 다시 적어 주세요."))
        return data

    def _account_differs(self, data: Mapping[str, Any]) -> bool:
        names = ("bank", "account_holder", "account_currency")
        return any(name in data and data[name] != getattr(self.partner, name) for name in names)

    def _taxpayer(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data["type"] == PartnerType.BUSINESS:
            return {name: data[name] for name in self.BUSINESS}
        return {"birthdate": data["birthdate"]}

    def _account(self) -> Account:
        data = self.cleaned_data
        return Account(data["bank"], data["account_currency"], data["account_number"], data["account_holder"])

    def draft(self) -> PartnerDraft:
        """Return the partner to be made."""
        data = self.cleaned_data
        return PartnerDraft(
            name=data["name"],
            contact=Contact(data["contact_name"], data["contact_email"], data["contact_phone"]),
            account=self._account(),
            default_contract_id=data["default_contract"],
            taxpayer=Taxpayer(PartnerType(data["type"]), **self._taxpayer()),
            memo=data["memo"],
            tags=data["tags"],
            public_id=data["public_id"].strip(),
        )

    def changes(self, partner: Partner) -> PartnerChanges:
        """Return what differs from a partner; the account only when its number was typed."""
        data = self.cleaned_data
        changed: dict[str, Any] = {name: data[name] for name in self._SIMPLE if data[name] != getattr(partner, name)}
        if data["default_contract"] != partner.default_contract.public_id:
            changed["default_contract_id"] = data["default_contract"]
        taxpayer = self._taxpayer()
        if data["type"] == partner.type:
            taxpayer = {name: value for name, value in taxpayer.items() if value != getattr(partner, name)}
        else:
            taxpayer = {name: value for name, value in taxpayer.items() if value is not None}
        if taxpayer or data["type"] != partner.type:
            changed |= {"type": PartnerType(data["type"]), "taxpayer": taxpayer}
        return PartnerChanges(**changed, account=self._account() if data["account_number"] else None)

    _SIMPLE: ClassVar[tuple[str, ...]] = ("name", "contact_name", "contact_email", "contact_phone", "memo", "tags")


class PropertiesForm(forms.Form):
    """The values of custom properties: one field for each that the reader may see."""

    def __init__(self, *args: Any, known: Sequence[CustomProperty], **options: Any) -> None:
        super().__init__(*args, **options)
        self.keys = [one.key for one in known]
        for one in known:
            self.fields[f"p-{one.key}"] = forms.CharField(
                label=one.name, required=False, max_length=2_000, help_text=_now("비밀 속성") if one.is_secret else ""
            )

    def values(self) -> dict[str, str | None]:
        """Return each value, None for an empty one."""
        return {key: self.cleaned_data[f"p-{key}"] or None for key in self.keys}


# ---- contracts and policies


class PolicyForm(Plannable):
    """What every policy has; the id of a known one cannot be changed."""

    public_id = _public_id()
    name = forms.CharField(label=_("이름"), max_length=200)
    memo = _memo()

    def __init__(self, *args: Any, known: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        if known:
            del self.fields["public_id"]
        else:
            self.drop_when()


class FeeForm(PolicyForm):
    """A fee: a rate or a fixed amount, and who bears its VAT."""

    fee_kind = forms.ChoiceField(
        label=_("수수료 방식"),
        choices=[("rate", _("정률")), ("fixed", _("정액"))],
        initial="rate",
        widget=Radios,
    )
    fee_rate = PercentField(label=_("수수료율 (%)"), required=False, most=RATE_SCALE)
    fee_amount = WonField(label=_("수수료 금액 (원)"), required=False)
    vat_payer = forms.ChoiceField(
        label=_("수수료 부가세 부담"),
        choices=VatPayer.choices,
        initial=VatPayer.PARTNER,
        widget=Radios,
        help_text=_("파트너가 부담하면 수수료의 10%를 정산 금액에서 더 빼요."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # The browser cannot know which of the two is needed.
        self.use_required_attribute = False
        fixed = self.data.get("fee_kind") == "fixed"
        self.need("fee_amount", when=fixed)
        self.need("fee_rate", when=not fixed)

    def fee(self) -> FeeInput:
        """Return the fee."""
        data = self.cleaned_data
        if data["fee_kind"] == "fixed":
            return FeeInput(amount=data["fee_amount"], is_fixed=True)
        return FeeInput(rate=data["fee_rate"])

    @staticmethod
    def fee_of(version: ContractVersion | AdditionalFeePolicyVersion) -> dict[str, object]:
        """Return what the form of a known fee shows."""
        return {
            "fee_kind": "fixed" if version.fee_is_fixed else "rate",
            "fee_rate": "" if version.fee_is_fixed else percent(version.fee_rate),
            "fee_amount": f"{version.fee_amount:,}" if version.fee_is_fixed else "",
            "vat_payer": version.vat_payer,
        }


_WEEKDAYS = (_("월"), _("화"), _("수"), _("목"), _("금"), _("토"), _("일"))


class ContractForm(FeeForm):
    """A contract: fee, VAT and the cycle."""

    codes = {"PLATFORM_CONTRACT_ALREADY_EXISTS": "public_id"}
    told = {
        "settlementCycle.days_of_week": "weekdays",
        "settlementCycle.days_of_month": "month_days",
        "settlementCycle.month_days": "dates",
        "settlementCycle.lag_days": "lag_days",
    }

    subtract_payment_vat = forms.BooleanField(label=_("결제 금액에 든 부가세를 정산 금액에서 빼기"), required=False)
    lag_days = forms.IntegerField(
        label=_("보류일 (D+n)"),
        min_value=1,
        max_value=10,
        initial=2,
        help_text=_("정산 시작일에서 이만큼 지난 뒤부터 정산일을 찾아요."),
    )
    cycle_method = forms.ChoiceField(
        label=_("정산 주기"), choices=CycleMethod.choices, initial=CycleMethod.DAILY, widget=Radios
    )
    weekdays = forms.MultipleChoiceField(
        label=_("요일"),
        choices=[(str(at), label) for at, label in enumerate(_WEEKDAYS)],
        required=False,
        widget=Boxes,
    )
    month_days = forms.MultipleChoiceField(
        label=_("매월 며칠"),
        choices=[(str(day), str(day)) for day in range(1, _LAST_DAY)] + [(str(_LAST_DAY), _("말일"))],
        required=False,
        widget=Boxes,
    )
    dates = forms.CharField(
        label=_("날짜"), required=False, max_length=400, help_text=_("3/31, 6/30처럼 쉼표로 나눠 주세요.")
    )
    date_policy = forms.ChoiceField(
        label=_("쉬는 날이면"), choices=DatePolicy.choices, initial=DatePolicy.HOLIDAY_BEFORE, widget=Radios
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.need("dates", when=self.data.get("cycle_method") == CycleMethod.MANUAL_DATES)

    @classmethod
    def initial_of(cls, version: ContractVersion) -> dict[str, object]:
        """Return what the form of a known contract shows."""
        weekly, monthly = version.cycle_method == CycleMethod.WEEKLY, version.cycle_method == CycleMethod.MONTHLY
        days = [str(day) for day in version.cycle_days]
        return cls.fee_of(version) | {
            "name": version.name,
            "memo": version.memo,
            "subtract_payment_vat": version.subtract_payment_vat,
            "lag_days": version.lag_days,
            "cycle_method": version.cycle_method,
            "weekdays": days if weekly else [],
            "month_days": days if monthly else [],
            "dates": ", ".join(f"{day // _MONTH}/{day % _MONTH}" for day in version.cycle_dates),
            "date_policy": version.date_policy,
        }

    def clean_dates(self) -> tuple[MonthDay, ...]:
        """Return the days of the year."""
        words = [word.strip() for word in self.cleaned_data["dates"].replace("\n", ",").split(",") if word.strip()]
        try:
            return tuple(_month_day(word) for word in words)
        except ValueError:
            raise forms.ValidationError(_now("없는 날짜가 있어요. 3/31처럼 적어 주세요.")) from None

    def clean(self) -> dict[str, Any]:
        """Ask for the days of the chosen cycle."""
        data = super().clean() or {}
        needed = {"WEEKLY": "weekdays", "MONTHLY": "month_days"}.get(data.get("cycle_method", ""))
        if needed and needed not in self.errors and not data.get(needed):
            self.add_error(needed, _now("하루 이상 골라 주세요."))
        return data

    def cycle(self) -> Cycle:
        """Return the cycle."""
        data = self.cleaned_data
        return Cycle(
            lag_days=data["lag_days"],
            method=Method(data["cycle_method"]),
            date_policy=Policy(data["date_policy"]),
            days_of_week=tuple(tuple(Weekday)[int(day)] for day in data["weekdays"]),
            days_of_month=tuple(int(day) for day in data["month_days"]),
            month_days=data["dates"],
        )


def _month_day(word: str) -> MonthDay:
    month, _slash, day = word.replace("-", "/").replace(".", "/").partition("/")
    # 2024 has every day a year can have.
    date(2024, int(month), int(day))
    return MonthDay(int(month), int(day))


class DiscountPolicyForm(PolicyForm):
    """A discount share policy."""

    codes = {"PLATFORM_DISCOUNT_SHARE_POLICY_ALREADY_EXISTS": "public_id"}

    partner_share_rate = PercentField(
        label=_("파트너 분담율 (%)"), most=RATE_SCALE, help_text=_("할인 금액 가운데 파트너가 부담하는 비율이에요.")
    )


class FeePolicyForm(FeeForm):
    """An additional fee policy."""

    codes = {"PLATFORM_ADDITIONAL_FEE_POLICY_ALREADY_EXISTS": "public_id"}

    third_party = forms.CharField(
        label=_("받는 제3자"),
        max_length=100,
        required=False,
        help_text=_("수수료를 다른 회사에 넘겨줄 때만 적어 주세요."),
    )


# ---- days and settings


class HolidayForm(forms.Form):
    """A day on which banks are closed."""

    day = forms.DateField(label=_("날짜"), widget=_day())
    name = forms.CharField(label=_("이름"), max_length=100)

    def __init__(self, *args: Any, scope: Scope, **options: Any) -> None:
        super().__init__(*args, **options)
        self.scope = scope

    def clean_day(self) -> date:
        """Refuse a day that is there already."""
        day: date = self.cleaned_data["day"]
        if Holiday.objects.within(self.scope).filter(day=day).exists():
            raise forms.ValidationError(_now("이미 휴일인 날이에요."))
        return day


class PropertyForm(Tellable):
    """A custom property to be defined."""

    target = forms.ChoiceField(
        label=_("어디에"), choices=PropertyTarget.choices, initial=PropertyTarget.PARTNER, widget=Radios
    )
    name = forms.CharField(label=_("이름"), max_length=100)
    key = forms.CharField(
        label=_("키"),
        max_length=64,
        help_text=_("API에서 쓰는 이름이에요. 영문, 숫자, 밑줄만 쓸 수 있고 나중에 바꿀 수 없어요."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    is_secret = forms.BooleanField(label=_("관리자만 보기"), required=False)


class HolidayYearForm(forms.Form):
    """A year whose public holidays are to be added."""

    year = forms.IntegerField(label=_("연도"), min_value=2020, max_value=2099)


class SettingForm(forms.ModelForm):  # type: ignore[type-arg] # Django's class is generic for type checkers only
    """Settlement settings."""

    class Meta:
        model = Setting
        fields = (
            "settlement_amount_type",
            "deduct_wht",
            "adjust_settlement_date_after_holiday_if_earlier",
            "supports_multiple_order_transfers_per_partner",
            "manual_settlement_per_transfer",
            "default_withdrawal_memo",
            "default_deposit_memo",
        )
        labels: ClassVar[dict[str, object]] = {
            "settlement_amount_type": _("정산 금액의 부가세"),
            "deduct_wht": _("원천징수 대상자에게 지급할 때 3.3% 떼기"),
            "adjust_settlement_date_after_holiday_if_earlier": _("정산일이 시작일보다 빨라지면 다음 영업일로 미루기"),
            "supports_multiple_order_transfers_per_partner": _(
                "같은 주문 번호와 파트너로 주문을 여러 번 등록할 수 있게 하기"
            ),
            "manual_settlement_per_transfer": _("수기 정산을 건별로 지급하기"),
            "default_withdrawal_memo": _("기본 내 통장 메모"),
            "default_deposit_memo": _("기본 받는 통장 메모"),
        }
