"""`/login/api-secret` and `/token/refresh`: trading an API secret for tokens, as client libraries may do."""

from django.utils.translation import gettext as _

from access import api_secrets
from access.api import ApiRequest, PlatformView, Unauthorized
from core import clock


class Login(PlatformView):
    """POST /login/api-secret {apiSecret}. 200 {accessToken, refreshToken}; 401 UNAUTHORIZED."""

    open_to_all = True

    def post(self, request: ApiRequest) -> dict[str, str]:
        """Give a pair of tokens for a live secret."""
        now = clock.now()
        secret = api_secrets.recognise(request.fields.text("apiSecret", longest=500), now)
        if secret is None:
            raise Unauthorized(_("API 키를 다시 확인해 주세요."))
        return _pair(api_secrets.give_tokens(secret=secret, now=now))


class Refresh(PlatformView):
    """POST /token/refresh {refreshToken}. 200 {accessToken, refreshToken}; 401 UNAUTHORIZED."""

    open_to_all = True

    def post(self, request: ApiRequest) -> dict[str, str]:
        """Give a new pair; the refresh token that was sent stops working."""
        tokens = api_secrets.renew_tokens(refresh=request.fields.text("refreshToken", longest=500), now=clock.now())
        if tokens is None:
            raise Unauthorized(_("토큰이 만료됐어요. API 키로 다시 로그인해 주세요."))
        return _pair(tokens)


def _pair(tokens: api_secrets.Tokens) -> dict[str, str]:
    return {"accessToken": tokens.access, "refreshToken": tokens.refresh}
