select to_json(secret)::text
from access_apisecret secret
where secret.prefix = %(prefix)s
    and secret.revoked_at is null
    and (secret.expires_at is null or secret.expires_at > %(now)s)
