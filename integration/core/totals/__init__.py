"""The money of documents to the cent: what the till sold, what the books make of it, and why the two differ.

The till's own split per VAT code says what was sold. Everything here is compared with it and nothing is smoothed over:
cents that books would make otherwise stand on a line of their own in plain sight, or the document waits for a person.
"""
