"""What a merchant's environment needs before the first record: its settings and the days on which banks are closed."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from types import MappingProxyType

import holidays
from django.db import transaction

from core.scope import Scope
from settlement.models import Holiday, Setting

FIRST_YEAR, LAST_YEAR = 2020, 2028
_LABOUR_DAY = "노동절"


@cache
def korean_holidays(first_year: int = FIRST_YEAR, last_year: int = LAST_YEAR) -> Mapping[date, str]:
    """Return the Korean public holidays of some years, and 1 May, on which banks are closed too."""
    years = range(first_year, last_year + 1)
    days: dict[date, str] = {date(year, 5, 1): _LABOUR_DAY for year in years}
    return MappingProxyType(days | dict(holidays.country_holidays("KR", years=years, language="ko")))


def open_environment(scope: Scope) -> Setting:
    """Make the settings with their defaults and add the Korean holidays; what is there already stays as it is."""
    days = korean_holidays()
    with transaction.atomic():
        Setting.objects.bulk_create([Setting(**scope.filters())], ignore_conflicts=True)
        Holiday.objects.bulk_create(
            [Holiday(**scope.filters(), day=day, name=name[:100]) for day, name in sorted(days.items())],
            ignore_conflicts=True,
        )
        return Setting.objects.within(scope).get()
