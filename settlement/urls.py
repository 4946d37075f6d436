"""
Addresses of settlement's pages.

Ids are chosen by callers and may hold any character, slashes too: an id is always the end of its address.
"""

from django.urls import path

from settlement.pages import backtest, calculator, calendar, partners, policies, properties, records, settlements

app_name = "settlement"

urlpatterns = [
    path("settlement/records/", records.RecordList.as_view(), name="records"),
    path("settlement/records/view/<path:public_id>", records.RecordView.as_view(), name="record"),
    path("settlement/records/void/<path:public_id>", records.RecordVoidView.as_view(), name="record-void"),
    path("settlement/manual/", records.ManualView.as_view(), name="manual"),
    path("settlement/due/", settlements.SettlementList.as_view(), name="settlements"),
    path("settlement/due/figures/", settlements.FiguresView.as_view(), name="settlement-figures"),
    path("settlement/due/view/<path:public_id>", settlements.SettlementView.as_view(), name="settlement"),
    path("settlement/due/decide/<path:public_id>", settlements.DecideView.as_view(), name="settlement-decide"),
    path("settlement/holidays/", calendar.HolidayList.as_view(), name="holidays"),
    path("settlement/holidays/add/", calendar.HolidayAddView.as_view(), name="holiday-add"),
    path("settlement/holidays/year/", calendar.HolidayYearView.as_view(), name="holiday-year"),
    path("settlement/holidays/moves/", calendar.MoveList.as_view(), name="holiday-moves"),
    path("settlement/holidays/partners/", calendar.MovedPartnerList.as_view(), name="holiday-partners"),
    path("settlement/holidays/apply/<path:public_id>", calendar.HolidayApplyView.as_view(), name="holiday-apply"),
    path("settlement/properties/", properties.PropertiesView.as_view(), name="properties"),
    path("settlement/properties/add/", properties.PropertyAddView.as_view(), name="property-add"),
    path(
        "settlement/properties/<str:target>/<str:key>/", properties.PropertyChangeView.as_view(), name="property-change"
    ),
    path("settlement/calculator/", calculator.CalculatorView.as_view(), name="calculator"),
    path("settlement/calculator/edit/", calculator.CalculatorEditView.as_view(), name="calculator-edit"),
    path("settlement/calculator/test/", calculator.CalculatorTestView.as_view(), name="calculator-test"),
    path("settlement/calculator/withdraw/", calculator.CalculatorWithdrawView.as_view(), name="calculator-withdraw"),
    path("settlement/calculator/parameters/new/", calculator.ParameterEditView.as_view(), name="parameter-add"),
    path(
        "settlement/calculator/parameters/edit/<path:key>",
        calculator.ParameterEditView.as_view(),
        name="parameter-edit",
    ),
    path(
        "settlement/calculator/parameters/remove/<path:key>",
        calculator.ParameterRemoveView.as_view(),
        name="parameter-remove",
    ),
    path("settlement/settings/", calendar.SettingView.as_view(), name="settings"),
    path("partners/", partners.PartnerList.as_view(), name="partners"),
    path("partners/new/", partners.PartnerEditView.as_view(), name="partner-add"),
    path("partners/options/", records.PartnerOptionsView.as_view(), name="partner-options"),
    path("partners/view/<path:public_id>", partners.PartnerView.as_view(), name="partner"),
    path("partners/edit/<path:public_id>", partners.PartnerEditView.as_view(), name="partner-edit"),
    path("partners/account/<path:public_id>", partners.PartnerRevealView.as_view(), name="partner-reveal"),
    path("partners/decide/<path:public_id>", partners.PartnerDecideView.as_view(), name="partner-decide"),
    path("partners/status/<path:public_id>", partners.PartnerStatusView.as_view(), name="partner-status"),
    path("partners/properties/<path:public_id>", partners.PartnerPropertiesView.as_view(), name="partner-properties"),
    path("partners/unplan/<path:public_id>", partners.PartnerPlanDropView.as_view(), name="partner-unplan"),
    path("partners/archive/<path:public_id>", partners.PartnerArchiveView.as_view(), name="partner-archive"),
    path("contracts/", policies.ContractList.as_view(), name="contracts"),
    path("contracts/new/", policies.ContractEditView.as_view(), name="contract-add"),
    path("contracts/unplan/<path:public_id>", policies.ContractUnplanView.as_view(), name="contract-unplan"),
    path("contracts/view/<path:public_id>", policies.ContractView.as_view(), name="contract"),
    path("contracts/edit/<path:public_id>", policies.ContractEditView.as_view(), name="contract-edit"),
    path("contracts/backtest/<path:public_id>", backtest.BacktestNewView.as_view(), name="backtest-new"),
    path("contracts/backtests/partners/", backtest.BacktestPartnerList.as_view(), name="backtest-partners"),
    path("contracts/backtests/records/", backtest.BacktestRecordList.as_view(), name="backtest-records"),
    path(
        "contracts/backtests/progress/<path:public_id>",
        backtest.BacktestProgressView.as_view(),
        name="backtest-progress",
    ),
    path("contracts/backtests/remove/<path:public_id>", backtest.BacktestRemoveView.as_view(), name="backtest-remove"),
    path("contracts/archive/<path:public_id>", policies.ContractArchiveView.as_view(), name="contract-archive"),
    path("discount-policies/", policies.DiscountPolicyList.as_view(), name="discount-policies"),
    path("discount-policies/new/", policies.DiscountPolicyEditView.as_view(), name="discount-policy-add"),
    path(
        "discount-policies/unplan/<path:public_id>",
        policies.DiscountPolicyUnplanView.as_view(),
        name="discount-policy-unplan",
    ),
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
    path("fee-policies/unplan/<path:public_id>", policies.FeePolicyUnplanView.as_view(), name="fee-policy-unplan"),
    path("fee-policies/view/<path:public_id>", policies.FeePolicyView.as_view(), name="fee-policy"),
    path("fee-policies/edit/<path:public_id>", policies.FeePolicyEditView.as_view(), name="fee-policy-edit"),
    path("fee-policies/archive/<path:public_id>", policies.FeePolicyArchiveView.as_view(), name="fee-policy-archive"),
]
