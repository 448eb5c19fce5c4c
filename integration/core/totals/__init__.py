"""Document totals to the cent: what the till sold, what the books compute, and why they differ.

The till's own split per VAT code is the reference. Nothing is adjusted silently: cents that the books compute
differently are on a visible line of their own, or the document waits for a person.
"""
