"""Promise: the documents say what the product does; figures, names, links and queries on them are compared with it."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from config.bootstrap import ROOT
from core import clock
from ledger import naming
from ledger import queries as books
from ledger.chart import CHART, DEBIT
from ledger.models import Entry, Journal
from payouts.models import BankAccount, PayoutStatus
from payouts.operations import statements
from settlement.models import PartnerType
from settlement.operations import maturity, records
from settlement.operations.records import OrderDraft
from tests.payouts.world import MAKER, World, world

DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
ACCOUNTS = DOCS / "accounts.md"
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_SCREENSHOTS = DOCS / "screenshots"  # made by the product itself, not kept by everybody who has the sources


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ +(.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _hash, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if path.is_relative_to(_SCREENSHOTS):
            continue
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_file_exists(page: Path) -> None:
    named = re.findall(r"`((?:\w+/)+[\w.-]+\.(?:py|sql|yml|toml))`", page.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


def _columns_of(statement: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [column.name for column in cursor.description or ()]


@pytest.mark.django_db
@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_every_query_runs_as_the_application(page: Path) -> None:
    for block in re.findall(r"^```sql\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        with transaction.atomic():
            for statement in filter(str.strip, block.split(";")):
                _columns_of(statement)
            transaction.set_rollback(True)


def test_every_table_and_class_in_the_glossary_exists() -> None:
    page = (DOCS / "glossary.md").read_text(encoding="utf-8")
    known = {name for model in apps.get_models() for name in _table_and_columns(model)}
    named = set(re.findall(r"`((?:access|console|core|settlement|payouts|ledger)_[a-z_]+)`", page))
    classes = re.findall(r"`((?:access|console|core|settlement|payouts|ledger)(?:\.[a-z]+)?)\.([A-Z]\w+)", page)
    assert sorted(named - known) == []
    assert [name for package, name in classes if not _defined(package, name)] == []


def _table_and_columns(model: type[Model]) -> set[str]:
    options = model._meta  # noqa: SLF001 - public in all but name
    return {options.db_table, *(field.name for field in options.get_fields())}


def _defined(package: str, name: str) -> bool:
    return any(hasattr(import_module(place), name) for place in (package, f"{package}.models") if find_spec(place))


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_every_python_snippet_is_python_and_finds_what_it_imports(page: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module:
                module = import_module(node.module)
                assert [name.name for name in node.names if not _has(module, name.name)] == []


def _has(module: ModuleType, name: str) -> bool:
    return hasattr(module, name) or find_spec(f"{module.__name__}.{name}") is not None


@pytest.mark.django_db
def test_every_law_named_in_the_architecture_stands_in_the_database() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    laws = page[page.index("## The laws") : page.index("## Sending")]
    named = set(re.findall(r"`((?:ledger|settlement|payouts|access)_\w+)`", laws))
    with connection.cursor() as cursor:
        cursor.execute(
            "select conname::text from pg_constraint union select indexname from pg_indexes"
            " union select relname from pg_class union select proname from pg_proc"
            " union select encode(tgargs, 'escape') from pg_trigger"
            " union select prosrc from pg_proc where prosrc like '%constraint =%'"
        )
        known = "\n".join(row[0] for row in cursor.fetchall())
    assert len(named) > 20
    assert [law for law in sorted(named) if law not in known] == []


def chart_rows() -> list[str]:
    """Return the rows of the chart of accounts as docs/accounts.md prints them."""
    return [
        f"| {int(row.code)} | {row.name} | {row.english} | {'debit' if row.side == DEBIT else 'credit'} "
        f"| {row.owner_kind.replace('_', ' ') or '–'} | {'yes' if row.guarded else ''} |"
        for row in CHART
    ]


def test_the_chart_of_accounts_is_the_one_in_force() -> None:
    page = ACCOUNTS.read_text(encoding="utf-8")
    assert [row for row in page.splitlines() if re.match(r"\| \d{4} \| [^|]+ \| [^|]+ \| (debit|credit) ", row)] == (
        chart_rows()
    )


def _environment_variables() -> set[str]:
    found: set[str] = set()
    for path in [ROOT / "config" / "settings.py", ROOT / "config" / "gunicorn.py", ROOT / "config" / "wsgi.py"]:
        source = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'env\.(?:text|secret|flag|integer|factor)\(\s*"([A-Z_]+)"', source))
        found |= set(re.findall(r'os\.environ\.(?:get|setdefault)\("([A-Z_]+)"', source))
    found |= set(re.findall(r"\$\{([A-Z_]+)[:}]", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    return (found | {"ACCOUNT_KEYS"}) - {"DJANGO_SETTINGS_MODULE"}


def test_every_variable_is_explained() -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    explained = {name for row in re.findall(r"^\| (`[A-Z_`, ]+`) \|", page, re.MULTILINE) for name in row.split("`")}
    assert sorted(_environment_variables() - explained) == []


def _addresses(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, address)
        else:
            yield re.sub(r"<\w+:\w+>", "{id}", address)


def test_every_address_of_the_api_is_described_and_no_other() -> None:
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    described = set(
        re.findall(r"`(?:GET|POST|PATCH|PUT|DELETE)(?:, [A-Z]+)* (/(?:platform|login|token)[^`\s?]*)`", page)
    )
    patterns = get_resolver().url_patterns
    real = {f"/{one}" for one in _addresses(patterns) if one.startswith(("platform/", "login/api-secret", "token/"))}
    assert described == real


# ---- the worked example


class Story:
    """What the books say, step by step, as docs/accounts.md prints it."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.seen = 0
        self.step()

    def step(self) -> str:
        """Return the journals since the last step and the balances after them."""
        lines = []
        for journal in Journal.objects.filter(pk__gt=self.seen).order_by("pk"):
            self.seen = journal.pk
            lines.append(f"{journal.event_type}  {naming.event(journal.event_type)}")
            lines += [self._leg(entry) for entry in Entry.objects.filter(journal=journal).order_by("leg_no")]
        balances = [row for row in books.trial_balance(self.here.scope) if row.balance]
        lines.append("balances")
        lines += [f"  {row.code} {row.english:<32}{row.balance * row.side:>17,}" for row in balances]
        return "\n".join(lines)

    def _leg(self, entry: Entry) -> str:
        account = entry.account
        owner = "(month)" if re.fullmatch(r"\d{4}-\d{2}", account.owner) else account.owner
        side = "Dr" if entry.amount > 0 else "Cr"
        name = f"{account.chart.english} {owner}".strip()
        return f"  {side} {account.code} {name:<40}{abs(entry.amount):>9,}  {entry.component}".rstrip()


@pytest.fixture
def here(committed_db: str, tmp_path: Path) -> Iterator[World]:  # noqa: ARG001 - the world lives in it
    with world(tmp_path) as made:
        yield made


def _printed() -> list[str]:
    return re.findall(r"^```text\n(.*?)\n```", ACCOUNTS.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def one_order(here: World) -> list[str]:
    """Follow one order of 10,000 won from record to bank."""
    story, today = Story(here), clock.today()
    here.partner("acme", kind=PartnerType.WHT_PAYER)
    tomorrow = today + timedelta(days=1)
    draft = OrderDraft(
        partner_id="acme", payment_id="payment-1", amount=10_000, start_date=today, settlement_date=tomorrow
    )
    records.record_order(scope=here.scope, by=MAKER, now=clock.now(), draft=draft)
    steps = [story.step()]
    maturity.mature_due(tomorrow, now=clock.now())
    steps.append(story.step())
    bulk = here.build()
    steps.append(story.step())
    here.approve(here.submit(bulk))
    here.send()
    assert here.witness() == {here.payout("acme").attempts.get().reference: 8_620}
    return [*steps, story.step()]


def refused(here: World) -> list[str]:
    """Let the bank refuse a closed account."""
    here.partner("acme", number="11000000000415")
    here.owe("acme", 8_900)
    here.approved()
    story = Story(here)
    here.send()
    assert here.payout("acme").status == PayoutStatus.FAILED
    return [story.step()]


def returned(here: World) -> list[str]:
    """Let the money come back after success."""
    here.partner("acme", kind=PartnerType.WHT_PAYER)
    here.owe("acme", 8_900)
    here.approved()
    here.bank.faults({"match": {"call": "transfer"}, "effect": "return_after", "probability": 1, "seconds": 0})
    here.send()
    story = Story(here)
    for _try in range(200):
        BankAccount.objects.update(statement_checked_at=None)
        if statements.read_statements(now=clock.now()):
            break
    assert here.payout("acme").status == PayoutStatus.RETURNED
    return [story.step()]


def test_one_order_is_posted_as_printed(here: World) -> None:
    assert one_order(here) == _printed()[:4]


def test_a_refusal_is_posted_as_printed(here: World) -> None:
    assert refused(here) == _printed()[4:5]


def test_a_return_is_posted_as_printed(here: World) -> None:
    assert returned(here) == _printed()[5:]
