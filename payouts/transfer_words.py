"""Sentences about files of transfers and of results: what is wrong, why something was not written, what was found."""

from collections.abc import Mapping

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.columns import Label
from console.files.errors import REASONS as OF_SHEETS
from payouts.rails.files.refusals import FileRefused, Problem

# What can be wrong with a file; sheets have sentences of their own beside these.
PROBLEMS: Mapping[str, Label] = {
    "no_transfers": gettext_lazy("이체할 건이 없어요."),
    "id_too_long": gettext_lazy("번호가 너무 길어요. %(limit)s자까지 쓸 수 있어요."),
    "element_missing": gettext_lazy("있어야 할 항목이 없어요."),
    "xml_doctype": gettext_lazy("DTD나 엔티티 선언이 들어 있는 파일은 읽지 않아요."),
    "xml_namespace": gettext_lazy("읽을 수 있는 형식이 아니에요(%(found)s). pain.002나 camt.053 파일을 올려 주세요."),
    "xml_too_deep": gettext_lazy("항목이 너무 깊게 겹쳐 있어요. %(limit)s단계까지 읽어요."),
    "xml_too_many": gettext_lazy("항목이 너무 많아요. %(limit)s개까지 읽어요."),
    "xml_text_too_long": gettext_lazy("값이 너무 길어요."),
    "xml_broken": gettext_lazy("XML 문법에 맞지 않아요."),
    "other_currency": gettext_lazy("원화가 아닌 금액이에요(%(found)s)."),
    "reference_doubled": gettext_lazy("같은 이체 번호가 두 번 있어요(%(reference)s)."),
    "several_accounts": gettext_lazy("계좌가 여럿인 파일이에요. 계좌마다 따로 받아 주세요."),
    "balances_differ": gettext_lazy(
        "잔액이 맞지 않아요. 시작 잔액 %(opening)s에 거래 합계 %(moved)s를 더하면 끝 잔액 %(closing)s가 되어야 해요."
    ),
    "balance_missing": gettext_lazy("%(balance)s 잔액이 없어요."),
    "not_debit_or_credit": gettext_lazy("입금인지 출금인지 알 수 없어요."),
    "parts_differ": gettext_lazy("묶음 거래의 합계가 맞지 않아요."),
    "no_answers": gettext_lazy("이체 결과가 한 줄도 없어요."),
    "other_file": gettext_lazy("다른 이체 파일(%(found)s)의 결과예요."),
    "other_account": gettext_lazy("다른 계좌(%(found)s)의 거래내역이에요."),
    "counts_differ": gettext_lazy("건수나 합계가 이체 파일과 달라요. 파일은 %(count)s건 %(total)s원이에요."),
}

# Why a transfer cannot be written into any file.
UNWRITABLE: Mapping[str, Label] = {
    "currency": gettext_lazy("원화가 아니에요."),
    "bank_without_number": gettext_lazy("은행의 공동망 번호가 없어요."),
    "account_number": gettext_lazy("계좌번호가 숫자 4~16자리가 아니에요."),
    "reference": gettext_lazy("이체 번호에 쓸 수 없는 글자가 있어요."),
    "holder_missing": gettext_lazy("예금주가 없어요."),
    "holder_too_long": gettext_lazy("예금주가 너무 길어요."),
    "holder_characters": gettext_lazy("예금주에 쓸 수 없는 글자가 있어요."),
}


def unwritable(code: str) -> str:
    """Return why a transfer cannot be written, in Korean, as a bank would say it in its answer."""
    with translation.override("ko"):
        return str(UNWRITABLE[code])


def sentence(problem: Problem) -> str:
    """Return what is wrong, with its place, in the reader's language."""
    known = PROBLEMS.get(problem.code) or OF_SHEETS.get(problem.code) or problem.code
    text = (_(known) if isinstance(known, str) else str(known)) % problem.params
    if problem.line and problem.where:
        place = _("%(line)s번째 줄, %(where)s") % {"line": problem.line, "where": problem.where}
    elif problem.line:
        place = _("%(line)s번째 줄") % {"line": problem.line}
    else:
        place = problem.where
    return f"{place}: {text}" if place else text


def sentences(error: FileRefused, name: str = "") -> list[str]:
    """Return everything that is wrong with a file, each beginning with the file's name where it has one."""
    return [f"{name} {sentence(problem)}".strip() for problem in error.problems]
