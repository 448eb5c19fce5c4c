"""Tables of people, their sessions, approvals and change requests."""
