"""조정 파일 상세: what was understood of one file, and what can be done with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from access import queries as access_queries
from access.requests import PageRequest
from access.roles import Permission, allowed
from console import totals
from console.columns import Column, Kind, Label, Row
from console.pages import PageView
from core import clock, jobs
from core.models import Job
from reconciliation import queries, wording
from reconciliation.figures import COLUMNS
from reconciliation.invoice_figures import ITEMISED
from reconciliation.lines import Kind as FileKind
from reconciliation.models import KEPT_STATES, STORED_STATES, Batch, BatchState
from reconciliation.operations import storing
from reconciliation.pages.files import links, reads, shown
from reconciliation.pages.files.shown import Amount

_SHOWN_EVENTS = 50
_SHOWN_TYPES = 40
_SHOWN_UNKNOWN = 40
_PAYOUTS = frozenset({FileKind.STRIPE_PAYOUT, FileKind.ADYEN_SETTLEMENT})
# A worker tells every two seconds how far it is.
_SILENT = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done with the file now: the address, and how the button looks."""

    label: Label
    url_name: str
    icon: str = ""
    style: str = ""


ACCEPT = Action(gettext_lazy("반영하기"), "reconciliation:file-accept", "check", "primary")
DISCARD = Action(gettext_lazy("버리기"), "reconciliation:file-discard", "trash", "danger")


def actions(request: PageRequest, batch: Batch) -> list[Action]:
    """Return what the person may do with a file now."""
    if not allowed(request.role, Permission.EDIT):
        return []
    return [ACCEPT, DISCARD] if batch.state == BatchState.UNDERSTOOD else []


class BatchPage(PageView):
    """One file."""

    permission = Permission.VIEW
    title = gettext_lazy("조정 파일")

    def get(self, request: PageRequest, batch_id: str) -> HttpResponse:
        """Show what was understood of it, or how far reading it is, or why it was not taken."""
        batch = queries.batch(request.scope, batch_id)
        context = {
            "title": batch.name,
            "batch": batch,
            "state": shown.STATE_BADGES[batch.state],
            "kind": shown.kind(batch.kind, batch.layout),
            "who": shown.person(batch.created_by),
            "decider": shown.person(batch.decided_by),
            "may_edit": allowed(request.role, Permission.EDIT),
            "actions": actions(request, batch),
            "events": _events(request, batch),
        }
        if batch.state == BatchState.LOADING:
            context |= progress(batch)
        elif batch.state == BatchState.REJECTED:
            context |= _refused(batch)
        elif batch.state in KEPT_STATES:
            context |= _understood(request, batch)
        return render(request, "reconciliation/file.html", context)


# ---- While it is read


def progress(batch: Batch) -> dict[str, object]:
    """Return how far reading a file is; a job whose worker died is taken over by itself."""
    job = reads.job_of(batch)
    return {"job": job, "is_going": job is not None and job.is_open, "again": _again(job)}


def _again(job: Job | None) -> str:
    if job is None or not job.is_open:
        return ""
    if job.lease_until is not None and job.lease_until - jobs.LEASE + _SILENT < clock.now():
        return _("읽던 프로그램이 멈춘 것 같아요. 그대로 두면 다른 프로그램이 곧 처음부터 다시 읽어요.")
    return _("읽던 프로그램이 멈춰서 처음부터 다시 읽고 있어요.") if job.tries > 1 else ""


# ---- When it was not taken


def _refused(batch: Batch) -> dict[str, object]:
    found = batch.refusal
    return {
        "reason": shown.refusal(found),
        "closest": shown.kind(str(found.get("closest_kind") or "")),
        "missing": found.get("missing", []),
        "doubled": found.get("duplicate_columns", []),
        "evidence": {mark: records[0] for mark, records in found.get("evidence", {}).items()},
        "last_complete": found.get("last_complete_record"),
    }


# ---- What was understood


def _understood(request: PageRequest, batch: Batch) -> dict[str, object]:
    answer, summed = batch.answer, _summed(batch)
    return {
        "facts": _facts(batch),
        "tally": _tally(batch, 0 if summed is None else summed.flagged),
        "totals": _totals(batch),
        "total_columns": _TOTAL_COLUMNS if "total" in _first(answer["totals"]) else _PROVIDER_COLUMNS,
        "warnings": _warnings(batch),
        "tax_missing": "tax_not_itemised" in answer["notes"],
        "printed": _printed(batch),
        "blocks": _blocks(batch),
        "payouts": _payouts(batch),
        "is_payout": FileKind(batch.kind) in _PAYOUTS,
        "standing": reads.standing(batch),
        "versions": _versions(batch),
        "due": queries.due_day(batch) if batch.state in STORED_STATES else None,
        "ways": _ways(batch),
        "may_issue": allowed(request.role, Permission.EDIT),
        "can_export": allowed(request.role, Permission.EXPORT),
        **_types(batch, summed),
    }


def _facts(batch: Batch) -> list[tuple[str, str]]:
    """Return how the file was read."""
    answer = batch.answer
    told = answer["detected"]
    encoding = str(told["encoding"]).upper() + (_(" (표시 있음)") if told["bom"] else "")
    facts = [
        (_("종류"), shown.kind(batch.kind, batch.layout)),
        (_("파일 형식"), wording.packing(answer["container"]) if answer["container"] else _("압축 없음")),
        (_("압축 안의 파일"), answer["archive_member"] or ""),
        (_("글자 인코딩"), encoding),
        (_("구분 기호"), wording.word(wording.DELIMITERS, told["delimiter"]) if told["delimiter"] else ""),
        (_("소수점"), wording.word(wording.DECIMAL_MARKS, told["decimal_mark"])),
        (_("날짜 순서"), wording.word(wording.DATE_ORDERS, told["date_order"])),
    ]
    return [(label, text) for label, text in facts if text]


@dataclass(frozen=True, slots=True)
class Count:
    """How many records are of one sort, and where they are shown."""

    label: str
    number: int
    url: str = ""
    is_bad: bool = False


def _tally(batch: Batch, flagged: int) -> list[Count]:
    records, public_id = batch.answer["records"], batch.public_id
    found = [Count(pgettext("vendor file", "내역"), records["data_records"], links.lines_url(public_id))]
    for name in (shown.VALID, shown.INVALID, shown.DUPLICATE):
        label = str(shown.LINE_BADGES[name].label)
        url = links.lines_url(public_id, standing=name) if records[name] else ""
        found.append(Count(label, records[name], url, is_bad=name == shown.INVALID and records[name] > 0))
    if flagged:
        found.append(Count(_("계산 표시"), flagged, links.lines_url(public_id, flagged="yes")))
    ignored = sum(row.get("count", 1) for row in batch.answer["ignored_records"])
    return [*found, Count(_("건너뛴 줄"), ignored, "#ignored" if ignored else "")]


_TOTAL_COLUMNS = (
    shown.CURRENCY,
    *(Amount(name, shown.FIGURES[name], Kind.DECIMAL) for name in ("pretax", "tax", "total")),
)
_PROVIDER_COLUMNS = (
    shown.CURRENCY,
    *(Amount(name, shown.FIGURES[name], Kind.DECIMAL) for name in ("gross", "fee", "net")),
)


def _totals(batch: Batch) -> list[dict[str, Any]]:
    return [
        {"currency": currency, **{name: Decimal(value) for name, value in figures.items()}}
        for currency, figures in batch.answer["totals"].items()
    ]


def _first(totals_by_currency: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    return next(iter(totals_by_currency.values()), {"total": ""})


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to look at: in words, how many lines, and where they are shown."""

    text: str
    details: Sequence[str] = ()
    url: str = ""


def _warnings(batch: Batch) -> list[Notice]:
    return [_warning(batch, code) for code in batch.answer["warning_codes"]]


def _warning(batch: Batch, code: str) -> Notice:
    answer, public_id = batch.answer, batch.public_id
    text = wording.word(wording.WARNINGS, code)
    match code:
        case "invalid_lines" | "duplicate_lines":
            name = shown.INVALID if code == "invalid_lines" else shown.DUPLICATE
            details = [_("%(count)s줄") % {"count": f"{answer['records'][name]:,}"}]
            return Notice(text, details, links.lines_url(public_id, standing=name))
        case "arithmetic_faults" | "excel_damaged_ids":
            wanted = "fault" if code == "arithmetic_faults" else "damaged"
            details = _flag_counts(answer["line_flag_counts"], wanted)
            return Notice(text, details, links.lines_url(public_id, flagged="yes"))
        case "unknown_columns":
            names = [name or _("(이름 없음)") for name in answer["unknown_columns"]]
            more = [_("외 %(rest)s개") % {"rest": len(names) - _SHOWN_UNKNOWN}] if len(names) > _SHOWN_UNKNOWN else []
            return Notice(text, [*names[:_SHOWN_UNKNOWN], *more])
        case "unknown_charge_type":
            return Notice(text, (), links.lines_url(public_id, group="other"))
        case "multiple_currencies":
            return Notice(text, list(answer["totals"]))
        case _:
            return Notice(text)


def _flag_counts(counts: Mapping[str, int], wanted: str) -> list[str]:
    found = ((code, count) for code, count in counts.items() if code.endswith(f":{wanted}"))
    return [_("%(flag)s %(count)s줄") % {"flag": wording.flag(code), "count": f"{count:,}"} for code, count in found]


def _printed(batch: Batch) -> list[dict[str, object]]:
    """Return the rows of the file that were passed over; of printed sums also how they stand to ours."""
    currency = next(iter(batch.answer["totals"]), "")
    return [
        {
            "reason": wording.word(wording.IGNORED, row["reason"]),
            "line": row.get("line"),
            "count": row.get("count"),
            "total": shown.amount(row["total"], currency) if "total" in row else "",
            "difference": shown.amount(row["difference"], currency) if row.get("difference") is not None else "",
            "differs": bool(row.get("difference") and Decimal(row["difference"])),
        }
        for row in batch.answer["ignored_records"]
    ]


def _blocks(batch: Batch) -> list[tuple[str, int]]:
    blocks = batch.answer["blocks"]
    return [(shown.kind(block["kind"]), block["records"]) for block in blocks] if len(blocks) > 1 else []


@dataclass(frozen=True, slots=True)
class Payout:
    """What a payment provider pays out at a time; of Adyen also what all lines come to: zero once it is closed."""

    name: str
    paid: str
    rest: str = ""
    is_closed: bool = True


def _payouts(batch: Batch) -> list[Payout]:
    answer, currency = batch.answer, next(iter(batch.answer["totals"]), "")
    paid = [Payout(name, shown.amount(sum_, currency)) for name, sum_ in (answer.get("payout") or {}).items()]
    closed = (answer.get("batch") or {}).items()
    return paid + [
        Payout(
            name,
            shown.amount(one["payout"], currency),
            shown.amount(one["net_sum"], currency),
            is_closed=not Decimal(one["net_sum"]),
        )
        for name, one in closed
    ]


def _type_url(row: Row) -> str | None:
    return links.lines_url(row["public_id"], type=str(row["charge_type"])) if row["charge_type"] else None


_TYPE_COLUMNS = (
    Column(
        "charge_type",
        gettext_lazy("청구 유형"),
        value=lambda row: row["charge_type"] or _("(적지 않음)"),
        link=_type_url,
    ),
    Column(
        "group",
        gettext_lazy("청구 구분"),
        value=lambda row: wording.word(wording.CHARGE_GROUPS, str(row["charge_group"])),
    ),
    *shown.SUMS,
)


@dataclass(frozen=True, slots=True)
class _Summed:
    """What only the lines themselves tell: what each charge type comes to, and how many lines have a flag."""

    types: Sequence[dict[str, Any]]
    flagged: int


def _summed(batch: Batch) -> _Summed | None:
    """Go through the lines; None where that takes too long for a page."""
    try:
        with totals.within(totals.BUDGET):
            return _Summed(reads.by_charge_type(batch), reads.flagged(batch))
    except totals.TooSlow:
        return None


def _types(batch: Batch, summed: _Summed | None) -> dict[str, object]:
    if summed is None:
        return {"types_too_slow": True}
    rows = [row | {"public_id": batch.public_id} for row in summed.types]
    return {"types": rows[:_SHOWN_TYPES], "more_types": max(0, len(rows) - _SHOWN_TYPES), "type_columns": _TYPE_COLUMNS}


def _versions(batch: Batch) -> list[dict[str, object]]:
    return [
        {
            "row": one,
            "state": shown.STATE_BADGES[one.state],
            "who": shown.person(one.decided_by),
            "sums": shown.sums(one.answer["totals"]),
            "is_this": one.pk == batch.pk,
        }
        for one in queries.versions(batch)
    ]


def _ways(batch: Batch) -> list[tuple[str, str, str]]:
    """Return where else the file is looked at: icon, words, address."""
    kind, stored, public_id = FileKind(batch.kind), batch.state in STORED_STATES, batch.public_id
    crossed, compared = stored and kind is FileKind.NCE_DAILY, stored and kind in COLUMNS
    possible = (
        (True, "list-bullet", _("내역 보기"), "lines"),
        (kind in ITEMISED, "document-check", _("송장과 대조"), "file-invoice"),
        (crossed, "calendar-days", _("일별 사용량과 송장 대조"), "file-daily"),
        (compared, "scale", _("비교 결과"), "result"),
        (compared, "building-storefront", _("파트너별"), "by-partner"),
    )
    ways = [(icon, words, links.elsewhere(name, public_id)) for is_there, icon, words, name in possible if is_there]
    return [way for way in ways if way[2]]


def _events(request: PageRequest, batch: Batch) -> list[dict[str, object]]:
    events = access_queries.history(request.scope, storing.KIND, batch.public_id, limit=_SHOWN_EVENTS)
    return [
        {
            "at": event.at,
            "who": shown.person(f"{event.actor_kind}:{event.actor_name}"),
            "text": str(shown.HAPPENINGS.get(event.action, event.action)),
            "note": event.reason,
        }
        for event in events
    ]
