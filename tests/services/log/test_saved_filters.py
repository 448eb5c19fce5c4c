"""Saved filters belong to a person; without log-in, everybody shares them."""

from dataclasses import replace

import pytest

from integration.services.log.saved_filters import SavedFilters
from integration.store.database import Database
from integration.store.saved_filters import SavedFilterStore as Stored
from tests.clocks import Clock
from tests.people import make_actor
from tests.stores import new_database


@pytest.fixture
def filters(tmp_path_factory: pytest.TempPathFactory) -> SavedFilters:
    database: Database = new_database(tmp_path_factory.mktemp("filters") / "console.sqlite")
    return SavedFilters(Stored(database, Clock()))


def test_people_have_their_own_and_where_nobody_logs_in_all_have_one_list(filters: SavedFilters) -> None:
    anna, ben = (replace(make_actor(name), session=name) for name in ("anna", "ben"))
    nobody = make_actor()
    filters.keep("exceptions", "  All   orders ", {"flow": "orders", "cause": "x", "page": "2"}, nobody)
    filters.keep("exceptions", "Mine", {"status": "mine", "find": ""}, anna)

    assert [
        (saved_filter.name, saved_filter.query_parameters)
        for saved_filter in filters.visible_filters("exceptions", anna)
    ] == [
        ("All orders", {"flow": "orders"}),
        ("Mine", {"status": "mine"}),
    ]
    assert [saved_filter.name for saved_filter in filters.visible_filters("exceptions", ben)] == ["All orders"]
    filters.forget("exceptions", "Mine", ben)
    filters.forget("exceptions", "All orders", anna)
    assert [saved_filter.name for saved_filter in filters.visible_filters("exceptions", anna)] == ["All orders", "Mine"]
    filters.forget("exceptions", "All orders", nobody)
    assert filters.visible_filters("exceptions", nobody) == []


def test_a_filter_without_a_name_is_none(filters: SavedFilters) -> None:
    with pytest.raises(ValueError, match="has a name"):
        filters.keep("logs", "  ", {"flow": "orders"}, make_actor())
