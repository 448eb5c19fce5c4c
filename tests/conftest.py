"""What all tests share."""

import gc

import pytest
from hypothesis import settings

from tests.patience import LONGEST

WAITING = ("browser", "processes")

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what starts processes: it takes longest, and mostly waits while the rest works."""
    items.sort(key=lambda item: item.get_closest_marker("processes") is None)
    for item in items:
        if any(item.get_closest_marker(name) for name in WAITING):
            item.add_marker(pytest.mark.timeout(LONGEST))


def pytest_collection_finish() -> None:
    """Leave out what is loaded by now whenever garbage is looked for, and look for it less often."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 20)
