"""Monitoring: current incidents, late flows, alert channels, notifications and heartbeats."""

from integration.alerts.channels import Channels
from pages.components.monitoring.channels import channels
from pages.components.monitoring.current_incidents import (
    flows_on_time,
    health,
    past_incidents,
    silence_button,
    waiting_now,
)
from pages.components.monitoring.heartbeats import heartbeat_settings, opening_hours
from pages.components.monitoring.notifications import draw_sent
from pages.components.shared.application import application, may
from pages.components.shared.layout import choice, failures, head, show_toast
from pages.components.shared.wording import sandbox_badges, text

VIEWS = ("now", "channels", "sent", "signs")

app = application()
show_toast()
with head(text("nav_monitoring"), text("monitoring_about"), sandbox_badges(app.sandbox.is_connected)):
    silence_button(app)
failures()
views = VIEWS if may(Channels.save) else ("now", "sent")
view = choice("view", views, "now", lambda name: text(f"monitoring_{name}"))
match view:
    case "channels":
        channels(app)
    case "sent":
        draw_sent(app)
    case "signs":
        heartbeat_settings(app)
        opening_hours(app)
    case _:
        waiting_now(app)
        health(app)
        flows_on_time(app)
        past_incidents(app)
