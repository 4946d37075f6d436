"""Why a file as a whole is not taken: one code, the facts that go with it, and a sentence for people."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext, gettext_noop, override

_SENTENCES: Final[Mapping[str, str]] = {
    "too_large": gettext_noop("파일이 너무 커요. 기간이나 고객으로 나누어 다시 내려받아 주세요."),
    "empty_file": gettext_noop("파일이 비어 있어요. 다시 내려받아 주세요."),
    "not_text": gettext_noop("글자로 읽을 수 없는 파일이에요. CSV UTF-8 형식으로 다시 저장해 주세요."),
    "unknown_kind": gettext_noop("아는 열 이름이 없어서 어떤 파일인지 알 수 없어요. 첫 줄의 열 이름을 확인해 주세요."),
    "missing_columns": gettext_noop(
        "%(kind)s 파일에 있어야 할 열이 없어요: %(columns)s. 열을 빼지 않고 다시 내려받아 주세요."
    ),
    "duplicate_columns": gettext_noop("같은 뜻의 열이 두 번 있어요: %(columns)s. 하나만 남겨 주세요."),
    "mixed_decimal": gettext_noop(
        "소수점이 섞여 있어요. 내역 %(dot)s번은 점을, 내역 %(comma)s번은 쉼표를 써요. 한 가지로 맞춰 주세요."
    ),
    "truncated": gettext_noop("파일이 중간에 끊겼어요. 내역 %(last)s번까지만 온전해요. 처음부터 다시 내려받아 주세요."),
    "too_many_invalid": gettext_noop(
        "내역 %(records)s건 가운데 %(invalid)s건을 읽을 수 없어요. 파일을 바꾸지 않고 다시 내려받아 주세요."
    ),
    "spreadsheet_not_csv": gettext_noop("엑셀 파일이에요. 엑셀에서 CSV UTF-8 형식으로 저장해 주세요."),
    "archive_broken": gettext_noop("압축 파일이 손상되었어요. 다시 내려받거나 다시 압축해 주세요."),
    "archive_encrypted": gettext_noop("암호가 걸린 압축 파일이에요. 암호를 풀고 다시 올려 주세요."),
    "archive_unsafe_name": gettext_noop("압축 파일 안에 폴더를 벗어나는 이름이 있어요(%(name)s). 다시 압축해 주세요."),
    "archive_nested": gettext_noop("압축 파일 안에 압축 파일이 있어요. 안의 파일을 풀어서 올려 주세요."),
    "archive_many_files": gettext_noop("압축 파일 안에 데이터 파일이 여러 개 있어요(%(count)s개). 하나씩 올려 주세요."),
    "archive_no_data": gettext_noop("압축 파일 안에 데이터 파일이 없어요. CSV나 JSON 파일을 넣어 주세요."),
    "archive_ratio": gettext_noop("압축을 풀면 너무 커지는 파일이에요. 풀어서 나누어 올려 주세요."),
}


class Rejected(Exception):
    """The file is not taken; `code` is the one reason, `facts` what was found with it."""

    def __init__(self, code: str, **facts: Any) -> None:
        """Take the code and its facts; a code without a sentence is a KeyError."""
        self.code, self.facts = code, facts
        self._sentence = _SENTENCES[code]
        super().__init__(code)

    def message(self, locale: str) -> str:
        """Return what is wrong and what to do, in the language of a locale; in English where we do not speak it."""
        language = locale.replace("_", "-").split("-")[0].lower()
        spoken = {code for code, _name in settings.LANGUAGES}
        with override(language if language in spoken else "en"):
            return gettext(self._sentence) % self._words()

    def _words(self) -> dict[str, object]:
        """Return the facts as the sentence names them."""
        return {
            name: ", ".join(map(str, fact)) if isinstance(fact, list | tuple) else fact
            for name, fact in self.facts.items()
        }
