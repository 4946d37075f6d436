"""Addresses of the sign-in, the account, and the settings of people and secrets; and of the tokens of the API."""

from django.urls import path

from access import account_views, api_views, settings_views, sign_in_views

app_name = "access"

urlpatterns = [
    path("login/", sign_in_views.sign_in, name="sign-in"),
    path("login/code/", sign_in_views.code, name="code"),
    path("logout/", sign_in_views.sign_out, name="sign-out"),
    path("merchants/", sign_in_views.choose_merchant, name="choose-merchant"),
    path("switch/merchant/", sign_in_views.switch_merchant, name="switch-merchant"),
    path("switch/environment/", sign_in_views.switch_environment, name="switch-environment"),
    path("switch/language/", sign_in_views.set_language, name="set-language"),
    path("switch/theme/", sign_in_views.set_theme, name="set-theme"),
    path("account/", account_views.account, name="account"),
    path("account/password/", account_views.password, name="password"),
    path("account/code/", account_views.code_setup, name="code-setup"),
    path("settings/users/", settings_views.users, name="users"),
    path("settings/users/new/", settings_views.user_add, name="user-add"),
    path("settings/users/<str:user_id>/", settings_views.user, name="user"),
    path("settings/users/<str:user_id>/role/", settings_views.user_role, name="user-role"),
    path("settings/users/<str:user_id>/disable/", settings_views.user_disable, name="user-disable"),
    path("settings/users/<str:user_id>/enable/", settings_views.user_enable, name="user-enable"),
    path("settings/users/<str:user_id>/password/", settings_views.user_password, name="user-password"),
    path("settings/role-changes/<str:change_id>/", settings_views.role_decide, name="role-decide"),
    path("settings/api-secrets/", settings_views.api_secrets, name="api-secrets"),
    path("settings/api-secrets/<str:prefix>/revoke/", settings_views.api_secret_revoke, name="api-secret-revoke"),
    path("settings/audit/", settings_views.audit_trail, name="audit"),
    path("settings/audit/verify/", settings_views.audit_verify, name="audit-verify"),
    path("login/api-secret", api_views.Login.as_view(), name="api-login"),
    path("token/refresh", api_views.Refresh.as_view(), name="api-refresh"),
]
