"""What earlier versions left on disk is opened, and what is open in it is finished: by itself, or as a person would.

Each sample is a data folder with both systems of the sandbox in it, in `tests/samples/`, made by `samples/make.py`.
"""

import json
import sqlite3
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dbos import DBOS

from integration.core.issues import IssueState, Trouble
from integration.core.records import Kind
from integration.core.run import Mode, Run, RunState, Step
from integration.sandbox.server import Sandbox
from integration.services import Application
from tests.consoles import WHO, Console, opened, settled
from tests.patience import until
from tests.people import somebody
from tests.postgres import postgres_server, postgres_url
from tests.stores import stores_in

__all__ = ["postgres_server", "postgres_url"]

pytestmark = [pytest.mark.long, pytest.mark.processes]

SAMPLES = Path(__file__).parent / "samples" / "2026-11"
ARTICLES = 60  # of the shop the samples were made with
PATIENCE = 0.5  # what a kill left as sent is in doubt from the start on, and looked for so long

LATER = frozenset({"days", "payments"})  # flows that were not there yet

Open = Callable[..., AbstractContextManager[Application]]
Sample = Callable[[str], Open]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Sample:
    """Unpack a sample by its name and return how its console is opened."""
    kind = request.param

    def unpacked(name: str) -> Open:
        folder = unpack(f"{name}-{kind}", tmp_path / "elsewhere")
        settings: dict[str, Any] = {"sandbox_articles": ARTICLES, "patience_seconds": PATIENCE}
        if kind == "postgres":
            settings["database_url"] = url = request.getfixturevalue("postgres_url")
            with closing(psycopg.connect(url, autocommit=True)) as connection:
                connection.execute((folder / "database.sql").read_bytes())

        def open_it(*, start: bool = True) -> AbstractContextManager[Application]:
            return opened(folder, start=start, **settings)

        return open_it

    return unpacked


def unpack(name: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(SAMPLES / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file)) as connection:
        yield connection


def newest(application: Application, flow: str) -> Run:
    return application.runs.latest(flow, limit=1)[0]


def rested(application: Application, flow: str) -> Run:
    """Return the newest run of a flow once it has come to rest, all by itself."""
    return settled(application, newest(application, flow).id)


def steps(application: Application, run: Run) -> Counter[Step]:
    return Counter(row.step for row in application.plans.rows(run.id, "changes", limit=10_000))


def assert_adds_up(run: Run) -> None:
    counts = run.counts
    assert (counts.difference, counts.in_doubt, counts.planned) == (0, 0, 0)
    assert counts.read == counts.proven + counts.unchanged + counts.skipped + counts.parked


def assert_nothing_doubled(sandbox: Sandbox) -> None:
    """No article, group, customer or document is there twice."""
    till, books = "mplus", "accountview"
    told = {
        "articles": [each["extArticleId"] for each in sandbox.state("articles", till) if each.get("extArticleId")],
        "groups": [(str(each.get("parent")), each["name"]) for each in sandbox.state("groups", till)],
        "relations": [each["extRelationId"] for each in sandbox.state("relations", till) if each.get("extRelationId")],
        "orders": [each["COMMENT1"] for each in sandbox.state("SO_HDR", books) if is_ours(each)],
    }
    twice = {name: [one for one, number in Counter(all_).items() if number > 1] for name, all_ in told.items()}
    assert {name: one for name, one in twice.items() if one} == {}


def assert_went_on(*names: str) -> None:
    """The work of these names that the sample came with was found and ended well; none was begun in its place."""

    def known() -> list[str]:
        return [one.status for one in DBOS.list_workflows(workflow_id_prefix=list(names), load_output=False)]

    until(lambda: "PENDING" not in known(), "the end of what was left")
    assert known() == ["SUCCESS"] * len(names)


def is_ours(document: dict[str, Any]) -> bool:
    return str(document.get("COMMENT1") or "").startswith("MP-")


# ---- what is in the samples


def test_the_samples_hold_every_kind_of_position(tmp_path: Path) -> None:
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for name in ("waiting", "writing", "in-doubt", "previewing"):
        with reading(unpack(f"{name}-sqlite", tmp_path / name) / "console.sqlite") as connection:
            rows = connection.execute("SELECT flow, state, mode, position FROM runs").fetchall()
        for flow, state, mode, position in rows:
            found[name, flow, f"{state} {mode}"] = json.loads(position)

    assert found["waiting", "products", "ready chosen"].keys() >= {"tried", "mapping", "published", "keys", "names"}
    assert found["waiting", "customers", "ready changes"].keys() >= {"since:debtor", "stamp:debtor", "marker", "read"}
    assert found["waiting", "orders", "ready undo"].keys() >= {"of", "done", "changes", "retirements"}
    assert found["waiting", "stock", "ready complete"].keys() >= {"planned", "changes"}
    assert found["writing", "customers", "interrupted chosen"]["keys"].count("\n") > 0
    assert found["in-doubt", "products", "previewing changes"]["phase"] == "plan"
    assert "brake_new_debtors" in found["in-doubt", "orders", "committing complete"]
    assert found["previewing", "orders", "previewing complete"].keys() >= {"after", "most", "stage"}
    assert found["previewing", "customers", "previewing undo"]["phase"] == "undo"


def test_the_samples_hold_work_that_the_engine_left_behind(tmp_path: Path) -> None:
    pending, begun = Counter[str](), set[str]()
    for name in ("writing", "in-doubt", "previewing"):
        with reading(unpack(f"{name}-sqlite", tmp_path / name) / "engine.sqlite") as connection:
            rows = connection.execute("SELECT name FROM workflow_status WHERE status = 'PENDING'").fetchall()
            pending += Counter(one for (one,) in rows)
            begun |= {one for (one,) in connection.execute("SELECT function_name FROM operation_outputs")}

    assert pending == {"_preview": 5, "_commit": 2, "_scheduled": 1}
    assert begun >= {"_preview_step", "_commit_step", "_approve_step", "_begin_step"}


# ---- plans that wait


def test_plans_that_wait_are_committed_as_they_were_shown(sample: Sample) -> None:
    open_it = sample("waiting")
    with open_it(start=False) as application:
        application.flows.change("stock", {"on": False}, somebody(WHO))  # its schedule could be due just now
    with open_it() as application:
        console = Console(application)
        waiting = {flow: newest(application, flow) for flow in application.flows if flow not in LATER}
        assert {run.state for run in waiting.values()} == {RunState.READY}
        assert [waiting[flow].mode for flow in ("products", "orders", "customers", "stock")] == [
            Mode.CHOSEN, Mode.UNDO, Mode.CHANGES, Mode.COMPLETE,
        ]  # fmt: skip
        assert {flow: application.runs.outdated(run) for flow, run in waiting.items()} == dict.fromkeys(waiting)
        assert (waiting["products"].mapping_version, application.mappings.published("products").version) == (1, 2)
        assert waiting["stock"].by == "schedule"
        for flow, run in waiting.items():
            planned = {row.key: row.change for row in application.plans.rows(run.id, "changes", limit=10_000)}
            done = console.commit(run)
            assert_adds_up(done)
            assert done.counts.proven > 0, flow
            proven = application.plans.rows(run.id, "changes", limit=10_000)
            assert {row.key: row.change for row in proven if row.step is Step.PROVEN} == planned, flow
        (tried,) = application.exceptions.tries()
        assert (tried.group.cause, tried.group.count, tried.solved) == ("ean_check_digit", 4, 4)
        assert_nothing_doubled(console.sandbox)


def test_what_people_entered_and_decided_is_there(sample: Sample) -> None:
    with sample("waiting")(start=False) as application:
        books, till = application.access.connected.get("accountview"), application.access.connected.get("mplus")
        assert books is not None
        assert till is not None
        assert (books["client_secret"], books["company"]) == ("sandbox-secret", "7f3c")
        assert (till["ident"], till["secret"]) == ("sandbox", "sandbox-secret")
        assert application.access.connected.get("accountview-tokens")
        assert [(one.name, one.by) for one in application.questions.saved()] == [
            ("Bewezen", "anneke"), ("Geparkeerd per oorzaak", WHO),
        ]  # fmt: skip
        proven = application.log.answer(application.questions.saved()[0].sql)
        assert proven["rows"][0][0] > 100
        assert len(application.log.life("products", "9104")) > 1
        double = application.exceptions.group(Trouble("products", "ean_duplicate", "article.ean"))
        assert double is not None
        assert (double.count, double.assigned, double.note) == (4, "anneke", "Gevraagd aan de leverancier")
        aside = application.exceptions.groups("products", IssueState.SET_ASIDE)
        assert [(one.cause, one.count, one.reason) for one in aside] == [("sku_not_numeric", 4, "Wordt niet verkocht")]
        tried = newest(application, "products").position.keys
        assert len(stores_in(application).corrections.of("products", tried)) == 4
        draft = application.drafts.draft("customers")
        assert draft is not None
        assert any(rule.source == "code" for rule in draft.mapping.rules if rule.target == "relation.name")
        assert application.flows.settings("stock").on


# ---- work that a kill cut off


def test_a_killed_commit_goes_on_by_itself_and_an_interrupted_one_when_it_is_resumed(sample: Sample) -> None:
    open_it = sample("writing")
    with open_it(start=False) as application:
        assert steps(application, newest(application, "products"))[Step.SENT] > 4
    with open_it() as application:
        console = Console(application)
        stopped = newest(application, "customers")
        assert stopped.state is RunState.INTERRUPTED
        assert steps(application, stopped)[Step.IN_DOUBT] == 2
        done = rested(application, "products")
        assert done.state is RunState.DONE
        assert done.counts.proven == 35
        assert_adds_up(done)
        assert_went_on(f"commit-{done.id}")
        application.runs.resume(stopped.id, somebody(WHO))
        resumed = settled(application, stopped.id)
        assert (resumed.state, resumed.counts.proven) == (RunState.DONE, 8)
        assert_adds_up(resumed)
        assert_nothing_doubled(console.sandbox)
        again = console.preview("products")
        assert (again.state, again.counts.unchanged) == (RunState.DONE, 35)


def test_documents_in_doubt_are_settled_by_looking_and_booked_once(sample: Sample) -> None:
    open_it = sample("in-doubt")
    with open_it(start=False) as application:
        assert steps(application, newest(application, "orders"))[Step.IN_DOUBT] == 3
    with open_it() as application:
        console = Console(application)
        booked, sent = rested(application, "orders"), rested(application, "stock")
        assert (booked.state, booked.counts.proven) == (RunState.DONE, 11)
        assert_adds_up(booked)
        orders = [row for row in application.plans.rows(booked.id, "proven", limit=100) if row.kind is Kind.SALES_ORDER]
        assert len({row.reference for row in orders}) == 11
        assert sum(map(is_ours, console.sandbox.state("SO_HDR"))) == 11
        assert_nothing_doubled(console.sandbox)
        assert (sent.state, sent.by) == (RunState.DONE, "schedule")
        assert sent.approval is not None
        assert sent.approval.by == "schedule"
        assert_adds_up(sent)
        ready = rested(application, "products")
        assert (ready.state, ready.mode) == (RunState.READY, Mode.CHANGES)
        assert_went_on(f"commit-{booked.id}", f"preview-{sent.id}", f"preview-{ready.id}")
        assert_adds_up(console.commit(ready))
        assert_nothing_doubled(console.sandbox)


def test_previews_that_were_killed_half_way_go_on_by_themselves(sample: Sample) -> None:
    with sample("previewing")() as application:
        console = Console(application)
        made = {flow: rested(application, flow) for flow in ("orders", "stock", "customers")}
        assert {flow: (run.state, run.mode, run.counts.difference) for flow, run in made.items()} == {
            "orders": (RunState.READY, Mode.COMPLETE, 0),
            "stock": (RunState.READY, Mode.COMPLETE, 0),
            "customers": (RunState.READY, Mode.UNDO, 0),
        }
        assert made["orders"].counts.read == 63
        assert console.sandbox.ledger.counts()["writes"] == 0
        until(lambda: newest(application, "products").by == "schedule", "the run that was due")
        due = newest(application, "products")
        assert settled(application, due.id).state is RunState.READY
        assert_went_on("sched-products-changes", *(f"preview-{run.id}" for run in (*made.values(), due)))
        for run in (*made.values(), application.runs.get(due.id)):
            assert_adds_up(console.commit(run))
        assert_nothing_doubled(console.sandbox)
