"""Forms of the sign-in, the account and the settings of people and secrets."""

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from access.queries import AuditFilter
from access.roles import DEFAULT_SCOPES, ApiScope, Role
from core.clock import SEOUL

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

_CODE_LENGTH = 10


def _day(label: "StrPromise") -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date", "aria-label": label})


def _word(label: "StrPromise") -> forms.TextInput:
    return forms.TextInput(attrs={"placeholder": label, "aria-label": label})


class SignInForm(forms.Form):
    """User name and password."""

    username = forms.CharField(
        label=_("아이디"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label=_("비밀번호"),
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class CodeForm(forms.Form):
    """A one-time code."""

    code = forms.CharField(
        label=_("인증 코드 6자리"),
        max_length=_CODE_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}),
    )


class PasswordForm(forms.Form):
    """The old password, and the new one twice."""

    current = forms.CharField(
        label=_("지금 비밀번호"),
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    password = forms.CharField(
        label=_("새 비밀번호"),
        max_length=500,
        strip=False,
        help_text=_("12자 이상으로 정해 주세요. 흔한 비밀번호는 쓸 수 없어요."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("새 비밀번호 확인"),
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Compare the two."""
        data = super().clean() or {}
        if data.get("password") and data.get("again") and data["password"] != data["again"]:
            self.add_error("again", _("새 비밀번호와 같지 않아요."))
        return data


class UserForm(forms.Form):
    """Name and address of a person."""

    name = forms.CharField(label=_("이름"), max_length=100)
    email = forms.EmailField(label=_("이메일"), required=False)


class NewUserForm(UserForm):
    """A new person."""

    username = forms.CharField(label=_("아이디"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label=_("역할"), choices=Role.choices, initial=Role.VIEWER)

    field_order = ("username", "name", "email", "role")


class RoleForm(forms.Form):
    """Another role for somebody."""

    role = forms.ChoiceField(label=_("바꿀 역할"), choices=Role.choices)
    reason = forms.CharField(label=_("사유"), max_length=500, required=False)


class SecretForm(forms.Form):
    """A new API secret."""

    name = forms.CharField(
        label=_("이름"), max_length=100, help_text=_("어디에서 쓰는 키인지 알아볼 수 있게 적어 주세요.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("권한"),
        choices=ApiScope.choices,
        initial=[scope.value for scope in DEFAULT_SCOPES],
        widget=forms.CheckboxSelectMultiple,
    )
    test_only = forms.BooleanField(label=_("테스트 환경에서만 쓰기"), required=False)
    expires_on = forms.DateField(
        label=_("만료일"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("이 날까지 쓸 수 있어요."),
    )

    def expires_at(self) -> datetime | None:
        """Return the end of the chosen day in Seoul."""
        day = self.cleaned_data["expires_on"]
        return datetime.combine(day + timedelta(days=1), time(), SEOUL).astimezone(UTC) if day else None


class AuditForm(forms.Form):
    """What to look for in the audit trail."""

    since = forms.DateField(label=_("시작일"), required=False, widget=_day(_("시작일")))
    until = forms.DateField(label=_("종료일"), required=False, widget=_day(_("종료일")))
    actor = forms.CharField(label=_("누가"), required=False, max_length=100, widget=_word(_("누가")))
    action = forms.CharField(label=_("무엇을"), required=False, max_length=80, widget=_word(_("무엇을")))
    kind = forms.CharField(label=_("대상 종류"), required=False, max_length=60, widget=_word(_("대상 종류")))
    object_id = forms.CharField(label=_("대상 번호"), required=False, max_length=300, widget=_word(_("대상 번호")))
    environment = forms.ChoiceField(
        label=_("환경"), required=False, choices=[("", _("전체")), ("live", _("실제")), ("test", _("테스트"))]
    )

    def wanted(self) -> AuditFilter:
        """Return the filter; both days are included. Fields that are wrong count as empty."""
        data = self.cleaned_data if self.is_valid() else {}
        since, until = data.get("since"), data.get("until")
        return AuditFilter(
            since=datetime.combine(since, time(), SEOUL) if since else None,
            until=datetime.combine(until + timedelta(days=1), time(), SEOUL) if until else None,
            actor=data.get("actor", ""),
            action=data.get("action", ""),
            kind=data.get("kind", ""),
            object_id=data.get("object_id", ""),
            is_test={"live": False, "test": True}.get(data.get("environment", "")),
        )
