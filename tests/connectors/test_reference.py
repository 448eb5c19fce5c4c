"""References of calls: new each time, and those of a run known by its id."""

from integration.connectors.parallel import run_parallel
from integration.connectors.reference import current_run, new_reference


def test_every_reference_is_new() -> None:
    assert len({new_reference() for _ in range(100)}) == 100


def test_a_reference_begins_with_the_run_also_in_threads_and_no_longer_after_it() -> None:
    with current_run("run-1"):
        references = run_parallel(lambda _: new_reference(), range(20), 4)
    assert all(str(reference).startswith("run-1-") for reference in references)
    assert len(set(map(str, references))) == 20
    assert "run-1" not in new_reference()
