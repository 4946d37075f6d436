"""Addresses of the pages of reconciliation."""

from django.urls.resolvers import URLPattern

app_name = "reconciliation"

# Vendor files.
_files: list[URLPattern] = []

# Results of comparing.
_results: list[URLPattern] = []

# Our own records and closed days.
_records: list[URLPattern] = []

# Bank statements.
_statements: list[URLPattern] = []

# By partner, and the end of the month.
_partners: list[URLPattern] = []

urlpatterns = [*_files, *_results, *_records, *_statements, *_partners]
