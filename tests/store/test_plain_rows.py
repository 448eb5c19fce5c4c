"""Rows of the engine: what earlier versions pickled is turned into JSON, and what asks for code is set aside."""

import base64
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import DBOS
from hypothesis import given
from hypothesis import strategies as st

from integration.store.plain_rows import NotPlainError, make_plain, values_of
from tests.pickles import harmful, plant, put, rows, workflow
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def pickled(value: object, protocol: int | None = None) -> str:
    return base64.b64encode(pickle.dumps(value, protocol)).decode()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the engine, empty."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path / 'engine.sqlite'}"
    else:
        address = request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://", 1)
    DBOS.migrate(address)
    return address


@given(VALUES)
def test_values_come_back_as_they_were(value: Any) -> None:
    assert values_of(pickled(value)) == value


def test_moments_and_tuples_come_back_as_json_has_them() -> None:
    moment = datetime(2026, 11, 26, 8, 0, tzinfo=timezone(timedelta(hours=1)))
    kept = {"args": (moment, {"flow": "products"}, moment.replace(tzinfo=UTC)), "kwargs": {}}
    assert values_of(pickled(kept)) == {
        "args": ["2026-11-26T07:00:00.000Z", {"flow": "products"}, "2026-11-26T08:00:00.000Z"], "kwargs": {},
    }  # fmt: skip


def a_thousand_times_a_thousand() -> list[Any]:
    one: list[Any] = ["ha"] * 100
    for _ in range(8):
        one = [one] * 100
    return one


@pytest.mark.parametrize("inside", ["", "inputs"])
def test_a_pickle_that_names_code_is_refused_and_nothing_is_run(tmp_path: Path, inside: str) -> None:
    for text in harmful(tmp_path / "ran", inside):
        with pytest.raises(NotPlainError):
            values_of(text)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "text",
    [
        "", "no base64", "gAR9lC4=x", pickled(a_thousand_times_a_thousand()), pickled(10**5_000), pickled(b"bytes"),
        pickled({1: 2}), pickled({"set"}), pickled(datetime), pickled(ValueError("an error")), pickled("x" * 2_000_000),
        base64.b64encode(b"\x80\x04r\xff\xff\xff\xff.").decode(), base64.b64encode(b"\x80\x04\x95\xff.").decode(),
        base64.b64encode(b"\x80\x02\x82\x01.").decode(), base64.b64encode(b"P1\n.").decode(),
    ],
    ids=range(15),
)  # fmt: skip
def test_what_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(NotPlainError):
        values_of(text)


def test_a_workflow_of_before_keeps_its_arguments_and_the_answers_of_its_steps(url: str, tmp_path: Path) -> None:
    plant(url, tmp_path / "ran")
    with rows(url) as (connection, schema):
        for claim in ("py_pickle", None):
            _before(connection, schema, f"before-{claim}", claim)

    make_plain(url)

    with rows(url) as (connection, schema):
        for claim in ("py_pickle", None):
            of = {"name": f"before-{claim}"}
            workflow, given, step = (
                connection.execute(sa.text(f"SELECT * FROM {schema}{table} WHERE workflow_uuid = :name"), of).one()  # noqa: S608
                for table in ("workflow_status", "workflow_input", "operation_outputs")
            )
            assert (workflow.status, workflow.serialization) == ("PENDING", "portable_json")
            assert json.loads(given.inputs) == {"namedArgs": {}, "positionalArgs": ["run", False]}
            assert (json.loads(step.output), step.serialization) == ({"wait": 0.0}, "portable_json")
    assert make_plain(url) == []


def _before(connection: sa.Connection, schema: str, name: str, claim: str | None) -> None:
    workflow(connection, schema, name, claim, "PENDING", 1, inputs=pickled({"args": ("run", False), "kwargs": {}}))
    put(
        connection, f"{schema}operation_outputs", workflow_uuid=name, function_id=1, function_name="_preview_step",
        output=pickled({"wait": 0.0}), serialization="py_pickle", retention_timestamp=1,
    )  # fmt: skip


@pytest.mark.parametrize("status", ["PENDING", "ENQUEUED", "DELAYED"])
def test_what_asks_for_code_is_set_aside_and_stands_nowhere_any_more(url: str, tmp_path: Path, status: str) -> None:
    planted = plant(url, tmp_path / "ran", status=status)

    assert sorted(make_plain(url)) == sorted(planted)

    with rows(url) as (connection, schema):
        states = connection.execute(sa.text(f"SELECT workflow_uuid, status FROM {schema}workflow_status")).all()  # noqa: S608
        assert {state for name, state in states if not name.startswith("planted-ended")} == {"ERROR"}
        told = connection.execute(sa.text(f"SELECT error FROM {schema}workflow_output")).scalars()  # noqa: S608
        assert {json.loads(error)["message"] for error in told} == {
            "what is kept of this asks for code to be run, and is set aside"
        }
        for table in ("workflow_events", "workflow_events_history", "streams", "notifications", "workflow_schedules"):
            assert connection.execute(sa.text(f"SELECT count(*) FROM {schema}{table}")).scalar() == 0  # noqa: S608
        for table in ("workflow_status", "operation_outputs"):
            kinds = connection.execute(sa.text(f"SELECT DISTINCT serialization FROM {schema}{table}")).scalars().all()  # noqa: S608
            assert kinds == ["portable_json"]
    assert not (tmp_path / "ran").exists()
