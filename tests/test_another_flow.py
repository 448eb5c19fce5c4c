"""The flow of docs/adding-a-flow.md, made of the files on that page and of nothing else.

No other file names it. It previews, commits and proves, and every page opens for it.
"""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from integration.application import bootstrap
from integration.application.application import Application
from integration.connectors.mplus.connector import Mplus
from integration.core import records
from integration.core.causes import cause
from integration.core.errors import PlanUnsafeError
from integration.core.issues import CauseGroup
from integration.core.plan import Approval
from integration.core.plan_lines import PlanRow
from integration.core.records import Kind
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState
from integration.flows.registry import FLOWS, Specs
from integration.flows.settings import BOOKS, TILL
from integration.services.runs.exceptions import group_address
from tests.consoles import WHO
from tests.pages.conftest import ROOT, Open, commit_run, open_page, own_main, press, texts, wait_for_run
from tests.people import make_actor

__all__ = ["open_page", "own_main"]

PAGE = ROOT / "docs" / "adding-a-flow.md"
BLOCK = re.compile(r"`(?P<path>(?:integration|data)/\S+\.(?:py|toml))`[^`]*\n```\w+\n(?P<text>.*?)```", re.DOTALL)
NAME = "departments"


def files() -> dict[str, str]:
    """Return the files that the page shows, by path."""
    return {match["path"]: match["text"] for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}


def import_page() -> dict[str, Any]:
    """Return the modules that the page shows, by their last name, imported in the order of the page."""
    package = ModuleType(f"integration.flows.{NAME}")
    package.__path__ = []
    sys.modules[package.__name__] = package
    modules: dict[str, Any] = {}
    for path, text in files().items():
        if path.endswith(".py"):
            module = ModuleType(path.removesuffix(".py").replace("/", "."))
            sys.modules[module.__name__] = module
            exec(compile(text, path, "exec"), module.__dict__)  # noqa: S102 - our own page
            modules[Path(path).stem] = module
    return modules


MODULES = import_page()
SPEC, SIGN, READ = MODULES["spec"].SPEC, MODULES["settings"].DOOR_SIGN, MODULES["settings"].COST_CENTRE
RENAMED = MODULES["settings"].RENAMED
TABS = ("settings", "filters", "fields", "tables", "schedule", "brakes")


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Specs]:
    """Our flows and this one, with the surroundings of a console on the sandbox."""
    folder = tmp_path_factory.mktemp("console")
    file = folder / "departments.toml"
    file.write_text(files()[f"data/mappings/{NAME}.toml"], encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for name in [name for name in os.environ if name.startswith("CONSOLE_")]:
            patch.delenv(name)
        for name, value in (("DATA", str(folder)), ("SANDBOX", "true"), ("SANDBOX_ARTICLES", "60")):
            patch.setenv(f"CONSOLE_{name}", value)
        bootstrap.shut_down()
        yield {**FLOWS, NAME: replace(SPEC, mapping=file)}
        bootstrap.shut_down()


@pytest.fixture
def app(flows: Specs) -> Application:
    """A console with these flows, as its pages find it; it is started again after a test that stopped it."""
    app = bootstrap.running_application(flows)
    till = app.access.connector(TILL.system)
    assert isinstance(till, Mplus)
    till.targets[SIGN] = MODULES["target"].SignTarget(till.targets[Kind.GROUP])
    return app


@pytest.fixture
def shut_down() -> Iterator[None]:
    """Shut down at the end the console that a test started."""
    yield
    bootstrap.shut_down()


def lines(app: Application, run_id: str) -> list[PlanRow]:
    return app.plans.rows(run_id, limit=1_000)


def codes(app: Application) -> list[str]:
    return [record.key for record in app.access.connector(BOOKS.system).extract(READ, None).records]


def unmapped_causes(app: Application) -> Iterator[CauseGroup]:
    return (group for group in app.issues.causes(NAME) if group.cause == "value_unmapped")


@pytest.fixture
def parked_plan(app: Application) -> str:
    """The plan in which all departments except the first lack a row of the value table."""
    if (group := next(unmapped_causes(app), None)) is not None:
        return group.run
    app.rules.set_table("signs", {codes(app)[0]: "LoginGate"}, WHO)
    run = wait_for_run(app, app.runs.preview(PreviewRequest(NAME, make_actor(WHO), Mode.COMPLETE)))
    assert not run.error, (run.error, run.facts)
    assert (run.state, run.counts.parked) == (RunState.READY, run.counts.read_count - 1)
    return run.id


@pytest.mark.long
@pytest.mark.parametrize("tab", TABS)
@pytest.mark.usefixtures("parked_plan")
def test_every_tab_of_the_flow_opens(open_page: Open, tab: str) -> None:
    test = open_page("flows", flow=NAME, tab=tab)

    assert not test.exception
    assert "Departments" in texts(test)
    assert "failure" not in test.session_state


def test_its_settings_are_asked_for_and_stored(app: Application, open_page: Open) -> None:
    test = open_page("flows", flow=NAME, tab="settings")
    assert "Floor" in [field.label for field in test.text_input]

    test = test.text_input(key=f"{NAME}-floor-0").set_value("2").run()
    press(test, "save")

    assert app.flows.settings(NAME).model_dump()["floor"] == "2"


@pytest.mark.parametrize("part", ["door_sign", "changes", "history", "tables"])
@pytest.mark.usefixtures("parked_plan")
def test_its_mapping_opens(open_page: Open, part: str) -> None:
    assert not open_page("mappings", flow=NAME, part=part).exception


@pytest.mark.parametrize("step", ["accountview", "mplus", "flows", "questions", "ready"])
def test_every_step_of_the_set_up_opens_with_it(app: Application, open_page: Open, step: str) -> None:
    app.setup.choose({NAME: 5}, make_actor(WHO))

    test = open_page("setup", step=step)

    assert not test.exception
    assert "Departments" in texts(test) or step in ("accountview", "mplus")


def test_what_lacks_a_row_waits_and_is_repaired_on_the_page_of_exceptions(
    app: Application, parked_plan: str, open_page: Open
) -> None:
    group = next(unmapped_causes(app))
    assert group.run == parked_plan

    test = open_page("exceptions", cause=group_address(group.group_key))

    assert not test.exception
    assert "Departments" in texts(test)
    assert test.button(key="add_rows").label == "Add the rows and preview 2 records"


@pytest.mark.parametrize("show", ["all", "create", "park"])
def test_its_plan_opens(parked_plan: str, open_page: Open, show: str) -> None:
    test = open_page("preview", flow=NAME, plan=parked_plan, show=show)

    assert not test.exception
    assert "Departments" in texts(test)


def plan_with_signs(app: Application, text: str) -> Run:
    """Return the plan that gives every department this name."""
    app.rules.set_table("signs", {code: f"{text} {code}" for code in codes(app)}, WHO)
    return wait_for_run(app, app.runs.preview(PreviewRequest(NAME, make_actor(WHO), Mode.COMPLETE)))


def test_a_plan_of_it_is_committed_and_proven_and_then_nothing_is_left(app: Application, open_page: Open) -> None:
    run = commit_run(app, plan_with_signs(app, "First sign of"))

    assert (run.state, run.counts.proven, run.counts.parked, run.counts.difference) == (
        RunState.DONE, len(codes(app)), 0, 0,
    )  # fmt: skip
    assert app.issues.causes(NAME) == []
    second_run = wait_for_run(app, app.runs.preview(PreviewRequest(NAME, make_actor(WHO), Mode.COMPLETE)))
    assert (second_run.counts.unchanged, lines(app, second_run.id)) == (len(codes(app)), [])

    for page, address in (
        ("runs", {"run": run.id}),
        ("runs", {"flow": NAME}),
        ("logs", {"flow": NAME}),
        ("logs", {"record": f"{NAME}:{codes(app)[0]}"}),
        ("exceptions", {"flow": NAME}),
        ("overview", {}),
        ("stock", {}),
    ):
        assert not open_page(page, **address).exception, page


def test_its_own_guard_holds_a_plan_until_its_number_is_typed(app: Application, open_page: Open) -> None:
    first = plan_with_signs(app, "Sign of")
    if first.state is RunState.READY:
        commit_run(app, first)

    plan = plan_with_signs(app, "New sign of")

    count = len(codes(app))
    assert [(brake.code, brake.count, brake.limit) for brake in plan.brakes] == [(RENAMED.code, count, "2")]
    assert {row.brakes for row in lines(app, plan.id)} == {(RENAMED.code,)}
    assert RENAMED.code in app.four_eyes.brakes(NAME)
    assert cause(RENAMED.code).repair.tab == "brakes"
    test = open_page("preview", flow=NAME, plan=plan.id)
    assert not test.exception
    assert "brake renamed" in texts(test)
    with pytest.raises(PlanUnsafeError, match=RENAMED.code):
        app.runs.commit(plan.id, Approval(plan.mark, WHO))

    test = open_page("flows", flow=NAME, tab="brakes")
    assert "Stop at more than **2** in a plan: Renamed" in texts(test)
    test = test.number_input(key=f"{NAME}-brake-renamed-0").set_value(count).run()
    press(test, "save")
    assert app.flows.settings(NAME).limits[RENAMED.name] == count
    second_run = wait_for_run(app, app.runs.preview(PreviewRequest(NAME, make_actor(WHO), Mode.COMPLETE)))
    assert second_run.brakes == ()


@pytest.mark.usefixtures("shut_down")
def test_what_it_left_is_shown_once_it_is_gone(
    app: Application, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.rules.set_table("signs", {codes(app)[0]: "LoginGate"}, WHO)
    run = wait_for_run(app, app.runs.preview(PreviewRequest(NAME, make_actor(WHO), Mode.COMPLETE)))
    group = next(cause_group for cause_group in app.issues.causes(NAME))
    monkeypatch.delitem(records._KINDS, SIGN)
    bootstrap.shut_down()
    for name in ("DATA", "SANDBOX", "SANDBOX_ARTICLES"):
        monkeypatch.setenv(f"CONSOLE_{name}", {"DATA": str(app.settings.data), "SANDBOX": "true"}.get(name, "60"))
    app = bootstrap.running_application(FLOWS)
    page_texts = {}
    for page, address in (
        ("runs", {}), ("runs", {"run": run.id}), ("preview", {"plan": run.id}), ("exceptions", {}),
        ("exceptions", {"cause": group_address(group.group_key)}),
        ("logs", {}), ("logs", {"record": f"{NAME}:x"}), ("overview", {}), ("stock", {}), ("days", {}),
    ):  # fmt: skip
        test = open_page(page, **address)
        assert not test.exception, (page, address, test.exception)
        page_texts[page, *address] = texts(test)
    assert "does not know the flow departments" in page_texts["runs", "run"] == page_texts["preview", "plan"]
    assert " records of the flow departments wait. This console does not know that flow" in page_texts["exceptions",]
    with pytest.raises(KeyError):
        app.runs.commit(run.id, Approval(run.mark, WHO))


def test_no_file_of_the_console_knows_it() -> None:
    files = [*ROOT.glob("*.py"), *(ROOT / "data").rglob("*.toml"), *(ROOT / "data").rglob("*.csv")]
    files += [file for folder in ("integration", "pages") for file in (ROOT / folder).rglob("*.py")]

    texts_of = [file.read_text(encoding="utf-8") for file in files]
    assert [text for text in texts_of if NAME in text or SIGN in text or READ in text] == []
