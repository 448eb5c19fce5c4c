"""What all tests share."""

import gc
from pathlib import Path

import pytest
from hypothesis import settings

from tests.patience import LONGEST

TESTS = Path(__file__).parent
WAITING = ("browser", "processes")

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what starts processes or has the whole application at work: it takes longest, and mostly waits."""
    items.sort(key=lambda item: item.path.parent != TESTS and item.get_closest_marker("processes") is None)
    for item in items:
        if any(item.get_closest_marker(name) for name in WAITING):
            item.add_marker(pytest.mark.timeout(LONGEST))


def pytest_collection_finish() -> None:
    """Leave out what is loaded by now whenever garbage is looked for, and look for it less often."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 20)
