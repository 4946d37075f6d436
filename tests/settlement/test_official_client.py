"""
Protects the promise that the client library of the wire, unmodified, works against this server.

Every method of the library is called here or, those about payouts and money, in `test_official_client_payouts`; a new
method that nobody calls fails `test_no_method_of_the_library_is_forgotten`.
"""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from portone_server_sdk import PlatformClient, common, errors
from portone_server_sdk.platform import (
    PlatformFeeInput,
    PlatformPartnerFilterInput,
    PlatformProperties,
    PlatformSettlementCycleInput,
    PlatformSettlementCycleMethodInput,
    PlatformSettlementCycleMethodMonthlyInput,
    PlatformUserDefinedPropertyValue,
    SchedulePlatformPartnersBodyUpdate,
    UpdatePlatformAdditionalFeePolicyBody,
    UpdatePlatformContractBody,
    UpdatePlatformDiscountSharePolicyBody,
    UpdatePlatformPartnerBody,
    UpdatePlatformPartnerBodyType,
    UpdatePlatformPartnerBodyTypeBusiness,
    partner,
    partner_settlement,
    transfer,
)

from access.models import Merchant
from access.roles import Role
from config.pytest_processes import RunningProcess
from core.scope import Scope
from settlement.models import PropertyTarget
from settlement.operations import properties
from tests import build
from tests.access.build import Firm

ODD_ID = "a/b c 한"
SOON, LATER = "2998-05-01T00:00:00Z", "2998-06-01T00:00:00Z"
# Clients of the library whose methods are called in test_official_client_payouts.
_OF_PAYOUTS = ("account_transfer", "bulk_account_transfer", "bulk_payout", "payout")


@pytest.fixture
def client(live_site: RunningProcess) -> PlatformClient:
    """Give the library, pointed at a real server with nothing in it but a merchant and its secret."""
    return connected(build.merchant(), live_site)


def connected(scope: Scope, site: RunningProcess) -> PlatformClient:
    """Return the library with a new secret of a merchant."""
    firm = Firm(Merchant.objects.get(pk=scope.merchant_id), scope)
    _secret, text = firm.secret(firm.person("owner", Role.ADMIN))
    return PlatformClient(secret=text, base_url=site.url)


def methods(client: PlatformClient) -> dict[str, tuple[object, str]]:
    """Return the methods of the library by name, each with the object it belongs to; those for asyncio aside."""
    parts: dict[str, object] = {name: part for name, part in vars(client).items() if not name.startswith("_")}
    found: dict[str, tuple[object, str]] = {}
    for part_name, part in {"": client, **parts}.items():
        for name, _method in inspect.getmembers(part, inspect.ismethod):
            if not name.startswith("_") and not name.endswith("_async"):
                found[f"{part_name}.{name}".lstrip(".")] = (part, name)
    return found


def note_calls(client: PlatformClient) -> set[str]:
    """Let every call of the library leave its name in the set returned."""
    called: set[str] = set()

    def noting(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            called.add(name)
            return method(**arguments)

        return call

    for name, (part, method) in methods(client).items():
        setattr(part, method, noting(name, getattr(part, method)))
    return called


def prepare(client: PlatformClient, *, test: bool | None = None) -> None:
    """Make a contract, a discount share policy, a fee policy and a partner."""
    client.policy.create_platform_contract(
        test=test,
        id="ten-percent",
        name="10 %",
        platform_fee=PlatformFeeInput(fixed_rate=10_000),
        settlement_cycle=PlatformSettlementCycleInput(
            lag_days=2,
            date_policy="HOLIDAY_BEFORE",
            method=PlatformSettlementCycleMethodInput(
                monthly=PlatformSettlementCycleMethodMonthlyInput(days_of_month=[31])
            ),
        ),
        platform_fee_vat_payer="PARTNER",
        subtract_payment_vat_amount=False,
    )
    client.policy.create_platform_discount_share_policy(test=test, id="half", name="반반", partner_share_rate=50_000)
    client.policy.create_platform_additional_fee_policy(
        test=test, id="five", name="5 %", fee=PlatformFeeInput(fixed_rate=5_000), vat_payer="PARTNER"
    )
    client.partner.create_platform_partner(
        test=test,
        id=ODD_ID,
        name="찻집",
        contact=partner.CreatePlatformPartnerBodyContact(name="김담당", email="tea@example.com"),
        account=partner.CreatePlatformPartnerBodyAccount(
            bank="KOOKMIN", currency="KRW", number="123-456-789012", holder="김정산"
        ),
        default_contract_id="ten-percent",
        tags=["차"],
        type=partner.CreatePlatformPartnerBodyType(
            business=partner.CreatePlatformPartnerBodyTypeBusiness(
                company_name="정산상사", business_registration_number="1178178260", representative_name="김정산"
            )
        ),
    )


def order(client: PlatformClient, **values: object) -> transfer.PlatformOrderTransfer:
    """Record an order of 10,000 with a discount of 2,000."""
    wanted: dict[str, object] = {
        "partner_id": ODD_ID,
        "payment_id": "order-0001",
        "order_detail": transfer.CreatePlatformOrderTransferBodyOrderDetail(order_amount=10_000),
        "settlement_start_date": "2023-08-11",
        "discounts": [transfer.CreatePlatformOrderTransferBodyDiscount(share_policy_id="half", amount=2_000)],
        "additional_fees": [],
        "external_payment_detail": transfer.CreatePlatformOrderTransferBodyExternalPaymentDetail(
            currency="KRW",
            order_name="Tea set",
            method=transfer.PlatformPaymentMethodInput(card=transfer.PlatformPaymentMethodCardInput()),
        ),
    }
    made = client.transfer.create_platform_order_transfer(**(wanted | values)).transfer  # type: ignore[arg-type] # keywords
    assert isinstance(made, transfer.PlatformOrderTransfer)
    return made


def test_the_worked_example_from_contract_to_partner_settlement(client: PlatformClient) -> None:
    prepare(client)

    made = order(client)
    assert (made.amount.settlement, made.amount.payment_vat, made.settlement_date) == (7_900, 727, "2023-08-31")
    assert (made.status, made.discounts[0].share_amount, made.partner.id) == ("SETTLED", 1_000, ODD_ID)
    read = client.transfer.get_platform_transfer(id=made.id)
    assert read == made

    cancelled = client.transfer.create_platform_order_cancel_transfer(
        transfer_id=made.id,
        cancellation_id="cancel-1",
        order_detail=transfer.CreatePlatformOrderCancelTransferBodyOrderDetail(order_amount=5_000),
        discounts=[transfer.CreatePlatformOrderCancelTransferBodyDiscount(share_policy_id="half", amount=1_000)],
        external_cancellation_detail=transfer.CreatePlatformOrderCancelTransferBodyExternalCancellationDetail(),
    ).transfer
    assert isinstance(cancelled, transfer.PlatformOrderCancelTransfer)
    assert cancelled.amount.settlement == 3_950

    manual = client.transfer.create_platform_manual_transfer(
        partner_id=ODD_ID, settlement_amount=-500, settlement_date="2023-08-31", id="manual/1"
    ).transfer
    assert isinstance(manual, transfer.PlatformManualTransfer)
    assert (manual.id, manual.settlement_amount) == ("manual/1", -500)

    listed = client.transfer.get_platform_transfer_summaries(
        page=common.PageInput(number=0, size=2),
        filter=transfer.PlatformTransferFilterInput(
            keyword=transfer.PlatformTransferFilterInputKeyword(partner_id=ODD_ID)
        ),
    )
    assert listed.page.total_count == 3
    assert len(listed.transfer_summaries) == 2

    settled = client.partner_settlement.get_platform_partner_settlements(
        filter=partner_settlement.PlatformPartnerSettlementFilterInput(settlement_dates=["2023-08-31"])
    )
    kinds = [type(item).__name__ for item in settled.items]
    assert sorted(kinds) == ["PlatformPartnerManualSettlement", "PlatformPartnerOrderSettlement"]
    assert settled.counts.payout_prepared >= 2

    client.transfer.delete_platform_transfer(id="manual/1")
    with pytest.raises(errors.PlatformTransferNotFoundError):
        client.transfer.get_platform_transfer(id="manual/1")


def test_lines_with_fees_and_parsed_blocks(client: PlatformClient) -> None:
    prepare(client)
    line = transfer.CreatePlatformOrderTransferBodyOrderLine(
        product=transfer.CreatePlatformOrderTransferBodyProduct(id="A", name="찻잔", amount=5_000),
        quantity=5,
        discounts=[transfer.CreatePlatformOrderTransferBodyDiscount(share_policy_id="half", amount=2_500)],
        additional_fees=[transfer.CreatePlatformOrderTransferBodyAdditionalFee(policy_id="five")],
    )

    made = order(client, order_detail=transfer.CreatePlatformOrderTransferBodyOrderDetail(order_lines=[line]))

    (shown,) = made.order_lines
    assert (shown.quantity, shown.amount.order, shown.additional_fees[0].amount) == (5, 25_000, 1_250)
    assert shown.discounts[0].share_policy.partner_share_rate == 50_000


def test_policies_partners_and_settings(client: PlatformClient) -> None:
    prepare(client)

    assert client.policy.get_platform_contract(id="ten-percent").settlement_cycle.lag_days == 2
    assert client.policy.get_platform_contracts().page.total_count == 1
    assert client.policy.get_platform_discount_share_policy(id="half").partner_share_rate == 50_000
    assert len(client.policy.get_platform_discount_share_policies().items) == 1
    assert len(client.policy.get_platform_additional_fee_policies().items) == 1
    changed = client.policy.update_platform_contract(id="ten-percent", memo="봄").contract
    assert changed.memo == "봄"
    assert client.policy.archive_platform_contract(id="ten-percent").contract.is_archived
    assert not client.policy.recover_platform_contract(id="ten-percent").contract.is_archived

    partner_changed = client.partner.update_platform_partner(id=ODD_ID, memo="단골").partner
    assert partner_changed.memo == "단골"
    assert client.partner.get_platform_partner(id=ODD_ID).account.number == "123-456-789012"
    assert client.partner.get_platform_partners().page.total_count == 1
    assert client.partner.archive_platform_partner(id=ODD_ID).partner.is_archived
    assert not client.partner.recover_platform_partner(id=ODD_ID).partner.is_archived

    assert client.get_platform_setting().deduct_wht
    assert not client.update_platform_setting(deduct_wht=False).setting.deduct_wht
    assert client.get_platform_setting(test=True).deduct_wht


def test_refusals_arrive_as_the_classes_of_the_library(client: PlatformClient, live_site: RunningProcess) -> None:
    prepare(client)
    made = order(client)

    with pytest.raises(errors.PlatformPartnerNotFoundError):
        client.partner.get_platform_partner(id="nobody")
    with pytest.raises(errors.PlatformContractNotFoundError):
        client.policy.get_platform_contract(id="none")
    with pytest.raises(errors.PlatformTransferAlreadyExistsError) as exists:
        order(client)
    assert exists.value.transfer_id == made.id
    with pytest.raises(errors.PlatformDiscountSharePoliciesNotFoundError) as missing:
        order(
            client,
            payment_id="2",
            discounts=[transfer.CreatePlatformOrderTransferBodyDiscount(share_policy_id="none", amount=1)],
        )
    assert missing.value.ids == ["none"]
    with pytest.raises(errors.PlatformCancellableAmountExceededError) as exceeded:
        client.transfer.create_platform_order_cancel_transfer(
            transfer_id=made.id,
            cancellation_id="c",
            order_detail=transfer.CreatePlatformOrderCancelTransferBodyOrderDetail(order_amount=10_001),
            discounts=[],
            external_cancellation_detail=transfer.CreatePlatformOrderCancelTransferBodyExternalCancellationDetail(),
        )
    assert exceeded.value.cancellable_amount == 10_000
    with pytest.raises(errors.InvalidRequestError):
        client.transfer.create_platform_manual_transfer(
            partner_id=ODD_ID, settlement_amount=10**15, settlement_date="2023-08-31"
        )
    stranger = PlatformClient(secret="wrong", base_url=live_site.url)
    with pytest.raises(errors.UnauthorizedError):
        stranger.partner.get_platform_partner(id=ODD_ID)


def body(public_id: str, **values: Any) -> partner.CreatePlatformPartnerBody:
    """Return a partner to be made."""
    usual: dict[str, Any] = {
        "id": public_id,
        "name": public_id,
        "contact": partner.CreatePlatformPartnerBodyContact(name="김담당", email="tea@example.com"),
        "account": partner.CreatePlatformPartnerBodyAccount(
            bank="KOOKMIN", currency="KRW", number="123456789012", holder="테스트"
        ),
        "default_contract_id": "ten-percent",
        "tags": ["봄"],
        "type": partner.CreatePlatformPartnerBodyType(
            wht_payer=partner.CreatePlatformPartnerBodyTypeWhtPayer(birthdate="1990-02-03")
        ),
    }
    return partner.CreatePlatformPartnerBody(**(usual | values))


def use_policies(client: PlatformClient) -> None:
    """Call every method about policies."""
    policy = client.policy
    assert policy.get_platform_contract(id="ten-percent").name == "10 %"
    assert policy.get_platform_discount_share_policy(id="half").partner_share_rate == 50_000
    assert policy.get_platform_additional_fee_policy(id="five").id == "five"
    assert policy.get_platform_contracts().page.total_count == 1
    assert policy.get_platform_discount_share_policies().page.total_count == 1
    assert policy.get_platform_additional_fee_policies().page.total_count == 1
    assert policy.update_platform_contract(id="ten-percent", memo="봄").contract.memo == "봄"
    share = policy.update_platform_discount_share_policy(id="half", memo="봄").discount_share_policy
    fee = policy.update_platform_additional_fee_policy(id="five", memo="봄").additional_fee_policy
    assert (share.memo, fee.memo) == ("봄", "봄")
    assert policy.archive_platform_contract(id="ten-percent").contract.is_archived
    assert policy.archive_platform_discount_share_policy(id="half").discount_share_policy.is_archived
    assert policy.archive_platform_additional_fee_policy(id="five").additional_fee_policy.is_archived
    with pytest.raises(errors.PlatformArchivedContractError):
        client.schedule_contract(id="ten-percent", update=UpdatePlatformContractBody(memo="x"), applied_at=SOON)
    assert not policy.recover_platform_contract(id="ten-percent").contract.is_archived
    assert not policy.recover_platform_discount_share_policy(id="half").discount_share_policy.is_archived
    assert not policy.recover_platform_additional_fee_policy(id="five").additional_fee_policy.is_archived
    assert client.get_platform_discount_share_policy_filter_options().partner_share_rates == [50_000]


def use_schedules_of_policies(client: PlatformClient) -> None:
    """Call every method about planned changes of policies."""
    contract = UpdatePlatformContractBody(platform_fee=PlatformFeeInput(fixed_rate=20_000))
    planned = client.schedule_contract(id="ten-percent", update=contract, applied_at=SOON).scheduled_contract
    assert planned.applied_at.startswith("2998-05-01")
    with pytest.raises(errors.PlatformContractScheduleAlreadyExistsError):
        client.schedule_contract(id="ten-percent", update=contract, applied_at=SOON)
    with pytest.raises(errors.PlatformCannotArchiveScheduledContractError):
        client.policy.archive_platform_contract(id="ten-percent")
    moved = client.reschedule_contract(id="ten-percent", update=contract, applied_at=LATER).scheduled_contract
    assert client.get_platform_contract_schedule(id="ten-percent") == moved
    client.cancel_platform_contract_schedule(id="ten-percent")
    with pytest.raises(errors.PlatformContractNotFoundError):
        client.get_platform_contract_schedule(id="ten-percent")

    half = UpdatePlatformDiscountSharePolicyBody(partner_share_rate=70_000)
    client.schedule_discount_share_policy(id="half", update=half, applied_at=SOON)
    with pytest.raises(errors.PlatformDiscountSharePolicyScheduleAlreadyExistsError):
        client.schedule_discount_share_policy(id="half", update=half, applied_at=SOON)
    with pytest.raises(errors.PlatformCannotArchiveScheduledDiscountSharePolicyError):
        client.policy.archive_platform_discount_share_policy(id="half")
    client.reschedule_discount_share_policy(id="half", update=half, applied_at=LATER)
    assert client.get_platform_discount_share_policy_schedule(id="half").partner_share_rate == 70_000
    client.cancel_platform_discount_share_policy_schedule(id="half")

    five = UpdatePlatformAdditionalFeePolicyBody(fee=PlatformFeeInput(fixed_amount=300))
    client.schedule_additional_fee_policy(id="five", update=five, applied_at=SOON)
    with pytest.raises(errors.PlatformAdditionalFeePolicyScheduleAlreadyExistsError):
        client.schedule_additional_fee_policy(id="five", update=five, applied_at=SOON)
    with pytest.raises(errors.PlatformCannotArchiveScheduledAdditionalFeePolicyError):
        client.policy.archive_platform_additional_fee_policy(id="five")
    client.reschedule_additional_fee_policy(id="five", update=five, applied_at=LATER)
    assert client.get_platform_additional_fee_policy_schedule(id="five").applied_at.startswith("2998-06-01")
    client.cancel_platform_additional_fee_policy_schedule(id="five")


def use_partners(client: PlatformClient) -> None:
    """Call every method about partners, the look-ups and the tax office."""
    grade = PlatformProperties({"grade": PlatformUserDefinedPropertyValue(string="A")})
    made = client.partner.create_platform_partners(partners=[body("b1", user_defined_properties=grade), body("b2")])
    assert [one.id for one in made.partners] == ["b1", "b2"]
    assert made.partners[0].user_defined_properties.additional_properties["grade"].string == "A"
    with pytest.raises(errors.PlatformPartnerIdsAlreadyExistError) as used:
        client.partner.create_platform_partners(partners=[body("b1"), body("b3")])
    assert used.value.ids == ["b1"]
    with pytest.raises(errors.PlatformPartnerIdsDuplicatedError):
        client.partner.create_platform_partners(partners=[body("b3"), body("b3")])
    with pytest.raises(errors.PlatformContractsNotFoundError):
        client.partner.create_platform_partners(partners=[body("b3", default_contract_id="none")])
    unknown = PlatformProperties({"none": PlatformUserDefinedPropertyValue(string="A")})
    with pytest.raises(errors.PlatformUserDefinedPropertyNotFoundError):
        client.partner.create_platform_partners(partners=[body("b3", user_defined_properties=unknown)])

    assert client.partner.get_platform_partner(id=ODD_ID).account.number == "123-456-789012"
    wanted = PlatformPartnerFilterInput(tags=["봄"])
    assert client.partner.get_platform_partners(filter=wanted).page.total_count == 2
    assert client.partner.update_platform_partner(id="b1", memo="단골").partner.memo == "단골"
    assert client.partner.archive_platform_partner(id="b2").partner.is_archived
    assert not client.partner.recover_platform_partner(id="b2").partner.is_archived
    options = client.get_platform_partner_filter_options()
    assert (options.tags, options.contract_summary[0].id) == (["봄", "차"], "ten-percent")


def use_schedules_of_partners(client: PlatformClient) -> None:
    """Call every method about planned changes of partners."""
    update = UpdatePlatformPartnerBody(memo="여름")
    assert client.schedule_partner(id=ODD_ID, update=update, applied_at=SOON).scheduled_partner.memo == "여름"
    with pytest.raises(errors.PlatformPartnerScheduleAlreadyExistsError):
        client.schedule_partner(id=ODD_ID, update=update, applied_at=SOON)
    with pytest.raises(errors.PlatformPartnerScheduleExistsError):
        client.partner.connect_partner_counterparty(id=ODD_ID)
    with pytest.raises(errors.PlatformCannotArchiveScheduledPartnerError):
        client.partner.archive_platform_partner(id=ODD_ID)
    client.reschedule_partner(id=ODD_ID, update=update, applied_at=LATER)
    assert client.get_platform_partner_schedule(id=ODD_ID).applied_at.startswith("2998-06-01")
    everybody = SchedulePlatformPartnersBodyUpdate(memo="가을")
    with pytest.raises(errors.PlatformPartnerSchedulesAlreadyExistError) as planned:
        client.schedule_platform_partners(update=everybody, applied_at=SOON)
    assert planned.value.ids == [ODD_ID]
    client.cancel_platform_partner_schedule(id=ODD_ID)
    spring = PlatformPartnerFilterInput(tags=["봄"])
    client.schedule_platform_partners(filter=spring, update=everybody, applied_at=SOON)
    assert client.get_platform_partner_schedule(id="b1").memo == "가을"
    client.cancel_platform_partner_schedule(id="b1")
    incomplete = UpdatePlatformPartnerBodyType(business=UpdatePlatformPartnerBodyTypeBusiness(company_name="x"))
    with pytest.raises(errors.PlatformInsufficientDataToChangePartnerTypeError):
        client.schedule_partner(id="b1", update=UpdatePlatformPartnerBody(type=incomplete), applied_at=SOON)


def use_tax_office(client: PlatformClient) -> None:
    """Call every method about the tax office."""
    many = PlatformPartnerFilterInput(ids=["b1"])
    with pytest.raises(errors.PlatformBtxNotEnabledError):
        client.partner.connect_partner_counterparty(id=ODD_ID)
    with pytest.raises(errors.PlatformBtxNotEnabledError):
        client.partner.disconnect_partner_counterparty(id=ODD_ID)
    with pytest.raises(errors.PlatformPartnerTypeIsNotBusinessError):
        client.partner.connect_partner_counterparty(id="b1")
    with pytest.raises(errors.PlatformBtxNotEnabledError):
        client.partner.connect_bulk_partner_counterparty(filter=many)
    with pytest.raises(errors.PlatformBtxNotEnabledError):
        client.partner.disconnect_bulk_partner_counterparty(filter=many)
    nobody = PlatformPartnerFilterInput(tags=["없음"])
    with pytest.raises(errors.PlatformTargetPartnerNotFoundError):
        client.partner.connect_bulk_partner_counterparty(filter=nobody)


def use_look_ups(client: PlatformClient) -> None:
    """Call every look-up, in the test environment, which answers by itself."""
    holder = client.account.get_platform_account_holder(bank="KOOKMIN", account_number="123456789012", test=True)
    assert holder.holder_name == "테스트"
    with pytest.raises(errors.PlatformExternalApiFailedError):
        client.account.get_platform_account_holder(bank="KOOKMIN", account_number="123456789012")
    state = client.company.get_platform_company_state(business_registration_number="1178178260", test=True)
    assert state.company_state.business_status == "IN_BUSINESS"
    with pytest.raises(errors.PlatformCompanyNotFoundError):
        client.company.get_platform_company_state(business_registration_number="1234500000", test=True)
    infos = client.company.get_b2b_business_infos(brn_list=["1178178260", "1234500000"], test=True).result
    assert infos[0].business_info is not None
    assert (infos[0].business_info.brn, infos[1].error) == ("1178178260", "NOT_FOUND")
    prepare(client, test=True)
    account = partner.CreatePlatformPartnerBodyAccount(
        bank="KOOKMIN",
        currency="KRW",
        number="123-456-789012",
        holder="테스트",
        account_verification_id=holder.account_verification_id,
    )
    made = client.partner.create_platform_partners(partners=[body("t1", account=account)], test=True).partners
    assert made[0].account.status == "VERIFIED"
    with pytest.raises(errors.PlatformAccountVerificationAlreadyUsedError):
        client.partner.create_platform_partner(test=True, **vars(body("t2", account=account)))


def use_transfers(client: PlatformClient) -> None:
    """Call every method about settlement records and partner settlements."""
    channel = transfer.PlatformUserDefinedPropertyKeyValue(
        key="channel", value=PlatformUserDefinedPropertyValue(string="앱")
    )
    made = order(client, user_defined_properties=[channel])
    read = client.transfer.get_platform_transfer(id=made.id)
    assert isinstance(read, transfer.PlatformOrderTransfer)
    assert read.user_defined_properties == [channel]
    client.transfer.create_platform_order_cancel_transfer(
        transfer_id=made.id,
        cancellation_id="c",
        order_detail=transfer.CreatePlatformOrderCancelTransferBodyOrderDetail(order_amount=1_000),
        discounts=[],
        external_cancellation_detail=transfer.CreatePlatformOrderCancelTransferBodyExternalCancellationDetail(),
    )
    for name in ("m1", "m2"):
        client.transfer.create_platform_manual_transfer(
            partner_id="b2", settlement_amount=5, settlement_date="2023-08-31", id=name
        )
    exact = transfer.PlatformTransferPropertyExactMatchInput(key="channel", value="앱")
    found = client.transfer.get_platform_transfer_summaries(
        filter=transfer.PlatformTransferFilterInput(user_defined_property=exact)
    )
    (summary,) = found.transfer_summaries
    assert isinstance(summary, transfer.PlatformOrderTransferSummary)
    assert summary.id == made.id
    sheet = client.transfer.download_platform_transfer_sheet(fields=["TRANSFER_ID", "TRANSFER_channel"])
    assert sheet.splitlines()[0].lstrip("\ufeff") == "정산 아이디,유입 경로"
    assert f"{made.id},앱" in sheet
    with pytest.raises(errors.InvalidRequestError):
        client.transfer.download_platform_transfer_sheet(fields=["TRANSFER_NONE"])
    client.transfer.delete_platform_transfer(id="m1")
    wanted = partner_settlement.PlatformPartnerSettlementFilterInput(partner_ids=["b2"])
    (left,) = client.partner_settlement.get_platform_partner_settlements(filter=wanted).items
    assert isinstance(left, partner_settlement.PlatformPartnerManualSettlement)
    client.partner_settlement.delete_platform_partner_settlements(partner_settlement_ids=[left.id])
    with pytest.raises(errors.PlatformPartnerSettlementsNotFoundError):
        client.partner_settlement.delete_platform_partner_settlements(partner_settlement_ids=[left.id])


def test_no_method_of_the_library_is_forgotten(live_site: RunningProcess) -> None:
    scope = build.merchant()
    told: dict[str, Any] = {"scope": scope, "by": build.BY, "now": build.noon()}
    properties.define(**told, target=PropertyTarget.PARTNER, key="grade", name="등급")
    properties.define(**told, target=PropertyTarget.RECORD, key="channel", name="유입 경로")
    client = connected(scope, live_site)
    every = set(methods(client))
    called = note_calls(client)

    prepare(client)
    use_policies(client)
    use_schedules_of_policies(client)
    use_partners(client)
    use_schedules_of_partners(client)
    use_tax_office(client)
    use_look_ups(client)
    use_transfers(client)
    assert client.update_platform_setting(deduct_wht=False).setting.deduct_wht is False
    assert client.get_platform_setting().deduct_wht is False

    of_payouts = {name for name in every if name.partition(".")[0] in _OF_PAYOUTS}
    assert len(every) > 60
    assert every - called == of_payouts
