"""Turnover groups of the till that are not revenue, and those not used recently, which need no row yet."""

from integration.flows.forms import SetupContext
from integration.flows.settings import till_list

BALANCE_GROUPS, USED_GROUPS = till_list("balance_groups"), till_list("used_groups")


def unused_groups(context: SetupContext) -> list[str]:
    """Return the groups not used in the last weeks; empty if the till does not report which groups were used."""
    used_groups = context.codes_of_list(USED_GROUPS)
    return [group for group in context.codes_of_list(BALANCE_GROUPS) if group not in used_groups] if used_groups else []
