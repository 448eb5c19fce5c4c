"""Several calls at once: the order of their results, and when the rest is not sent."""

import threading
import time

import pytest

from integration.connectors.parallel import BoundedExecutor, run_parallel
from integration.core.errors import RejectedError, UnavailableError


def test_results_side_by_side_keep_their_order() -> None:
    def call(item: int) -> int:
        time.sleep(0.001 * (5 - item))
        if item == 2:
            raise RejectedError("request_refused")
        return item * 10

    results = run_parallel(call, [0, 1, 2, 3, 4], 3)
    assert [result if isinstance(result, int) else type(result) for result in results] == [
        0,
        10,
        RejectedError,
        30,
        40,
    ]


@pytest.mark.parametrize("limit", [1, 2])
def test_once_a_system_is_gone_the_rest_is_not_sent(limit: int) -> None:
    items: list[int] = []

    def call(item: int) -> int:
        items.append(item)
        raise UnavailableError("connection_refused")

    results = run_parallel(call, list(range(50)), limit)
    assert all(isinstance(result, UnavailableError) for result in results)
    assert len(items) <= limit


@pytest.mark.parametrize("limit", [1, 2])
def test_a_bug_side_by_side_is_raised(limit: int) -> None:
    with pytest.raises(ZeroDivisionError):
        run_parallel(lambda item: 1 / item, [1, 0, 2], limit)


# ---- begun as soon as there is room


def test_the_next_call_begins_as_soon_as_one_has_ended_and_never_more_than_may_be() -> None:
    may_end, under_way, peak = {item: threading.Event() for item in range(4)}, set[int](), [0]

    def call(item: int) -> int:
        under_way.add(item)
        peak[0] = max(peak[0], len(under_way))
        may_end[item].wait(10)
        under_way.discard(item)
        return item * 10

    with BoundedExecutor(call, 2) as calls:
        calls.begin([0, 1])
        assert calls.free_slots == 0
        may_end[1].set()
        assert calls.wait_finished() == [(1, 10)]
        assert calls.free_slots == 1
        calls.begin([2])  # while the first is still under way
        may_end[2].set()
        assert calls.wait_finished() == [(2, 20)]
        may_end[0].set()
        assert calls.wait_finished() == [(0, 0)]
        assert len(calls) == 0
    assert peak == [2]


def test_one_at_a_time_is_done_where_it_is_begun() -> None:
    with BoundedExecutor[str, threading.Thread](lambda _: threading.current_thread(), 1) as calls:
        calls.begin(["only"])
        assert calls.wait_finished() == [("only", threading.current_thread())]


@pytest.mark.parametrize("limit", [1, 3])
def test_an_error_is_the_end_of_a_call_and_a_bug_is_raised(limit: int) -> None:
    def call(item: int) -> float:
        if item == 1:
            raise RejectedError("request_refused")
        return 1 / item

    with BoundedExecutor(call, limit) as calls:
        calls.begin([1])
        [(item, error)] = calls.wait_finished()
        assert (item, type(error)) == (1, RejectedError)
        calls.begin([0])
        with pytest.raises(ZeroDivisionError):
            calls.wait_finished()
    assert len(calls) == 0
