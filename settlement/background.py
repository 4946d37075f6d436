"""
What settlement does without being asked (dates reached, accounts looked up) and the uploads it takes.

Imported when the app is ready.
"""

from collections.abc import Mapping

from console import uploads
from core import clock, jobs
from core.actor import system
from core.errors import NotFound
from core.jobs import Queue, RunningJob
from settlement.operations import backtest, holidays, maturity, partners, recompute, schedules
from settlement.uploads.cancels import CancelUpload
from settlement.uploads.manual import ManualUpload
from settlement.uploads.orders import OrderUpload
from settlement.uploads.partners import PartnerUpload

for kind in (ManualUpload(), OrderUpload(), CancelUpload(), PartnerUpload()):
    uploads.register(kind)


@jobs.sweeper("settlement.start", queue=Queue.DEFAULT)
def start() -> int:
    """Let records whose start date has come begin to count."""
    return maturity.start_due(now=clock.now())


@jobs.sweeper("settlement.mature", queue=Queue.DEFAULT)
def mature() -> int:
    """Let records whose settlement date has come join partner settlements."""
    return maturity.mature_due(now=clock.now())


@jobs.sweeper("settlement.schedules", queue=Queue.DEFAULT, alone=False)
def apply_schedules() -> int:
    """Let planned changes whose moment has come take effect."""
    return schedules.apply_due(now=clock.now())


@jobs.handler(partners.VERIFY_JOB, queue=Queue.DEFAULT)
def verify_account(job: RunningJob) -> Mapping[str, object]:
    """Look up who holds a partner's account."""
    public_id = job.arguments["partner"]
    if not isinstance(public_id, str):
        raise NotFound
    partner = partners.verify_account(scope=job.scope, by=system("settlement.verify_account"), public_id=public_id)
    return {"status": str(partner.account_status)}


@jobs.handler(recompute.JOB, queue=Queue.DEFAULT)
def recompute_scheduled(job: RunningJob) -> Mapping[str, object]:
    """Let orders whose start date lies ahead follow their terms."""
    now = clock.now()
    job.progress(0, recompute.waiting(job.scope, clock.seoul_day(now)))
    by, reason = system("settlement.recompute"), str(job.arguments.get("reason", ""))
    done = recompute.scheduled(scope=job.scope, by=by, now=now, reason=reason, tell=job.progress)
    return {"seen": done.seen, "changed": done.changed, "unfit": done.unfit}


@jobs.handler(holidays.APPLY_JOB, queue=Queue.DEFAULT)
def apply_holidays(job: RunningJob) -> Mapping[str, object]:
    """Apply a large change of the holidays for the person who asked."""
    change = holidays.apply(scope=job.scope, by=job.by, now=clock.now(), public_id=str(job.arguments["change"]))
    return {"records": change.record_count}


@jobs.handler(holidays.FOLLOW_JOB, queue=Queue.DEFAULT)
def follow_holidays(job: RunningJob) -> Mapping[str, object]:
    """Move what was being recorded while a change of the holidays was applied."""
    by = system("settlement.follow_holidays")
    return {"records": holidays.follow(scope=job.scope, by=by, public_id=str(job.arguments["change"]))}


@jobs.handler(partners.VERIFY_BUSINESS_JOB, queue=Queue.DEFAULT)
def verify_business(job: RunningJob) -> Mapping[str, object]:
    """Look up what the tax office says about a partner's business."""
    public_id = job.arguments["partner"]
    if not isinstance(public_id, str):
        raise NotFound
    partner = partners.verify_business(scope=job.scope, by=system("settlement.verify_business"), public_id=public_id)
    return {"status": str(partner.business_status)}


@jobs.handler(backtest.JOB, queue=Queue.EXPORTS)
def try_contract(job: RunningJob) -> Mapping[str, object]:
    """Try a changed contract on the records of a period."""
    public_id, fence = str(job.arguments["backtest"]), job.row.fence
    row = backtest.run(scope=job.scope, public_id=public_id, fence=fence, now=clock.now(), tell=job.progress)
    return {"records": row.record_count, "changed": row.changed_count, "moved": row.moved_count}


@jobs.sweeper("settlement.tidy_backtests", queue=Queue.EXPORTS)
def tidy_backtests() -> int:
    """Remove backtests that are old."""
    return backtest.tidy(clock.now())
