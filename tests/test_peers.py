"""The peers of `make bench` do the same work, and their errors are counted."""

from collections.abc import Mapping

import pytest

from benchmarks.peers.comparison import (
    ALL,
    TillContents,
    cost_row,
    simple_articles,
    sync_function,
    till_contents,
    wrong_writes,
)
from benchmarks.processes import sandbox, sandbox_state

pytestmark = [pytest.mark.long, pytest.mark.processes]
ARTICLES = 150


def sync_with(name: str) -> tuple[TillContents, Mapping[str, object]]:
    """Sync once with a program; return the contents of the till and the result."""
    with sandbox(ARTICLES) as at, sync_function(at, name) as sync:
        result = sync()
        return till_contents(at["control_url"]), result


def test_the_peers_write_what_the_product_writes() -> None:
    ours, sync_result = sync_with("Sluis")
    assert sync_result["proven"]
    for name in ALL[1:]:
        theirs, result = sync_with(name)
        assert result["errors"] == []
        assert ours.articles.items() <= theirs.articles.items(), name
        assert theirs.differences(ours) == "0 lost, 0 doubled, 0 wrong", name


@pytest.mark.parametrize("name", ALL[1:])
def test_what_a_peer_leaves_wrong_is_counted_however_well_it_went(name: str) -> None:
    expected, _ = sync_with(name)
    with sandbox(ARTICLES) as at, sync_function(at, name) as sync:
        wrong_writes(at["control_url"], simple_articles(at["control_url"]))
        result = sync()
        assert sandbox_state(at["control_url"], "switches") == []
        assert till_contents(at["control_url"]).differences(expected) == "0 lost, 0 doubled, 10 wrong"
    assert result["errors"] == []


def test_a_row_of_the_table_has_as_many_columns_as_its_heading() -> None:
    row = cost_row("bare script", ARTICLES, 0.0)
    assert row.count("|") == 9
    assert "0 errors" in row
