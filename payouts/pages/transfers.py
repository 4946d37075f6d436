"""Files of transfers: the list, one file with what was taken and what came back, result files, and withdrawing."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from access import queries as access_queries
from access.requests import PageRequest
from access.roles import Permission, allowed
from access.roles import check as check_permission
from console.columns import Badge, Column, Kind, Label, Row, Shape, Tone
from console.exports import download as as_download
from console.filters import ChoiceFilter, DateFilter, DateKind, IdFilter, Keyword, KeywordFilter
from console.lists import ListPage
from console.pages import PageView
from core import clock
from core.scope import Scope
from payouts import transfer_queries as queries
from payouts.models import (
    BulkPayout,
    DecisionState,
    FileWithdrawal,
    TransferFile,
    TransferFileForm,
    TransferFileState,
    TransferResult,
    TransferResultState,
)
from payouts.operations import transfer_files, transfer_results
from payouts.operations.transfer_results import ResultRefused, Verdict
from payouts.pages import links, shown
from payouts.pages.asks import AskView, Facts
from payouts.pages.reads import Happening
from payouts.rails_in_use import rail

SHOWN_LINES, SHOWN_DOWNLOADS = 200, 50
_REASON = 500

FILE_BADGES: Mapping[str, Badge] = {
    TransferFileState.MADE.value: Badge(TransferFileState.MADE.label, Tone.WARNING, Shape.CLOCK),
    TransferFileState.DOWNLOADED.value: Badge(TransferFileState.DOWNLOADED.label, Tone.PROGRESS, Shape.HALF),
    TransferFileState.RESULT_READ.value: Badge(TransferFileState.RESULT_READ.label, Tone.SUCCESS, Shape.CHECK),
    TransferFileState.WITHDRAWN.value: Badge(TransferFileState.WITHDRAWN.label, Tone.NEUTRAL, Shape.DASH),
}
RESULT_BADGES: Mapping[str, Badge] = {
    TransferResultState.CHECKED.value: Badge(TransferResultState.CHECKED.label, Tone.WARNING, Shape.CLOCK),
    TransferResultState.CONFIRMED.value: Badge(TransferResultState.CONFIRMED.label, Tone.SUCCESS, Shape.CHECK),
    TransferResultState.DISCARDED.value: Badge(TransferResultState.DISCARDED.label, Tone.NEUTRAL, Shape.DASH),
}
VERDICTS: Mapping[str, Badge] = {
    Verdict.SUCCEEDED.value: Badge(gettext_lazy("성공"), Tone.SUCCESS, Shape.CHECK),
    Verdict.FAILED.value: Badge(gettext_lazy("실패"), Tone.DANGER, Shape.CROSS),
    Verdict.WAITING.value: Badge(gettext_lazy("은행 처리 중"), Tone.PROGRESS, Shape.HALF),
    Verdict.UNKNOWN.value: Badge(gettext_lazy("확인 필요"), Tone.WARNING, Shape.ALERT),
    Verdict.RETURNED.value: Badge(gettext_lazy("반송"), Tone.DANGER, Shape.BACK),
    Verdict.SAME.value: Badge(gettext_lazy("이미 반영됨"), Tone.NEUTRAL, Shape.DASH),
    Verdict.LATE.value: Badge(gettext_lazy("늦게 온 결과"), Tone.WARNING, Shape.ALERT),
    Verdict.DIFFERS.value: Badge(gettext_lazy("끝난 지급과 다름"), Tone.DANGER, Shape.ALERT),
    Verdict.UNEXPLAINED.value: Badge(gettext_lazy("설명되지 않은 거래"), Tone.WARNING, Shape.RING),
}
HAPPENINGS: Mapping[str, Label] = {
    "transfer_file.made": gettext_lazy("이체 파일을 만들었어요"),
    "transfer_file.downloaded": gettext_lazy("파일을 받았어요"),
    "transfer_file.result_confirmed": gettext_lazy("은행 결과를 반영했어요"),
    "transfer_file.result_discarded": gettext_lazy("결과 파일을 버렸어요"),
    "transfer_file.withdrawal_proposed": gettext_lazy("은행에 내지 않았다고 했어요"),
    "transfer_file.withdrawal_rejected": gettext_lazy("철회 요청을 반려했어요"),
    "transfer_file.withdrawn": gettext_lazy("파일을 철회했어요"),
}


def file_url(public_id: object) -> str:
    """Return the page of a file."""
    return reverse("payouts:file", args=[public_id])


def result_url(public_id: object) -> str:
    """Return the page of a result file."""
    return reverse("payouts:file-result", args=[public_id])


class FileList(ListPage):
    """이체 파일: one row per file."""

    slug = "transfer-files"
    url_name = "payouts:files"
    title = gettext_lazy("이체 파일")
    intro = gettext_lazy("은행에 직접 올리는 파일이에요. 받아서 은행에 내고, 은행이 준 결과 파일을 여기에 올려 주세요.")
    permission = Permission.VIEW
    order = ("-created_at", "-id")
    columns = (
        Column("public_id", gettext_lazy("파일 번호"), Kind.ID),
        Column("state", gettext_lazy("상태"), Kind.BADGE, badges=FILE_BADGES),
        Column("total_amount", gettext_lazy("이체 금액"), Kind.WON, total=True),
        Column("line_count", gettext_lazy("이체 건수"), Kind.COUNT, total=True),
        Column("bulk_payout__name", gettext_lazy("일괄지급")),
        Column(
            "bulk_payout__public_id",
            gettext_lazy("일괄지급 번호"),
            Kind.ID,
            default=False,
            link=lambda row: links.bulk_url(row["bulk_payout__public_id"]),
        ),
        Column("bank_account__name", gettext_lazy("지급 계좌")),
        Column("form_name", gettext_lazy("받은 형식"), value=lambda row: form_name(str(row["form"]))),
        Column("downloads", gettext_lazy("받은 횟수"), Kind.COUNT),
        Column("created_at", gettext_lazy("만든 때"), Kind.MOMENT, sortable=True),
        Column("day", gettext_lazy("이체일"), Kind.DATE, default=False),
        Column("state_changed_at", gettext_lazy("상태가 바뀐 때"), Kind.MOMENT, default=False),
    )
    extra = ("form",)
    filters = (
        DateFilter((DateKind("created", gettext_lazy("만든 날"), "created_at", moment=True),)),
        KeywordFilter(
            (
                Keyword("id", gettext_lazy("파일 번호"), ("public_id",), exact=True),
                Keyword("bulk", gettext_lazy("일괄지급 이름"), ("bulk_payout__name",)),
                Keyword("reference", gettext_lazy("이체 번호"), ("lines__attempt__reference",), exact=True),
            ),
        ),
        ChoiceFilter("state", gettext_lazy("상태"), tuple(TransferFileState.choices), badges=FILE_BADGES),
        IdFilter("bulk-id", gettext_lazy("일괄지급"), "bulk_payout__public_id"),
    )
    blank = gettext_lazy("아직 이체 파일이 없어요. 파일로 지급하는 계좌의 일괄지급이 승인되면 여기에 나와요.")

    def queryset(self, scope: Scope) -> QuerySet[TransferFile]:
        """Return the files of a scope."""
        return queries.file_rows(scope)

    def row_url(self, row: Row) -> str | None:
        """Open the file."""
        return file_url(row["public_id"])

    def row_class(self, row: Row) -> str:
        """Set the withdrawn ones back."""
        return "muted" if row["state"] == TransferFileState.WITHDRAWN else ""


def form_name(form: str) -> str:
    """Return a format in words; empty for a file nobody has taken."""
    return str(TransferFileForm(form).label) if form else ""


def panel(request: PageRequest, bulk: BulkPayout) -> dict[str, object] | None:
    """Return what the page of a bulk payout shows of its files; None when it does not pay by files."""
    if not rail(bulk.bank_account.rail).promises.by_file:
        return None
    files = queries.files_of(bulk)
    return {
        "files": [(row, FILE_BADGES[row.state], form_name(row.form)) for row in files],
        "may_take": allowed(request.role, Permission.PAYOUTS_SUBMIT),
    }


class FilePage(PageView):
    """One file: what is in it, who took it, what came back."""

    permission = Permission.VIEW
    title = gettext_lazy("이체 파일")

    def get(self, request: PageRequest, file_id: str) -> HttpResponse:
        """Show the file."""
        found = queries.find_file(request.scope, file_id)
        return render(request, "payouts/file.html", page_of(request, found))


def page_of(request: PageRequest, found: TransferFile, errors: tuple[str, ...] = ()) -> dict[str, object]:
    """Return what the page of a file shows."""
    may_take = allowed(request.role, Permission.PAYOUTS_SUBMIT)
    withdrawn = found.state == TransferFileState.WITHDRAWN
    proposed = found.withdrawals.filter(state=DecisionState.PROPOSED).first()
    withdrawable = found.state in (TransferFileState.MADE, TransferFileState.DOWNLOADED) and proposed is None
    lines = list(queries.lines_of(found)[:SHOWN_LINES])
    return {
        "title": _("이체 파일"),
        "file": found,
        "bulk": found.bulk_payout,
        "state": FILE_BADGES[found.state],
        "account": shown.destination(found.bank_account.bank, found.bank_account.last4),
        "form_name": form_name(found.form),
        "forms": [(value, label) for value, label in TransferFileForm.choices if found.form in ("", value)],
        "may_take": may_take and not withdrawn,
        "may_read": may_take and bool(found.form),
        "may_withdraw": withdrawable and allowed(request.role, Permission.UNKNOWN_PROPOSE),
        "proposed": proposed,
        "may_confirm": proposed is not None and may_decide(request, proposed),
        "results": [(row, RESULT_BADGES[row.state], tallied(row)) for row in _results(found)],
        "taken": list(found.taken.order_by("-pk")[:SHOWN_DOWNLOADS]),
        "lines": [(line, shown.PAYOUT_BADGES[line.attempt.payout.status], _destination(line)) for line in lines],
        "lines_hidden": max(found.line_count - SHOWN_LINES, 0),
        "figures": _figures(found),
        "timeline": _timeline(found),
        "errors": errors,
    }


def may_decide(request: PageRequest, proposed: FileWithdrawal) -> bool:
    """Say whether the person may decide about a withdrawal: another one than who proposed it."""
    return allowed(request.role, Permission.UNKNOWN_CONFIRM) and request.user.pk != proposed.proposed_by_id


def _results(found: TransferFile) -> list[TransferResult]:
    return list(found.results.defer("content", "content_key").order_by("-pk"))


def _destination(line: Any) -> str:
    payout = line.attempt.payout
    return shown.destination(payout.bank, payout.account_last4)


def _figures(found: TransferFile) -> list[tuple[Badge, int, int]]:
    counts = queries.state_counts(found)
    return [(shown.ATTEMPT_BADGES[state], *counts[state]) for state in shown.ATTEMPT_BADGES if state in counts]


def tallied(result: TransferResult) -> list[tuple[Badge, int, int]]:
    """Return the counts and sums of a result file by what its lines would do."""
    counts = result.summary["counts"]
    return [(badge, *counts[verdict]) for verdict, badge in VERDICTS.items() if verdict in counts]


def _timeline(found: TransferFile) -> list[Happening]:
    events = access_queries.history(found.scope, "transfer_file", found.public_id)
    return [
        Happening(event.at, str(HAPPENINGS.get(event.action, event.action)), event.actor_name, event.reason)
        for event in events
    ]


class DownloadView(PageView):
    """Taking a file. Only by POST: it is recorded, and the first format stays."""

    permission = Permission.PAYOUTS_SUBMIT

    def post(self, request: PageRequest, file_id: str) -> HttpResponseBase:
        """Send the file."""
        taken = transfer_files.download(
            scope=request.scope,
            file_id=file_id,
            form=request.POST.get("form", ""),
            by=request.actor,
            now=clock.now(),
        )
        response = as_download(BytesIO(taken.content), taken.name, taken.media_type)
        response["Cache-Control"] = "no-store"
        return response


class UploadView(PageView):
    """Reading a result file of the bank; nothing is decided before it is confirmed."""

    permission = Permission.PAYOUTS_SUBMIT

    def post(self, request: PageRequest, file_id: str) -> HttpResponseBase:
        """Keep it and show what it would do; a file that cannot be read is told why on the same page."""
        found = queries.find_file(request.scope, file_id)
        upload = request.FILES.get("file")
        if not isinstance(upload, UploadedFile):
            return self._again(request, found, (_("올릴 파일을 골라 주세요."),))
        if (upload.size or 0) > transfer_results.MOST_BYTES:
            limit = transfer_results.MOST_BYTES // 1_000_000
            return self._again(
                request, found, (_("파일이 너무 커요. %(limit)s MB까지 올릴 수 있어요.") % {"limit": limit},)
            )
        try:
            result = transfer_results.read_result(
                scope=request.scope,
                file_id=file_id,
                name=upload.name or "",
                body=upload.read(),
                by=request.actor,
                now=clock.now(),
            )
        except ResultRefused as refusal:
            return self._again(request, found, tuple(_told(refusal)))
        return redirect(result_url(result.public_id))

    def _again(self, request: PageRequest, found: TransferFile, errors: tuple[str, ...]) -> HttpResponse:
        return render(request, "payouts/file.html", page_of(request, found, errors), status=400)


def _told(refusal: ResultRefused) -> list[str]:
    problems = refusal.facts.get("problems")
    return [str(one) for one in problems] if isinstance(problems, list) else [str(refusal.message)]


class ResultPage(PageView):
    """What a result file would do, or has done."""

    permission = Permission.VIEW
    title = gettext_lazy("은행 결과")

    def get(self, request: PageRequest, result_id: str) -> HttpResponse:
        """Show it."""
        result = queries.find_result(request.scope, result_id)
        context = {
            "title": _("은행 결과"),
            "result": result,
            "file": result.transfer_file,
            "state": RESULT_BADGES[result.state],
            "tally": tallied(result),
            "lines": [{**line, "badge": VERDICTS[line["verdict"]]} for line in result.summary["lines"]],
            "hidden": max(result.summary["total"] - len(result.summary["lines"]), 0),
            "may_confirm": result.state == TransferResultState.CHECKED
            and allowed(request.role, Permission.PAYOUTS_SUBMIT),
        }
        return render(request, "payouts/file_result.html", context)

    def post(self, request: PageRequest, result_id: str) -> HttpResponseBase:
        """Do what it says, or throw it away."""
        check_permission(request, Permission.PAYOUTS_SUBMIT)
        given: dict[str, Any] = {
            "scope": request.scope,
            "result_id": result_id,
            "by": request.actor,
            "now": clock.now(),
        }
        if request.POST.get("action") == "discard":
            result = transfer_results.discard_result(**given)
            messages.info(request, _("결과 파일을 버렸어요. 아무것도 바뀌지 않았어요."))
            return redirect(file_url(result.transfer_file.public_id))
        if queries.find_result(request.scope, result_id).summary["total"] > transfer_results.INLINE_LINES:
            transfer_results.start_confirming(**given)
            messages.info(request, _("은행 결과를 반영하고 있어요. 줄이 많아서 시간이 조금 걸려요."))
        else:
            transfer_results.confirm_result(**given)
            messages.success(request, _("은행 결과를 반영했어요."))
        return redirect(result_url(result_id))


class EvidenceForm(forms.Form):
    """How somebody knows that the bank does not have the file."""

    evidence = forms.CharField(
        label=gettext_lazy("확인한 방법"),
        max_length=_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("예: 은행 사이트의 대량이체 목록에 이 파일이 없는 것을 확인했어요."),
    )


class RejectForm(forms.Form):
    """Why a withdrawal is refused."""

    reason = forms.CharField(label=gettext_lazy("사유"), max_length=_REASON, widget=forms.Textarea(attrs={"rows": 3}))


def _facts(found: TransferFile) -> list[tuple[Label, object]]:
    return [
        (gettext_lazy("파일 번호"), found.public_id),
        (gettext_lazy("이체 금액"), f"₩{found.total_amount:,}"),
        (pgettext_lazy("transfer file", "이체 건수"), f"{found.line_count:,}"),
        (gettext_lazy("받은 횟수"), f"{found.downloads:,}"),
    ]


class WithdrawView(AskView):
    """이 파일은 은행에 내지 않았어요: one person says so."""

    permission = Permission.UNKNOWN_PROPOSE
    heading = gettext_lazy("이 파일을 은행에 내지 않은 것이 확실한가요?")
    button = gettext_lazy("철회 요청하기")
    says = gettext_lazy(
        "다른 사람이 확인하면 이 파일의 지급이 모두 새 파일에 들어가요. 이미 은행에 낸 파일이라면 두 번 지급돼요."
    )
    done = gettext_lazy("철회를 요청했어요. 다른 사람이 확인하면 새 파일을 만들어요.")
    danger = True
    form_class = EvidenceForm

    def facts(self, request: PageRequest, key: str) -> Facts:
        """Name the file, and how often it was taken."""
        return _facts(queries.find_file(request.scope, key))

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:
        """Propose it."""
        transfer_files.propose_withdrawal(
            scope=request.scope, file_id=key, evidence=str(data["evidence"]), by=request.actor, now=clock.now()
        )

    def back(self, request: PageRequest, key: str) -> str:
        """Return to the file."""
        return file_url(queries.find_file(request.scope, key).public_id)


class _DecideView(AskView):
    permission = Permission.UNKNOWN_CONFIRM
    needs_code = True

    def facts(self, request: PageRequest, key: str) -> Facts:
        """Name the file, who says that it was not handed in, and how that is known."""
        wanted = queries.find_withdrawal(request.scope, key)
        return [
            *_facts(wanted.transfer_file),
            (gettext_lazy("요청한 사람"), wanted.proposed_by),
            (gettext_lazy("확인한 방법"), wanted.evidence),
        ]

    def back(self, request: PageRequest, key: str) -> str:
        """Return to the file."""
        return file_url(queries.find_withdrawal(request.scope, key).transfer_file.public_id)


class ConfirmWithdrawalView(_DecideView):
    """철회 확인: another person says so too."""

    heading = gettext_lazy("이 파일을 철회할까요?")
    button = gettext_lazy("철회하기")
    says = gettext_lazy(
        "이 파일의 지급이 되돌아가서 새 파일에 들어가요. 은행에 내지 않은 것을 직접 확인한 다음에 철회해 주세요."
    )
    done = gettext_lazy("파일을 철회했어요. 지급은 새 파일에 들어가요.")
    danger = True

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:  # noqa: ARG002 - asks nothing
        """Confirm it."""
        transfer_files.confirm_withdrawal(scope=request.scope, withdrawal_id=key, by=request.actor, now=clock.now())


class RejectWithdrawalView(_DecideView):
    """철회 반려: the bank may have the file after all."""

    heading = gettext_lazy("철회 요청을 반려할까요?")
    button = gettext_lazy("반려하기")
    says = gettext_lazy("파일과 지급은 그대로 남아요. 은행의 결과 파일을 기다려요.")
    done = gettext_lazy("철회 요청을 반려했어요.")
    form_class = RejectForm

    def act(self, request: PageRequest, key: str, data: Mapping[str, Any]) -> None:
        """Refuse it."""
        transfer_files.reject_withdrawal(
            scope=request.scope, withdrawal_id=key, reason=str(data["reason"]), by=request.actor, now=clock.now()
        )
