"""
The people of a run: an operator and two approvers at the pages of the real web server, which may die under them.

They do what people do: open the page, look, press the button, and when no answer comes, open the page again. What an
approver saw before pressing is kept, so that the judge can compare it with what the bank was told.
"""

import http.cookiejar
import json
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from access import totp
from config.chaos.books import Books
from config.demo_secrets import DemoUser
from core import clock

_LOOK_SECONDS = 0.3
_PATIENCE_SECONDS = 25.0
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass
class Person:
    """Somebody with a browser."""

    site: str
    secrets: DemoUser
    _opener: urllib.request.OpenerDirector | None = field(default=None)

    def look(self, path: str) -> str:
        """Open a page and return what it says. Raises OSError when it does not answer, ValueError when signed out."""
        return self._open(self._opener or self._sign_in(), path)[0]

    def press(self, path: str) -> bool:
        """Open the page of a button and press it; False when anything on the way did not answer."""
        try:
            opener = self._opener or self._sign_in()
            page, _where = self._open(opener, path)
            values = dict(_HIDDEN.findall(page))
            if "seen" not in values:
                # Signed out, or refused: sign in anew and look again.
                self._opener = None
                return False
            values["stepup_code"] = self._code()
            self._open(opener, path, values)
        except (OSError, urllib.error.URLError, ValueError):
            return False
        return True

    def _code(self) -> str:
        return totp.code_at(self.secrets["totpSecret"], clock.now())

    def _sign_in(self) -> urllib.request.OpenerDirector:
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), urllib.request.ProxyHandler({}))
        page, _where = self._open(opener, "/login/")
        known = {"username": self.secrets["username"], "password": self.secrets["password"]}
        page, where = self._open(opener, "/login/", dict(_HIDDEN.findall(page)) | known)
        if where.startswith("/login/code"):
            page, where = self._open(opener, where, dict(_HIDDEN.findall(page)) | {"code": self._code()})
        if where.startswith("/login"):
            message = "the sign-in was refused"
            raise ValueError(message)
        self._opener = opener
        return opener

    def _open(
        self, opener: urllib.request.OpenerDirector, path: str, form: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        data = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(f"{self.site}{path}", data=data)  # noqa: S310 - the lab's own address
        request.add_header("Referer", self.site)
        with opener.open(request, timeout=_PATIENCE_SECONDS) as answer:
            return answer.read().decode(), urllib.parse.urlsplit(answer.url).path


class Desk(threading.Thread):
    """
    Submits what is prepared, and approves as many bulk payouts as `allowed` says.

    A daemon thread that starts no process; it reads and acts until `close`.
    """

    def __init__(self, site: str, books: Books, people: Mapping[str, DemoUser], seen: Path) -> None:
        super().__init__(name="desk", daemon=True)
        self.allowed = 0
        self._books, self._seen = books, seen
        self._operator = Person(site, people["operator"])
        self._approvers = [Person(site, people["approver"]), Person(site, people["approver2"])]
        self._turn = 0
        self._closing = threading.Event()

    def close(self) -> None:
        """Let the people go home."""
        self._closing.set()
        self.join(_PATIENCE_SECONDS)

    def run(self) -> None:
        """Look and act, again and again."""
        while not self._closing.wait(_LOOK_SECONDS):
            for place, (key, public_id, status, count) in enumerate(self._books.bulks()):
                path = urllib.parse.quote(public_id)
                if status == "PREPARED" and count:
                    self._operator.press(f"/payouts/bulk-submit/{path}")
                elif status == "PENDING_APPROVAL" and place < self.allowed:
                    self._note(key)
                    self._approvers[self._turn % 2].press(f"/payouts/bulk-approve/{path}")
                    self._turn += 1
        self._books.close()

    def _note(self, key: int) -> None:
        """Keep what the approver is about to see: each payout with its amount and destination, under the hash."""
        rows = self._books.ask(
            "select b.content_hash, p.public_id, p.amount, p.bank, r.public_id, p.account_holder"
            " from payouts_payout p join payouts_bulkpayout b on b.id = p.bulk_payout_id"
            " join settlement_partner r on r.id = p.partner_id where b.id = %s and p.status <> 'CANCELLED'",
            key,
        )
        note(self._seen, [(hash_, payout, amount, bank, f"partner:{who}", holder)
                          for hash_, payout, amount, bank, who, holder in rows])  # fmt: skip


def note(path: Path, rows: list[tuple[str, str, int, str, str, str]]) -> None:
    """Append what somebody saw before approving: hash, payout, amount, bank, account number, holder."""
    with path.open("a", encoding="utf-8") as out:
        out.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
