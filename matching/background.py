"""What matching does without being asked. Imported when the app is ready."""

from collections.abc import Mapping

from console import uploads
from core import clock, jobs
from core.jobs import Queue, RunningJob
from matching.operations import automation, experiments, posting, recalculation
from matching.uploads import setup
from matching.uploads.invoices import InvoiceUpload
from matching.uploads.orders import OrderUpload
from matching.uploads.receipts import ReceiptUpload

_MOST_ROUNDS = 50

for kind in (OrderUpload(), ReceiptUpload(), InvoiceUpload(), *setup.KINDS):
    uploads.register(kind)


@jobs.sweeper(recalculation.SWEEPER, queue=Queue.DEFAULT, alone=False)
def recalculate() -> int:
    """Bring invoices in line with what changed around them."""
    total = 0
    for _round in range(_MOST_ROUNDS):
        taken = recalculation.work_off(now=clock.now())
        total += taken
        if not taken:
            break
    return total


@jobs.sweeper(automation.SWEEPER, queue=Queue.DEFAULT)
def match_receipts() -> int:
    """Match receipts that came with invoices that wait for them."""
    return automation.run_due(now=clock.now())


@jobs.handler(experiments.JOB, queue=Queue.EXPORTS)
def try_tolerances(job: RunningJob) -> Mapping[str, object]:
    """Try other tolerances on the invoices of a period."""
    public_id, fence = str(job.arguments["experiment"]), job.row.fence
    row = experiments.run(scope=job.scope, public_id=public_id, fence=fence, now=clock.now(), tell=job.progress)
    return {"invoices": row.invoice_count, "passing": row.passing_count, "failing": row.failing_count}


@jobs.sweeper("matching.pay_waiting", queue=Queue.DEFAULT)
def pay_waiting() -> int:
    """Pay posted invoices whose vendors have become partners since."""
    return posting.pay_due_waiting(now=clock.now())
