"""Addresses of settlement below /platform. An id is one encoded segment and may hold anything."""

from django.urls import path

# Imported before the addresses are read: it brings the converter for ids.
from access import paths  # noqa: F401
from settlement import api, api_lookups, api_partners, api_schedules, api_sheets

app_name = "settlement-platform"

# These words may be ids of partners too: GET and PATCH are that partner's.
_WORDS = {
    "batch": api_partners.PartnersBatch,
    "schedule": api_schedules.PartnersSchedule,
    "counterparty-connect": api_partners.TaxOfficeConnectMany,
    "counterparty-disconnect": api_partners.TaxOfficeDisconnectMany,
    "member-company-connect": api_partners.TaxOfficeConnectMany,
    "member-company-disconnect": api_partners.TaxOfficeDisconnectMany,
}
# Likewise of records: GET and DELETE are that record's.
_RECORD_WORDS = {
    "order": api.OrderTransfers,
    "order-cancel": api.OrderCancelTransfers,
    "manual": api.ManualTransfers,
}

urlpatterns = [
    *(path(f"platform/transfers/{word}", view.as_view(), {"public_id": word}) for word, view in _RECORD_WORDS.items()),
    path("platform/setting", api.SettingView.as_view()),
    path("platform/contracts", api.Contracts.as_view()),
    path("platform/contracts/<id:public_id>", api.Contract.as_view()),
    path("platform/contracts/<id:public_id>/archive", api.ContractArchive.as_view()),
    path("platform/contracts/<id:public_id>/recover", api.ContractRecover.as_view()),
    path("platform/contracts/<id:public_id>/schedule", api_schedules.ContractSchedule.as_view()),
    path("platform/discount-share-policies", api.DiscountSharePolicies.as_view()),
    path("platform/discount-share-policies/<id:public_id>", api.DiscountSharePolicy.as_view()),
    path("platform/discount-share-policies/<id:public_id>/archive", api.DiscountSharePolicyArchive.as_view()),
    path("platform/discount-share-policies/<id:public_id>/recover", api.DiscountSharePolicyRecover.as_view()),
    path("platform/discount-share-policies/<id:public_id>/schedule", api_schedules.DiscountShareSchedule.as_view()),
    path("platform/additional-fee-policies", api.AdditionalFeePolicies.as_view()),
    path("platform/additional-fee-policies/<id:public_id>", api.AdditionalFeePolicy.as_view()),
    path("platform/additional-fee-policies/<id:public_id>/archive", api.AdditionalFeePolicyArchive.as_view()),
    path("platform/additional-fee-policies/<id:public_id>/recover", api.AdditionalFeePolicyRecover.as_view()),
    path("platform/additional-fee-policies/<id:public_id>/schedule", api_schedules.AdditionalFeeSchedule.as_view()),
    path("platform/partners", api.Partners.as_view()),
    *(path(f"platform/partners/{word}", view.as_view(), {"public_id": word}) for word, view in _WORDS.items()),
    path("platform/partners/<id:public_id>", api.Partner.as_view()),
    path("platform/partners/<id:public_id>/archive", api.PartnerArchive.as_view()),
    path("platform/partners/<id:public_id>/recover", api.PartnerRecover.as_view()),
    path("platform/partners/<id:public_id>/schedule", api_schedules.PartnerSchedule.as_view()),
    path("platform/partners/counterparty-connect/<id:public_id>", api_partners.TaxOfficeConnect.as_view()),
    path("platform/partners/counterparty-disconnect/<id:public_id>", api_partners.TaxOfficeDisconnect.as_view()),
    path("platform/partners/member-company-connect/<id:public_id>", api_partners.TaxOfficeConnect.as_view()),
    path("platform/partners/member-company-disconnect/<id:public_id>", api_partners.TaxOfficeDisconnect.as_view()),
    path("platform/partner-filter-options", api_partners.PartnerFilterOptions.as_view()),
    path("platform/discount-share-policy-filter-options", api_partners.DiscountShareFilterOptions.as_view()),
    path("platform/bank-accounts/<id:bank>/<id:number>/holder", api_lookups.AccountHolder.as_view()),
    path("platform/companies/<id:number>/state", api_lookups.CompanyState.as_view()),
    path("b2b/companies/business-info", api_lookups.BusinessInfos.as_view()),
    path("platform/transfers/<id:public_id>", api.Transfer.as_view()),
    path("platform/transfer-summaries", api.TransferSummaries.as_view()),
    path("platform/transfer-summaries/sheet-file", api_sheets.TransferSheet.as_view()),
    path("platform/partner-settlements", api.PartnerSettlements.as_view()),
    path("platform/partner-settlements/delete", api.PartnerSettlementDelete.as_view()),
]
