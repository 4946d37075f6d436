"""
Addresses of settlement's pages.

Ids are chosen by callers and may hold any character, slashes too: an id is always the end of its address.
"""

from django.urls import path

from settlement.pages import calendar, partners, policies, records, settlements

app_name = "settlement"

urlpatterns = [
    path("settlement/records/", records.RecordList.as_view(), name="records"),
    path("settlement/records/view/<path:public_id>", records.RecordView.as_view(), name="record"),
    path("settlement/records/void/<path:public_id>", records.RecordVoidView.as_view(), name="record-void"),
    path("settlement/manual/", records.ManualView.as_view(), name="manual"),
    path("settlement/due/", settlements.SettlementList.as_view(), name="settlements"),
    path("settlement/due/view/<path:public_id>", settlements.SettlementView.as_view(), name="settlement"),
    path("settlement/due/decide/<path:public_id>", settlements.DecideView.as_view(), name="settlement-decide"),
    path("settlement/holidays/", calendar.HolidayList.as_view(), name="holidays"),
    path("settlement/holidays/add/", calendar.HolidayAddView.as_view(), name="holiday-add"),
    path("settlement/settings/", calendar.SettingView.as_view(), name="settings"),
    path("partners/", partners.PartnerList.as_view(), name="partners"),
    path("partners/new/", partners.PartnerEditView.as_view(), name="partner-add"),
    path("partners/options/", records.PartnerOptionsView.as_view(), name="partner-options"),
    path("partners/view/<path:public_id>", partners.PartnerView.as_view(), name="partner"),
    path("partners/edit/<path:public_id>", partners.PartnerEditView.as_view(), name="partner-edit"),
    path("partners/account/<path:public_id>", partners.PartnerRevealView.as_view(), name="partner-reveal"),
    path("partners/decide/<path:public_id>", partners.PartnerDecideView.as_view(), name="partner-decide"),
    path("partners/archive/<path:public_id>", partners.PartnerArchiveView.as_view(), name="partner-archive"),
    path("contracts/", policies.ContractList.as_view(), name="contracts"),
    path("contracts/new/", policies.ContractEditView.as_view(), name="contract-add"),
    path("contracts/view/<path:public_id>", policies.ContractView.as_view(), name="contract"),
    path("contracts/edit/<path:public_id>", policies.ContractEditView.as_view(), name="contract-edit"),
    path("contracts/archive/<path:public_id>", policies.ContractArchiveView.as_view(), name="contract-archive"),
    path("discount-policies/", policies.DiscountPolicyList.as_view(), name="discount-policies"),
    path("discount-policies/new/", policies.DiscountPolicyEditView.as_view(), name="discount-policy-add"),
    path("discount-policies/view/<path:public_id>", policies.DiscountPolicyView.as_view(), name="discount-policy"),
    path(
        "discount-policies/edit/<path:public_id>",
        policies.DiscountPolicyEditView.as_view(),
        name="discount-policy-edit",
    ),
    path(
        "discount-policies/archive/<path:public_id>",
        policies.DiscountPolicyArchiveView.as_view(),
        name="discount-policy-archive",
    ),
    path("fee-policies/", policies.FeePolicyList.as_view(), name="fee-policies"),
    path("fee-policies/new/", policies.FeePolicyEditView.as_view(), name="fee-policy-add"),
    path("fee-policies/view/<path:public_id>", policies.FeePolicyView.as_view(), name="fee-policy"),
    path("fee-policies/edit/<path:public_id>", policies.FeePolicyEditView.as_view(), name="fee-policy-edit"),
    path("fee-policies/archive/<path:public_id>", policies.FeePolicyArchiveView.as_view(), name="fee-policy-archive"),
]
