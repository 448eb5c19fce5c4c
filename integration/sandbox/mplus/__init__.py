"""The till in a box: MplusKASSA's SOAP interface with state, as far as this product uses it."""

from integration.sandbox.mplus.app import Till
from integration.sandbox.mplus.conventions import TillConventions

__all__ = ["Till", "TillConventions"]
