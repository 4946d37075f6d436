"""What reconciliation adds to other pages: navigation, home, search, links."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from access.roles import Permission
from console import registry
from console.columns import Tone
from console.filters import encode
from core.scope import Scope
from ledger import naming
from ledger.navigation import show_journals_of
from reconciliation.models import Batch, BatchState, BillingRecord, ResellerSettlement
from reconciliation.operations.booking import ORIGIN
from reconciliation.operations.comparing import COMPARE_JOB
from reconciliation.operations.deriving import DERIVE_JOB
from reconciliation.operations.reselling import ORIGIN as RESELLER_SETTLEMENT
from reconciliation.operations.storing import LOAD_JOB
from reconciliation.pages.files import links as file_links
from reconciliation.pages.files import reads as file_reads
from reconciliation.pages.records.words import record_url
from reconciliation.pages.results import reads as result_reads
from reconciliation.pages.results.results import find_resolution
from reconciliation.pages.statements import navigation as statement_navigation


def register() -> None:
    """Add everything; called once the applications are loaded."""
    _files()
    _results()
    _records()
    _statements()
    _partners()


def _files() -> None:
    """Add the files of vendors."""
    registry.nav("reconciliation", _("조정 파일"), "reconciliation:files", Permission.VIEW, order=10)
    registry.job_kind(LOAD_JOB, _("조정 파일 읽기"))
    registry.tile(
        _("확인할 조정 파일"),
        file_reads.waiting,
        lambda: f"{reverse('reconciliation:files')}?state={BatchState.UNDERSTOOD}",
        tone=Tone.WARNING,
        order=60,
        permission=Permission.VIEW,
        key="reconciliation.files",
    )
    registry.search("vendor_file", find_file, label=_("조정 파일"))
    registry.origin(ORIGIN, _("조정 파일"), file_links.file_url)
    show_journals_of(ORIGIN)
    naming.name_events({"vendor_file.accepted": _("조정 파일 반영")})
    naming.name_components({"PRETAX": pgettext_lazy("vendor file", "세전 금액")})


def _results() -> None:
    """Add the results of comparing."""
    registry.nav("reconciliation", pgettext_lazy("list", "결과"), "reconciliation:results", Permission.VIEW, order=20)
    registry.nav("reconciliation", _("대사 허용 오차"), "reconciliation:tolerances", Permission.VIEW, order=90)
    registry.job_kind(COMPARE_JOB, _("조정 파일 비교"))
    registry.search("reconciliation_resolution", find_resolution, label=_("결정"))
    registry.tile(
        _("열린 차이"),
        result_reads.open_differences,
        lambda: f"{reverse('reconciliation:results')}?open=yes",
        tone=Tone.WARNING,
        order=60,
        permission=Permission.VIEW,
        key="reconciliation.open",
    )


def _records() -> None:
    """Add our own records."""
    registry.nav("reconciliation", _("청구 기록"), "reconciliation:records", Permission.VIEW, order=40)
    registry.nav("reconciliation", _("기간 마감"), "reconciliation:periods", Permission.VIEW, order=50)
    registry.job_kind(DERIVE_JOB, _("주문에서 청구 기록 만들기"))
    registry.search("billing_record", find_record, label=_("청구 기록"))


def _statements() -> None:
    """Add the statements of banks."""
    statement_navigation.register()


def _partners() -> None:
    """Add what is owed by partner, and the end of the month."""
    registry.nav("reconciliation", _("월 마감"), "reconciliation:month", Permission.VIEW, order=80)
    registry.origin(RESELLER_SETTLEMENT, _("재판매사 정산"), reseller_settlement_url)


def reseller_settlement_url(public_id: object) -> str:
    """Return the page of the file of which a reseller's part became a settlement record."""
    batch_id = ResellerSettlement.objects.filter(public_id=public_id).values_list("batch__public_id", flat=True).first()
    return reverse("reconciliation:by-partner", args=[batch_id or public_id])


def find_record(scope: Scope, word: str) -> str | None:
    """Return the page of the billing record of ours with this name."""
    known = BillingRecord.objects.within(scope).filter(ref=word, is_current=True).exists()
    return record_url(word) if known else None


def find_file(scope: Scope, word: str) -> str | None:
    """Return the page of the file with this id or of this invoice; of several files the list of them."""
    known = Batch.objects.within(scope)
    if known.filter(public_id=word).exists():
        return file_links.file_url(word)
    numbered = list(known.filter(invoice_number__iexact=word).values_list("public_id", flat=True)[:2])
    if len(numbered) == 1:
        return file_links.file_url(numbered[0])
    return f"{reverse('reconciliation:files')}?{encode([('kw', 'invoice'), ('q', word)])}" if numbered else None
