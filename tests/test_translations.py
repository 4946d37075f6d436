"""Promise: whoever switches to English reads English everywhere; Korean is the source text and English is complete."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib
import pytest
from django.utils import translation
from django.utils.translation.template import templatize

from config.bootstrap import ROOT
from console.files.errors import REASONS

CATALOGUE = ROOT / "locale" / "en" / "LC_MESSAGES" / "django.po"
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_QUOTED = re.compile(r"'[^']*'")  # what a sheet has to say stays Korean, in quotes
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
_TEXT = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
# What Django turns a template into before it looks for messages; everything else in it is blanked out.
_TEMPLATE_CALL = re.compile(rf"(?<!\w)(\w*gettext|_)\(\s*({_TEXT}(?:\s*,\s*{_TEXT})*)", re.DOTALL)
_FOLDERS_WITHOUT_PAGES = {"tests", "benchmarks"}
# `%(n)s rows`, `%(count)s <b>open</b> jobs`, `%(n)s of them are`, `There are %(n)s`: words that are wrong beside 1.
_NO_NOUN = "(?:a|an|as|has|is|ms|or|plus|than|the|this|was|(?:bill|differ|goe|hold|need|print|say)s)"
_WORD = rf"(?:\s|</?b>)+(?!{_NO_NOUN}\b)"
_OF_SEVERAL = re.compile(
    rf"There are (?:{_PLACEHOLDER.pattern})"
    rf"|(?:{_PLACEHOLDER.pattern})(?:</b>)?(?:{_WORD}[a-z]+){{0,2}}?{_WORD}(?:[a-z]+s|are|go|were)\b"
)
# Bounds that the program sets; none of them is 1.
_BOUND = re.compile(r"%\((?:limit|longest|most|places)\)[sd]")
_NOT_OF_ONE = {
    "%(currency)s totals",  # no count
    "All public holidays of %(year)d are in the list already.",  # likewise
    "It passes when receipts of %(billed)s are matched, or when the invoice quantity is %(received)s.",  # likewise
    "%(count)d times, last %(last)s",  # one answer alone is told without its number
    "The sum of the quantities of %(count)s lines.",  # a few lines are told one by one
    "Every %(hours)d hours",  # hourly and daily have words of their own
}


class Message(NamedTuple):
    """A text as a catalogue knows it; `plural` is empty where one form is enough."""

    text: str
    plural: str = ""
    context: str = ""


def _packages() -> list[Path]:
    return sorted(path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in _FOLDERS_WITHOUT_PAGES)


def _message(function: str, texts: list[str]) -> Message | None:
    """Return what a call names; None when it names it by something other than literal texts."""
    has_context = function.lstrip("n").startswith("p")
    has_plural = function.startswith("n")
    if len(texts) < 1 + has_context + has_plural:
        return None
    context = texts.pop(0) if has_context else ""
    return Message(texts[0], texts[1] if has_plural else "", context)


def in_template(source: str) -> Iterator[Message]:
    """Yield the messages of a template, as Django's own extraction sees them."""
    for function, arguments in _TEMPLATE_CALL.findall(templatize(source)):
        texts = [str(ast.literal_eval(text)) for text in re.findall(_TEXT, arguments, re.DOTALL)]
        found = _message("gettext" if function == "_" else function, texts)
        if found:
            yield found


def in_python(source: str) -> Iterator[Message]:
    """Yield the messages of a module: calls of whatever it imported from django.utils.translation."""
    tree = ast.parse(source)
    functions: dict[str, str] = {}
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            functions |= {name.asname or name.name: name.name for name in node.names if "gettext" in name.name}
        elif isinstance(node, ast.ImportFrom) and node.module == "django.utils":
            modules |= {name.asname or name.name for name in node.names if name.name == "translation"}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = _called(node.func, functions, modules)
        texts = [part.value for part in node.args if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        found = _message(function.removesuffix("_lazy"), texts) if function else None
        if found:
            yield found


def _called(function: ast.expr, functions: dict[str, str], modules: set[str]) -> str:
    if isinstance(function, ast.Name):
        return functions.get(function.id, "")
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id in modules:
        return function.attr if "gettext" in function.attr else ""
    return ""


def all_messages() -> dict[Message, str]:
    """Return every Korean message of the product with one place that uses it."""
    found: dict[Message, str] = {}
    packages = _packages()
    templates = [ROOT / "templates", *(package / "templates" for package in packages)]
    for path in sorted(path for folder in templates for path in folder.rglob("*") if path.is_file()):
        for message in in_template(path.read_text(encoding="utf-8")):
            found.setdefault(message, str(path.relative_to(ROOT)))
    for path in sorted(path for package in packages for path in package.rglob("*.py")):
        for message in in_python(path.read_text(encoding="utf-8")):
            found.setdefault(message, str(path.relative_to(ROOT)))
    # The reasons of refused files are plain texts, translated where they are shown.
    found |= {Message(reason): "console/files/errors.py" for reason in REASONS.values()}
    return {message: place for message, place in found.items() if _HANGUL.search(message.text)}


def _places(text: str) -> list[str]:
    return sorted(_PLACEHOLDER.findall(text))


def translations(entry: polib.POEntry) -> list[str]:
    """Return every form of an entry's English."""
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


@pytest.fixture(scope="module")
def english() -> dict[tuple[str, str], polib.POEntry]:
    return {(entry.msgctxt or "", entry.msgid): entry for entry in polib.pofile(str(CATALOGUE)) if not entry.obsolete}


def test_every_korean_text_has_its_english(english: dict[tuple[str, str], polib.POEntry]) -> None:
    missing = []
    for message, place in all_messages().items():
        entry = english.get((message.context, message.text))
        complete = entry is not None and not entry.fuzzy and all(translations(entry))
        if not complete or (entry is not None and (entry.msgid_plural or "") != message.plural):
            missing.append(f"{place}: {message.context and message.context + ' | '}{message.text}")
    assert missing == []


def test_english_is_english_and_keeps_the_places_for_values(english: dict[tuple[str, str], polib.POEntry]) -> None:
    wrong = [
        f"{entry.msgid} → {text}"
        for entry in english.values()
        for text in translations(entry)
        if _HANGUL.search(_QUOTED.sub("", text)) or _places(text) != _places(entry.msgid)
    ]
    assert wrong == []


def is_of_several(text: str) -> bool:
    """Say whether a text fits any number but 1."""
    return text not in _NOT_OF_ONE and any(not _BOUND.match(found[0]) for found in _OF_SEVERAL.finditer(text))


def test_english_with_a_count_has_words_for_one(english: dict[tuple[str, str], polib.POEntry]) -> None:
    of_one = [translations(entry)[0] for entry in english.values()]  # the only form, or the one for 1
    assert [text for text in of_one if is_of_several(text)] == []
    assert set(of_one) >= _NOT_OF_ONE  # an exception goes with its text


@pytest.mark.parametrize(
    ("text", "of_several"),
    [
        ("%(n)s rows", True),
        ("Made %(n)s manual settlement records.", True),
        ("<b>%(n)s</b> open jobs", True),
        ("There are %(n)s more.", True),
        ("%(n)s of them are new.", True),
        ("Up to %(limit)d rows, not %(n)d rows.", True),
        ("Up to %(limit)d rows", False),
        ("%(n)s or more rows", False),
        ("Rows: %(n)s, left: %(rest)s", False),
        ("Row %(row)s is cancelled.", False),
    ],
)
def test_words_of_several_are_seen(text: str, *, of_several: bool) -> None:
    assert is_of_several(text) is of_several


def test_korean_says_every_number_in_one_way_and_english_in_two(english: dict[tuple[str, str], polib.POEntry]) -> None:
    counted = [message for message in all_messages() if message.plural]
    assert [message for message in counted if message.plural != message.text] == []
    for message in counted:
        for number, form in ((1, 0), (2, 1)):
            with translation.override("en"):
                told = translation.npgettext(message.context, message.text, message.plural, number)
            assert told == english[message.context, message.text].msgstr_plural[form]
            with translation.override("ko"):
                assert translation.npgettext(message.context, message.text, message.plural, number) == message.text


def test_no_text_stands_in_the_catalogue_twice() -> None:
    entries = [(entry.msgctxt, entry.msgid) for entry in polib.pofile(str(CATALOGUE))]
    assert len(entries) == len(set(entries))


def test_the_scan_sees_what_people_write() -> None:
    template = (
        '{% load i18n %}{% translate "저장" %}{% translate "기한" context "승인" %}<p title="{% translate \'닫기\' %}">'
        "{% blocktranslate count n=found %}{{ n }}건{% plural %}{{ n }}건들{% endblocktranslate %}"
        '{{ _("이름")|default:"–" }}'
    )
    assert set(in_template(template)) == {
        Message("저장"),
        Message("기한", context="승인"),
        Message("닫기"),
        Message("%(n)s건", "%(n)s건들"),
        Message("이름"),
    }
    module = (
        "from django.utils import translation\n"
        "from django.utils.translation import gettext as _, pgettext_lazy, ngettext\n"
        "_('저장' '하기'); pgettext_lazy('bulk', '완료'); ngettext('건', '건들', n)\n"
        "translation.gettext('홈'); _(dynamic)\n"
        "print('로그')\n"
    )
    assert set(in_python(module)) == {
        Message("저장하기"),
        Message("완료", context="bulk"),
        Message("건", "건들"),
        Message("홈"),
    }
