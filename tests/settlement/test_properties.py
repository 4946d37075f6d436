"""Protects custom properties: only defined ones are kept, everywhere alike, and secret ones stay with the managers."""

from typing import Any

import pytest

from access.models import AuditEvent
from access.roles import Role
from core.errors import Conflict, InvalidRequest, NotFound
from core.scope import Scope
from settlement.models import Partner, PropertyTarget
from settlement.operations import properties, records, schedules
from settlement.operations.properties import MOST
from settlement.operations.records import ManualRow
from tests import build
from tests.settlement.test_api import CONTRACT, ORDER, PARTNER, Wire, prepare, wire

__all__ = ["wire"]

pytestmark = pytest.mark.django_db
NOW = build.noon()
OF_PARTNER, OF_RECORD = PropertyTarget.PARTNER, PropertyTarget.RECORD
MAP = {"grade": {"string": "A"}}
LIST = [{"key": "channel", "value": {"string": "앱"}}]


def define(scope: Scope, target: PropertyTarget, key: str, **values: Any) -> None:
    usual = {"name": f"{key} 이름"}
    properties.define(scope=scope, by=build.BY, now=NOW, target=target, key=key, **(usual | values))


class TestDefinitions:
    def test_ten_per_target_and_each_key_once(self) -> None:
        scope = build.merchant()
        for number in range(MOST):
            define(scope, OF_PARTNER, f"key_{number}")
        with pytest.raises(Conflict):
            define(scope, OF_PARTNER, "eleventh")
        define(scope, OF_RECORD, "key_0")
        with pytest.raises(Conflict):
            define(scope, OF_RECORD, "key_0")
        define(Scope(scope.merchant_id, is_test=True), OF_PARTNER, "key_0")

    @pytest.mark.parametrize("key", ["", "한글", "a b", "a-b", "x" * 65])
    def test_a_key_is_letters_digits_and_underscores(self, key: str) -> None:
        with pytest.raises(InvalidRequest):
            define(build.merchant(), OF_PARTNER, key)

    def test_names_and_secrecy_change_and_only_managers_see_secrets(self) -> None:
        scope = build.merchant()
        define(scope, OF_PARTNER, "grade")
        define(scope, OF_PARTNER, "rrn", is_secret=True)
        told: dict[str, Any] = {"scope": scope, "by": build.BY, "target": OF_PARTNER}
        assert properties.rename(**told, key="grade", name=" 등급 ").name == "등급"

        def seen(role: str | None) -> list[str]:
            return [one.key for one in properties.visible(scope, role, OF_PARTNER)]

        assert seen(Role.ADMIN) == ["grade", "rrn"]
        assert seen(Role.OPERATOR) == seen(Role.APPROVER) == seen(Role.VIEWER) == seen(None) == ["grade"]
        properties.set_secret(**told, key="rrn", is_secret=False)
        assert seen(Role.VIEWER) == ["grade", "rrn"]
        with pytest.raises(NotFound):
            properties.rename(**told, key="none", name="x")
        with pytest.raises(InvalidRequest):
            properties.rename(**told, key="grade", name=" ")
        assert AuditEvent.objects.filter(object_kind="custom_property").count() == 4

    def test_removed_partners_lose_its_values(self) -> None:
        scope = build.merchant()
        for key in ("grade", "team"):
            define(scope, OF_PARTNER, key)
        build.partner(scope, properties={"grade": "A", "team": "가"})
        properties.remove(scope=scope, by=build.BY, target=OF_PARTNER, key="grade")
        assert Partner.objects.get().user_defined_properties == {"team": {"string": "가"}}
        assert [one.key for one in properties.defined(scope, OF_PARTNER)] == ["team"]
        with pytest.raises(NotFound):
            properties.remove(scope=scope, by=build.BY, target=OF_PARTNER, key="grade")


class TestPartners:
    def test_on_every_way_in_and_out(self, wire: Wire) -> None:
        wire.ok("POST", "/contracts", CONTRACT)
        for way in (("/partners", PARTNER), ("/partners/batch", {"partners": [PARTNER]})):
            body = PARTNER | {"userDefinedProperties": MAP}
            wanted = body if way[0] == "/partners" else {"partners": [body]}
            assert wire.refused("POST", way[0], wanted) == (404, "USER_DEFINED_PROPERTY_NOT_FOUND")
        define(wire.scope, OF_PARTNER, "grade")
        define(wire.scope, OF_PARTNER, "team")
        made = wire.ok("POST", "/partners", PARTNER | {"userDefinedProperties": MAP})["partner"]
        assert made["userDefinedProperties"] == MAP

        both = MAP | {"team": {"string": "가"}}
        path = "/partners/seller-7"
        changed = wire.ok("PATCH", path, {"userDefinedProperties": {"team": {"string": "가"}}})["partner"]
        assert changed["userDefinedProperties"] == both
        assert wire.ok("PATCH", path, {"memo": "x"})["partner"]["userDefinedProperties"] == both
        assert (
            wire.ok("PATCH", path, {"userDefinedProperties": {"team": {}}})["partner"]["userDefinedProperties"] == MAP
        )
        unknown = {"userDefinedProperties": {"none": {"string": "x"}}}
        assert wire.refused("PATCH", path, unknown) == (404, "USER_DEFINED_PROPERTY_NOT_FOUND")
        planned = {"update": unknown, "appliedAt": "2999-01-01T00:00:00Z"}
        assert wire.refused("POST", f"{path}/schedule", planned) == (404, "USER_DEFINED_PROPERTY_NOT_FOUND")
        planned["update"] = {"userDefinedProperties": {"grade": {"string": "B"}}}
        shown = wire.ok("POST", f"{path}/schedule", planned)["scheduledPartner"]
        assert shown["userDefinedProperties"] == {"grade": {"string": "B"}}
        schedules.apply_due(now=build.noon("2999-01-02"))
        assert wire.ok("GET", path)["userDefinedProperties"] == {"grade": {"string": "B"}}

    def test_the_trail_names_keys_and_never_values(self) -> None:
        scope = build.merchant()
        define(scope, OF_PARTNER, "rrn", is_secret=True)
        build.partner(scope, properties={"rrn": "900203-1234567"})
        trail = str(list(AuditEvent.objects.values_list("before", "after")))
        assert "900203" not in trail


class TestRecords:
    def test_on_orders_cancels_and_manuals(self, wire: Wire) -> None:
        prepare(wire)
        order = ORDER | {"userDefinedProperties": LIST}
        assert wire.refused("POST", "/transfers/order", order) == (404, "USER_DEFINED_PROPERTY_NOT_FOUND")
        define(wire.scope, OF_RECORD, "channel")
        doubled = ORDER | {"userDefinedProperties": LIST * 2}
        assert wire.refused("POST", "/transfers/order", doubled) == (400, "INVALID_REQUEST")

        made = wire.ok("POST", "/transfers/order", order)["transfer"]
        assert made["userDefinedProperties"] == LIST
        cancel = {
            "transferId": made["id"],
            "cancellationId": "c",
            "orderDetail": {"orderAmount": 100},
            "discounts": [],
            "externalCancellationDetail": {},
            "userDefinedProperties": LIST,
        }
        cancelled = wire.ok("POST", "/transfers/order-cancel", cancel)["transfer"]
        assert cancelled["userDefinedProperties"] == LIST
        manual = {"partnerId": "seller-7", "settlementAmount": 5, "settlementDate": "2023-08-31"}
        wire.ok("POST", "/transfers/manual", manual)
        kept = wire.ok("POST", "/transfers/manual", manual | {"userDefinedProperties": LIST})["transfer"]
        assert kept["userDefinedProperties"] == LIST

    def test_lists_find_them_exactly_and_show_those_of_the_partner(self, wire: Wire) -> None:
        prepare(wire)
        define(wire.scope, OF_RECORD, "channel")
        define(wire.scope, OF_PARTNER, "grade")
        wire.ok("PATCH", "/partners/seller-7", {"userDefinedProperties": MAP})
        for number, value in enumerate(("앱", "앱2", "웹")):
            one = [{"key": "channel", "value": {"string": value}}]
            body = ORDER | {"paymentId": f"p{number}", "userDefinedProperties": one}
            wire.ok("POST", "/transfers/order", body)
        wire.ok("POST", "/transfers/order", ORDER)

        def found(value: str) -> list[str]:
            wanted = {"filter": {"userDefinedProperty": {"key": "channel", "value": value}}}
            rows = wire.listed("/transfer-summaries", wanted)["transferSummaries"]
            return [row["payment"]["id"] for row in rows]

        assert (found("앱"), found("웹"), found("없음")) == (["p0"], ["p2"], [])
        (summary, *_others) = wire.listed("/transfer-summaries", {})["transferSummaries"]
        assert summary["partnerUserDefinedProperties"] == [{"key": "grade", "value": {"string": "A"}}]
        assert summary["partner"]["userDefinedProperties"] == summary["partnerUserDefinedProperties"]

    def test_many_manual_records_keep_theirs(self) -> None:
        scope = build.merchant()
        build.partner(scope)
        define(scope, OF_RECORD, "channel")
        rows = [ManualRow("seller-7", 1, build.day("2023-08-31"), properties={"channel": "앱"}) for _each in range(3)]
        assert records.record_many_manual(scope=scope, by=build.BY, now=NOW, rows=rows) == 3
        assert Partner.objects.get().records.filter(user_defined_properties=LIST).count() == 3
