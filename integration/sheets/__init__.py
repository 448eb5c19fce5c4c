"""Sheets for the binder: plain values, printed as PDF or written as XLSX. Uses no network and writes no files."""
