"""The programs that `make bench` compares with do the same work, and what goes wrong in it is seen."""

from collections.abc import Mapping

import pytest

from benchmarks.ground import asked, sandbox
from benchmarks.peers.compared import ALL, Held, cost, held, programs, simple, wrong_writes

pytestmark = [pytest.mark.long, pytest.mark.processes]
ARTICLES = 150


def left_by(name: str) -> tuple[Held, Mapping[str, object]]:
    """Return what a program leaves at the till, and what it says of it."""
    with sandbox(ARTICLES) as at, programs(at, name) as sync:
        done = sync()
        return held(at["control_url"]), done


def test_the_peers_write_what_the_product_writes() -> None:
    ours, done = left_by("Sluis")
    assert done["proven"]
    for name in ALL[1:]:
        theirs, told = left_by(name)
        assert told["errors"] == []
        assert ours.articles.items() <= theirs.articles.items(), name
        assert theirs.against(ours) == "0 lost, 0 doubled, 0 wrong", name


@pytest.mark.parametrize("name", ALL[1:])
def test_what_a_peer_leaves_wrong_is_counted_however_well_it_went(name: str) -> None:
    calm, _ = left_by(name)
    with sandbox(ARTICLES) as at, programs(at, name) as sync:
        wrong_writes(at["control_url"], simple(at["control_url"]))
        done = sync()
        assert asked(at["control_url"], "switches") == []
        assert held(at["control_url"]).against(calm) == "0 lost, 0 doubled, 10 wrong"
    assert done["errors"] == []


def test_a_row_of_the_table_has_as_many_columns_as_its_heading() -> None:
    row = cost("bare script", ARTICLES, 0.0)
    assert row.count("|") == 9
    assert "0 errors" in row
