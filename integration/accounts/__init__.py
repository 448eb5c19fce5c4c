"""People of the console: their accounts, sign-on, roles, and approvals by two people."""
