"""Retention: deletes records whose retention class has expired, and gives the space back."""
