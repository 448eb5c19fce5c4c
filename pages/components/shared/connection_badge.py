"""The status of a connection as a badge, and since when it has that status."""

from integration.alerts.connection_status import ConnectionStatus
from pages.components.shared.layout import badge
from pages.components.shared.wording import Markdown, moment, number, term, text

_STATES = {True: "ok", False: "failed", None: "unknown"}


def state_of(status: ConnectionStatus) -> str:
    """Return the badge state of a connection: `ok`, `failed` or `unknown`."""
    return _STATES[status.ok]


def connection_since(status: ConnectionStatus) -> Markdown:
    """Return since when a connection has its status, and after a failure also the moment of its last answer."""
    if not status.connected:
        return term("not_connected")
    if status.since is None:
        return term("not_checked")
    if status.ok:
        return term("stands_answers", moment=moment(status.since))
    since = term("stands_silent" if status.silent else "stands_wrong", moment=moment(status.since))
    last = term("stands_last_answer", moment=moment(status.answered_at)) if status.answered_at else ""
    return f"{since} · {last}" if last else since


def answer_time(status: ConnectionStatus) -> Markdown:
    """Return the response time of a connection, or a short text if there is none."""
    if status.ok is None:
        return text("badge_unknown" if status.connected else "not_connected")
    if status.ok:
        return text("milliseconds", number=number(status.milliseconds or 0))
    return text("badge_no_answer" if status.silent else "badge_not_in_order")


def draw_connection_badge(status: ConnectionStatus) -> None:
    """Draw the badge of a connection."""
    badge(state_of(status), answer_time(status))
