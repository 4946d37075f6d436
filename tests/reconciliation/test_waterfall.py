"""Promise: what is shown between our total and the file's adds up, to the last digit, whatever the figures are."""

from decimal import Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from reconciliation.amounts import EXACT, cut, minor_unit
from reconciliation.judging import Outcome
from reconciliation.pages.results.waterfall import WIDTH, waterfalls

amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**17), max_value=10**17, places=None)
parts = st.dictionaries(
    st.tuples(st.sampled_from([str(one) for one in Outcome]), st.sampled_from(["KRW", "EUR", "KWD"])),
    st.tuples(amounts, amounts, st.integers(0, 10**6)),
    max_size=15,
)
Money = dict[tuple[str, str], tuple[Decimal, Decimal, int]]


def kept(money: Money) -> list[dict[str, object]]:
    """Return figures as a comparison keeps them."""
    return [
        {
            "outcome": outcome,
            "currency": currency,
            "groups": groups,
            "ours": format(ours, "f"),
            "file": format(file, "f"),
        }
        for (outcome, currency), (ours, file, groups) in money.items()
    ]


@given(parts)
def test_shown_and_exact_steps_lead_from_one_total_to_the_other(money: Money) -> None:
    found = waterfalls(kept(money))
    assert [fall.currency for fall in found] == sorted({currency for _outcome, currency in money})
    with localcontext(EXACT):
        for fall in found:
            mine = [figures for (_outcome, currency), figures in money.items() if currency == fall.currency]
            assert fall.ours == sum(ours for ours, _file, _groups in mine)
            assert fall.file == sum(file for _ours, file, _groups in mine)
            assert fall.ours + sum(step.exact for step in fall.steps) == fall.file
            assert fall.ours_shown + sum(step.shown for step in fall.steps) + fall.residue == fall.file_shown
            unit = minor_unit(fall.currency)
            shown = [fall.ours_shown, fall.file_shown, fall.residue, *(step.shown for step in fall.steps)]
            assert all(cut(figure, unit) == figure for figure in shown)
            assert abs(fall.residue) <= unit * (len(fall.steps) + 2)


@given(parts)
def test_bars_stay_inside_the_drawing_and_what_is_not_nothing_is_seen(money: Money) -> None:
    for fall in waterfalls(kept(money)):
        for step in fall.steps:
            assert 0 <= step.x <= step.x + step.width <= WIDTH
            assert bool(step.width) is bool(step.exact)
        for x, width in (fall.ours_bar, fall.file_bar):
            assert 0 <= x <= x + width <= WIDTH


def test_large_totals_leave_room_for_small_steps() -> None:
    (fall,) = waterfalls(
        kept(
            {
                ("matched", "KRW"): (Decimal(1_000_000), Decimal(1_000_000), 9),
                ("amount_mismatch", "KRW"): (Decimal(100), Decimal(110), 1),
            }
        )
    )
    assert fall.is_cropped
    assert fall.steps[0].width > WIDTH // 2
    assert [step.outcome for step in fall.steps] == ["amount_mismatch", "matched"]
