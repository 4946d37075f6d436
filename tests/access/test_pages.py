"""Promise: pages show a person his own merchants only, after proof of who he is, and while that proof lasts."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access import operations, queries, stepup, totp, urls
from access.models import ApiSecret, AuditEvent, Membership, RoleChange, User
from access.roles import Role

from .build import PASSWORD, SETUP, Firm, actor, code_now, firm, signed_in

pytestmark = pytest.mark.django_db

# Who may open each page with GET; None for everybody who is signed in, and "anyone" for all the world.
PAGES: dict[str, set[Role] | str | None] = {
    "sign-in": "anyone",
    "code": "anyone",
    "choose-merchant": None,
    "account": None,
    "password": None,
    "code-setup": None,
    "users": {Role.ADMIN},
    "user-add": {Role.ADMIN},
    "user": {Role.ADMIN},
    "api-secrets": {Role.ADMIN},
    "audit": {Role.APPROVER, Role.ADMIN},
}
POSTS: dict[str, set[Role] | str | None] = {
    "sign-out": None,
    "switch-merchant": None,
    "switch-environment": None,
    "set-language": "anyone",
    "set-theme": None,
    "user-role": {Role.ADMIN},
    "user-disable": {Role.ADMIN},
    "user-enable": {Role.ADMIN},
    "user-password": {Role.ADMIN},
    "role-decide": {Role.ADMIN},
    "api-secret-revoke": {Role.ADMIN},
    "audit-verify": {Role.APPROVER, Role.ADMIN},
}
API = {"api-login", "api-refresh"}


@pytest.fixture
def moon() -> Firm:
    return firm()


@pytest.fixture
def ara(moon: Firm) -> User:
    return moon.person("ara", Role.ADMIN, code=True)


@pytest.fixture
def admin(ara: User) -> Client:
    return signed_in(ara)


def text(response: Any) -> str:
    return html.unescape(response.content.decode())


def address(name: str, mina: User) -> str:
    arguments = {"user_id": mina.public_id, "change_id": "rch-0000000000", "prefix": "jsk_live_0000000000"}
    pattern = next(entry for entry in urls.urlpatterns if entry.name == name)
    wanted = {key: arguments[key] for key in pattern.pattern.converters}
    return reverse(f"access:{name}", kwargs=wanted)


def test_every_address_says_who_may_use_it() -> None:
    assert {entry.name for entry in urls.urlpatterns} == set(PAGES) | set(POSTS) | API


@pytest.mark.parametrize("role", Role)
def test_role_by_address(moon: Firm, role: Role) -> None:
    mina = moon.person("mina")
    browser = signed_in(moon.person("someone", role, code=True))
    for name, who in PAGES.items():
        status = browser.get(address(name, mina)).status_code
        assert (status == 403) is (isinstance(who, set) and role not in who), name
    for name, who in POSTS.items():
        if name not in {"sign-out", "user-disable"}:
            status = browser.post(address(name, mina)).status_code
            assert (status == 403) is (isinstance(who, set) and role not in who), name
            assert browser.get(address(name, mina)).status_code in {403, 405}, name


@pytest.mark.parametrize("name", [*PAGES, *POSTS])
def test_strangers_are_sent_to_the_sign_in(moon: Firm, name: str) -> None:
    mina = moon.person("mina")
    url = address(name, mina)
    response = Client().get(url) if name in PAGES else Client().post(url)
    open_to_all = (PAGES | POSTS)[name] == "anyone"
    assert (response.status_code == 302 and response["Location"].startswith("/login/")) is (
        not open_to_all or name == "code"
    )
    part = Client().get("/account/", headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Redirect"]) == (200, "/login/")


class TestSigningIn:
    def test_without_a_code(self, moon: Firm) -> None:
        moon.person("mina", Role.OPERATOR)
        browser = Client()
        browser.get("/login/")
        response = browser.post("/login/", {"username": "Mina", "password": PASSWORD, "next": "/account/?a=1"})
        assert (response.status_code, response["Location"]) == (302, "/account/?a=1")
        assert "내 계정" in text(browser.get("/account/"))

    def test_with_a_code(self, moon: Firm, ara: User) -> None:
        browser = Client()
        response = browser.post("/login/", {"username": "ara", "password": PASSWORD, "next": "/settings/users/"})
        assert response["Location"].startswith("/login/code/")
        assert browser.get("/settings/users/")["Location"].startswith("/login/")
        wrong = browser.post(response["Location"], {"code": "000000"})
        assert wrong.status_code == 403
        right = browser.post(response["Location"], {"code": code_now(), "next": "/settings/users/"})
        assert right["Location"] == "/settings/users/"
        assert "ara" in text(browser.get("/settings/users/"))
        assert (
            AuditEvent.objects.filter(
                action="sign_in.completed", merchant_id=moon.scope.merchant_id, user_id=ara.pk
            ).count()
            == 1
        )

    def test_the_password_alone_is_worth_five_minutes(self, ara: User) -> None:
        browser = Client()
        start = timezone.now()
        browser.post("/login/", {"username": ara.username, "password": PASSWORD})
        with time_machine.travel(start + timedelta(minutes=6)):
            assert browser.post("/login/code/", {"code": code_now()})["Location"] == "/login/"

    @pytest.mark.parametrize(
        "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example", ""]
    )
    def test_nobody_is_sent_elsewhere(self, moon: Firm, target: str) -> None:
        moon.person("mina")
        response = Client().post("/login/", {"username": "mina", "password": PASSWORD, "next": target})
        assert response["Location"] == "/"

    def test_unknown_and_mistaken_people_see_the_same(self, moon: Firm) -> None:
        moon.person("mina")

        def page(username: str) -> str:
            browser = Client()
            response = browser.post("/login/", {"username": username, "password": "wrong"})
            assert response.status_code == 401
            return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text(response)).replace(username, "")

        assert page("mina") == page("nobody")

    def test_waiting_is_told_with_429(self, moon: Firm) -> None:
        moon.person("mina")
        browser = Client()
        statuses = [browser.post("/login/", {"username": "mina", "password": "wrong"}).status_code for _ in range(6)]
        assert statuses == [401] * 5 + [429]
        assert int(browser.post("/login/", {"username": "mina", "password": PASSWORD})["Retry-After"]) >= 1

    def test_the_session_gets_a_new_id(self, moon: Firm) -> None:
        moon.person("mina")
        browser = Client()
        browser.post("/login/", {"username": "mina", "password": PASSWORD})
        first = browser.session.session_key
        browser.post("/login/", {"username": "mina", "password": PASSWORD})
        assert browser.session.session_key != first

    def test_forms_need_their_token(self, moon: Firm) -> None:
        moon.person("mina")
        browser = Client(enforce_csrf_checks=True)
        assert browser.post("/login/", {"username": "mina", "password": PASSWORD}).status_code == 403


class TestTheSession:
    def test_thirty_idle_minutes_end_it(self, moon: Firm) -> None:
        start = timezone.now()
        with time_machine.travel(start):
            browser = signed_in(moon.person("mina"))
        for minutes in (29, 58):
            with time_machine.travel(start + timedelta(minutes=minutes)):
                assert browser.get("/account/").status_code == 200
        with time_machine.travel(start + timedelta(minutes=88, seconds=1)):
            assert browser.get("/account/").status_code == 302

    def test_ten_hours_end_it(self, moon: Firm) -> None:
        start = timezone.now()
        with time_machine.travel(start):
            browser = signed_in(moon.person("mina"))
        for minutes in range(20, 600, 20):
            with time_machine.travel(start + timedelta(minutes=minutes)):
                assert browser.get("/account/").status_code == 200
        with time_machine.travel(start + timedelta(hours=10, minutes=1)):
            assert browser.get("/account/").status_code == 302

    def test_signing_out_ends_it_on_the_server(self, moon: Firm) -> None:
        browser = signed_in(moon.person("mina"))
        stolen = browser.cookies["session"].value
        browser.post("/logout/")
        thief = Client()
        thief.cookies["session"] = stolen
        assert thief.get("/account/").status_code == 302

    def test_disabling_a_role_change_and_a_new_password_end_it(self, moon: Firm, ara: User) -> None:
        mina = moon.person("mina")
        ends: list[Callable[[], None]] = [
            lambda: operations.set_role(scope=moon.scope, user_id=mina.public_id, role=Role.OPERATOR, by=SETUP),
            lambda: operations.change_password(user=User.objects.get(pk=mina.pk), password=PASSWORD, by=SETUP),
            lambda: operations.disable_user(scope=moon.scope, user_id=mina.public_id, by=actor(ara)),
        ]
        for end in ends:
            browser = signed_in(User.objects.get(pk=mina.pk))
            assert browser.get("/account/").status_code == 200
            end()
            assert browser.get("/account/").status_code == 302

    def test_a_temporary_password_has_to_be_replaced_first(self, moon: Firm, ara: User) -> None:
        mina, password = operations.invite_user(
            scope=moon.scope,
            username="mina",
            name="Mina",
            email="",
            role=Role.VIEWER,
            by=actor(ara),
            now=timezone.now(),
        )
        browser = Client()
        browser.post("/login/", {"username": "mina", "password": password})
        assert browser.post("/switch/environment/", {"environment": "test"})["Location"] == "/account/password/"
        new = {"current": password, "password": PASSWORD, "again": PASSWORD}
        assert browser.post("/account/password/", new)["Location"] == "/account/"
        assert browser.get("/account/").status_code == 200
        assert User.objects.get(pk=mina.pk).must_change_password is False

    def test_an_admin_without_a_second_factor_sets_one_up_first(self, moon: Firm) -> None:
        mina = moon.person("mina", Role.ADMIN)
        browser = signed_in(mina)
        assert browser.get("/settings/users/")["Location"] == "/account/code/"
        page = text(browser.get("/account/code/"))
        assert 'src="data:image/svg+xml' in page
        match = re.search(r'<code class="code">([A-Z2-7 ]+)</code>', page)
        assert match is not None
        secret = match[1].replace(" ", "")
        assert browser.post("/account/code/", {"code": "000000"}).status_code == 200
        assert not User.objects.get(pk=mina.pk).has_code
        browser.post("/account/code/", {"code": totp.code_at(secret, timezone.now())})
        assert User.objects.get(pk=mina.pk).has_code
        assert browser.get("/settings/users/").status_code == 200


class TestWhatIsShown:
    def test_two_merchants_have_to_be_told_apart(self, moon: Firm) -> None:
        mina = moon.person("mina", Role.OPERATOR)
        sun = firm("Sun Shop")
        operations.join_merchant(scope=sun.scope, user=mina, role=Role.VIEWER, by=SETUP)
        browser = signed_in(mina)
        assert browser.post("/switch/environment/", {"environment": "test"})["Location"] == "/merchants/"
        page = text(browser.get("/merchants/"))
        assert "Moon Market" in page
        assert "Sun Shop" in page
        browser.post("/switch/merchant/", {"merchant": sun.merchant.public_id})
        assert browser.get("/account/").wsgi_request.merchant == sun.merchant  # type: ignore[attr-defined] # what the middleware puts there
        assert browser.get("/account/").wsgi_request.role == Role.VIEWER  # type: ignore[attr-defined] # likewise

    def test_somebody_elses_merchant_is_not_there(self, moon: Firm) -> None:
        browser = signed_in(moon.person("mina"))
        sun = firm("Sun Shop")
        for merchant in (sun.merchant.public_id, "mer-0000000000", ""):
            assert browser.post("/switch/merchant/", {"merchant": merchant}).status_code == 404

    def test_somebody_elses_people_are_not_there(self, admin: Client) -> None:
        theirs = firm("Sun Shop").person("sunny")
        foreign = admin.get(f"/settings/users/{theirs.public_id}/")
        absent = admin.get("/settings/users/usr-0000000000/")
        assert foreign.status_code == absent.status_code == 404
        assert text(foreign).replace(theirs.public_id, "usr-0000000000") == text(absent)

    def test_live_and_test(self, moon: Firm) -> None:
        browser = signed_in(moon.person("mina"))
        for word, is_test in (("test", True), ("live", False)):
            assert (
                browser.post("/switch/environment/", {"environment": word, "next": "/account/"})["Location"]
                == "/account/"
            )
            assert browser.get("/account/").wsgi_request.scope.is_test is is_test  # type: ignore[attr-defined] # what the middleware puts there
        assert browser.post("/switch/environment/", {"environment": "prod"}).status_code == 400

    def test_language_and_theme_are_remembered(self, moon: Firm) -> None:
        mina = moon.person("mina")
        browser = signed_in(mina)
        browser.post("/switch/language/", {"language": "en"})
        browser.post("/switch/theme/", {"theme": "dark"})
        page = browser.get("/account/")
        assert page["Content-Language"] == "en"
        assert 'lang="en" data-theme="dark"' in text(page)
        assert Client().get("/login/")["Content-Language"] == "ko"
        assert browser.post("/switch/language/", {"language": "fr"}).status_code == 400
        assert browser.post("/switch/theme/", {"theme": "pink"}).status_code == 400

    def test_a_membership_less_person_is_told(self, moon: Firm) -> None:
        mina = moon.person("mina")
        Membership.objects.filter(user=mina).update(is_active=False)
        browser = signed_in(mina)
        assert "초대를 부탁해" in text(browser.get("/merchants/"))


class TestStepUp:
    def test_a_code_at_the_sign_in_counts_for_five_minutes(self, moon: Firm, ara: User) -> None:
        bora = moon.person("bora", Role.ADMIN, code=True)
        mina = moon.person("mina")
        start = timezone.now()
        with time_machine.travel(start):
            browser = signed_in(bora)
        for minutes, passes in ((4, True), (6, False)):
            change = operations.request_role(
                scope=moon.scope,
                user_id=mina.public_id,
                role=Role.APPROVER if passes else Role.VIEWER,
                by=actor(ara),
                now=start,
            )
            with time_machine.travel(start + timedelta(minutes=minutes)):
                response = browser.post(f"/settings/role-changes/{change.public_id}/", {"decision": "confirm"})
            assert response.status_code == (302 if passes else 403)
            assert RoleChange.objects.get(pk=change.pk).state == ("CONFIRMED" if passes else "PENDING")

    def test_the_form_is_kept_while_a_code_is_asked_for(self, moon: Firm, ara: User) -> None:
        bora = moon.person("bora", Role.ADMIN, code=True)
        mina = moon.person("mina")
        change = operations.request_role(
            scope=moon.scope, user_id=mina.public_id, role=Role.APPROVER, by=actor(ara), now=timezone.now()
        )
        start = timezone.now()
        with time_machine.travel(start):
            browser = signed_in(bora)
        with time_machine.travel(start + stepup.FRESH_FOR + timedelta(minutes=1), tick=False):
            url = f"/settings/role-changes/{change.public_id}/"
            page = browser.post(url, {"decision": "confirm"})
            assert f'action="{url}"' in text(page)
            assert '<input type="hidden" name="decision" value="confirm">' in text(page)
            wrong = browser.post(url, {"decision": "confirm", "stepup_code": "000000"})
            assert wrong.status_code == 403
            right = browser.post(url, {"decision": "confirm", "stepup_code": code_now()})
            assert right.status_code == 302
            # One code, one use: the same one does not open another session.
            other = Client()
            other.post("/login/", {"username": "bora", "password": PASSWORD})
            assert other.post("/login/code/", {"code": code_now()}).status_code == 403
        assert Membership.objects.get(user=mina).role == Role.APPROVER


class TestSettings:
    def test_people_are_added_and_the_password_is_shown_once(self, moon: Firm, admin: Client) -> None:
        response = admin.post(
            "/settings/users/new/", {"username": "lee", "name": "Lee", "email": "", "role": "operator"}
        )
        lee = User.objects.get(username="lee")
        shown = re.findall(r"\b[A-Za-z0-9]{16}\b", text(response))
        assert any(lee.check_password(word) for word in shown)
        assert Membership.objects.get(user=lee).role == Role.VIEWER
        page = text(admin.get("/settings/users/"))
        assert not any(lee.check_password(word) for word in re.findall(r"\b[A-Za-z0-9]{16}\b", page))
        assert "확인을 기다리는 역할 변경" in page
        assert "관리자가 한 명이라" in page
        assert queries.pending_role_changes(moon.scope).count() == 1

    def test_a_taken_name_is_told_beside_the_field(self, admin: Client) -> None:
        response = admin.post("/settings/users/new/", {"username": "ARA", "name": "x", "email": "", "role": "viewer"})
        assert "이미 쓰고 있는 아이디예요." in text(response)

    def test_refusals_are_told_on_the_page_one_came_from(self, admin: Client, ara: User) -> None:
        url = f"/settings/users/{ara.public_id}/"
        response = admin.post(f"{url}disable/", headers={"Referer": f"https://evil.example{url}"})
        assert response["Location"] == url
        assert "다른 관리자가 막을 수 있어요" in text(admin.get(url))

    def test_a_secret_is_shown_once_and_works(self, admin: Client) -> None:
        form = {"name": "shop", "scopes": ["read"], "test_only": "on", "expires_on": "2999-01-01"}
        page = text(admin.post("/settings/api-secrets/", form))
        secret = ApiSecret.objects.get()
        match = re.search(re.escape(secret.prefix) + r"\.[\w-]{43}", page)
        assert match is not None
        assert match[0] not in text(admin.get("/settings/api-secrets/"))
        assert (secret.scopes, secret.test_only) == (["read"], True)
        admin.post(f"/settings/api-secrets/{secret.prefix}/revoke/")
        secret.refresh_from_db()
        assert secret.revoked_at is not None

    def test_the_trail_pages_by_key(self, moon: Firm, admin: Client) -> None:
        mina = moon.person("mina")
        for number in range(60):
            operations.change_user(scope=moon.scope, user_id=mina.public_id, name=f"Name {number}", email="", by=SETUP)
        first = text(admin.get("/settings/audit/?action=user.changed"))
        assert "Name 59" in first
        assert "Name 8<" not in first
        match = re.search(r'href="(/settings/audit/\?[^"]*before=\d+)"', first)
        assert match is not None
        second = text(admin.get(match[1]))
        assert "Name 8" in second
        assert "Name 59" not in second

    @pytest.mark.parametrize(
        "query", ["?before=x", "?before=99999999999999999999", "?since=tomorrow", "?environment=moon", "?before=-1"]
    )
    def test_odd_filters_do_not_break_the_trail(self, admin: Client, query: str) -> None:
        assert admin.get(f"/settings/audit/{query}").status_code == 200

    def test_the_seals_are_checked_in_the_background(self, admin: Client) -> None:
        assert admin.post("/settings/audit/verify/")["Location"] == "/settings/audit/"
        assert "봉인을 확인하고 있어요" in text(admin.get("/settings/audit/"))


def test_what_is_typed_is_text_on_every_page(moon: Firm, admin: Client) -> None:
    mark = "<script>alert(1)</script>"
    mina = moon.person("mina")
    operations.change_user(scope=moon.scope, user_id=mina.public_id, name=mark, email="", by=SETUP)
    moon.secret(mina)
    ApiSecret.objects.update(name=mark)
    for url in ("/settings/users/", f"/settings/users/{mina.public_id}/", "/settings/audit/", "/settings/api-secrets/"):
        assert mark not in admin.get(url).content.decode()
