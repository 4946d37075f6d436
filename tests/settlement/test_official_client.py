"""Protects the promise that the client library of the wire, unmodified, works against this server."""

import pytest
from portone_server_sdk import PlatformClient, common, errors
from portone_server_sdk.platform import (
    PlatformFeeInput,
    PlatformSettlementCycleInput,
    PlatformSettlementCycleMethodInput,
    PlatformSettlementCycleMethodMonthlyInput,
    partner,
    partner_settlement,
    transfer,
)

from access.models import Merchant
from access.roles import Role
from config.pytest_processes import RunningProcess
from tests import build
from tests.access.build import Firm

ODD_ID = "a/b c 한"


@pytest.fixture
def client(live_site: RunningProcess) -> PlatformClient:
    """Give the library, pointed at a real server with nothing in it but a merchant and its secret."""
    scope = build.merchant()
    firm = Firm(Merchant.objects.get(pk=scope.merchant_id), scope)
    _secret, text = firm.secret(firm.person("owner", Role.ADMIN))
    return PlatformClient(secret=text, base_url=live_site.url)


def prepare(client: PlatformClient) -> None:
    """Make a contract, a discount share policy, a fee policy and a partner."""
    client.policy.create_platform_contract(
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
    client.policy.create_platform_discount_share_policy(id="half", name="반반", partner_share_rate=50_000)
    client.policy.create_platform_additional_fee_policy(
        id="five", name="5 %", fee=PlatformFeeInput(fixed_rate=5_000), vat_payer="PARTNER"
    )
    client.partner.create_platform_partner(
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
