"""Background threads of a process."""

import threading

from integration.process.periodic import run_periodically
from tests.timeouts import wait_until


def test_work_in_the_background_survives_a_bad_moment() -> None:
    stop = threading.Event()
    rounds: list[int] = []

    def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise OSError(28, "No space left on device")

    keeper = threading.Thread(target=run_periodically, args=(work,), kwargs={"every": 0.01, "until": stop})
    keeper.start()
    wait_until(lambda: len(rounds) > 2, "another round")
    stop.set()
    keeper.join(5)
    assert not keeper.is_alive()
