"""A merchant whose people look at vendor files in their browsers, and files as they come in the post."""

import io
import re
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from access.roles import Role
from core import jobs
from core.scope import Scope
from reconciliation.models import Batch
from tests.access.build import Firm, signed_in
from tests.query_counts import recorded
from tests.reconciliation.writing import Table, Writing, written


def text_of(response: Any) -> str:
    """Return what a person reads: without markup, with single spaces."""
    body = re.sub(r"(?s)<(script|style|svg|datalist).*?</\1>", " ", response.content.decode())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


@dataclass
class Desk:
    """The people of a merchant, by role."""

    firm: Firm
    browsers: dict[Role, Client] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        return self.firm.scope

    def browser(self, role: Role = Role.OPERATOR) -> Client:
        if role not in self.browsers:
            name = f"{role.value}-{self.scope.merchant_id}"
            self.browsers[role] = signed_in(self.firm.person(name, role, code=role in (Role.ADMIN, Role.APPROVER)))
        return self.browsers[role]

    def get(self, page: str, *args: object, role: Role = Role.OPERATOR, **query: Any) -> Any:
        return self.browser(role).get(reverse(f"reconciliation:{page}", args=args), query)

    def see(self, page: str, *args: object, role: Role = Role.OPERATOR, **query: Any) -> str:
        """Return what a page says."""
        answer = self.get(page, *args, role=role, **query)
        assert answer.status_code == 200, answer.status_code
        return text_of(answer)

    def counted(self, page: str, *args: object, **query: Any) -> str:
        """Return what a page says, which has to make as many queries as are on record."""
        self.browser()
        with recorded(f"reconciliation:{page}"):
            return self.see(page, *args, **query)

    def post(self, page: str, *args: object, role: Role = Role.OPERATOR, **values: Any) -> Any:
        return self.browser(role).post(reverse(f"reconciliation:{page}", args=args), values)

    def send(self, *files: tuple[str, bytes], role: Role = Role.OPERATOR, **told: Any) -> Any:
        """Send files through the form."""
        sent = [SimpleUploadedFile(name, content) for name, content in files]
        return self.post("file-new", role=role, files=sent, **{"locale": "ko", **told})

    def upload(self, made: Table, name: str = "file.csv", **told: Any) -> Batch:
        """Send a table as a file and let the job read it."""
        answer = self.send((name, written(made, Writing())), **told)
        assert answer.status_code == 302, text_of(answer)
        jobs.run_due_jobs()
        return Batch.objects.within(self.scope).latest("pk")

    def accepted(self, made: Table, name: str = "file.csv", **told: Any) -> Batch:
        """Send a file and accept it."""
        batch = self.upload(made, name, **told)
        assert self.post("file-accept", batch.public_id).status_code == 302
        batch.refresh_from_db()
        return batch


def download(response: Any) -> str:
    """Return a downloaded CSV as text."""
    return io.BytesIO(b"".join(response.streaming_content)).read().decode("utf-8-sig")
