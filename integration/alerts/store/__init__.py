"""Tables of incidents and of the messages about them."""
