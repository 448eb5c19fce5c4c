"""Document totals to the cent: the sold amounts of the till, the amounts of the books, and their differences.

The till's own split per VAT code is the reference. Nothing is adjusted silently: cents that the books compute
differently are on a visible line of their own, or the document waits for a person.
"""
