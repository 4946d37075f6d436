"""The rival of T1: one Celery task per transfer, which saves the row before the bank is asked and after it answered."""

import os
from typing import ClassVar

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from celery import shared_task  # noqa: E402 - a model needs the apps to be there
from django.db import models  # noqa: E402 - as above

from config.celery import app  # noqa: E402 - as above
from payouts.rails.base import Instruction  # noqa: E402 - as above
from payouts.rails.test_environment import TestEnvironmentRail  # noqa: E402 - as above

__all__ = ["app"]


class Transfer(models.Model):
    """A transfer, without laws, journals, events or leases."""

    reference = models.TextField()
    reference_date = models.DateField()
    amount = models.BigIntegerField()
    state = models.TextField()
    bank_reference = models.TextField()
    objects: ClassVar[models.Manager["Transfer"]] = models.Manager()

    class Meta:
        app_label = "benchmarks"
        managed = False
        db_table = "transfer"

    def __str__(self) -> str:
        return self.reference


@shared_task(name="benchmarks.send_transfer", queue="bank")  # type: ignore[untyped-decorator]  # Celery has no types
def send_transfer(*, key: int) -> None:
    """Send one transfer; each save is a commit of its own."""
    row = Transfer.objects.get(pk=key)
    row.state = "SUBMITTING"
    row.save()
    told = Instruction(
        reference=row.reference,
        reference_date=row.reference_date,
        amount=row.amount,
        currency="KRW",
        bank="KOOKMIN",
        account_number="110123456789",
        holder="h",
        deposit_memo="",
        withdrawal_memo="",
    )
    outcome = TestEnvironmentRail().send(told)
    row.state, row.bank_reference = outcome.kind.value, outcome.bank_reference
    row.save()
