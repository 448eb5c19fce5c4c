"""Several calls at once: the order of their results, and when the rest is not sent."""

import time

import pytest

from integration.connectors.parallel import side_by_side
from integration.core.errors import RejectedError, UnavailableError


def test_results_side_by_side_keep_their_order() -> None:
    def call(item: int) -> int:
        time.sleep(0.001 * (5 - item))
        if item == 2:
            raise RejectedError("request_refused")
        return item * 10

    results = side_by_side(call, [0, 1, 2, 3, 4], 3)
    assert [result if isinstance(result, int) else type(result) for result in results] == [
        0,
        10,
        RejectedError,
        30,
        40,
    ]


@pytest.mark.parametrize("limit", [1, 2])
def test_once_a_system_is_gone_the_rest_is_not_sent(limit: int) -> None:
    called: list[int] = []

    def call(item: int) -> int:
        called.append(item)
        raise UnavailableError("connection_refused")

    results = side_by_side(call, list(range(50)), limit)
    assert all(isinstance(result, UnavailableError) for result in results)
    assert len(called) <= limit


@pytest.mark.parametrize("limit", [1, 2])
def test_a_bug_side_by_side_is_raised(limit: int) -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda item: 1 / item, [1, 0, 2], limit)
