"""What the till of the sample shop holds by itself: its set-up, its own cards, and what was sold."""

from integration.sandbox.till.sample import SampleTill

__all__ = ["SampleTill"]
