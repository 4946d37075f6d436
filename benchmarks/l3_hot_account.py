"""
L3: four clients that all touch the same accounts, against the same four clients on accounts of their own.

Accounts that every journal touches have no stored balance, so nobody waits for anybody there. For comparison only, a
third way lets all of them credit one partner, whose balance row has a floor and must be updated by one at a time.

    python -m benchmarks.l3_hot_account [--seconds N] [--rounds N] [--machine TEXT]
"""

import argparse
from typing import Any

from benchmarks.books import Run, assert_whole, copy_of, product_database, rate_ratios, rates, together
from benchmarks.common import Server, save, say
from benchmarks.l1_posting import PARTNERS, prepare

CLIENTS = 4
GOAL, MOONSHOT = 0.9, 1.0
_EACH = PARTNERS // CLIENTS


def _clients(way: str) -> list[dict[str, Any]]:
    """Return each client's arguments; in both ways that are compared, each has partners of its own."""
    own = [(number * _EACH, (number + 1) * _EACH) for number in range(CLIENTS)]
    return [
        {
            "client": number,
            "partners": (0, 1) if way == "one partner" else own[number],
            "owner": f"owner-{number}" if way == "apart" else "everybody",
        }
        for number in range(CLIENTS)
    ]


def measured(at: Server, way: str, seconds: float) -> Run:
    """Let the clients post, and check the books."""
    run = together(at, [("benchmarks.l1_posting:orders", one) for one in _clients(way)], seconds=seconds)
    posted = run.done + CLIENTS
    assert_whole(at, journals=posted, legs=4 * posted)
    [(shared,)] = at.run("select count(*) from ledger_account where code = 1020 and owner = 'everybody'")
    if shared != int(way != "apart"):
        raise AssertionError(way, shared)
    return run


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--machine", default="")
    asked = parser.parse_args()
    runs: dict[str, list[Run]] = {"apart": [], "together": [], "one partner": []}
    with product_database() as at:
        prepare(at)
        for number in range(1, asked.rounds + 1):
            for way, done in runs.items():
                with copy_of(at) as fresh:
                    done.append(measured(fresh, way, asked.seconds))
                say(f"round {number}: {way:12} {done[-1].rate:8.0f}/s")
    ratio = rate_ratios(runs["together"], runs["apart"])
    report = {
        "what": "four clients posting orders through the same clearing, fee and VAT accounts",
        "against": "the same four clients, each with such accounts of its own",
        "goal": GOAL,
        "moonshot": MOONSHOT,
        "ratio": ratio,
        "met": ratio["median"] >= GOAL,
        "one_partner_ratio": rate_ratios(runs["one partner"], runs["apart"]),
        "rates": {way: rates(of) for way, of in runs.items()},
    }
    say(f"{ratio}\n{save('l3_hot_account', report, machine=asked.machine)}")


if __name__ == "__main__":
    main()
