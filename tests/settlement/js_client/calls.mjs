// Representative calls of the unmodified JavaScript client library against a live server: BASE_URL and SECRET say which.
// Every step asserts what came back; the last line on standard output counts the calls.

import assert from "node:assert/strict";
import { PlatformClient } from "@portone/server-sdk/platform";

const odd = "a/b c 한";
const soon = "2998-05-01T00:00:00Z";
let calls = 0;

/** Returns the client with every method counted. */
function counted(client) {
  for (const [name, member] of Object.entries(client)) {
    if (typeof member === "function") {
      client[name] = (...given) => {
        calls += 1;
        return member(...given);
      };
    } else {
      counted(member);
    }
  }
  return client;
}

/** Asserts that a call is refused with a type of the wire, and returns what the refusal says. */
async function refused(type, call) {
  const error = await call.then(
    () => assert.fail(`${type} was expected`),
    (reason) => reason,
  );
  assert.equal(error.data?.type, type);
  return error.data;
}

const { account, company, partner, partnerSettlement, policy, transfer, ...platform } = counted(
  PlatformClient({ secret: process.env.SECRET, baseUrl: process.env.BASE_URL }),
);

// Policies.
const contract = {
  id: "ten-percent",
  name: "10 %",
  platformFee: { fixedRate: 10000 },
  settlementCycle: { lagDays: 2, datePolicy: "HOLIDAY_BEFORE", method: { monthly: { daysOfMonth: [31] } } },
  platformFeeVatPayer: "PARTNER",
  subtractPaymentVatAmount: false,
};
assert.equal((await policy.createPlatformContract(contract)).contract.settlementCycle.lagDays, 2);
await refused("PLATFORM_CONTRACT_ALREADY_EXISTS", policy.createPlatformContract(contract));
await policy.createPlatformDiscountSharePolicy({ id: "half", name: "반반", partnerShareRate: 50000 });
await policy.createPlatformAdditionalFeePolicy({
  id: "five",
  name: "5 %",
  fee: { fixedRate: 5000 },
  vatPayer: "PARTNER",
});
assert.equal((await policy.updatePlatformContract({ id: "ten-percent", memo: "봄" })).contract.memo, "봄");
assert.ok((await policy.archivePlatformContract({ id: "ten-percent" })).contract.isArchived);
assert.ok(!(await policy.recoverPlatformContract({ id: "ten-percent" })).contract.isArchived);
const listed = await policy.getPlatformContracts({
  page: { number: 0, size: 5 },
  filter: { cycleTypes: ["MONTHLY"], keyword: { name: "10 %" } },
});
assert.equal(listed.page.totalCount, 1);

// Planned changes.
const update = { platformFee: { fixedRate: 20000 } };
const planned = await platform.scheduleContract({ id: "ten-percent", update, appliedAt: soon });
assert.equal(planned.scheduledContract.platformFee.rate, 20000);
await refused(
  "PLATFORM_CONTRACT_SCHEDULE_ALREADY_EXISTS",
  platform.scheduleContract({ id: "ten-percent", update, appliedAt: soon }),
);
assert.equal((await platform.getPlatformContractSchedule({ id: "ten-percent" })).platformFee.rate, 20000);
await platform.cancelPlatformContractSchedule({ id: "ten-percent" });

// Partners and look-ups.
const seller = {
  id: odd,
  name: "찻집",
  contact: { name: "김담당", email: "tea@example.com" },
  account: { bank: "KOOKMIN", currency: "KRW", number: "123-456-789012", holder: "김정산" },
  defaultContractId: "ten-percent",
  tags: ["차"],
  type: {
    business: { companyName: "정산상사", businessRegistrationNumber: "1178178260", representativeName: "김정산" },
  },
};
assert.equal((await partner.createPlatformPartner(seller)).partner.id, odd);
const batch = await partner.createPlatformPartners({ partners: [{ ...seller, id: "b1" }] });
assert.equal(batch.partners[0].id, "b1");
const used = await refused(
  "PLATFORM_PARTNER_IDS_ALREADY_EXISTS",
  partner.createPlatformPartners({ partners: [{ ...seller, id: "b1" }] }),
);
assert.deepEqual([used.ids, used.graphqlIds.length], [["b1"], 1]);
assert.equal((await partner.getPlatformPartner({ id: odd })).account.number, "123-456-789012");
assert.equal((await partner.getPlatformPartners({ filter: { tags: ["차"] } })).items.length, 2);
await refused("PLATFORM_BTX_NOT_ENABLED", partner.connectPartnerMemberCompany({ id: odd }));
assert.deepEqual((await platform.getPlatformPartnerFilterOptions({})).tags, ["차"]);
const holder = await account.getPlatformAccountHolder({ bank: "KOOKMIN", accountNumber: "123456789012", test: true });
assert.equal(holder.holderName, "테스트");
const state = await company.getPlatformCompanyState({ businessRegistrationNumber: "1178178260", test: true });
assert.equal(state.companyState.businessStatus, "IN_BUSINESS");
// This version has no test environment here, and a merchant without a bank account has nobody to ask.
await refused("B2B_EXTERNAL_SERVICE", company.getB2bBusinessInfos({ brnList: ["1178178260"] }));

// Settlement records.
const order = {
  partnerId: odd,
  paymentId: "order-0001",
  orderDetail: { orderAmount: 10000 },
  settlementStartDate: "2023-08-11",
  discounts: [{ sharePolicyId: "half", amount: 2000 }],
  additionalFees: [],
  externalPaymentDetail: { currency: "KRW", orderName: "Tea set", method: { card: {} } },
};
const made = (await transfer.createPlatformOrderTransfer(order)).transfer;
assert.deepEqual([made.amount.settlement, made.settlementDate, made.status], [7900, "2023-08-31", "SETTLED"]);
const again = await refused("PLATFORM_TRANSFER_ALREADY_EXISTS", transfer.createPlatformOrderTransfer(order));
assert.equal(again.transferId, made.id);
const cancelled = await transfer.createPlatformOrderCancelTransfer({
  transferId: made.id,
  cancellationId: "c",
  orderDetail: { orderAmount: 5000 },
  discounts: [{ sharePolicyId: "half", amount: 1000 }],
  externalCancellationDetail: {},
});
assert.equal(cancelled.transfer.amount.settlement, 3950);
await transfer.createPlatformManualTransfer({ partnerId: odd, settlementAmount: -500, settlementDate: "2023-08-31" });
assert.deepEqual(await transfer.getPlatformTransfer({ id: made.id }), made);
const summaries = await transfer.getPlatformTransferSummaries({ filter: { keyword: { partnerId: odd } } });
assert.equal(summaries.page.totalCount, 3);
const sheet = await transfer.downloadPlatformTransferSheet({ fields: ["TRANSFER_ID", "TRANSFER_SETTLEMENT_AMOUNT"] });
assert.match(sheet, /정산 아이디,정산 금액/);
await refused("INVALID_REQUEST", transfer.downloadPlatformTransferSheet({ fields: ["NONE"] }));
const settled = await partnerSettlement.getPlatformPartnerSettlements({ filter: { settlementDates: ["2023-08-31"] } });
assert.ok(settled.items.length >= 2);
await refused("PLATFORM_TRANSFER_NOT_FOUND", transfer.getPlatformTransfer({ id: "nobody" }));

// Settings, and a stranger.
assert.equal((await platform.updatePlatformSetting({ deductWht: false })).setting.deductWht, false);
assert.equal((await platform.getPlatformSetting({ test: true })).deductWht, true);
const stranger = PlatformClient({ secret: "wrong", baseUrl: process.env.BASE_URL });
await refused("UNAUTHORIZED", stranger.partner.getPlatformPartner({ id: odd }));

console.log(JSON.stringify({ calls }));
