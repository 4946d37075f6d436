"""Fetching a finished file."""

from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from access.requests import PageRequest
from access.roles import Permission
from console import exports
from console.models import ExportFile
from console.pages import PageView
from core import clock


class DownloadView(PageView):
    """A finished file, for the person who asked for it, until it expires."""

    permission = Permission.EXPORT

    def get(self, request: PageRequest, file_id: str) -> HttpResponseBase:
        """Send the file."""
        mine = ExportFile.objects.within(request.scope).filter(user_id=request.user.pk, removed_at=None)
        kept = mine.filter(public_id=file_id, expires_at__gt=clock.now()).first()
        if kept is None:
            raise Http404(_("파일이 없거나 받을 수 있는 기간이 지났어요."))
        return exports.fetch(kept, request.actor)
