"""What is said about a file in words, for people at a terminal or on a page."""

from collections.abc import Iterator, Mapping
from typing import Final

from django.utils.translation import gettext, gettext_noop

from reconciliation.result import Result

WARNINGS: Final[dict[str, str]] = {
    "encoding_guessed": gettext_noop("글자 인코딩 표시가 없어 짐작했어요. 이름이 깨져 보이지 않는지 확인해 주세요."),
    "unknown_columns": gettext_noop("모르는 열이 있어요. 값은 그대로 두고 계산에는 쓰지 않아요."),
    "no_records": gettext_noop("제목 줄만 있고 내역이 없어요."),
    "invalid_lines": gettext_noop("읽을 수 없는 줄이 있어요. 합계와 비교에서 빠졌어요."),
    "duplicate_lines": gettext_noop("똑같은 줄이 여러 번 있어요. 첫 줄만 셌어요."),
    "arithmetic_faults": gettext_noop("계산이 맞지 않는 줄이 있어요."),
    "multiple_currencies": gettext_noop("통화가 여러 가지예요. 합계를 통화별로 나누었어요."),
    "ambiguous_date_order": gettext_noop("날짜에서 월과 일을 구별할 수 없어요. 월이 먼저라고 보았어요."),
    "formula_like_text": gettext_noop("엑셀에서 수식으로 실행될 수 있는 글자가 있어요."),
    "excel_damaged_ids": gettext_noop("엑셀에서 저장하면서 망가진 식별자가 있어요. 원래 파일을 다시 내려받아 주세요."),
    "missing_customer": gettext_noop("고객 ID가 비어 있는 줄이 있어요."),
    "unknown_charge_type": gettext_noop("모르는 청구 유형이 있어요."),
    "unexpected_sign": gettext_noop("청구 유형과 부호가 맞지 않는 금액이 있어요."),
    "repeated_header": gettext_noop("제목 줄이 되풀이되어 건너뛰었어요."),
    "summary_line": gettext_noop("합계 줄을 건너뛰었어요. 합계가 맞는지 확인해 주세요."),
}

OUTCOMES: Final[dict[str, str]] = {
    "missing_on_our_side": gettext_noop("우리 기록에 없음"),
    "missing_in_file": gettext_noop("파일에 없음"),
    "currency_mismatch": gettext_noop("통화 다름"),
    "quantity_mismatch": gettext_noop("수량 다름"),
    "price_mismatch": gettext_noop("단가 다름"),
    "amount_mismatch": gettext_noop("금액 다름"),
    "tax_mismatch": gettext_noop("세금 다름"),
    "matched_within_tolerance": gettext_noop("허용 범위에서 일치"),
    "matched": gettext_noop("일치"),
}

FIGURES: Final[dict[str, str]] = {
    "pretax": gettext_noop("세전 금액"),
    "tax": gettext_noop("세금"),
    "total": gettext_noop("합계"),
    "gross": gettext_noop("총액"),
    "fee": gettext_noop("수수료"),
    "net": gettext_noop("순액"),
}

KINDS: Final[dict[str, str]] = {
    "license": gettext_noop("라이선스 청구 내역"),
    "usage": gettext_noop("사용량 청구 내역"),
    "usage_daily_legacy": gettext_noop("일별 사용량 (금액 없음)"),
    "onetime_recurring": gettext_noop("일회성·반복 구매 내역"),
    "nce_invoice": gettext_noop("새 커머스 송장 내역"),
    "nce_daily": gettext_noop("새 커머스 일별 사용량"),
    "stripe_payout": gettext_noop("Stripe 지급 내역"),
    "adyen_settlement": gettext_noop("Adyen 정산 내역"),
}

LAYOUTS: Final[dict[str, str]] = {
    "16": gettext_noop("2016년판"),
    "17": gettext_noop("2017년판"),
    "19": gettext_noop("2019년판"),
    "20": gettext_noop("2020년 1월판"),
    "20b": gettext_noop("2020년 11월판"),
    "21": gettext_noop("2021년 3월판"),
    "21b": gettext_noop("2021년 6월판"),
}

PACKINGS: Final[dict[str, str]] = {
    "zip": gettext_noop("ZIP 압축"),
    "gzip": gettext_noop("GZIP 압축"),
    "jsonlines": gettext_noop("JSON 줄"),
}

DELIMITERS: Final[dict[str, str]] = {
    ",": gettext_noop("쉼표 (,)"),
    ";": gettext_noop("쌍반점 (;)"),
    "\t": gettext_noop("탭"),
    "|": gettext_noop("세로줄 (|)"),
}

DECIMAL_MARKS: Final[dict[str, str]] = {
    ".": gettext_noop("점 (1,234.5)"),
    ",": gettext_noop("쉼표 (1.234,5)"),
}

DATE_ORDERS: Final[dict[str, str]] = {
    "MDY": gettext_noop("월/일/년"),
    "DMY": gettext_noop("일.월.년"),
    "ISO": gettext_noop("년-월-일"),
}

CHARGE_GROUPS: Final[dict[str, str]] = {
    "charge": gettext_noop("청구"),
    "proration": gettext_noop("일할 계산"),
    "usage": gettext_noop("사용량"),
    "conversion": gettext_noop("전환"),
    "seat change": gettext_noop("수량 변경"),
    "upgrade": gettext_noop("업그레이드"),
    "plan change": gettext_noop("요금제 변경"),
    "refund": gettext_noop("환불"),
    "credit": gettext_noop("크레딧"),
    "offset": gettext_noop("상계 (세금 포함)"),
    "discount": gettext_noop("할인"),
    "discount reversal": gettext_noop("할인 취소"),
    "other": gettext_noop("모르는 유형"),
}

BUCKETS: Final[dict[str, str]] = {
    "not_in_file": gettext_noop("재판매사 열 없음"),
    "none": gettext_noop("재판매사 없음"),
    "reseller_removed": gettext_noop("재판매사 해제됨"),
    "direct_or_reseller_without_id": gettext_noop("직접 판매 또는 ID 없는 재판매사"),
    "reseller": gettext_noop("재판매사"),
}

IGNORED: Final[dict[str, str]] = {
    "blank": gettext_noop("빈 줄"),
    "repeated_header": gettext_noop("되풀이된 제목 줄"),
    "block_title": gettext_noop("제목만 있는 줄"),
    "summary_line": gettext_noop("합계 줄"),
}

CHECKS: Final[dict[str, str]] = {
    "amount": gettext_noop("금액 계산"),
    "subtotal": gettext_noop("세전 금액 계산"),
    "total": gettext_noop("합계 계산"),
    "quantity": gettext_noop("수량 계산"),
    "pretax": gettext_noop("세전 금액 계산"),
    "net": gettext_noop("순액 계산"),
}

CHECK_RESULTS: Final[dict[str, str]] = {
    "ok": gettext_noop("맞음"),
    "within_rounding": gettext_noop("반올림 차이"),
    "fault": gettext_noop("안 맞음"),
    "damaged": gettext_noop("식별자 손상"),
}

ROW_CODES: Final[dict[str, str]] = {
    "field_count": gettext_noop("칸 수가 제목 줄과 달라요."),
    "missing_value": gettext_noop("%(column)s 값이 비어 있어요."),
    "bad_number": gettext_noop("%(column)s 값을 숫자로 읽을 수 없어요."),
    "bad_date": gettext_noop("%(column)s 값을 날짜로 읽을 수 없어요."),
    "bad_currency": gettext_noop("%(column)s 값이 통화 코드가 아니에요."),
    "period_reversed": gettext_noop("끝나는 날이 시작하는 날보다 빨라요."),
}


def word(words: Mapping[str, str], code: str) -> str:
    """Return what a code is called in the language that is active; a code without a word stands for itself."""
    return gettext(words[code]) if code in words else code


def row_reason(code: str) -> str:
    """Return in words what is wrong with a line, column included: `bad_number:Subtotal`."""
    name, _colon, column = code.partition(":")
    return word(ROW_CODES, name) % {"column": column} if name in ROW_CODES else code


def flag(code: str) -> str:
    """Return in words what is flagged about a line: `subtotal:fault`, `id:SkuId:damaged`."""
    check, _colon, result = code.rpartition(":")
    what = check.removeprefix("id:") if check.startswith("id:") else word(CHECKS, check)
    if result == "ok":
        return gettext("%(check)s: 한 단위씩 잘라 계산") % {"check": what}
    return f"{what}: {word(CHECK_RESULTS, result)}"


def packing(container: str) -> str:
    """Return in words how a file is wrapped: `zip+jsonlines`."""
    return " · ".join(word(PACKINGS, part) for part in container.split("+"))


def sentences(result: Result) -> Iterator[str]:
    """Yield what a result says, line by line, in the language that is active."""
    if result["error_codes"]:
        yield gettext("%(file)s: 받을 수 없어요.") % result
        yield "  " + result["message"]
        return
    yield gettext("%(file)s: 읽었어요.") % result
    yield from _standing(result)
    yield "  " + gettext("종류 %(kind)s, 인코딩 %(encoding)s, 소수점 %(decimal_mark)s") % result["detected"]
    yield "  " + (
        gettext("내역 %(data_records)s줄: 유효 %(valid)s, 읽을 수 없음 %(invalid)s, 중복 %(duplicate)s")
        % result["records"]
    )
    for currency, figures in result["totals"].items():
        yield (
            "  " + f"{currency} " + ", ".join(f"{gettext(FIGURES[name])} {amount}" for name, amount in figures.items())
        )
    for code in result["warning_codes"]:
        yield "  " + gettext("확인: %(sentence)s") % {"sentence": gettext(WARNINGS[code])}
    for row in result["ignored_records"]:
        if row["reason"] == "summary_line":
            yield "  " + _printed_sum(row)
    for outcome, count in result.get("outcome_counts", {}).items():
        yield "  " + gettext("비교 %(outcome)s: %(count)s건") % {"outcome": gettext(OUTCOMES[outcome]), "count": count}


def _standing(result: Result) -> Iterator[str]:
    """Yield what became of a file that was to be stored."""
    if result["status"] == "already_loaded":
        yield "  " + gettext("이미 올린 파일이에요(%(batch_id)s). 다시 저장하지 않았어요.") % result
    elif result["status"] == "new_version":
        counts = result["diff"] | {"replaces": result["replaces"]}
        yield (
            "  "
            + gettext("%(replaces)s의 새 버전이에요. 추가 %(added)s줄, 삭제 %(removed)s줄, 변경 %(changed)s줄.")
            % counts
        )
        if result["batch_id"] is None:
            yield "  " + gettext("저장하지 않았어요. 반영하려면 확인해 주세요.")
    elif result.get("batch_id"):
        yield "  " + gettext("저장했어요(%(batch_id)s).") % result


def _printed_sum(row: Result) -> str:
    if row["difference"] is None:
        return gettext("%(line)s번째 줄의 합계 %(total)s") % row
    return gettext("%(line)s번째 줄의 합계 %(total)s, 우리 합계와의 차이 %(difference)s") % row
