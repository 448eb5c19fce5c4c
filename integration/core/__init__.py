"""Values in, values out: what records, plans and runs are and how they are decided. Standard library only."""
