"""Celery: hints in, one call each. What must happen is in PostgreSQL; these only make it happen sooner."""

from celery import shared_task

from core import clock, hints, jobs


@shared_task(name="core.run_job", queue=jobs.Queue.DEFAULT.value)
def run_job(*, job_id: int, **_from_newer_senders: object) -> None:
    """Run one job row if it is due and free."""
    jobs.run_job(job_id)


@shared_task(name="core.run_sweeper", queue=jobs.Queue.DEFAULT.value)
def run_sweeper(*, name: str, **_from_newer_senders: object) -> None:
    """Let one sweeper look for due work."""
    jobs.run_sweeper(name)


@shared_task(name="core.sweep", queue=jobs.Queue.DEFAULT.value)
def sweep(**_from_newer_senders: object) -> None:
    """Wake every sweeper on its own queue and hint every due job again; sent by beat every few seconds."""
    jobs.hint_due_jobs()
    for name in jobs.sweeper_names():
        hints.send_now("core.run_sweeper", jobs.sweeper_queue(name).value, name=name)


@shared_task(name="core.tidy", queue=jobs.Queue.DEFAULT.value)
def tidy(**_from_newer_senders: object) -> None:
    """Remove what nobody needs any more; sent by beat once a day."""
    jobs.tidy(clock.now())
