"""Which ledger of the books a till means by an account number: a whole number there, and a text in the books."""

from collections.abc import Collection


def ledgers_meant(number: str, ledgers: Collection[str]) -> list[str]:
    """Return every ledger that arrives at a till as this number: it may mean any of them."""
    bare = number.strip().lstrip("0")
    return [one for one in ledgers if bare and one.strip().lstrip("0") == bare]


def only_ledger(number: str, ledgers: Collection[str]) -> str:
    """Return the one ledger that a number of a till can mean; nothing where there is none, or more than one."""
    found = ledgers_meant(number, ledgers)
    return found[0] if len(found) == 1 else ""
