"""
What settlement does without being asked (dates reached, accounts looked up) and the upload it takes.

Imported when the app is ready.
"""

from collections.abc import Mapping

from console import uploads
from core import clock, jobs
from core.actor import system
from core.errors import NotFound
from core.jobs import Queue, RunningJob
from settlement.operations import maturity, partners
from settlement.uploads import ManualUpload

uploads.register(ManualUpload())


@jobs.sweeper("settlement.start", queue=Queue.DEFAULT)
def start() -> int:
    """Let records whose start date has come begin to count."""
    return maturity.start_due(now=clock.now())


@jobs.sweeper("settlement.mature", queue=Queue.DEFAULT)
def mature() -> int:
    """Let records whose settlement date has come join partner settlements."""
    return maturity.mature_due(now=clock.now())


@jobs.handler(partners.VERIFY_JOB, queue=Queue.DEFAULT)
def verify_account(job: RunningJob) -> Mapping[str, object]:
    """Look up who holds a partner's account."""
    public_id = job.arguments["partner"]
    if not isinstance(public_id, str):
        raise NotFound
    partner = partners.verify_account(scope=job.scope, by=system("settlement.verify_account"), public_id=public_id)
    return {"status": str(partner.account_status)}
