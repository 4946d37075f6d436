"""The address that banks report to."""

from django.urls import path

from payouts import callback_views

app_name = "bank"

urlpatterns = [path("bank/callbacks/<slug:rail>", callback_views.callback, name="callback")]
