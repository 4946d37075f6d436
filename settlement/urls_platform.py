"""Addresses of settlement below /platform. An id is one encoded segment and may hold anything."""

from django.urls import path

# Imported before the addresses are read: it brings the converter for ids.
from access import paths  # noqa: F401
from settlement import api

app_name = "settlement-platform"

urlpatterns = [
    path("platform/setting", api.SettingView.as_view()),
    path("platform/contracts", api.Contracts.as_view()),
    path("platform/contracts/<id:public_id>", api.Contract.as_view()),
    path("platform/contracts/<id:public_id>/archive", api.ContractArchive.as_view()),
    path("platform/contracts/<id:public_id>/recover", api.ContractRecover.as_view()),
    path("platform/discount-share-policies", api.DiscountSharePolicies.as_view()),
    path("platform/discount-share-policies/<id:public_id>", api.DiscountSharePolicy.as_view()),
    path("platform/discount-share-policies/<id:public_id>/archive", api.DiscountSharePolicyArchive.as_view()),
    path("platform/discount-share-policies/<id:public_id>/recover", api.DiscountSharePolicyRecover.as_view()),
    path("platform/additional-fee-policies", api.AdditionalFeePolicies.as_view()),
    path("platform/additional-fee-policies/<id:public_id>", api.AdditionalFeePolicy.as_view()),
    path("platform/additional-fee-policies/<id:public_id>/archive", api.AdditionalFeePolicyArchive.as_view()),
    path("platform/additional-fee-policies/<id:public_id>/recover", api.AdditionalFeePolicyRecover.as_view()),
    path("platform/partners", api.Partners.as_view()),
    path("platform/partners/<id:public_id>", api.Partner.as_view()),
    path("platform/partners/<id:public_id>/archive", api.PartnerArchive.as_view()),
    path("platform/partners/<id:public_id>/recover", api.PartnerRecover.as_view()),
    path("platform/transfers/order", api.OrderTransfers.as_view()),
    path("platform/transfers/order-cancel", api.OrderCancelTransfers.as_view()),
    path("platform/transfers/manual", api.ManualTransfers.as_view()),
    path("platform/transfers/<id:public_id>", api.Transfer.as_view()),
    path("platform/transfer-summaries", api.TransferSummaries.as_view()),
    path("platform/partner-settlements", api.PartnerSettlements.as_view()),
    path("platform/partner-settlements/delete", api.PartnerSettlementDelete.as_view()),
]
