"""What the API's description says about tokens."""

from access.openapi import Operation, Operations, fields, record, text

_PAIR = record("Tokens", {"accessToken*": text(500), "refreshToken*": text(500)})

OPERATIONS: Operations = {
    ("POST", "/login/api-secret"): Operation(
        tag="Tokens",
        summary="Trade an API secret for tokens",
        body=fields({"apiSecret*": text(500)}),
        answer=_PAIR,
    ),
    ("POST", "/token/refresh"): Operation(
        tag="Tokens",
        summary="Renew tokens; the refresh token that was sent stops working",
        body=fields({"refreshToken*": text(500)}),
        answer=_PAIR,
    ),
}
