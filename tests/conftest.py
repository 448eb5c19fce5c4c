"""What all tests share."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what starts processes: it takes longest, and mostly waits while the rest works."""
    items.sort(key=lambda item: item.get_closest_marker("processes") is None)
