"""Every address of the product: each application brings its own, the description of the API covers them all."""

from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

urlpatterns = [
    # Addresses are tried one by one, so those that machines call thousands of times stand first.
    path("", include("settlement.urls_platform")),
    path("", include("payouts.urls_platform")),
    path("", include("settlement.urls_v1")),
    path("", include("payouts.urls_v1")),
    path("", include("access.webhooks.urls_v1")),
    path("", include("matching.urls_v1")),
    path("", include("reconciliation.urls_v1")),
    path("", include("payouts.urls_bank")),
    path("api/schema/", login_not_required(SpectacularAPIView.as_view()), name="schema"),
    path("api/docs/", login_not_required(SpectacularSwaggerSplitView.as_view(url_name="schema")), name="api-docs"),
    path("", include("reconciliation.urls")),
    path("", include("matching.urls")),
    path("", include("payouts.urls")),
    path("", include("settlement.urls")),
    path("", include("ledger.urls")),
    path("", include("console.urls")),
    path("", include("access.urls")),
]
