"""Forms of payouts: naming and scheduling a bulk payout, and the reason for a decision."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from payouts.models import HandOutcome

NOW, LATER = "now", "later"
_STEP = timedelta(minutes=10)
# Banks close their transfers from 22:50 to 01:00; nothing is scheduled in between.
_FIRST_TIME, _LAST_TIME = time(1, 0), time(22, 40)
_MEMO_LENGTH, _NAME_LENGTH, _REASON_LENGTH = 100, 200, 500


def schedule_times() -> list[tuple[str, str]]:
    """Return the times of a day at which a bulk payout may be scheduled, in steps of ten minutes."""
    at, times = datetime.combine(date.min, _FIRST_TIME), []
    while at.time() <= _LAST_TIME:
        times.append((f"{at:%H:%M}", f"{at:%H:%M}"))
        at += _STEP
    return times


class ReasonForm(forms.Form):
    """Why something is done; somebody else will read it."""

    reason = forms.CharField(
        label=gettext_lazy("사유"),
        max_length=_REASON_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("변경 이력에 남아서 다른 사람도 볼 수 있어요."),
    )


class NeededReasonForm(ReasonForm):
    """The same where it cannot be left out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = True


class DecisionForm(forms.Form):
    """What somebody found out about a payout whose result the bank does not tell."""

    outcome = forms.ChoiceField(label=gettext_lazy("확인한 결과"), choices=HandOutcome.choices)
    executed_on = forms.DateField(
        label=gettext_lazy("지급된 날"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("지급됨일 때만 적어요. 은행 명세에 찍힌 날이에요."),
    )
    evidence = forms.CharField(
        label=gettext_lazy("근거"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("은행 거래 번호, 명세의 날짜와 순번, 통화한 사람처럼 나중에 찾을 수 있게 적어 주세요."),
    )


class ProofForm(forms.Form):
    """What was paid by hand: the day, and what shows it."""

    name = forms.CharField(label=gettext_lazy("일괄지급 이름"), max_length=_NAME_LENGTH)
    paid_on = forms.DateField(
        label=gettext_lazy("지급한 날"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    evidence = forms.CharField(
        label=gettext_lazy("근거"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("어느 은행에서 어떻게 보냈는지 적어 주세요. 승인자가 이 내용을 보고 확인해요."),
    )
    file_reference = forms.CharField(
        label=gettext_lazy("증빙 파일"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("이체확인증 파일의 이름이나 보관한 곳이에요."),
    )

    def clean_name(self) -> str:
        """Refuse a name of spaces."""
        return str(self.cleaned_data["name"]).strip()

    def clean_paid_on(self) -> date:
        """Refuse a day that has not come."""
        found: date = self.cleaned_data["paid_on"]
        if found > clock.today():
            raise forms.ValidationError(_("지급한 날은 오늘보다 뒤일 수 없어요."))
        return found


class DetailsForm(forms.Form):
    """Name, memos and time of a bulk payout; `scheduled_at` is the moment it is scheduled for, None for at once."""

    name = forms.CharField(label=gettext_lazy("일괄지급 이름"), max_length=_NAME_LENGTH)
    deposit_memo = forms.CharField(
        label=gettext_lazy("받는 분 통장 표시"),
        max_length=_MEMO_LENGTH,
        required=False,
        help_text=gettext_lazy("파트너의 통장에 찍히는 이름이에요."),
    )
    withdrawal_memo = forms.CharField(
        label=gettext_lazy("내 통장 표시"),
        max_length=_MEMO_LENGTH,
        required=False,
        help_text=gettext_lazy("우리 지급 계좌에 찍히는 이름이에요."),
    )
    when = forms.ChoiceField(
        label=gettext_lazy("지급 시점"),
        choices=((NOW, gettext_lazy("승인되면 바로")), (LATER, gettext_lazy("예약한 때에"))),
        initial=NOW,
    )
    day = forms.DateField(
        label=gettext_lazy("예약 날짜"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    time = forms.ChoiceField(label=gettext_lazy("예약 시각"), required=False)

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._now = now
        self.scheduled_at: datetime | None = None
        times = self.fields["time"]
        if isinstance(times, forms.ChoiceField):
            times.choices = [("", _("고르기")), *schedule_times()]
        self.fields["day"].widget.attrs["min"] = clock.seoul_day(now).isoformat()

    @staticmethod
    def schedule_of(scheduled_at: datetime | None) -> dict[str, object]:
        """Return the initial values that stand for a schedule."""
        if scheduled_at is None:
            return {"when": NOW}
        there = scheduled_at.astimezone(clock.SEOUL)
        return {"when": LATER, "day": there.date(), "time": f"{there:%H:%M}"}

    def clean_name(self) -> str:
        """Refuse a name of spaces."""
        return str(self.cleaned_data["name"]).strip()

    def clean(self) -> dict[str, Any]:
        """Put day and time together when a time is wanted."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("when") == LATER and not self.errors.keys() & {"day", "time"}:
            self._schedule(data.get("day"), str(data.get("time") or ""))
        return data

    def _schedule(self, day: date | None, at: str) -> None:
        if day is None:
            self.add_error("day", _("예약할 날짜를 골라 주세요."))
        if not at:
            self.add_error("time", _("예약할 시각을 골라 주세요."))
        if day is None or not at:
            return
        wanted = datetime.combine(day, time.fromisoformat(at), tzinfo=clock.SEOUL)
        if wanted <= self._now:
            self.add_error("day", _("예약 시각은 지금보다 뒤여야 해요."))
        else:
            self.scheduled_at = wanted
