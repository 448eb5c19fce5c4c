"""A closed day of the till as a page of the books: what was taken in, whether it adds up, and what became of it."""
