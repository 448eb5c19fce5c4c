"""Rows of the engine: no process continues with a row that is not JSON, and nothing in it is run."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from dbos import DBOS

from integration.store.plain_rows import UNFINISHED, end_unreadable_workflows
from tests.pickles import plant, rows, workflow
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the engine, empty."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path / 'engine.sqlite'}"
    else:
        address = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://", 1)
    DBOS.migrate(address)
    return address


def test_what_is_no_json_is_set_aside_and_the_rest_goes_on(url: str, tmp_path: Path) -> None:
    planted = {name for status in UNFINISHED for name in plant(url, tmp_path / "ran", status=status)}
    with rows(url) as (connection, schema):
        workflow(connection, schema, "ours", "portable_json", "PENDING", 1, inputs='{"positionalArgs": ["run", false]}')

    assert set(end_unreadable_workflows(url)) == {name for name in planted if not name.startswith("planted-ended")}
    assert end_unreadable_workflows(url) == []

    with rows(url) as (connection, schema):
        states = connection.execute(sa.text(f"SELECT workflow_uuid, status FROM {schema}workflow_status")).all()  # noqa: S608
    assert {name for name, status in states if status in UNFINISHED} == {"ours"}
    assert not (tmp_path / "ran").exists()
