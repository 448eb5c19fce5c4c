"""What all tests share."""

import gc

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what starts processes: it takes longest, and mostly waits while the rest works."""
    items.sort(key=lambda item: item.get_closest_marker("processes") is None)


def pytest_collection_finish() -> None:
    """Leave out what is loaded by now whenever garbage is looked for, and look for it less often."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 20)
