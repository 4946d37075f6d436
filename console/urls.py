"""Addresses of the pages every application shares."""

from django.urls import path

from console import export_views, health, job_pages, list_views, upload_views, views, webhook_pages

app_name = "console"

urlpatterns = [
    path("", views.HomeView.as_view(), name="home"),
    path("search/", list_views.SearchView.as_view(), name="search"),
    path("jobs/", job_pages.JobList.as_view(), name="jobs"),
    path("jobs/bell/", job_pages.BellView.as_view(), name="bell"),
    path("jobs/<str:job_id>/", job_pages.JobView.as_view(), name="job"),
    path("jobs/<str:job_id>/status/", job_pages.JobStatusView.as_view(), name="job-status"),
    path("jobs/<str:job_id>/stop/", job_pages.JobStopView.as_view(), name="job-stop"),
    path("files/<str:file_id>/", export_views.DownloadView.as_view(), name="download"),
    path("lists/<slug:slug>/total/", list_views.TotalView.as_view(), name="list-total"),
    path("lists/<slug:slug>/total/<str:job_id>/", list_views.TotalJobView.as_view(), name="list-total-job"),
    path("lists/<slug:slug>/views/", list_views.ViewsView.as_view(), name="list-views"),
    path("lists/<slug:slug>/export/", list_views.ExportView.as_view(), name="list-export"),
    path("lists/<slug:slug>/actions/<slug:key>/", list_views.ActionView.as_view(), name="list-action"),
    path("uploads/", upload_views.KindsView.as_view(), name="uploads"),
    path("uploads/<slug:kind>/", upload_views.StartView.as_view(), name="upload"),
    path("uploads/<slug:kind>/template/", upload_views.TemplateView.as_view(), name="upload-template"),
    path("uploads/<slug:kind>/<str:upload_id>/", upload_views.UploadView.as_view(), name="upload-detail"),
    path("uploads/<slug:kind>/<str:upload_id>/errors/", upload_views.ErrorsView.as_view(), name="upload-errors"),
    path("settings/webhooks/", webhook_pages.WebhooksView.as_view(), name="webhooks"),
    path("settings/webhooks/log/", webhook_pages.DeliveryList.as_view(), name="webhook-deliveries"),
    path("settings/webhooks/log/<str:delivery_id>/", webhook_pages.DeliveryView.as_view(), name="webhook-delivery"),
    path("settings/webhooks/resend-failed/", webhook_pages.ResendFailedView.as_view(), name="webhooks-resend"),
    path("settings/webhooks/<str:endpoint_id>/", webhook_pages.WebhookView.as_view(), name="webhook"),
    path("settings/webhooks/<str:endpoint_id>/<slug:verb>/", webhook_pages.ActView.as_view(), name="webhook-act"),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
]
