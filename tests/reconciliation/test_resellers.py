"""Protects itemising by partner: every line lands in one entry, and the entries add up to the file."""

from decimal import Decimal

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from reconciliation.lines import Kind
from tests.reconciliation import given

LICENSE, DAILY = Kind.LICENSE, Kind.NCE_DAILY


@pytest.mark.parametrize(
    ("mpn", "bucket", "shown"),
    [
        (None, "none", ""),
        ("0", "none", "0"),
        ("-1", "reseller_removed", "-1"),
        ("6200000", "direct_or_reseller_without_id", "6200000"),
        ("6200001", "reseller", "6200001"),
        ("00", "reseller", "00"),
    ],
)
def test_bucket(mpn: str | None, bucket: str, shown: str) -> None:
    (entry,) = given.assessed(given.line(LICENSE, ResellerMpnId=mpn)).by_reseller
    assert entry == {
        "bucket": bucket,
        "mpn": shown,
        "currency": "USD",
        "lines": 1,
        "pretax": "80.00",
        "tax": "8.00",
        "total": "88.00",
    }


def test_a_file_without_the_column() -> None:
    line = given.line(LICENSE)
    (entry,) = given.assessment([line], columns=set(line.values) - {"ResellerMpnId"}).finish().by_reseller
    assert (entry["bucket"], entry["mpn"]) == ("not_in_file", "")


def test_without_a_partner_id_nothing_equals_it() -> None:
    entries = given.assessed(given.line(LICENSE, MpnId=None), given.line(LICENSE, 2, MpnId=None, ResellerMpnId=None))
    assert [entry["bucket"] for entry in entries.by_reseller] == ["none", "reseller"]


def test_two_ruined_ids_need_not_have_been_the_same() -> None:
    ruined = {"MpnId": "6.2E+06", "ResellerMpnId": "6.2E+06", "damaged": ("MpnId", "ResellerMpnId")}
    (entry,) = given.assessed(given.line(LICENSE, **ruined)).by_reseller
    assert (entry["bucket"], entry["mpn"]) == ("reseller", "6.2E+06")


def test_empty_and_zero_are_entries_of_their_own_and_all_are_sorted() -> None:
    mpns = ["6200002", "0", None, "-1", "6200001"]
    found = given.assessed(*(given.line(LICENSE, i, ResellerMpnId=mpn) for i, mpn in enumerate(mpns, 1))).by_reseller
    assert [(entry["bucket"], entry["mpn"]) for entry in found] == [
        ("none", ""),
        ("none", "0"),
        ("reseller", "6200001"),
        ("reseller", "6200002"),
        ("reseller_removed", "-1"),
    ]


def test_daily_usage_has_no_tax_and_its_total_is_its_charge() -> None:
    (entry,) = given.assessed(given.line(DAILY)).by_reseller
    assert (entry["pretax"], entry["tax"], entry["total"]) == ("1.20", "0", "1.20")


def test_lines_that_do_not_count_are_in_no_entry() -> None:
    found = given.assessed(given.line(LICENSE), given.line(LICENSE, 2, duplicate_of=1))
    assert [entry["lines"] for entry in found.by_reseller] == [1]


_FIGURE = st.decimals(min_value=-(10**9), max_value=10**9, places=12, allow_nan=False)


@examples(
    st.lists(
        st.tuples(
            st.sampled_from([None, "0", "-1", "6200000", "6200001", "6200002"]),
            st.sampled_from(["USD", "KRW", "KWD"]),
            _FIGURE,
            _FIGURE,
            _FIGURE,
        ),
        min_size=1,
    )
)
def test_entries_add_up_to_the_totals(rows: list[tuple[str | None, str, Decimal, Decimal, Decimal]]) -> None:
    found = given.assessed(
        *(
            given.line(LICENSE, i, ResellerMpnId=mpn, Currency=ccy, Subtotal=pretax, Tax=tax, TotalForCustomer=total)
            for i, (mpn, ccy, pretax, tax, total) in enumerate(rows, 1)
        )
    )
    assert sum(entry["lines"] for entry in found.by_reseller) == len(rows)
    for currency, totals in found.totals.items():
        for figure, total in totals.items():
            entries = [entry for entry in found.by_reseller if entry["currency"] == currency]
            assert sum(Decimal(entry[figure]) for entry in entries) == Decimal(total)
