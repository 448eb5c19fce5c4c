"""Exit statuses of the terminal commands. They are documented and must not change."""

from integration.core import errors

FAILED, WRONG_USE, WAITS, BUSY, STOPPED = 1, 2, 3, 4, 5

STATUSES = {
    errors.RunActiveError: BUSY,
    errors.PlanUnsafeError: WAITS,
    errors.PlanStaleError: WAITS,
    errors.ConfigurationError: STOPPED,
    errors.ConnectorError: STOPPED,
}


# Error codes after which a plan or a change of settings waits for another person.
FOR_ANOTHER = frozenset({"second_person_needed", "log_in_needed", "change_log_in_needed", "file_change_waits"})
# Error codes of plans in which nothing is left to approve or to write.
OVER = frozenset({"plan_discarded", "plan_not_waiting", "nothing_to_commit", "plan_already_committed"})


def status_of(error: errors.IntegrationError) -> int:
    """Return the exit status for the error that stopped a command."""
    if error.code in OVER:
        return FAILED
    if error.code in FOR_ANOTHER:
        return WAITS
    if error.code == "nothing_to_undo" or error.code.startswith("query_"):
        return WRONG_USE
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), FAILED)
