"""
Every setting of the product, read from the environment.

With DATABASE_URL set, this is a running deployment and every secret has to be there. Without it, nothing can be served
or worked on: only commands that need no data (makemigrations, collectstatic, type checks) get through. OFFLINE=1 says
the same where DATABASE_URL is set.
"""

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlsplit

from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from config import environment as env
from config.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent
OFFLINE = env.flag("OFFLINE") or "DATABASE_URL" not in os.environ
DEBUG = False


class Product(TypedDict):
    """What the product itself reads from the settings, as `settings.JEONGSAN["TIME_SCALE"]`."""

    TIME_SCALE: float  # factor of every pause, lease and settle time: 1 in production, less in demo and tests
    ACCOUNT_KEYS: dict[str, str]  # key id -> base64 of 32 bytes; the last one seals, all of them open
    LOOKUP_KEY: str  # HMAC key of the search values beside sealed fields
    BANK_URL: str  # the bank simulator, empty without one
    STORAGE_DIR: Path  # uploads
    EXPORT_DIR: Path  # finished exports
    PUBLIC_URL: str  # how browsers reach us, without a slash at the end
    DEMO: bool


# A process without a database cannot leak or keep anything, so it gets secrets that live as long as it does.
SECRET_KEY = secrets.token_urlsafe(48) if OFFLINE else env.secret("SECRET_KEY", at_least=48)
TIME_SCALE = env.factor("TIME_SCALE", "1")
# How many instructions one worker has with the bank at the same time.
BANK_CONCURRENCY = env.integer("BANK_CONCURRENCY", 16)
# Files of transfers: how many one holds at most, and the places of memos in sheets by bank, as KOOKMIN=14/20,IBK=14/14.
TRANSFER_FILE_MOST = env.integer("TRANSFER_FILE_MOST", 50_000)
TRANSFER_SHEET_WIDTHS = env.text("TRANSFER_SHEET_WIDTHS", "")
UPLOAD_MOST_ROWS = env.integer("UPLOAD_MOST_ROWS", 200_000)
UPLOAD_MOST_BYTES = env.integer("UPLOAD_MOST_BYTES", 50_000_000)
# Webhooks go to public addresses on these ports only; a machine of one's own is for the demo and for development.
WEBHOOK_PORTS = tuple(int(port) for port in env.text("WEBHOOK_PORTS", "443").split(",") if port.strip().isdecimal())
WEBHOOK_PRIVATE_TARGETS = env.flag("WEBHOOK_PRIVATE_TARGETS")
WEBHOOK_SECONDS = env.integer("WEBHOOK_SECONDS", 10)
# Without it no callback of a bank is believed.
BANK_CALLBACK_SECRET = env.secret("BANK_CALLBACK_SECRET") if os.environ.get("BANK_CALLBACK_SECRET") else ""
PUBLIC_URL = env.text("PUBLIC_URL", "http://127.0.0.1:8000" if OFFLINE else None).rstrip("/")
STORAGE_DIR = Path(env.text("STORAGE_DIR", str(BASE_DIR / ".demo" / "storage") if OFFLINE else None))

JEONGSAN: Product = {
    "TIME_SCALE": TIME_SCALE,
    "ACCOUNT_KEYS": env.account_keys("{}" if OFFLINE else None),
    "LOOKUP_KEY": secrets.token_urlsafe(32) if OFFLINE else env.secret("LOOKUP_KEY"),
    "BANK_URL": env.text("BANK_URL", "").rstrip("/"),
    "STORAGE_DIR": STORAGE_DIR,
    "EXPORT_DIR": Path(env.text("EXPORT_DIR", str(STORAGE_DIR / "exports"))),
    "PUBLIC_URL": PUBLIC_URL,
    "DEMO": env.flag("DEMO"),
}

INSTALLED_APPS = [
    "config",
    "reconciliation",
    "matching",
    "payouts",
    "settlement",
    "ledger",
    "console",
    "access",
    "core",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "heroicons",
    "rest_framework",
]

MIDDLEWARE = [
    "access.middleware.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "console.middleware.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "access.middleware.MerchantMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "access.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database. DATABASE_URL is the application's role; DATABASE_OWNER_URL, for `migrate` and tests only, owns the tables.

DATABASE_OWNER_URL = env.text("DATABASE_OWNER_URL", "")
ATOMIC_REQUESTS = False
STATEMENT_TIMEOUT = timedelta(seconds=env.integer("STATEMENT_TIMEOUT", 3600))
_DATABASE_LIMITS = {
    "statement_timeout": int(STATEMENT_TIMEOUT.total_seconds() * 1000),
    "lock_timeout": 5_000,
    "idle_in_transaction_session_timeout": 30_000,
}


def _database() -> dict[str, Any]:
    # The folder cannot exist, so that an offline process that does ask for data is told at once.
    settings = env.database("postgresql://offline@/offline?host=/nonexistent" if OFFLINE else env.text("DATABASE_URL"))
    settings["OPTIONS"] |= {
        "options": " ".join(f"-c {name}={value}" for name, value in _DATABASE_LIMITS.items()),
        "connect_timeout": 5,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    settings["CONN_MAX_AGE"] = None if env.flag("KEEP_CONNECTIONS") else 0
    settings["CONN_HEALTH_CHECKS"] = True
    settings["ATOMIC_REQUESTS"] = False
    return settings


DATABASES = {"default": _database()}

# Redis: the broker in the database that REDIS_URL names, the cache in the next. Neither holds anything we would miss.

REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:1/0" if OFFLINE else None)
_REDIS_TIMEOUTS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.redis_url(REDIS_URL, offset=1),
        "OPTIONS": _REDIS_TIMEOUTS,
        "KEY_PREFIX": "jeongsan",
    },
}

# Celery. A message only says "look now", PostgreSQL holds the work: see config/celery.py for the queues.

CELERY_BROKER_URL = env.broker_url(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 300, "socket_keepalive": True, **_REDIS_TIMEOUTS}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TIMEZONE = "UTC"
# Several schedulers do no harm: each task looks in PostgreSQL, under a lock there, for what is due.
_SWEEP_SECONDS = max(1.0, 5 * TIME_SCALE)
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "core.sweep", "schedule": _SWEEP_SECONDS, "options": {"expires": 2 * _SWEEP_SECONDS}},
    "tidy": {"task": "core.tidy", "schedule": crontab(hour=18, minute=30)},  # 03:30 in Seoul
}
SEND_HINTS = not OFFLINE and env.flag("SEND_HINTS", default=True)

# Pages, languages and time. Korean is the source text; rows are stored in UTC and shown in Seoul's time.

LANGUAGE_CODE = "ko"
LANGUAGES = [("ko", "한국어"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Seoul"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# An image brings static files collected, compressed and named by content; elsewhere they are served where they lie.
STATIC_MANIFEST = env.flag("STATIC_MANIFEST")
STATIC_ROOT = BASE_DIR / "staticfiles" if STATIC_MANIFEST else None
WHITENOISE_USE_FINDERS = not STATIC_MANIFEST
WHITENOISE_AUTOREFRESH = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": STORAGE_DIR}},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_MANIFEST
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}

# Security. PUBLIC_URL decides: plain http is for loopback only, everything else gets host-bound, https-only cookies.

_ADDRESS = urlsplit(PUBLIC_URL)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HTTPS = _ADDRESS.scheme == "https"
if not HTTPS and _ADDRESS.netloc.rpartition("@")[2].rsplit(":", 1)[0] not in _LOOPBACK:
    message = "PUBLIC_URL must be https://…; plain http is for 127.0.0.1 and localhost only."
    raise ImproperlyConfigured(message)

ALLOWED_HOSTS = [_ADDRESS.hostname or ""] if HTTPS else list(_LOOPBACK)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# The longest a session can live; being idle ends it earlier, on the server.
SESSION_COOKIE_AGE = 10 * 3600
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# A forwarded header is believed only where the operator says that our own proxy sets it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY") else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "access:sign-in"
LOGIN_REDIRECT_URL = "console:home"
# The page to try the API with comes from a package and styles itself.
CSP_INLINE_STYLE_PATHS = ("/api/docs/",)

# API

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "access.api.handle_error",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "access.openapi.DescribedSchema",
}
# Where each application says what its endpoints take and answer.
API_DESCRIPTIONS = (
    "access.described",
    "settlement.described",
    "payouts.described",
    "matching.described",
    "reconciliation.described",
)
SPECTACULAR_SETTINGS = {
    "TITLE": "Jeongsan",
    "DESCRIPTION": "Settlement with partners and payouts. `/platform` speaks the wire that existing client libraries"
    " know; `/api/v1` is our own.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": ["access.openapi.complete"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

LOGGING_CONFIG = None
logging_settings(level=env.text("LOG_LEVEL", "INFO"))
