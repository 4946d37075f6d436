"""The verbs of settlement, a module per noun. Each is one transaction, or joins the caller's."""
