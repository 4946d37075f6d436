"""설정 · 웹훅: where the merchant's own systems are told what happens, what they were told, and telling them again."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.models import DeliveryState, WebhookDelivery, WebhookEndpoint, WebhookState
from access.requests import PageRequest
from access.roles import Permission
from access.webhooks import operations, queries, targets
from access.webhooks.events import SUBSCRIBABLE, EventType
from console import registry
from console.columns import Badge, Column, Kind, Row, Shape, Tone
from console.filters import ChoiceFilter, DateFilter, DateKind, IdFilter, Keyword, KeywordFilter, encode
from console.lists import ListPage
from console.pages import PageView
from core import clock
from core.errors import DomainError, NotFound
from core.scope import Scope

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

_RECENT = 10

DELIVERY_BADGES = {
    DeliveryState.PENDING.value: Badge(DeliveryState.PENDING.label, Tone.PROGRESS, Shape.HALF),
    DeliveryState.DELIVERED.value: Badge(DeliveryState.DELIVERED.label, Tone.SUCCESS, Shape.CHECK),
    DeliveryState.FAILED.value: Badge(DeliveryState.FAILED.label, Tone.DANGER, Shape.CROSS),
    DeliveryState.CANCELLED.value: Badge(DeliveryState.CANCELLED.label, Tone.NEUTRAL, Shape.DASH),
}
_ENABLED = Badge(gettext_lazy("켜짐"), Tone.SUCCESS, Shape.CHECK)
_FAILING = Badge(gettext_lazy("전달 안 됨"), Tone.WARNING, Shape.ALERT)
_DISABLED = Badge(WebhookState.DISABLED.label, Tone.NEUTRAL, Shape.PAUSE)
_ERRORS = {
    "TARGET_REFUSED": gettext_lazy("내부 네트워크 주소라서 보내지 않았어요"),
    "REDIRECT": gettext_lazy("다른 주소로 넘기는 답은 따라가지 않아요"),
    "STATUS": gettext_lazy("성공이 아닌 답이 왔어요"),
    "timeout": gettext_lazy("정해진 시간 안에 답이 오지 않았어요"),
    "connect timeout": gettext_lazy("정해진 시간 안에 답이 오지 않았어요"),
    "name not resolved": gettext_lazy("이 주소의 서버를 찾지 못했어요"),
}
_WHY_OFF = {
    queries.GONE: gettext_lazy("받는 쪽이 더 받지 않겠다고(410) 답해서 꺼졌어요."),
    queries.FAILING: gettext_lazy("5일 동안 전달되지 않아서 꺼졌어요."),
}


def told_error(error: str) -> str:
    """Return in words why a request does not count."""
    known = _ERRORS.get(error)
    if known is None and error:
        known = _ERRORS["timeout"] if "timeout" in error else gettext_lazy("서버에 연결하지 못했어요")
    return str(known or "")


def badge_of(endpoint: WebhookEndpoint, now: datetime) -> Badge:
    """Return how an endpoint is doing."""
    if endpoint.state != WebhookState.ENABLED:
        return _DISABLED
    in_trouble = endpoint.failing_since and endpoint.failing_since <= now - queries.scaled(queries.NOTICE_AFTER)
    return _FAILING if in_trouble else _ENABLED


def trouble(scope: Scope) -> int:
    """Count the endpoints that somebody has to look after."""
    return queries.in_trouble(scope, clock.now()).count()


def register() -> None:
    """Add navigation and the tile of the home page."""
    registry.nav("settings", gettext_lazy("웹훅"), "console:webhooks", Permission.MANAGE, order=300)
    registry.tile(
        gettext_lazy("전달되지 않는 웹훅"),
        trouble,
        lambda: reverse("console:webhooks"),
        tone=Tone.WARNING,
        order=90,
        permission=Permission.MANAGE,
        key="console.webhooks",
    )


# ---- Forms


def _day(label: "StrPromise") -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}))


class EndpointForm(forms.Form):
    """Where to send, and what."""

    url = forms.CharField(
        label=gettext_lazy("주소"),
        max_length=targets.LONGEST_URL,
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("인터넷에서 닿는 https 주소여야 해요."),
    )
    description = forms.CharField(label=gettext_lazy("설명"), max_length=200, required=False)
    events = forms.MultipleChoiceField(
        label=gettext_lazy("보낼 이벤트"),
        choices=[(kind.value, kind.label) for kind in SUBSCRIBABLE],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("고르지 않으면 모두 보내요."),
    )


class ResendForm(forms.Form):
    """A period of what was given up."""

    since = _day(gettext_lazy("시작일"))
    until = _day(gettext_lazy("종료일"))

    def period(self) -> tuple[datetime, datetime]:
        """Return the chosen Seoul days, both included."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"] + timedelta(days=1)
        return datetime.combine(since, time(), clock.SEOUL), datetime.combine(until, time(), clock.SEOUL)


def _checked(form: EndpointForm) -> targets.Target | None:
    """Return the address of a valid form, looked at; a refusal is told beside its field."""
    try:
        return targets.check(form.cleaned_data["url"].strip())
    except targets.TargetRefused as refusal:
        form.add_error("url", str(refusal.message))
        return None


# ---- Endpoints


class WebhooksView(PageView):
    """All endpoints, and a new one."""

    permission = Permission.MANAGE
    title = gettext_lazy("웹훅")

    def get(self, request: PageRequest) -> HttpResponse:
        """List them."""
        return self._show(request, EndpointForm())

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Add one; its secret is shown once, on the answer."""
        form = EndpointForm(request.POST)
        if not form.is_valid() or (target := _checked(form)) is None:
            return self._show(request, form)
        try:
            row, secret = operations.add_endpoint(
                scope=request.scope,
                target=target,
                events=form.cleaned_data["events"],
                description=form.cleaned_data["description"],
                by=request.actor,
                now=clock.now(),
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal.message))
            return self._show(request, form)
        return _show_endpoint(request, row, secret=secret)

    def _show(self, request: PageRequest, form: EndpointForm) -> HttpResponse:
        now = clock.now()
        rows = [(row, badge_of(row, now), _wanted(row)) for row in queries.endpoints(request.scope)]
        today = clock.today()
        context = {
            "title": self.title,
            "rows": rows,
            "form": form,
            "trouble": list(queries.in_trouble(request.scope, now)),
            "resend": ResendForm(initial={"since": today - timedelta(days=1), "until": today}),
        }
        return render(request, "console/webhooks.html", context)


def _wanted(row: WebhookEndpoint) -> str:
    if not row.events:
        return _("모든 이벤트")
    labels = [str(EventType(kind).label) for kind in row.events]
    if len(labels) == 1:
        return labels[0]
    return _("%(first)s 외 %(rest)d가지") % {"first": labels[0], "rest": len(labels) - 1}


def _show_endpoint(
    request: PageRequest, row: WebhookEndpoint, *, form: EndpointForm | None = None, secret: str = ""
) -> HttpResponse:
    now = clock.now()
    values = {"url": row.url, "description": row.description, "events": list(row.events)}
    recent = queries.deliveries(request.scope).filter(endpoint=row).values(*DeliveryList.keys(_RECENT_COLUMNS))
    context = {
        "title": row.description or row.url,
        "row": row,
        "badge": badge_of(row, now),
        "why_off": _WHY_OFF.get(row.state_reason, ""),
        "wanted": [str(EventType(kind).label) for kind in row.events],
        "form": form or EndpointForm(initial=values),
        "secret": secret,
        "columns": _RECENT_COLUMNS,
        "recent": list(recent[:_RECENT]),
        "all_url": f"{DeliveryList.url()}?{encode([('endpoint', row.public_id)])}",
    }
    return render(request, "console/webhook.html", context)


class WebhookView(PageView):
    """One endpoint: how it is doing, what it wants, what it was told."""

    permission = Permission.MANAGE
    title = gettext_lazy("웹훅")

    def get(self, request: PageRequest, endpoint_id: str) -> HttpResponse:
        """Show it."""
        return _show_endpoint(request, queries.find_endpoint(request.scope, endpoint_id))

    def post(self, request: PageRequest, endpoint_id: str) -> HttpResponseBase:
        """Change it."""
        row, form = queries.find_endpoint(request.scope, endpoint_id), EndpointForm(request.POST)
        if not form.is_valid() or (target := _checked(form)) is None:
            return _show_endpoint(request, row, form=form)
        operations.change_endpoint(
            scope=request.scope,
            endpoint_id=endpoint_id,
            target=target,
            events=form.cleaned_data["events"],
            description=form.cleaned_data["description"],
            by=request.actor,
        )
        messages.success(request, _("저장했어요."))
        return redirect("console:webhook", endpoint_id)


def _rotate(request: PageRequest, endpoint_id: str) -> HttpResponseBase:
    secret = operations.rotate_secret(scope=request.scope, endpoint_id=endpoint_id, by=request.actor, now=clock.now())
    return _show_endpoint(request, queries.find_endpoint(request.scope, endpoint_id), secret=secret)


def _drop_old(request: PageRequest, endpoint_id: str) -> HttpResponseBase:
    operations.drop_old_secret(scope=request.scope, endpoint_id=endpoint_id, by=request.actor)
    messages.success(request, _("이전 비밀 키를 폐기했어요. 이제 새 비밀 키로만 서명해요."))
    return redirect("console:webhook", endpoint_id)


def _test(request: PageRequest, endpoint_id: str) -> HttpResponseBase:
    row = operations.send_test(scope=request.scope, endpoint_id=endpoint_id, by=request.actor, now=clock.now())
    messages.success(request, _("시험 이벤트를 보내고 있어요. 잠시 뒤에 결과를 볼 수 있어요."))
    return redirect("console:webhook-delivery", row.public_id)


def _disable(request: PageRequest, endpoint_id: str) -> HttpResponseBase:
    operations.disable_endpoint(scope=request.scope, endpoint_id=endpoint_id, by=request.actor, now=clock.now())
    messages.success(request, _("웹훅을 껐어요. 새 이벤트는 보내지 않고, 보내던 것은 다시 켤 때까지 남겨 둬요."))
    return redirect("console:webhook", endpoint_id)


def _enable(request: PageRequest, endpoint_id: str) -> HttpResponseBase:
    operations.enable_endpoint(scope=request.scope, endpoint_id=endpoint_id, by=request.actor, now=clock.now())
    messages.success(request, _("웹훅을 켰어요. 남아 있던 것부터 보내요."))
    return redirect("console:webhook", endpoint_id)


def _delete(request: PageRequest, endpoint_id: str) -> HttpResponseBase:
    operations.delete_endpoint(scope=request.scope, endpoint_id=endpoint_id, by=request.actor, now=clock.now())
    messages.success(request, _("웹훅을 삭제했어요. 보낸 기록은 30일 동안 남아요."))
    return redirect("console:webhooks")


_VERBS: dict[str, Callable[[PageRequest, str], HttpResponseBase]] = {
    "rotate": _rotate,
    "drop-old-secret": _drop_old,
    "test": _test,
    "disable": _disable,
    "enable": _enable,
    "delete": _delete,
}


class ActView(PageView):
    """What can be done to an endpoint."""

    permission = Permission.MANAGE

    def post(self, request: PageRequest, endpoint_id: str, verb: str) -> HttpResponseBase:
        """Do it."""
        act = _VERBS.get(verb)
        if act is None:
            raise NotFound
        return act(request, endpoint_id)


# ---- What was sent


def _kind(row: Row) -> str:
    return str(EventType(str(row["event__type"])).label)


def _answer(row: Row) -> str:
    status, error = row["last_status"], told_error(str(row["last_error"] or ""))
    return " ".join(str(word) for word in (status, error) if word)


def delivery_url(public_id: object) -> str:
    """Return the page of a delivery."""
    return reverse("console:webhook-delivery", args=[public_id])


_TYPE = Column("event__type", gettext_lazy("이벤트"))
_NAME = Column("kind", gettext_lazy("내용"), value=_kind)
_STATE = Column("state", gettext_lazy("상태"), Kind.BADGE, badges=DELIVERY_BADGES)
_OBJECT = Column("event__object_id", gettext_lazy("대상 번호"), Kind.ID)
_ANSWER = Column("answer", gettext_lazy("받는 쪽의 답"), value=_answer)
_CREATED = Column("created_at", gettext_lazy("일어난 때"), Kind.MOMENT, sortable=True)
_RECENT_COLUMNS = (
    Column("event__type", _TYPE.label, link=lambda row: delivery_url(row["public_id"])),
    _NAME,
    _STATE,
    _ANSWER,
    _CREATED,
)


class DeliveryList(ListPage):
    """보낸 기록: one row per event and endpoint."""

    slug = "webhook-deliveries"
    url_name = "console:webhook-deliveries"
    title = gettext_lazy("웹훅 보낸 기록")
    intro = gettext_lazy("이벤트마다 무엇을 보내고 어떤 답을 받았는지 30일 동안 볼 수 있어요.")
    permission = Permission.MANAGE
    order = ("-created_at", "-id")
    columns = (
        _TYPE,
        _NAME,
        _STATE,
        _OBJECT,
        _ANSWER,
        Column("tries", gettext_lazy("보낸 횟수"), Kind.COUNT),
        _CREATED,
        Column("last_at", gettext_lazy("마지막으로 보낸 때"), Kind.MOMENT),
        Column("endpoint__description", gettext_lazy("웹훅 설명"), default=False),
        Column("endpoint__url", gettext_lazy("주소")),
        Column("event__public_id", gettext_lazy("이벤트 번호"), Kind.ID, default=False),
        Column("public_id", gettext_lazy("전달 번호"), Kind.ID, default=False),
    )
    extra = ("event__type", "last_status", "last_error")
    filters: ClassVar[tuple[Any, ...]] = (
        DateFilter(
            (
                DateKind("created", gettext_lazy("일어난 날"), "created_at", moment=True),
                DateKind("sent", gettext_lazy("보낸 날"), "last_at", moment=True),
            ),
        ),
        KeywordFilter(
            (
                Keyword("object", gettext_lazy("대상 번호"), ("event__object_id",), exact=True),
                Keyword("event", gettext_lazy("이벤트 번호"), ("event__public_id",), exact=True),
                Keyword("url", gettext_lazy("주소"), ("endpoint__url",)),
            ),
        ),
        ChoiceFilter("state", gettext_lazy("상태"), tuple(DeliveryState.choices), badges=DELIVERY_BADGES),
        ChoiceFilter("type", gettext_lazy("이벤트"), tuple(EventType.choices), field="event__type", counts=False),
        IdFilter("endpoint", gettext_lazy("웹훅"), "endpoint__public_id"),
    )
    blank = gettext_lazy("아직 보낸 것이 없어요. 웹훅을 만들고 정산이나 지급이 움직이면 여기에 나와요.")

    def queryset(self, scope: Scope) -> QuerySet[WebhookDelivery]:
        """Return the deliveries of a scope."""
        return WebhookDelivery.objects.within(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the delivery."""
        return delivery_url(row["public_id"])

    def row_class(self, row: Row) -> str:
        """Mark what was given up."""
        return "attention" if row["state"] == DeliveryState.FAILED else ""


class DeliveryView(PageView):
    """One delivery: what was sent each time, and what came back."""

    permission = Permission.MANAGE
    title = gettext_lazy("웹훅 보낸 기록")

    def get(self, request: PageRequest, delivery_id: str) -> HttpResponse:
        """Show it."""
        row = queries.find_delivery(request.scope, delivery_id)
        context = {
            "title": EventType(row.event.type).label,
            "row": row,
            "badge": DELIVERY_BADGES[row.state],
            "log": [(one, told_error(one.error)) for one in queries.log_of(row)],
            "may_resend": row.endpoint.state == WebhookState.ENABLED,
        }
        return render(request, "console/webhook_delivery.html", context)

    def post(self, request: PageRequest, delivery_id: str) -> HttpResponseBase:
        """Send it again."""
        operations.resend(scope=request.scope, delivery_id=delivery_id, by=request.actor, now=clock.now())
        messages.success(request, _("다시 보내고 있어요. 잠시 뒤에 결과를 볼 수 있어요."))
        return redirect("console:webhook-delivery", delivery_id)


class ResendFailedView(PageView):
    """Everything again that was given up in a period."""

    permission = Permission.MANAGE

    def post(self, request: PageRequest) -> HttpResponseBase:
        """Send it."""
        form = ResendForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("다시 보낼 기간을 확인해 주세요."))
            return redirect("console:webhooks")
        since, until = form.period()
        count = operations.resend_failed(
            scope=request.scope, since=since, until=until, by=request.actor, now=clock.now()
        )
        if count:
            messages.success(request, _("%(count)d건을 다시 보내고 있어요.") % {"count": count})
        else:
            messages.info(request, _("이 기간에는 다시 보낼 것이 없어요."))
        return redirect("console:webhooks")
