"""What the demo tells the simulated bank: who holds the partners' accounts, and the transfers of the past."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from django.conf import settings

from core import http
from core.actor import Actor
from core.clock import seoul_day
from core.scope import Scope
from payouts.models import BankAccount
from payouts.operations import funds
from payouts.rails.base import Instruction, Outcome
from payouts.rails.simulator.client import read_answer

_MOST_AT_ONCE = 500
_CREATED = 201


_BY_FILE_NUMBER, _BY_FILE_MONEY = "140055557777", 50_000_000


class BankRefused(RuntimeError):
    """The simulated bank did not take what the demo told it."""


def _tell(path: str, body: object) -> dict[str, object]:
    address = f"{settings.JEONGSAN['BANK_URL']}{path}"
    answer = http.request(
        "POST",
        address,
        body=json.dumps(body, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json"},
    )
    if answer.status != _CREATED:
        raise BankRefused(f"{path}: {answer.status} {answer.body[:200]!r}")
    told: dict[str, object] = json.loads(answer.body)
    return told


def open_account_by_file(scope: Scope, by: Actor, now: datetime) -> BankAccount:
    """Set up a second account, which pays by files that a person carries to the bank."""
    account = funds.open_bank_account(
        scope=scope,
        name="파일 이체 계좌",
        bank="IBK",
        number=_BY_FILE_NUMBER,
        holder="한빛마켓",
        rail="file",
        by=by,
        now=now,
    )
    day = seoul_day(now)
    funds.top_up(account=account, amount=_BY_FILE_MONEY, on=day, reference="opening", by=by)
    return account


def register_accounts(accounts: Iterable[tuple[str, str, str]]) -> None:
    """Let the bank know the holder of each account: (bank, number, holder)."""
    known = [{"bank": bank, "accountNumber": number, "holder": holder} for bank, number, holder in accounts]
    _tell("/v1/accounts", {"accounts": known})


def load_past(instructions: Sequence[Instruction], executed_at: datetime) -> list[Outcome]:
    """Let the bank have executed transfers at a moment in the past; returns what it answers to each."""
    outcomes: list[Outcome] = []
    for start in range(0, len(instructions), _MOST_AT_ONCE):
        chunk = instructions[start : start + _MOST_AT_ONCE]
        answer = _tell("/v1/history", {"transfers": [_order(one, executed_at) for one in chunk]})
        results = answer["transfers"]
        if not isinstance(results, list) or len(results) != len(chunk):
            raise BankRefused("the history was answered with other transfers")
        outcomes += [
            read_answer(200, json.dumps(result).encode()).confirmed_for(one)
            for one, result in zip(chunk, results, strict=True)
        ]
    return outcomes


def _order(instruction: Instruction, executed_at: datetime) -> dict[str, object]:
    given = asdict(instruction)
    return {
        "reference": given["reference"],
        "referenceDate": given["reference_date"].isoformat(),
        "amount": given["amount"],
        "currency": given["currency"],
        "bank": given["bank"],
        "accountNumber": given["account_number"],
        "holder": given["holder"],
        "depositMemo": given["deposit_memo"],
        "withdrawalMemo": given["withdrawal_memo"],
        "executedAt": executed_at.isoformat(),
    }
