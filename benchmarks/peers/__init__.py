"""Other programs that do the same work, to compare with."""
