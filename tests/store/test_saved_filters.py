"""Filters under a name, of one person or of everybody."""

from integration.store.database import Database
from integration.store.saved_filters import SavedFilter, SavedFilterStore
from tests.clocks import Clock


def test_a_filter_is_kept_for_a_page_and_replaced_by_its_name(database: Database, clock: Clock) -> None:
    filters = SavedFilterStore(database, clock)
    filters.keep("anna", "logs", "Mine", {"flow": "orders"})
    filters.keep("anna", "logs", "Mine", {"flow": "stock", "find": "1001"})
    filters.keep("", "logs", "all of us", {"event": "parked"})
    filters.keep("ben", "logs", "His", {"flow": "days"})
    filters.keep("anna", "preview", "Prices", {"field": "article.price_incl"})

    assert filters.filters_of_people("logs", ["", "anna"]) == [
        SavedFilter("all of us", {"event": "parked"}),
        SavedFilter("Mine", {"flow": "stock", "find": "1001"}, "anna"),
    ]
    filters.forget("anna", "logs", "Mine")
    assert [saved_filter.name for saved_filter in filters.filters_of_people("logs", ["anna", "ben"])] == ["His"]
