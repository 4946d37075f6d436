"""App registration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsoleConfig(AppConfig):
    """Pages: how they behave, what they share."""

    name = "console"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the background work, the console's own navigation and what its jobs are called."""
        from access.roles import Permission
        from console import (
            exports,
            health,
            job_pages,
            list_views,
            registry,
            upload_operations,
            uploads,
            webhook_pages,
        )

        registry.nav("settings", _("사용자"), "access:users", Permission.MANAGE, order=100)
        registry.nav("settings", _("API 키"), "access:api-secrets", Permission.MANAGE, order=200)
        registry.nav("settings", _("감사 기록"), "access:audit", Permission.AUDIT, order=800)
        registry.nav("settings", _("작업"), "console:jobs", Permission.VIEW, order=900)
        registry.search("job", job_pages.find, label=_("작업"))
        registry.job_kind(exports.EXPORT_JOB, _("파일 만들기"))
        registry.job_kind(list_views.TOTAL_JOB, _("건수와 합계 계산"))
        registry.job_kind(uploads.CHECK_JOB, _("올린 파일 확인"))
        registry.job_kind(uploads.LOAD_JOB, _("올린 파일 등록"))
        health.register()
        upload_operations.register()
        webhook_pages.register()
