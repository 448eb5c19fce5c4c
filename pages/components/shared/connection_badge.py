"""The status of a connection as a badge, and since when it has that status."""

from integration.alerts.connection_status import ConnectionStatus
from pages.components.shared.layout import badge
from pages.components.shared.wording import Markdown, moment, number, term, text

_STATES = {True: "ok", False: "failed", None: "unknown"}


def state_of(stand: ConnectionStatus) -> str:
    """Return the badge state of a connection: `ok`, `failed` or `unknown`."""
    return _STATES[stand.ok]


def connection_since(stand: ConnectionStatus) -> Markdown:
    """Return since when a connection has its status, and after a failure also the moment of its last answer."""
    if not stand.connected:
        return term("not_connected")
    if stand.since is None:
        return term("not_checked")
    if stand.ok:
        return term("stands_answers", moment=moment(stand.since))
    since = term("stands_silent" if stand.silent else "stands_wrong", moment=moment(stand.since))
    last = term("stands_last_answer", moment=moment(stand.answered_at)) if stand.answered_at else ""
    return f"{since} · {last}" if last else since


def answer_time(stand: ConnectionStatus) -> Markdown:
    """Return the response time of a connection, or a short text if there is none."""
    if stand.ok is None:
        return text("badge_unknown" if stand.connected else "not_connected")
    if stand.ok:
        return text("milliseconds", number=number(stand.milliseconds or 0))
    return text("badge_no_answer" if stand.silent else "badge_not_in_order")


def stand_badge(stand: ConnectionStatus) -> None:
    """Draw the badge of a connection."""
    badge(state_of(stand), answer_time(stand))
