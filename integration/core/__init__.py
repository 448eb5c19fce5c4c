"""Pure domain logic: types of records, plans and runs, and the decisions about them. Uses only the standard library."""
