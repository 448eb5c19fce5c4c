"""Sheets for the binder: one plain value, printed as PDF and written for a spreadsheet. No network, no file beside."""
