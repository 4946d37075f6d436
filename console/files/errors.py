"""What can be wrong with a file: one code and one Korean sentence each, which the caller translates and fills in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

REASONS: dict[str, str] = {
    # The file as a whole.
    "empty": "파일이 비어 있어요.",
    "too_large": "파일이 너무 커요. %(limit)s MB까지 올릴 수 있어요.",
    "unknown_type": "CSV, TXT, XLSX, XLS 파일만 올릴 수 있어요.",
    "web_page": "웹 페이지를 엑셀 이름으로 저장한 파일이에요. 엑셀에서 연 뒤 XLSX로 다시 저장해 주세요.",
    "password": "암호가 걸린 파일이에요. 암호를 풀고 다시 올려 주세요.",
    "encoding": "글자 인코딩을 알 수 없어요. CSV UTF-8 형식으로 다시 저장해 주세요.",
    "broken": "파일이 손상되어 열 수 없어요. 엑셀에서 다시 저장해 주세요.",
    "too_many_parts": "압축된 파일 안의 파일이 너무 많아요. %(limit)s개까지 읽을 수 있어요.",
    "expanded_too_large": "압축을 풀면 %(limit)s MB보다 커서 읽을 수 없어요.",
    "ratio": "지나치게 압축된 파일이라 읽을 수 없어요. 엑셀에서 다시 저장해 주세요.",
    "doubled_part": "압축된 파일 안에 이름이 같은 파일이 있어요(%(name)s). 엑셀에서 다시 저장해 주세요.",
    "dtd": "파일 안에 DTD 선언이 있어 읽을 수 없어요(%(name)s). 엑셀에서 다시 저장해 주세요.",
    "macro": "매크로가 든 파일은 읽을 수 없어요. XLSX로 다시 저장해 주세요.",
    "external_link": "다른 파일을 참조하는 연결이 있어요. 연결을 끊고 값만 남겨 주세요.",
    "no_sheet": "보이는 시트가 없어요.",
    "no_header": "제목 줄을 찾을 수 없어요. 첫 줄에 열 이름을 넣어 주세요.",
    "too_many_rows": "행이 너무 많아요. %(limit)s행까지 올릴 수 있어요.",
    "too_many_columns": "열이 너무 많아요. %(limit)s열까지 올릴 수 있어요.",
    "too_many_cells": "시트가 너무 넓어요. 빈 행과 빈 열을 지우고 다시 올려 주세요.",
    "formula": "%(cell)s 칸에 수식이 있어요. 값만 붙여 넣어 주세요.",
    "error_value": "%(cell)s 칸의 값이 엑셀 오류예요. 값을 고쳐 주세요.",
    # The header.
    "header_doubled": "‘%(header)s’ 열이 두 번 있어요. 하나만 남겨 주세요.",
    "header_missing": "‘%(header)s’ 열이 없어요.",
    "header_unknown": "‘%(header)s’ 열은 쓰이지 않아요. 지우고 다시 올려 주세요.",
    # A row or a cell.
    "row_length": "칸 수가 제목 줄과 달라요. %(expected)s칸이어야 하는데 %(found)s칸이에요.",
    "no_header_above": "%(cell)s 칸 위에 열 이름이 없어요.",
    "quoting": "따옴표가 맞지 않아요. 이 줄의 큰따옴표를 확인해 주세요.",
    "cell_too_long": "값이 너무 길어요. %(limit)s자까지 쓸 수 있어요.",
    "bad_character": "쓸 수 없는 글자가 들어 있어요.",
    "required": "값을 입력해 주세요.",
    "must_be_text": "숫자로 저장되어 값이 바뀌었을 수 있어요. 셀 서식을 문자 형식으로 바꿔 주세요.",
    "not_digits": "숫자만 입력해 주세요.",
    "not_an_amount": "금액을 확인해 주세요. 1,234처럼 입력해 주세요.",
    "fraction": "원 단위보다 작은 금액은 쓸 수 없어요.",
    "amount_too_large": "금액은 15자리까지 쓸 수 있어요.",
    "negative": "0보다 작은 금액은 쓸 수 없어요.",
    "not_a_number": "숫자를 확인해 주세요. 1,234.5처럼 입력해 주세요.",
    "too_many_digits": "숫자가 너무 길어 정확하지 않을 수 있어요. 셀 서식을 문자 형식으로 바꿔 다시 입력해 주세요.",
    "not_a_date": "날짜를 확인해 주세요. 2026-11-21처럼 입력해 주세요.",
}

Params = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class SheetError:
    """
    One thing wrong with a file.

    `row` is the number Excel shows beside the row, `column` the header as it stands in the file; both are None where
    the whole file is meant. `reason` is the Korean sentence, a %-format over `params`.
    """

    row: int | None
    column: str | None
    code: str
    reason: str
    params: Params = field(default_factory=dict)

    def text(self) -> str:
        """Return the Korean sentence with its values filled in."""
        return self.reason % self.params


class SheetRefused(Exception):
    """The file cannot be taken at all; `errors` says why."""

    def __init__(self, *errors: SheetError) -> None:
        """Keep at least one reason."""
        self.errors = errors
        super().__init__("; ".join(error.code for error in errors))


class ValueRefused(Exception):
    """A cell does not hold what its column asks for; code, reason and params as in SheetError."""

    def __init__(self, code: str, **params: str | int) -> None:
        """Take a code of REASONS and the values of its sentence."""
        self.code, self.reason, self.params = code, REASONS[code], params
        super().__init__(code)

    def at(self, row: int, column: str) -> SheetError:
        """Return the same as an error of one cell."""
        return SheetError(row, column, self.code, self.reason, self.params)


def sheet_error(code: str, *, row: int | None = None, column: str | None = None, **params: str | int) -> SheetError:
    """Return the error with this code of REASONS."""
    return SheetError(row, column, code, REASONS[code], params)


def refused(code: str, *, row: int | None = None, **params: str | int) -> SheetRefused:
    """Return the exception that refuses a file with this code of REASONS."""
    return SheetRefused(SheetError(row, None, code, REASONS[code], params))
