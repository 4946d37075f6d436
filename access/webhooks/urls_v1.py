"""Addresses of webhooks below /api/v1."""

from django.urls import path

# Imported before the addresses are read: it brings the converter for ids.
from access import paths  # noqa: F401
from access.webhooks import api_v1 as api

app_name = "webhooks-v1"

urlpatterns = [
    path("api/v1/webhooks", api.Webhooks.as_view()),
    path("api/v1/webhooks/resend-failed", api.ResendFailed.as_view()),
    path("api/v1/webhooks/<id:public_id>", api.Webhook.as_view()),
    path("api/v1/webhooks/<id:public_id>/rotate", api.Rotate.as_view()),
    path("api/v1/webhooks/<id:public_id>/drop-old-secret", api.DropOldSecret.as_view()),
    path("api/v1/webhooks/<id:public_id>/disable", api.Disable.as_view()),
    path("api/v1/webhooks/<id:public_id>/enable", api.Enable.as_view()),
    path("api/v1/webhooks/<id:public_id>/ping", api.Ping.as_view()),
    path("api/v1/webhook-deliveries", api.Deliveries.as_view()),
    path("api/v1/webhook-deliveries/<id:public_id>", api.Delivery.as_view()),
    path("api/v1/webhook-deliveries/<id:public_id>/resend", api.Resend.as_view()),
]
