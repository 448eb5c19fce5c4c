"""The list of sent and waiting notifications."""

import streamlit as st

from integration.alerts.monitoring import Notification
from integration.application.application import Application
from pages.components.monitoring.current_incidents import problem_subject
from pages.components.shared.downloads import downloads, rows_in
from pages.components.shared.layout import empty, inline, section_with_actions
from pages.components.shared.wording import Markdown, cause_headline, moment, plain, text

MOST_LISTED = 10_000  # notifications in a file
COLUMNS = ("created_at", "channel", "message", "about", "cause", "happened", "sent_at", "due_at", "attempts", "error")


def draw_sent(app: Application) -> None:
    """Draw the last notifications."""
    tools = section_with_actions(text("sent_title"), text("sent_about"))
    found = app.monitoring.list_notifications()
    if not found:
        empty("outbox", text("sent_none"), text("sent_none_about"))
        return
    downloads(
        "sent",
        lambda: rows_in(COLUMNS, [_line(one) for one in app.monitoring.list_notifications(MOST_LISTED)]),
        at=tools,
    )
    st.table([_row(one) for one in found], border="horizontal", hide_index=True)


def _line(one: Notification) -> list[object]:
    """Return a notification as a row of a file."""
    sent, incident = one.delivery, one.incident
    of = (incident.symptom.flow or incident.symptom.of, incident.symptom.cause) if incident else ("", "")
    said = cause_headline(incident.symptom.cause, incident.symptom.facts) if incident else ""
    return [sent.created_at, one.channel, sent.what, *of, said, sent.sent_at, sent.due_at, sent.attempts, sent.error]


def _row(one: Notification) -> dict[Markdown, Markdown]:
    incident = one.incident
    what = plain(cause_headline(incident.symptom.cause, incident.symptom.facts)) if incident else ""
    return {
        text("col_made"): moment(one.delivery.created_at),
        text("col_channel"): plain(one.channel),
        text("col_message"): text(f"message_{one.delivery.what}"),
        text("col_about"): problem_subject(incident.symptom) if incident else "",
        text("col_happened"): what,
        text("col_stands"): _state(one),
    }


def _state(one: Notification) -> Markdown:
    delivery = one.delivery
    if delivery.sent_at is not None:
        label = text("sent_in_digest" if delivery.held == "digest" else "sent_at", moment=moment(delivery.sent_at))
        return inline("ok", label)
    if delivery.attempts:
        return inline("failed", text("sent_again", moment=moment(delivery.due_at)))
    if delivery.held == "digest":
        return inline("waiting", text("sent_waits_digest"))
    return inline("waiting", text("sent_waits", moment=moment(delivery.due_at)))
