"""Promise: whoever holds the secret can tell our webhooks from anybody else's, and we can tell a bank's."""

import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from access.webhooks import signing
from access.webhooks.signing import BadSignature

# The example that the scheme's own libraries are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, MOMENT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime.fromtimestamp(MOMENT, UTC)


def signed(secret: str = SECRET, body: bytes = BODY, now: datetime = NOW) -> dict[str, str]:
    return signing.headers([secret], message_id=MESSAGE, now=now, body=body)


def test_the_published_example_comes_out() -> None:
    assert signing.sign(SECRET, message_id=MESSAGE, timestamp=MOMENT, body=BODY) == SIGNATURE
    assert signed() == {"webhook-id": MESSAGE, "webhook-timestamp": str(MOMENT), "webhook-signature": SIGNATURE}
    assert signing.verify(SECRET, headers=signed(), body=BODY, now=NOW) == MESSAGE


@given(some.dictionaries(some.text(), some.text()), some.uuids())
def test_the_official_library_accepts_what_we_sign_and_we_what_it_signs(told: dict[str, str], message: UUID) -> None:
    library = pytest.importorskip("standardwebhooks")
    secret, other, now = signing.new_secret(), signing.new_secret(), datetime.now(UTC)
    body = json.dumps(told, ensure_ascii=False).encode()
    headers = signing.headers([other, secret], message_id=str(message), now=now, body=body)
    assert library.Webhook(secret).verify(body, headers) == told
    with pytest.raises(library.WebhookVerificationError):
        library.Webhook(signing.new_secret()).verify(body, headers)
    theirs = headers | {"webhook-signature": library.Webhook(secret).sign(str(message), now, body.decode())}
    assert signing.verify(secret, headers=theirs, body=body, now=now) == str(message)


def test_a_new_secret_has_32_random_bytes() -> None:
    first, second = signing.new_secret(), signing.new_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32


def test_while_a_secret_is_replaced_either_one_verifies() -> None:
    old, new = signing.new_secret(), signing.new_secret()
    headers = signing.headers([new, old], message_id=MESSAGE, now=NOW, body=BODY)
    for secret in (old, new):
        assert signing.verify(secret, headers=headers, body=BODY, now=NOW) == MESSAGE
    with pytest.raises(BadSignature):
        signing.verify(signing.new_secret(), headers=headers, body=BODY, now=NOW)


def test_a_secret_that_is_no_base64_is_used_as_it_is() -> None:
    headers = signed("a secret of a bank")
    assert signing.verify("a secret of a bank", headers=headers, body=BODY, now=NOW) == MESSAGE


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_other"},
        {"webhook-id": ""},
        {"webhook-id": "x" * 201},
        {"webhook-timestamp": str(MOMENT + 1)},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 30},
        {"webhook-signature": ""},
        {"webhook-signature": SIGNATURE.replace("v1,", "v2,")},
        {"webhook-signature": SIGNATURE.lower()},
        {"webhook-signature": "v1,½"},
    ],
)
def test_nothing_of_it_can_be_changed(change: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        signing.verify(SECRET, headers=signed() | change, body=BODY, now=NOW)


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(BadSignature):
        signing.verify(SECRET, headers=signed(), body=BODY + b" ", now=NOW)


@pytest.mark.parametrize("sign", [1, -1])
def test_five_minutes_either_way(sign: int) -> None:
    assert signing.verify(SECRET, headers=signed(), body=BODY, now=NOW + timedelta(seconds=299 * sign)) == MESSAGE
    with pytest.raises(BadSignature):
        signing.verify(SECRET, headers=signed(), body=BODY, now=NOW + timedelta(seconds=301 * sign))
