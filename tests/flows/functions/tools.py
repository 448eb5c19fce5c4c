"""Functions and expressions as rules use them, on one record."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from integration import words
from integration.core.records import Value
from integration.core.rules import RuleError
from integration.flows.functions.toolbox import Tools

TABLES = {"landen": {"Nederland": "NL", "2": "twee"}}


RECORD: dict[str, Value] = {
    "code": "1001", "name": "Trui", "colour": "rood", "price": Decimal("12.50"), "stock": Decimal(14), "empty": None,
    "blocked": False, "AK-1": "vrij veld", "changed": date(2026, 3, 31), "groups": ("A", "B"),
}  # fmt: skip


def apply_function(name: str, value: Value, *args: Any) -> Value:
    return Tools(TABLES).function(name, args)(value, RECORD)


def result(text: str, **values: Value) -> Value:
    return Tools(TABLES).expression(text)({**RECORD, **values})


@contextmanager
def refusal(reason: str) -> Iterator[None]:
    """Require that the block is refused with this reason, by its English text."""
    with pytest.raises(RuleError) as refused:
        yield
    assert re.search(reason, words.reason(refused.value.reason))


def assert_refused(text: str) -> None:
    with pytest.raises(RuleError):
        result(text)
