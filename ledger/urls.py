"""Addresses of the ledger's pages."""

from django.urls import path

from ledger.pages import lists, views

app_name = "ledger"

urlpatterns = [
    path("ledger/accounts/", lists.AccountList.as_view(), name="accounts"),
    path("ledger/entries/", lists.EntryList.as_view(), name="entries"),
    path("ledger/journals/", lists.JournalList.as_view(), name="journals"),
    path("ledger/journals/<int:journal_id>/", views.JournalView.as_view(), name="journal"),
    path("ledger/trial-balance/", views.TrialBalanceView.as_view(), name="trial-balance"),
]
