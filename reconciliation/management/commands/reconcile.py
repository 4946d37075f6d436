"""`manage.py reconcile`: read vendor and provider files, check them, compare them with our records, and store them."""

import argparse
import io
import json
import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import override

from access.models import Merchant
from access.operations import create_merchant, merchant_scope
from core import clock
from core.actor import system
from core.errors import DomainError
from core.scope import Scope
from reconciliation.books import Books, BooksUnreadable, read_books
from reconciliation.cross_check import CrossCheck
from reconciliation.operations import at_once
from reconciliation.reading import Rejected
from reconciliation.rehearsal import Wanted, read_invoice, rehearse
from reconciliation.result import Result
from reconciliation.wording import sentences

_SOME_REJECTED = 1
_WRONG_COMMAND = 2
_BY = system("reconcile")


class Command(BaseCommand):
    """Read each file on its own and say what is in it. Needs no database unless it is told to store."""

    help = "Read reconciliation files, check them, and compare them with our own records. Only --store keeps them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--books", type=Path, metavar="FILE", help="our own records, JSON or CSV")
        parser.add_argument("--invoice", type=Path, metavar="FILE", help="an invoice file to hold daily usage against")
        parser.add_argument(
            "--lines", type=_records, default=frozenset(), metavar="LIST", help="all, or 1,5: show them"
        )
        parser.add_argument("--summary", action="store_true", help="leave out all lists that grow with the file")
        parser.add_argument("--locale", default=settings.LANGUAGE_CODE, help="language and code page: ko, ja, en …")
        parser.add_argument("--json", action="store_true", help="one JSON object a file, each on one line")
        parser.add_argument("--store", action="store_true", help="load the files as batches of one merchant")
        parser.add_argument("--merchant", metavar="KEY", help="store for this merchant; without, for a new one")
        parser.add_argument("--confirm", action="store_true", help="let new versions of stored files count")

    def handle(
        self,
        *_arguments: object,
        files: list[Path],
        books: Path | None,
        invoice: Path | None,
        lines: frozenset[int] | None,
        summary: bool,
        locale: str,
        json: bool,
        store: bool,
        merchant: str | None,
        confirm: bool,
        **_options: object,
    ) -> None:
        """Answer each file as soon as it is read. Exit status 1 if one was rejected, 2 if the command is wrong."""
        for path in files:
            _check_readable(path)
        wanted = Wanted(locale, _books(books), _invoice(invoice, locale), lines, summary)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        if (merchant or confirm) and not store:
            raise CommandError("--merchant and --confirm go with --store.", returncode=_WRONG_COMMAND)
        scope = _scope(merchant) if store else None
        some_rejected = False
        for path in files:
            result = rehearse(path, wanted) if scope is None else _stored(scope, path, wanted, confirm=confirm)
            some_rejected = some_rejected or bool(result["error_codes"])
            self._answer(result, locale, as_json=json)
        if some_rejected:
            sys.exit(_SOME_REJECTED)

    def _answer(self, result: Result, locale: str, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(result, ensure_ascii=False))
        else:
            language = locale.replace("_", "-").split("-")[0].lower()
            with override(language if language in dict(settings.LANGUAGES) else "en"):
                for sentence in sentences(result):
                    self.stdout.write(sentence)
        self.stdout.flush()


def _records(text: str) -> frozenset[int] | None:
    """Return the numbers in a list such as 1,5; None for all. ValueError is argparse's business."""
    return None if text.strip() == "all" else frozenset(int(number) for number in text.split(","))


def _scope(merchant: str | None) -> Scope:
    """Return the live side of a merchant, of a new one without a key."""
    if merchant is None:
        made = create_merchant(name=f"reconcile {clock.wire_moment(clock.now())}", by=_BY, now=clock.now())
        return merchant_scope(made)
    found = Merchant.objects.filter(public_id=merchant).first()
    if found is None:
        raise CommandError(f"There is no merchant {merchant}.", returncode=_WRONG_COMMAND)
    return merchant_scope(found)


def _stored(scope: Scope, path: Path, wanted: Wanted, *, confirm: bool) -> Result:
    try:
        return at_once.store(scope=scope, path=path, wanted=wanted, confirm=confirm, by=_BY, now=clock.now())
    except DomainError as refusal:
        raise CommandError(f"{path}: {refusal.message}", returncode=_WRONG_COMMAND) from None


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", returncode=_WRONG_COMMAND) from None


def _books(path: Path | None) -> Books | None:
    if path is None:
        return None
    _check_readable(path)
    try:
        return read_books(path)
    except BooksUnreadable as error:
        raise CommandError(f"{path}: {error}", returncode=_WRONG_COMMAND) from None


def _invoice(path: Path | None, locale: str) -> CrossCheck | None:
    if path is None:
        return None
    _check_readable(path)
    try:
        return read_invoice(path, locale)
    except Rejected as refusal:
        raise CommandError(f"{path}: {refusal.message(locale)}", returncode=_WRONG_COMMAND) from None
    except ValueError as error:
        raise CommandError(f"{path}: not an nce_invoice file but {error}", returncode=_WRONG_COMMAND) from None
