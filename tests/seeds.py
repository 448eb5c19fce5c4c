"""Seeds of random tests: the usual ones of each test, those that a person names, and fresh ones each night."""

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

DAY = "TESTS_DAY"  # environment variable with the day of the fresh seeds, so that all processes use the same
FRESH = 3  # fresh seeds of each random test in a night


def parse_seeds(text: str) -> list[int]:
    """Return the seeds of a text such as `7,1000-1200`. Raises ValueError for any other text."""
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def fresh_seeds(day: date) -> list[int]:
    """Return the fresh seeds of a day."""
    return [int(f"{day:%y%m%d}") * 10 + number for number in range(FRESH)]


def today() -> date:
    """Return the day of the fresh seeds, and keep it for the processes of this run."""
    return date.fromisoformat(os.environ.setdefault(DAY, datetime.now(UTC).date().isoformat()))


def seeds_of(config: pytest.Config, usual: Sequence[int]) -> list[int]:
    """Return the seeds of a test: those of the option, else its usual ones, with fresh ones if long tests are run."""
    if config.option.seeds:
        return parse_seeds(config.option.seeds)
    return [*usual, *(fresh_seeds(today()) if config.option.markexpr == "long" else ())]
