"""Sentences about bank statements: what is wrong with a file, each with its place, and what its words mean."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.columns import Badge, Label, Shape, Tone
from console.files.errors import REASONS as OF_SHEETS
from payouts.transfer_words import PROBLEMS as OF_TRANSFER_FILES
from reconciliation.statements.judging import Open, Verdict
from reconciliation.statements.lines import Form, Said
from reconciliation.statements.refusals import Problem, StatementRefused

PROBLEMS: Mapping[str, Label] = {
    "mapping_needed": gettext_lazy("이 파일의 열이 무엇인지 먼저 알려 주세요."),
    "mapping_day": gettext_lazy("거래일이 든 열을 골라 주세요."),
    "mapping_amount": gettext_lazy("금액 열 하나를 고르거나, 입금액 열과 출금액 열을 골라 주세요."),
    "header_row_missing": gettext_lazy("제목 줄이 있어야 할 %(row)s번째 줄이 파일에 없어요."),
    "no_lines": gettext_lazy("거래가 한 줄도 없어요."),
    "no_amount": gettext_lazy("금액이 없어요. 입금액이나 출금액 가운데 하나가 있어야 해요."),
    "both_amounts": gettext_lazy("입금액과 출금액이 둘 다 있어요. 하나만 있어야 해요."),
    "direction": gettext_lazy("입금인지 출금인지 알 수 없는 낱말이에요(%(found)s)."),
    "not_a_time": gettext_lazy("시각을 확인해 주세요. 14:05처럼 적혀 있어야 해요."),
    "below_minor_unit": gettext_lazy("통화의 가장 작은 단위보다 작은 금액이에요."),
    "mixed_decimal": gettext_lazy("소수점을 점으로 쓴 금액과 쉼표로 쓴 금액이 섞여 있어요."),
    "currency": gettext_lazy("다루지 않는 통화예요(%(found)s)."),
    "several_currencies": gettext_lazy("통화가 여러 가지예요(%(found)s). 통화마다 따로 받아 주세요."),
    "currency_differs": gettext_lazy("계좌의 통화(%(expected)s)와 다른 통화예요(%(found)s)."),
    "too_long": gettext_lazy("값이 너무 길어요. %(limit)s자까지 쓸 수 있어요."),
    "xml_namespace": gettext_lazy("읽을 수 있는 형식이 아니에요(%(found)s). camt.053 파일을 올려 주세요."),
}

FORMS: Mapping[str, Label] = {
    Form.SIMULATOR_CSV.value: gettext_lazy("은행 시뮬레이터 CSV"),
    Form.CAMT053.value: gettext_lazy("camt.053"),
    Form.MAPPED.value: gettext_lazy("열을 고른 파일"),
}

REASONS: Mapping[str, Label] = {
    Open.NO_REFERENCE.value: gettext_lazy(
        "이체 번호가 없어서 어느 지급인지 알 수 없어요. 장부에서 찾아서 맞춰 주세요."
    ),
    Open.UNKNOWN_REFERENCE.value: gettext_lazy("우리가 보낸 적이 없는 이체 번호예요. 누가 보냈는지 확인해 주세요."),
    Open.AMOUNT.value: gettext_lazy("이체 번호는 같은데 금액이 달라요."),
    Open.DAY.value: gettext_lazy("이체 번호와 금액은 같은데 날짜가 달라요."),
    Open.ACCOUNT.value: gettext_lazy("이체 번호는 같은데 상대 계좌나 우리 계좌가 달라요."),
    Open.NOT_SENT.value: gettext_lazy("아직 보내는 중인 지급이에요. 결과가 나오면 저절로 맞춰요."),
    Open.UNPAID.value: gettext_lazy("지급되지 않은 것으로 끝난 지급인데 돈이 나갔어요. 바로 확인해 주세요."),
    Open.TWICE.value: gettext_lazy("같은 지급이 두 번 나왔어요. 바로 확인해 주세요."),
    Open.CANDIDATES.value: gettext_lazy("금액과 날짜가 맞는 장부 거래가 있어요. 골라서 맞춰 주세요."),
    Open.FEE.value: gettext_lazy("은행 수수료예요. 확인하고 수수료로 처리해 주세요."),
    Open.RETURN.value: gettext_lazy("되돌아온 금액이 지급한 금액과 달라요."),
    Open.GAP.value: gettext_lazy("잔액이 이어지지 않는 명세라서 저절로 맞추지 않았어요."),
    Open.RELEASED.value: gettext_lazy("맞춘 것을 사람이 풀었어요."),
    Open.PART.value: gettext_lazy("일부만 맞았어요. 남은 금액을 처리해 주세요."),
    Open.SUSPENSE.value: gettext_lazy("가수금으로 잡아 두었어요. 누구의 돈인지 알려 주세요."),
}
"""Why a line of a statement waits for a person, and what to do."""

SHORT_REASONS: Mapping[str, Label] = {
    Open.NO_REFERENCE.value: gettext_lazy("이체 번호 없음"),
    Open.UNKNOWN_REFERENCE.value: gettext_lazy("모르는 이체 번호"),
    Open.AMOUNT.value: gettext_lazy("금액 다름"),
    Open.DAY.value: gettext_lazy("날짜 다름"),
    Open.ACCOUNT.value: gettext_lazy("계좌 다름"),
    Open.NOT_SENT.value: gettext_lazy("보내는 중"),
    Open.UNPAID.value: gettext_lazy("실패한 지급"),
    Open.TWICE.value: gettext_lazy("두 번 나옴"),
    Open.CANDIDATES.value: gettext_lazy("맞출 거래 있음"),
    Open.FEE.value: gettext_lazy("은행 수수료"),
    Open.RETURN.value: gettext_lazy("반송 금액 다름"),
    Open.GAP.value: gettext_lazy("잔액 끊김"),
    Open.RELEASED.value: gettext_lazy("맞춤 풀림"),
    Open.PART.value: gettext_lazy("일부 남음"),
    Open.SUSPENSE.value: gettext_lazy("가수금"),
}

URGENT = frozenset({Open.UNPAID.value, Open.TWICE.value})
"""Reasons for which money may have left wrongly."""

REASON_BADGES: Mapping[str, Badge] = {
    code: Badge(label, Tone.DANGER, Shape.ALERT) if code in URGENT else Badge(label, Tone.WARNING, Shape.RING)
    for code, label in SHORT_REASONS.items()
} | {
    Open.NOT_SENT.value: Badge(SHORT_REASONS[Open.NOT_SENT.value], Tone.PROGRESS, Shape.CLOCK),
    Open.SUSPENSE.value: Badge(SHORT_REASONS[Open.SUSPENSE.value], Tone.INFO, Shape.HALF),
}

VERDICT_BADGES: Mapping[str, Badge] = {
    Verdict.MATCHED.value: Badge(gettext_lazy("장부와 일치"), Tone.SUCCESS, Shape.CHECK),
    Verdict.DECIDES.value: Badge(gettext_lazy("지급 확정"), Tone.SUCCESS, Shape.DOT),
    Verdict.RETURNED.value: Badge(gettext_lazy("반송 처리"), Tone.WARNING, Shape.BACK),
    Verdict.DEPOSIT.value: Badge(gettext_lazy("가수금으로"), Tone.INFO, Shape.HALF),
    Verdict.REPEATED.value: Badge(gettext_lazy("이미 있는 줄"), Tone.NEUTRAL, Shape.DASH),
    Verdict.OPEN.value: Badge(gettext_lazy("사람이 확인"), Tone.WARNING, Shape.RING),
}

VERDICTS: Mapping[str, Label] = {
    Verdict.MATCHED.value: gettext_lazy("장부에 있는 거래와 맞아요."),
    Verdict.DECIDES.value: gettext_lazy("결과를 모르던 지급이 성공한 것으로 정해져요."),
    Verdict.RETURNED.value: gettext_lazy("지급한 돈이 되돌아왔어요. 지급을 반송으로 바꿔요."),
    Verdict.DEPOSIT.value: gettext_lazy("우리가 모르는 입금이에요. 가수금으로 잡고 누구의 돈인지 물어봐요."),
    Verdict.REPEATED.value: gettext_lazy("먼저 올린 명세에 있는 줄이라 다시 세지 않아요."),
    Verdict.OPEN.value: gettext_lazy("저절로 맞추지 않고 확인할 목록에 남겨요."),
}

SAID_BADGES: Mapping[str, Badge] = {
    Said.TRANSFER.value: Badge(gettext_lazy("이체"), Tone.NEUTRAL, Shape.DOT),
    Said.RETURN.value: Badge(gettext_lazy("반송"), Tone.WARNING, Shape.BACK),
    Said.DEPOSIT.value: Badge(gettext_lazy("입금"), Tone.INFO, Shape.RING),
    Said.FEE.value: Badge(gettext_lazy("수수료"), Tone.NEUTRAL, Shape.HALF),
    Said.OTHER.value: Badge(gettext_lazy("알 수 없음"), Tone.NEUTRAL, Shape.DASH),
}

FIELDS: Mapping[str, Label] = {
    "day": gettext_lazy("거래일"),
    "time": gettext_lazy("거래 시각"),
    "amount": gettext_lazy("금액 (한 열)"),
    "paid_in": gettext_lazy("입금액"),
    "paid_out": gettext_lazy("출금액"),
    "balance": gettext_lazy("거래 후 잔액"),
    "direction": gettext_lazy("입출금 구분"),
    "kind": gettext_lazy("거래 구분"),
    "description": gettext_lazy("적요"),
    "name": gettext_lazy("상대 이름"),
    "account": gettext_lazy("상대 계좌번호"),
    "bank": gettext_lazy("상대 은행"),
    "reference": gettext_lazy("이체 번호"),
    "reference_date": gettext_lazy("이체 지시일"),
    "bank_reference": gettext_lazy("은행 거래번호"),
    "currency_column": gettext_lazy("통화"),
}


def sentence(problem: Problem, *, is_xml: bool = False) -> str:
    """Return what is wrong, with row and column, in the reader's language."""
    known = PROBLEMS.get(problem.code) or OF_TRANSFER_FILES.get(problem.code) or OF_SHEETS.get(problem.code)
    text = known or problem.code
    told = (_(text) if isinstance(text, str) else str(text)) % {"row": problem.row, **problem.params}
    place = _place(problem, is_xml=is_xml)
    return f"{place}: {told}" if place else told


def sentences(error: StatementRefused, name: str = "", *, is_xml: bool = False) -> list[str]:
    """Return everything that is wrong with a file, each beginning with the file's name where it has one."""
    return [f"{name} {sentence(problem, is_xml=is_xml)}".strip() for problem in error.problems]


def _place(problem: Problem, *, is_xml: bool) -> str:
    row = ""
    if problem.row:
        row = (_("%(line)s번째 줄") if is_xml else _("%(row)s행")) % {"line": problem.row, "row": problem.row}
    return ", ".join(filter(None, (row, problem.column)))
