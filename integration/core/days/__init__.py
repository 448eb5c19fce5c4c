"""Closed days of the till: takings, control totals, daybook pages in the books, and the check of bookings."""
