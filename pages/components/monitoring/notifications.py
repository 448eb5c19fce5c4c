"""The list of sent and waiting notifications."""

import streamlit as st

from integration.alerts.monitoring import Notification
from integration.application.application import Application
from pages.components.monitoring.current_incidents import problem_subject
from pages.components.shared.downloads import downloads
from pages.components.shared.frames import rows_in
from pages.components.shared.layout import empty, inline, section_with_actions
from pages.components.shared.wording import Markdown, cause_headline, moment, plain, text

MAX_LISTED = 10_000  # notifications in a file
COLUMNS = ("created_at", "channel", "message", "about", "cause", "happened", "sent_at", "due_at", "attempts", "error")


def draw_sent(app: Application) -> None:
    """Draw the last notifications."""
    tools = section_with_actions(text("sent_title"), text("sent_about"))
    notifications = app.monitoring.list_notifications()
    if not notifications:
        empty("outbox", text("sent_none"), text("sent_none_about"))
        return
    downloads(
        "sent",
        lambda: rows_in(
            COLUMNS, [_line(notification) for notification in app.monitoring.list_notifications(MAX_LISTED)]
        ),
        at=tools,
    )
    st.table([_row(notification) for notification in notifications], border="horizontal", hide_index=True)


def _line(notification: Notification) -> list[object]:
    """Return a notification as a row of a file."""
    delivery, incident = notification.delivery, notification.incident
    of = (incident.problem.flow or incident.problem.subject, incident.problem.cause) if incident else ("", "")
    problem_headline = cause_headline(incident.problem.cause, incident.problem.facts) if incident else ""
    return [
        delivery.created_at,
        notification.channel,
        delivery.message_type,
        *of,
        problem_headline,
        delivery.sent_at,
        delivery.due_at,
        delivery.attempts,
        delivery.error,
    ]


def _row(notification: Notification) -> dict[Markdown, Markdown]:
    incident = notification.incident
    problem_text = plain(cause_headline(incident.problem.cause, incident.problem.facts)) if incident else ""
    return {
        text("col_made"): moment(notification.delivery.created_at),
        text("col_channel"): plain(notification.channel),
        text("col_message"): text(f"message_{notification.delivery.message_type}"),
        text("col_about"): problem_subject(incident.problem) if incident else "",
        text("col_happened"): problem_text,
        text("col_stands"): _delivery_state(notification),
    }


def _delivery_state(notification: Notification) -> Markdown:
    delivery = notification.delivery
    if delivery.sent_at is not None:
        label = text(
            "sent_in_digest" if delivery.wait_reason == "digest" else "sent_at", moment=moment(delivery.sent_at)
        )
        return inline("ok", label)
    if delivery.attempts:
        return inline("failed", text("sent_again", moment=moment(delivery.due_at)))
    if delivery.wait_reason == "digest":
        return inline("waiting", text("sent_waits_digest"))
    return inline("waiting", text("sent_waits", moment=moment(delivery.due_at)))
