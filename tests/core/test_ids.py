"""Promise: generated ids look as clients expect, sort by time where they should, and do not repeat."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from core import ids
from core.ids import IdKind, graphql_id, new_id, short_id, ulid

NOON = datetime(2023, 8, 11, 3, 0, 0, 123_999, tzinfo=UTC)
ALL_KINDS = [kind for kind in vars(ids).values() if isinstance(kind, IdKind)]


class TestUlid:
    def test_known_value(self) -> None:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=1_469_918_176_385)
        assert ulid(moment, 0) == "01ARYZ6S41" + "0" * 16
        assert ulid(moment, (1 << 80) - 1) == "01ARYZ6S41" + "Z" * 16

    def test_time_counts_in_whole_milliseconds_of_any_zone(self) -> None:
        seoul = NOON.astimezone(timezone(timedelta(hours=9)))
        assert ulid(seoul, 7) == ulid(NOON.replace(microsecond=123_000), 7)

    def test_sorts_by_time(self) -> None:
        later = NOON + timedelta(milliseconds=1)
        assert ulid(NOON, (1 << 80) - 1) < ulid(later, 0)

    def test_refuses_what_does_not_fit(self) -> None:
        with pytest.raises(ValueError, match="80 bits"):
            ulid(NOON, 1 << 80)
        with pytest.raises(ValueError, match="before 1970"):
            ulid(datetime(1969, 12, 31, tzinfo=UTC))


class TestNewId:
    def test_dated_kinds_carry_a_ulid(self) -> None:
        assert new_id(ids.TRANSFER, NOON, 1) == "trs-" + ulid(NOON, 1)
        for kind, prefix in ((ids.PARTNER_SETTLEMENT, "ps"), (ids.PAYOUT, "po"), (ids.ACCOUNT_TRANSFER, "at")):
            assert re.fullmatch(rf"{prefix}-[0-9A-HJKMNP-TV-Z]{{26}}", new_id(kind, NOON))

    @pytest.mark.parametrize(
        ("kind", "prefix"),
        [
            (ids.PARTNER, "ptn"),
            (ids.CONTRACT, "ctr"),
            (ids.BULK_PAYOUT, "bp"),
            (ids.BULK_ACCOUNT_TRANSFER, "bat"),
            (ids.TAX_INVOICE, "txi"),
            (ids.BULK_TAX_INVOICE, "bti"),
        ],
    )
    def test_the_others_ten_characters(self, kind: IdKind, prefix: str) -> None:
        assert re.fullmatch(rf"{prefix}-[0-9A-HJKMNP-TV-Z]{{10}}", new_id(kind, NOON))

    def test_does_not_repeat(self) -> None:
        assert len({new_id(ids.BULK_PAYOUT, NOON) for _ in range(1_000)}) == 1_000

    def test_randomness_can_be_given(self) -> None:
        assert short_id(0) == "0000000000"
        assert short_id((1 << 50) - 1) == "ZZZZZZZZZZ"


class TestGraphqlId:
    def test_wraps_number_and_id(self) -> None:
        assert graphql_id(ids.DISCOUNT_SHARE_POLICY.number, "half") == "MjpoYWxm"
        wrapped = graphql_id(ids.TRANSFER.number, "trs-01H7H0000000000000000000ZZ")
        assert wrapped == "Njp0cnMtMDFIN0gwMDAwMDAwMDAwMDAwMDAwMDAwWlo="

    def test_takes_any_text(self) -> None:
        assert graphql_id(4, "a/b c 한") == "NDphL2IgYyDtlZw="

    def test_each_kind_has_its_own_number_and_prefix(self) -> None:
        assert len({kind.number for kind in ALL_KINDS}) == len({kind.prefix for kind in ALL_KINDS}) == len(ALL_KINDS)
        seen = [ids.DISCOUNT_SHARE_POLICY, ids.ADDITIONAL_FEE_POLICY, ids.PARTNER, ids.CONTRACT, ids.TRANSFER]
        assert [kind.number for kind in seen] == [2, 3, 4, 5, 6]
