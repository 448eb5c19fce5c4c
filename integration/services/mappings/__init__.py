"""Mappings: versions, drafts, value tables, and the logic that is built from them."""
