"""Alerts: detects problems, records incidents, and notifies channels."""
