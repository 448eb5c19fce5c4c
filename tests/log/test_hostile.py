"""Questions that mean harm: each is answered or stopped in time, nobody waits, and no event is lost."""

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from integration.log.allowed import QuestionError
from integration.log.keeper import ATTEMPTS, ENDED_AFTER
from integration.log.logbook import Logbook
from integration.store.events import Event, Events
from tests.log import hostile
from tests.patience import until

pytestmark = pytest.mark.processes

LIMIT = 1.0
AGAIN = 5.0  # seconds in which the process is begun anew on a machine that is busy
REFUSED = {"question_refused", "question_function", "question_type", "question_table", "question_long"}
STOPPED = {"question_slow", "question_large", "question_stopped"}
WRONG = {"question_wrong", "question_wrong_at"}
HARMFUL = (*hostile.CRASHING, *hostile.FILLING, *hostile.ENDLESS)
SLOWER = 1.5  # times what a program that only counts costs; a process of its own costs as much


def filled_in(question: str, logbook: Logbook) -> str:
    """Return a question with the places it asks for."""
    named = question.replace("{log}", str(logbook.path)).replace("{folder}", str(logbook.path.parent))
    return named.replace("{{", "{").replace("}}", "}")


@pytest.fixture
def kept(logbook: Logbook, events: Events) -> Iterator[Logbook]:
    """A log that is drained in the background, as a server does."""
    logbook.start(events)
    yield logbook
    logbook.stop()


def test_there_are_enough_of_them() -> None:
    assert len(set(HARMFUL)) >= 60
    assert len(set(hostile.PRYING)) >= 40


@pytest.mark.parametrize("question", hostile.PRYING)
def test_what_is_none_of_the_log_is_refused(told: Logbook, question: str) -> None:
    with pytest.raises(QuestionError) as caught:
        told.ask(filled_in(question, told))
    assert caught.value.code in REFUSED


def test_each_is_answered_or_stopped_and_no_event_is_lost(kept: Logbook, events: Events) -> None:
    """Events come in all through, and are counted at the end: those that were told, each once."""
    told, ended, ends = 0, threading.Event(), []

    def tell() -> None:
        nonlocal told
        while not ended.wait(0.02):
            events.tell(Event(event="checked", key=str(told)))
            told += 1

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        for question in HARMFUL:
            before, begun = kept.process, time.monotonic()
            try:
                kept.ask(question, seconds=LIMIT)
            except QuestionError as error:
                assert error.code in REFUSED | STOPPED | WRONG, question  # noqa: PT017 - it may be answered as well
            taken = time.monotonic() - begun
            assert taken < ATTEMPTS * (LIMIT + ENDED_AFTER) + AGAIN, question
            ends += [question] if kept.process != before else []
    finally:
        ended.set()
        teller.join()
    until(lambda: events.count() == 0, "all events in the log")
    found = kept.ask("SELECT count(*) AS n, count(DISTINCT key) AS different FROM events", seconds=60)
    assert (found["n"][0], found["different"][0]) == (told, told)
    assert told > len(HARMFUL)
    assert ends, "none of them needed the process to be ended: the list has grown harmless"


def test_who_works_beside_it_is_slowed_no_more_than_by_any_other_program(kept: Logbook, events: Events) -> None:
    """What a page asks the database, turn by turn beside a program that only counts and beside harmful questions."""
    beside: dict[str, list[float]] = {"program": [], "question": []}
    ended = threading.Event()

    def harm() -> None:
        while not ended.is_set():
            for question in hostile.ENDLESS[:4]:
                with pytest.raises(QuestionError):
                    kept.ask(question, seconds=LIMIT)

    def work(into: list[float]) -> None:
        for _ in range(40):
            begun = time.perf_counter()
            events.count()
            sum(number * number for number in range(30_000))
            into.append(time.perf_counter() - begun)

    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as counting:
            work(beside["program"])
            counting.kill()
        ended.clear()
        harmful = threading.Thread(target=harm)
        harmful.start()
        try:
            work(beside["question"])
        finally:
            ended.set()
            harmful.join()
    assert statistics.median(beside["question"]) < SLOWER * statistics.median(beside["program"])
