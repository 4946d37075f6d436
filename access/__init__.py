"""Who may: merchants, people, roles, API secrets, second factor, sealed fields, audit trail, the base of the API."""
