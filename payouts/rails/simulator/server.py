"""
The simulated bank: an HTTP server with a file of its own.

Its list of executed transfers is the witness of every test.

    POST   /v1/transfers                  {reference, referenceDate, amount, currency, bank, accountNumber, holder,
                                          depositMemo, withdrawalMemo}; executed once per (reference, referenceDate),
                                          a repeat answers the first result as DUPLICATE, its own code as firstCode
    GET    /v1/transfers/{reference}?date=YYYY-MM-DD    the result, or 404 NOT_RECEIVED
    GET    /v1/transfers?after=0&limit=10000            {transfers, next, more}: everything ever executed, by sequence
    POST   /v1/history                    {transfers: [{..., executedAt}]}: a past for demos, oldest first
    POST   /v1/accounts                   {bank, accountNumber, holder}, or {accounts: [...]}
    GET    /v1/accounts/{bank}/{number}/holder          {holder}, or 404 ACCOUNT_NOT_FOUND
    GET    /v1/businesses/{number}        what the tax office has on file, or 404 BUSINESS_NOT_FOUND
    GET    /v1/balance                    {currency, balance}
    POST   /v1/deposits                   {amount, depositor, memo, id}; the same id is booked once
    GET    /v1/statements?from=&to=&format=csv|camt053  transfers, returns and deposits of these Seoul days
    POST, GET, DELETE /v1/faults          see faults.py; a script does not outlive the process
    GET    /health

A business answer is always 200 with `code`: SUCCESS, PROCESSING, DUPLICATE or why it failed. 400 is a malformed
request.

Accounts that always behave alike, by the end of their number:

    …0000412 no such account (also for the holder look-up)     …0000415 closed          …0000416 cannot be paid into
    …0000419 reported in an accident     …0000420 suspended     …0000499 other reason    …0000815 holder differs
    …0009999 is paid and sends the money back later (600 s, scaled)

A registered account fails with 815 when the order names another holder. The holder look-up knows registered accounts;
any other number of 10 to 14 digits has a holder made from its digits, who is not compared on transfers.

Businesses, by the end of their number of ten digits: …00000 unknown, …00001 closed, …00002 suspended, …00003 simplified
with tax invoices, …00004 simplified without, …00005 exempt; every other one is run and taxed normally.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from payouts.rails import simulator
from payouts.rails.simulator import parsing, statements
from payouts.rails.simulator.book import (
    CURRENCY,
    KST,
    MESSAGES,
    SUCCESS,
    Book,
    BookDamaged,
    Fate,
    Order,
    Status,
    Transfer,
)
from payouts.rails.simulator.businesses import business
from payouts.rails.simulator.callbacks import Callbacks
from payouts.rails.simulator.faults import Call, Effect, Faults, FaultScriptError, Rule
from payouts.rails.simulator.wire import BadRequest, Manner, Reply, Request, json_reply, serve_connection

Answerer = Callable[[Request], Reply | Awaitable[Reply]]

DEFAULT_PORT = 8901
DEFAULT_BALANCE = 1_000_000_000_000
_PAGE = 10_000
_ANY = "*"
_ORDER_NAMES = ("reference", "referenceDate", "amount", "currency", "bank", "accountNumber")
_BROKEN = b'\x00\xff<html>502 Bad Gateway: {"code": "SUCC'

_MANNERS = {
    Effect.TIMEOUT_BEFORE: Manner.SILENT,
    Effect.TIMEOUT_AFTER: Manner.SILENT,
    Effect.HOLD: Manner.SILENT,
    Effect.RESET_BEFORE: Manner.RESET,
    Effect.RESET_AFTER: Manner.RESET,
    Effect.TRUNCATED: Manner.CUT,
    Effect.SLOW: Manner.SLOW,
}
_NEVER_EXECUTED = frozenset({Effect.TIMEOUT_BEFORE, Effect.RESET_BEFORE, Effect.ERROR500_BEFORE, Effect.HOLD})


@dataclass(frozen=True, slots=True)
class Options:
    """How the bank runs. `time_scale` multiplies every duration that a fault script does not give itself."""

    file: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    balance: int = DEFAULT_BALANCE
    fsync: bool = False
    callback_url: str = ""
    callback_secret: str = field(default="", repr=False)
    time_scale: float = 1

    @classmethod
    def of(cls, given: Mapping[str, Any], *, time_scale: float) -> Self:
        """Make them of parsed arguments (others among them are ignored) and the environment's secret."""
        names = ("file", "host", "port", "balance", "fsync", "callback_url")
        secret = os.environ.get("BANK_CALLBACK_SECRET", "")
        return cls(**{name: given[name] for name in names}, callback_secret=secret, time_scale=time_scale)


class Bank:
    """The running bank: its book, its faults and its open connections."""

    def __init__(self, options: Options, book: Book) -> None:
        self._options = options
        self._book = book
        self._faults = Faults()
        self._callbacks = Callbacks(options.callback_url, options.callback_secret, clock=_now)
        self._wake = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = options.port
        self._routes: tuple[tuple[str, tuple[str, ...], Answerer], ...] = (
            ("POST", ("v1", "transfers"), self._post_transfer),
            ("GET", ("v1", "transfers", _ANY), self._inquire),
            ("GET", ("v1", "transfers"), self._witness),
            ("POST", ("v1", "history"), self._load_past),
            ("POST", ("v1", "accounts"), self._register),
            ("GET", ("v1", "accounts", _ANY, _ANY, "holder"), self._holder),
            ("GET", ("v1", "businesses", _ANY), self._business),
            ("GET", ("v1", "balance"), self._balance),
            ("POST", ("v1", "deposits"), self._deposit),
            ("GET", ("v1", "statements"), self._statement),
            ("POST", ("v1", "faults"), self._set_faults),
            ("GET", ("v1", "faults"), self._show_faults),
            ("DELETE", ("v1", "faults"), self._clear_faults),
            ("GET", ("health",), self._health),
        )

    async def listen(self) -> None:
        """Start to take connections; port 0 is any free one, kept from then on."""
        self._server = await asyncio.start_server(self._connected, self._options.host, self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def work(self) -> None:
        """Finish what is processing and send back what is due, at its time, for ever."""
        while True:
            self._wake.clear()
            due = self._book.next_due()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout((due - _now()).total_seconds() if due else None):
                    await self._wake.wait()
            for transfer in self._book.run_due(_now()):
                self._callbacks.announce(transfer)

    async def close(self) -> None:
        """Stop listening and cut every connection."""
        if self._server:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def handle(self, request: Request) -> Reply:
        """Answer one request."""
        for method, shape, answer in self._routes:
            if method == request.method and _fits(shape, request.segments):
                reply = answer(request)
                return reply if isinstance(reply, Reply) else await reply
        return json_reply({"code": "NO_SUCH_CALL", "message": "없는 기능"}, HTTPStatus.NOT_FOUND)

    def _health(self, _request: Request) -> Reply:
        health = {
            "status": "ok",
            "executed": len(self._book.executed),
            "timeScale": self._options.time_scale,
            "settleSeconds": self._scaled(simulator.SETTLE_SECONDS),
        }
        return json_reply(health)

    def _post_transfer(self, request: Request) -> Reply:
        body = parsing.json_object(request)
        try:
            order = parsing.order(body)
        except BadRequest as error:
            # The caller can rely on this refusal only if it names what was refused.
            said = {name: body.get(name) for name in _ORDER_NAMES}
            refusal = {"code": "INVALID_REQUEST", "message": error.message, **said}
            return json_reply(refusal, HTTPStatus.BAD_REQUEST)
        rule = self._faults.draw(Call.TRANSFER, _order_fields(order))
        if rule and rule.effect in _NEVER_EXECUTED:
            if rule.effect is Effect.HOLD:
                self._later(self._seconds(rule, simulator.HOLD_SECONDS), order)
            return self._spoil(rule, json_reply({}))
        transfer, repeated = self._execute(order, rule)
        answer = _result(transfer, repeated=repeated)
        if rule and rule.effect is Effect.ANSWER_SWAPPED:
            answer = self._other_result(transfer)
        return self._spoil(rule, json_reply(answer))

    def _execute(self, order: Order, rule: Rule | None) -> tuple[Transfer, bool]:
        transfer, repeated = self._book.transfer(order, self._fate(rule), now=_now())
        self._wake.set()
        if not repeated and transfer.status is not Status.PROCESSING:
            late = rule is not None and rule.effect is Effect.LATE_CALLBACK
            delay = self._seconds(rule, simulator.CALLBACK_SECONDS) if rule and late else 0
            times = 2 if rule and rule.effect is Effect.DUPLICATE_CALLBACK else 1
            self._callbacks.announce(transfer, delay=delay, times=times)
        return transfer, repeated

    def _fate(self, rule: Rule | None) -> Fate:
        if rule is None:
            return Fate()
        if rule.effect is Effect.PROCESSING:
            return Fate(code=rule.code, complete_in=self._seconds(rule, simulator.PROCESSING_SECONDS))
        if rule.effect is Effect.RETURN_AFTER:
            return Fate(return_in=self._seconds(rule, simulator.RETURN_SECONDS))
        return Fate(code=rule.refusal)

    def _later(self, seconds: float, order: Order) -> None:
        async def execute() -> None:
            await asyncio.sleep(seconds)
            self._execute(order, None)

        self._keep(asyncio.create_task(execute()))

    def _inquire(self, request: Request) -> Reply:
        reference, day = request.segments[-1], parsing.day(request, "date")
        fields: dict[str, str | int] = {"reference": reference, "referenceDate": day.isoformat()}
        rule = self._faults.draw(Call.INQUIRY, fields)
        transfer = self._book.transfers.get((reference, day.isoformat()))
        if transfer is None or (rule and rule.effect is Effect.NOT_RECEIVED):
            body = {"code": "NOT_RECEIVED", "message": "접수되지 않은 거래", **fields}
            return self._spoil(rule, json_reply(body, HTTPStatus.NOT_FOUND))
        swapped = rule is not None and rule.effect is Effect.ANSWER_SWAPPED
        return self._spoil(rule, json_reply(self._other_result(transfer) if swapped else _result(transfer)))

    def _witness(self, request: Request) -> Reply:
        after = parsing.count(request, "after", 0)
        limit = parsing.count(request, "limit", _PAGE)
        page = self._book.executed[after : after + limit]
        body = {
            "transfers": [{"sequence": transfer.sequence, **_result(transfer)} for transfer in page],
            "next": after + len(page),
            "more": after + len(page) < len(self._book.executed),
        }
        return json_reply(body)

    def _load_past(self, request: Request) -> Reply:
        body = parsing.json_object(request)
        past = [(parsing.order(one), parsing.past_moment(one, _now())) for one in parsing.objects(body, "transfers")]
        try:
            loaded = [self._book.load_past(order, at) for order, at in past]
        except ValueError as error:
            raise BadRequest(str(error)) from None
        return json_reply({"transfers": [_result(transfer) for transfer in loaded]}, HTTPStatus.CREATED)

    def _register(self, request: Request) -> Reply:
        body = parsing.json_object(request)
        accounts = body.get("accounts", [body])
        if not isinstance(accounts, list) or not all(isinstance(account, dict) for account in accounts):
            message = "accounts is a list of objects."
            raise BadRequest(message)
        parsed = [
            (parsing.bank(a), parsing.digits(a, "accountNumber"), parsing.text(a, "holder", needed=True))
            for a in accounts
        ]
        for bank, number, holder in parsed:
            self._book.register(bank, number, holder)
        return json_reply({"registered": len(parsed)}, HTTPStatus.CREATED)

    def _holder(self, request: Request) -> Reply:
        bank, number = request.segments[2:4]
        holder = self._book.holder(bank, number)
        body: dict[str, object] = {"code": "ACCOUNT_NOT_FOUND", "message": MESSAGES["412"]}
        reply = json_reply(body, HTTPStatus.NOT_FOUND)
        if holder is not None:
            reply = json_reply({"code": SUCCESS, "bank": bank, "accountNumber": number, "holder": holder})
        return self._spoilt(Call.HOLDER, {"bank": bank, "accountNumber": number}, reply)

    def _business(self, request: Request) -> Reply:
        number = request.segments[2]
        found = business(number)
        if found is None:
            body = {"code": "BUSINESS_NOT_FOUND", "message": "등록되지 않은 사업자"}
            return self._spoilt(Call.BUSINESS, {}, json_reply(body, HTTPStatus.NOT_FOUND))
        return self._spoilt(Call.BUSINESS, {}, json_reply({"code": SUCCESS, "number": number, **found}))

    def _balance(self, _request: Request) -> Reply:
        return self._spoilt(Call.BALANCE, {}, json_reply({"currency": CURRENCY, "balance": self._book.balance}))

    def _deposit(self, request: Request) -> Reply:
        body = parsing.json_object(request)
        amount = parsing.amount(body)
        key = parsing.name(body.get("id", f"deposit-{len(self._book.deposits) + 1}"), "id")
        name, memo = parsing.text(body, "depositor"), parsing.text(body, "memo")
        line = self._book.deposit(key, amount, name, memo, now=_now())
        booked = {"id": key, "amount": line.amount, "date": line.day, "sequence": line.sequence}
        return json_reply(booked | {"balance": self._book.balance}, HTTPStatus.CREATED)

    async def _statement(self, request: Request) -> Reply:
        first, last = parsing.day(request, "from"), parsing.day(request, "to")
        kind = request.query.get("format", "csv")
        if first > last or kind not in {"csv", "camt053"}:
            message = "from is not after to, format is csv or camt053."
            raise BadRequest(message)
        opening, closing, lines = self._book.statement(first, last)
        if kind == "csv":
            body = await asyncio.to_thread(statements.to_csv, lines)
            return self._spoilt(Call.STATEMENT, {}, Reply(HTTPStatus.OK, body, "text/csv; charset=utf-8"))
        body = await asyncio.to_thread(
            statements.to_camt053,
            lines,
            first=first,
            last=last,
            opening=opening,
            closing=closing,
            created_at=_now().isoformat(timespec="seconds"),
        )
        return self._spoilt(Call.STATEMENT, {}, Reply(HTTPStatus.OK, body, "application/xml; charset=utf-8"))

    def _set_faults(self, request: Request) -> Reply:
        try:
            down = self._faults.replace(parsing.json_object(request))
        except FaultScriptError as error:
            raise BadRequest(str(error)) from None
        if down is not None and self._server:
            # At once: a connection still taken after the answer would be reset, not refused.
            self._server.close()
            self._keep(asyncio.create_task(self._come_back(down or self._scaled(simulator.DOWN_SECONDS))))
        return json_reply(self._faults.describe())

    def _show_faults(self, _request: Request) -> Reply:
        return json_reply(self._faults.describe())

    def _clear_faults(self, _request: Request) -> Reply:
        self._faults.clear()
        return json_reply(self._faults.describe())

    async def _come_back(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.listen()

    def _spoilt(self, call: Call, fields: dict[str, str | int], reply: Reply) -> Reply:
        return self._spoil(self._faults.draw(call, fields), reply)

    def _spoil(self, rule: Rule | None, reply: Reply) -> Reply:
        if rule is None:
            return reply
        if rule.effect in {Effect.ERROR500_BEFORE, Effect.ERROR500_AFTER}:
            body = {"code": "INTERNAL", "message": "처리 중 오류"}
            return json_reply(body, HTTPStatus.INTERNAL_SERVER_ERROR)
        if rule.effect is Effect.GARBAGE:
            return replace(reply, body=_BROKEN)
        manner = _MANNERS.get(rule.effect, Manner.WHOLE)
        return replace(reply, manner=manner, seconds=self._seconds(rule, simulator.SLOW_SECONDS))

    def _other_result(self, transfer: Transfer) -> dict[str, object]:
        for other in reversed(self._book.executed[-2:]):
            if other is not transfer:
                return _result(other)
        result = _result(transfer)
        return result | {"reference": f"{transfer.order.reference}X", "amount": transfer.order.amount + 1}

    def _seconds(self, rule: Rule, default: int) -> float:
        return self._scaled(default) if rule.seconds is None else rule.seconds

    def _scaled(self, seconds: int) -> float:
        return seconds * self._options.time_scale

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(asyncio.create_task(serve_connection(reader, writer, self.handle)))


def _fits(shape: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    return len(shape) == len(segments) and all(a in (_ANY, b) for a, b in zip(shape, segments, strict=True))


def _now() -> datetime:
    return datetime.now(KST)


def _result(transfer: Transfer, *, repeated: bool = False) -> dict[str, object]:
    order = transfer.order
    return {
        "code": "DUPLICATE" if repeated else transfer.code,
        **({"firstCode": transfer.code} if repeated else {}),
        "message": MESSAGES.get(transfer.code, transfer.code),
        "status": transfer.status.value,
        **_order_fields(order),
        "bankReference": transfer.bank_reference,
        "executedAt": transfer.executed_at,
        "returnedAt": transfer.returned_at,
    }


def _order_fields(order: Order) -> dict[str, str | int]:
    return {
        "reference": order.reference,
        "referenceDate": order.reference_date,
        "amount": order.amount,
        "currency": order.currency,
        "bank": order.bank,
        "accountNumber": order.account_number,
        "holder": order.holder,
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the bank's command line."""
    parser.add_argument("--file", type=Path, required=True, help="the bank's own file, made if missing")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one and tells it")
    parser.add_argument("--balance", type=int, default=DEFAULT_BALANCE, help="won on the account of a new bank")
    parser.add_argument("--fsync", action="store_true", help="reach the disk before each answer")
    parser.add_argument("--callback-url", default="", help="POST results here, signed with BANK_CALLBACK_SECRET")


def serve(options: Options) -> int:
    """Run the bank until TERM or INT. Returns the exit status; writes only to standard error."""
    try:
        return_seconds = simulator.RETURN_SECONDS * options.time_scale
        book = Book.open(
            options.file, balance=options.balance, return_seconds=return_seconds, now=_now(), fsync=options.fsync
        )
    except (BookDamaged, OSError) as error:
        sys.stderr.write(f"banksim: {error}\n")
        return 1
    try:
        return asyncio.run(_run(options, book))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"banksim: {error}\n")
        return 1
    finally:
        book.close()


async def _run(options: Options, book: Book) -> int:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    bank = Bank(options, book)
    await bank.listen()
    sys.stderr.write(f"banksim: ready on http://{options.host}:{bank.port}\n")
    sys.stderr.flush()
    work = asyncio.create_task(bank.work())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    await bank.close()
    if work.done():
        work.result()
    work.cancel()
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the bank without Django: `python -m payouts.rails.simulator.server --file bank.jsonl`."""
    parser = argparse.ArgumentParser(prog="banksim")
    add_arguments(parser)
    given = vars(parser.parse_args(arguments))
    return serve(Options.of(given, time_scale=float(os.environ.get("TIME_SCALE") or 1)))


if __name__ == "__main__":
    sys.exit(main())
