"""Stock of articles with and without reservations, before a person has chosen."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from integration.application.application import Application
from integration.core.errors import RejectedError
from integration.flows.forms import Compared, single_fields
from integration.flows.registry import FLOWS
from tests.consoles import open_application
from tests.people import make_actor
from tests.stores import sandbox_of

(SHAPE,) = (
    shape
    for section in FLOWS["stock"].sections
    for shape in single_fields(section.shapes)
    if isinstance(shape, Compared)
)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    with open_application(tmp_path, start=False) as application:
        application.connections.use_sandbox(make_actor("test"))
        yield application


def test_three_articles_are_shown_with_both_settings_and_nothing_is_stored(app: Application) -> None:
    before = app.flows.settings("stock")
    records = app.settings_comparison.compared("stock", "K9_RSRV", SHAPE.alternatives("K9_RSRV"))
    assert len(records) == 3
    for record in records:
        kept_in, taken_out = (Decimal(str(record.results[way])) for way in ("way_reserved_in", "way_reserved_out"))
        assert kept_in - taken_out == record.amount != 0
    assert app.flows.settings("stock") == before


def test_articles_that_have_nothing_of_a_field_are_not_shown(app: Application) -> None:
    for row in sandbox_of(app).state("ARTICLE"):
        sandbox_of(app).accountview.edit("ARTICLE", row["ART_CODE"], {"K9_RSRV": 0})
    assert app.settings_comparison.compared("stock", "K9_RSRV", SHAPE.alternatives("K9_RSRV")) == []


def test_a_field_that_is_missing_says_so(app: Application) -> None:
    with pytest.raises(RejectedError):
        app.settings_comparison.compared("stock", "K9_NONE", SHAPE.alternatives("K9_NONE"))
