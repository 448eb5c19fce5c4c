"""Every command of the terminal (`integration/__main__.py`), run as its own process against both systems in a box.

Some are started anew, as an operator starts them; the others are forked with everything imported, which is quicker.
"""

import json
import re
import shutil
import socket
import sqlite3
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integration.cli.exit_status import status_of
from integration.core.days.check import DayComparison
from integration.core.days.report import DayReport, DayState, report_to_json
from integration.core.errors import NotAllowedError
from integration.core.run import Mode
from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox, running
from integration.store.days import DayCheckResult
from tests.consoles import open_application
from tests.programs import CommandResult, Terminal, access, confirmations, program
from tests.servers import free_port
from tests.stores import prepare, stores_in
from tests.till_client import TillClient
from tests.timeouts import SECONDS

pytestmark = pytest.mark.processes


ARTICLES = 61  # what the smallest shop that trips a brake comes to
WIDTH = 100
Result = dict[str, Any]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Both systems, whose ledger and switches this process holds."""
    with running(articles=60) as both_systems:
        yield both_systems


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[Terminal, Sandbox]]:
    """A terminal and systems of one test alone: a log-in is good for one installation."""
    with running(articles=60) as both_systems:
        prepare(tmp_path / "console.sqlite")
        yield Terminal({"DATA": str(tmp_path), **access(both_systems)}), both_systems


@pytest.fixture(scope="module")
def terminal(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A terminal of an installation that the environment connects to both systems."""
    return Terminal({"DATA": str(tmp_path_factory.mktemp("data")), **access(sandbox)})


@pytest.fixture(scope="module")
def first_preview(terminal: Terminal, sandbox: Sandbox) -> Result:
    """The first preview, as programs see it."""
    ended = terminal.run_new_process("preview", "products", "--json")
    assert (ended.status, ended.err) == (3, "")
    assert sandbox.ledger.counts()["writes"] == 0
    return dict(ended.json)


@pytest.fixture(scope="module")
def shown_plan(terminal: Terminal, first_preview: Result) -> CommandResult:
    """The first plan, shown while it waits for a person."""
    return terminal("show", first_preview["run"])


@pytest.fixture(scope="module")
def under_another(terminal: Terminal, first_preview: Result, sandbox: Sandbox) -> CommandResult:
    """The commit of the first plan under another fingerprint than its own."""
    ended = terminal("commit", first_preview["run"], "--fingerprint", "0" * 64)
    assert sandbox.ledger.counts()["writes"] == 0
    return ended


@pytest.fixture(scope="module")
def interrupted_commit(
    terminal: Terminal, first_preview: Result, shown_plan: CommandResult, under_another: CommandResult
) -> CommandResult:
    """The commit of the first plan, interrupted because the till refuses the secret."""
    assert (shown_plan.status, under_another.status) == (0, 3)
    approval = ["--fingerprint", first_preview["fingerprint"], *confirmations(first_preview)]
    return terminal("commit", first_preview["run"], *approval, MPLUS__SECRET="wrong-secret")


@pytest.fixture(scope="module")
def resumed_run(terminal: Terminal, first_preview: Result, interrupted_commit: CommandResult) -> Result:
    """The same run, brought to its end."""
    assert interrupted_commit.status == 5
    ended = terminal("resume", first_preview["run"], "--json")
    assert ended.status == 0, ended
    return dict(ended.json)


def no_trace(ended: CommandResult) -> bool:
    return "Traceback" not in ended.out + ended.err


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def widest(text: str) -> int:
    return max(len(line) for line in text.splitlines() if " -m integration commit " not in line)


def test_a_preview_waits_for_a_person_and_writes_nothing(first_preview: Result) -> None:
    assert first_preview["state"] == "ready"
    assert first_preview["read_count"] == ARTICLES
    assert first_preview["difference"] == 0


def test_a_shown_plan_fits_and_says_how_to_commit_it(shown_plan: CommandResult, first_preview: Result) -> None:
    assert shown_plan.status == 0
    assert widest(shown_plan.out) <= WIDTH
    assert f"commit {first_preview['run']} --fingerprint {first_preview['fingerprint']}" in shown_plan.out


def test_lines_of_one_action_can_be_shown_alone(terminal: Terminal, first_preview: Result) -> None:
    rows = terminal("show", first_preview["run"], "--only", "park", "--limit", "3", "--json").json["rows"]

    assert {row["action"] for row in rows} == {"park"}
    assert len(rows) == 3


def test_a_plan_is_not_written_under_another_fingerprint(under_another: CommandResult, first_preview: Result) -> None:
    assert under_another.status == 3
    assert f"does not belong to the plan of run {first_preview['run']}" in under_another.err
    assert "–" not in under_another.err


@pytest.mark.long
def test_a_plan_that_nobody_approved_is_not_resumed(fresh: tuple[Terminal, Sandbox]) -> None:
    terminal, _ = fresh
    waiting = terminal("preview", "products", "--json").json["run"]

    ended = terminal("resume", waiting)

    assert (ended.status, terminal("show", waiting, "--json").json["state"]) == (3, "ready")
    assert f"The plan of run {waiting} has not been approved yet." in ended.err
    assert "–" not in ended.err


def test_a_refused_secret_interrupts_a_commit_and_says_so(interrupted_commit: CommandResult) -> None:
    assert interrupted_commit.status == 5
    assert "MplusKASSA" in interrupted_commit.err
    assert no_trace(interrupted_commit)


def test_an_interrupted_run_is_resumed_to_a_whole_sum(resumed_run: Result) -> None:
    settled = sum(resumed_run[name] for name in ("proven", "unchanged", "skipped", "parked"))

    assert resumed_run["state"] == "done"
    assert settled == resumed_run["read_count"] == ARTICLES


@pytest.mark.long
@pytest.mark.usefixtures("resumed_run")
def test_a_second_run_writes_nothing(terminal: Terminal, sandbox: Sandbox) -> None:
    first = terminal("run", "products", "--complete", "--json").json  # takes along what was changed before
    before = sandbox.ledger.counts()["writes"]

    ended = terminal("run", "products", "--complete", "--json")

    assert ended.status == 0
    assert (ended.json["proven"], ended.json["unchanged"]) == (0, first["proven"] + first["unchanged"])
    assert sandbox.ledger.counts()["writes"] == before


def test_runs_are_listed_newest_first(terminal: Terminal, resumed_run: Result) -> None:
    rows = terminal("runs", "products", "--json").json

    assert rows[-1]["run"] == resumed_run["run"]
    assert terminal("runs", "products").out.count("products") == len(rows)


@pytest.mark.long
@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_cuts_no_run_flow_state_or_number(
    terminal: Terminal, resumed_run: Result, width: int
) -> None:
    narrow = Terminal(terminal.settings, width=width)
    latest_run = terminal("runs", "products", "--json").json[-1]
    results = [narrow("runs"), narrow("show", resumed_run["run"], "--limit", "1")]
    log_result = narrow("log", "SELECT event, run, kind, key, title FROM events WHERE run <> '' LIMIT 1")

    for result in results:
        words = result.out.split()
        assert {
            resumed_run["run"],
            "products",
            "done",
            str(latest_run["read_count"]),
            str(latest_run["parked"]),
        } <= set(words)
    assert resumed_run["run"] in log_result.out
    assert [line for result in (*results, log_result) for line in result.out.splitlines() if len(line) > width] == []


def test_what_waits_for_a_person_is_listed_by_cause(terminal: Terminal, resumed_run: Result) -> None:
    causes = terminal("issues", "--json").json
    ours = [cause["count"] for cause in causes if cause["flow"] == "products"]
    table = terminal("issues").out

    assert 0 < sum(ours) <= resumed_run["parked"]  # others are parked with their product
    assert all(cause["problem"] and cause["do"] for cause in causes)
    assert widest(table) <= WIDTH


def test_a_good_connection_passes_its_check(terminal: Terminal) -> None:
    ended = terminal("check", "--json")

    assert ended.status == 0
    assert all(finding["ok"] for findings in ended.json.values() for finding in findings)


def test_a_check_says_what_is_wrong_and_what_to_do(terminal: Terminal) -> None:
    ended = terminal("check", MPLUS__SECRET="wrong-secret")

    assert ended.status == 5
    assert "×" in ended.out
    assert "wrong-secret" not in ended.out + ended.err
    assert no_trace(ended)


def test_a_check_names_every_field_that_is_missing_with_its_flow(
    fresh: tuple[Terminal, Sandbox], tmp_path: Path
) -> None:
    names = tmp_path / "names.toml"
    names.write_text('[article]\nean = "K9_NIX"\n[group]\nname = "AG_NAAM"\n', encoding="utf-8")
    ended = fresh[0]("check", ACCOUNTVIEW__NAMES=str(names))

    assert ended.status == 5
    wrong = [re.split(r" {2,}", line.strip()) for line in ended.out.splitlines() if "×" in line]
    assert [(line[1], line[3]) for line in wrong] == [
        ("fields", "products"), ("fields", "products"), ("flow_products", "products"), ("flow_products", "products"),
        ("flow_stock", "stock"),
    ]  # fmt: skip
    assert {"AG_NAAM", "K9_NIX"} <= set(re.findall(r"[A-Z0-9_]{5,}", ended.out))
    assert widest(ended.out) <= WIDTH


@pytest.mark.usefixtures("resumed_run")
def test_the_log_answers_a_question_and_cannot_be_changed(terminal: Terminal) -> None:
    good = terminal("log", "SELECT count(*) AS proven FROM events WHERE event = 'proven'", "--json")
    bad = terminal("log", "DELETE FROM events")

    assert good.json["columns"] == ["proven"]
    assert good.json["rows"][0][0] > 0
    assert bad.status == 2
    assert no_trace(bad)


@pytest.mark.parametrize("name", ["log.csv", pytest.param("log.parquet", marks=pytest.mark.long)])
def test_the_log_is_exported(terminal: Terminal, resumed_run: Result, tmp_path: Path, name: str) -> None:
    ended = terminal("export", str(tmp_path / name), "--json")

    assert ended.status == 0
    assert ended.json["events"] > resumed_run["proven"]
    assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.long
def test_days_are_compared_listed_and_printed(terminal: Terminal, tmp_path: Path) -> None:
    day = "2026-10-17"
    options = ("--from", day, "--to", day, "--branch", "1")

    with open_application(Path(terminal.settings["DATA"]), start=False) as application:
        stores_in(application).settings.put("flow:days", {"daybook": "600"}, "test")
    compared = terminal("days", *options, "--check", "--json")
    listing = terminal("days", *options, "--sheet", str(tmp_path / "day.pdf"))

    (report,) = compared.json
    assert (report["date"], report["branch"]) == (day, "1")
    assert compared.status == (1 if report["state"] in ("different", "unknown") else 0)
    assert day in listing.out
    assert (tmp_path / "day.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.long
def test_the_sheet_of_a_terminal_says_what_that_of_a_page_does(fresh: tuple[Terminal, Sandbox], tmp_path: Path) -> None:
    terminal, _ = fresh
    amount = {"till": Decimal("12.10"), "books": Decimal("12.10")}
    rows = (DayComparison("account", "8000", **amount), DayComparison("vat", "1", **amount))
    report = DayReport(date(2026, 10, 17), "1", "", DayState.EQUAL, datetime(2026, 10, 18, tzinfo=UTC), rows=rows)
    with open_application(tmp_path, start=False) as application:
        check_result = DayCheckResult(report.date, "1", report.state, report.checked_at, report_to_json(report))
        stores_in(application).days.keep([check_result])
    for file in ("day.xlsx", "day.pdf"):
        options = ("--from", "2026-10-17", "--to", "2026-10-17", "--sheet", str(tmp_path / file))
        assert terminal("days", *options).status == 0
    with zipfile.ZipFile(tmp_path / "day.xlsx") as book:
        shared_strings = book.read("xl/sharedStrings.xml").decode()
    assert all(text in shared_strings for text in ("Administration", "8000 Omzet", "21%")), shared_strings


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "yesterday"), "2026-10-17"),
        (("--from", "2026-10-18", "--to", "2026-10-17"), "--from must not be after --to"),
        (("--sheet", "day.txt"), ".pdf or .xlsx"),
        (("--from", "2001-01-01", "--to", "2001-01-01", "--sheet", "day.pdf"), "--check"),
    ],
)
def test_days_that_are_none_are_wrong_use(terminal: Terminal, arguments: tuple[str, ...], message: str) -> None:
    ended = terminal("days", *arguments)
    assert ended.status == 2
    assert message in ended.err


@pytest.mark.usefixtures("resumed_run")
def test_what_was_written_is_looked_at_from_a_terminal(terminal: Terminal) -> None:
    ended = terminal("drift")
    assert (ended.status, ended.out) == (0, "Nothing was compared: no flow that is on has written anything.\n")


@pytest.mark.long
@pytest.mark.usefixtures("resumed_run")
def test_a_log_that_cannot_be_read_stops_nobody_and_is_filled_again(terminal: Terminal, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(terminal.settings["DATA"], data)
    (data / "log.duckdb").write_bytes(b"")
    proven = "SELECT count(*) FROM events WHERE event = 'proven'"

    first = terminal("log", proven, "--json", DATA=str(data))
    second = terminal("export", str(tmp_path / "log.csv"), DATA=str(data))

    assert (first.status, second.status) == (0, 0)
    assert first.json["rows"][0][0] == terminal("log", proven, "--json").json["rows"][0][0] > 0
    for ended in (first, second):
        assert "The log could not be read. It is kept in the data folder as log.duckdb.broken-" in ended.err
        assert no_trace(ended)
    with terminal.running("console", "--host", "127.0.0.2", "--port", str(port := free_port()), DATA=str(data)):
        wait_until_healthy(port, "127.0.0.2")
        assert not accepts("127.0.0.1", port)  # it listens where it is told to, and nowhere else


@pytest.mark.long
def test_the_terminal_asks_the_server_while_that_owns_the_log(
    terminal: Terminal, resumed_run: Result, tmp_path: Path
) -> None:
    port = free_port()
    with terminal.running("console", "--port", str(port), "--json"):
        wait_until_healthy(port)
        announced = Path(terminal.settings["DATA"]) / "server.json"
        announced_mode = mode(announced)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=SECONDS) as answer:
            health = json.load(answer)

        question = terminal("log", "SELECT count(*) FROM events", "--json")
        export = terminal("export", str(tmp_path / "log.csv"), "--json")
        wrong = terminal("log", "SELECT nothing")

    assert question.json["rows"][0][0] > resumed_run["proven"]
    assert export.json["events"] == question.json["rows"][0][0]
    assert wrong.status == 2
    assert announced_mode == 0o600
    assert (health["status"], health["causes"]) == ("well", [])
    assert health["free_bytes"] > 0 <= health["heartbeat_age_seconds"]
    assert not announced.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("commit", "nothing", "--fingerprint", "x", "--confirm", "brake_price"),
        ("show", "nothing", "--only", "everything"),
        ("export", "/nowhere/log.csv"),
    ],
)
def test_wrong_use_ends_in_a_sentence(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    ended = terminal(*arguments)

    assert ended.status == 2
    assert "Error" in ended.err
    assert no_trace(ended)


def test_a_wrong_setting_stops_with_its_name_and_shape(terminal: Terminal) -> None:
    ended = terminal("run", "products", MPLUS__IN_FLIGHT="99")

    assert ended.status == 5
    assert "CONSOLE_MPLUS__IN_FLIGHT" in ended.err
    assert "from 1 to 8" in ended.err
    assert no_trace(ended)


@pytest.mark.long
def test_a_setting_that_only_the_server_reads_stops_it_alike(terminal: Terminal) -> None:
    ended = terminal("console", "--port", str(free_port()), ACCOUNTVIEW__NAMES="/nowhere/names.toml")

    assert ended.status == 5
    assert "CONSOLE_ACCOUNTVIEW__NAMES" in ended.err
    assert no_trace(ended)


def test_status_three_says_that_a_plan_waits_and_nothing_else() -> None:
    ends = {
        "second_person_needed": 3, "log_in_needed": 3,
        "last_administrator": 1, "not_allowed": 1, "invitation_spent": 1,
    }  # fmt: skip
    assert {code: status_of(NotAllowedError(code)) for code in ends} == ends


def test_programs_get_an_error_as_json(terminal: Terminal) -> None:
    ended = terminal("run", "products", "--json", SANDBOX_ARTICLES="few")

    assert ended.status == 5
    assert ended.json["error"] == "setting_invalid"
    assert ended.json["facts"]["setting"] == "CONSOLE_SANDBOX_ARTICLES"


def test_a_name_that_means_nothing_is_warned_of(terminal: Terminal) -> None:
    ended = terminal("runs", MPLUS__SECRT="x")

    assert ended.status == 0
    assert "CONSOLE_MPLUS__SECRT" in ended.err
    assert "nearest=CONSOLE_MPLUS__SECRET" in ended.err


def test_the_sandbox_is_refused_beside_a_real_system(terminal: Terminal) -> None:
    ended = terminal("preview", "products", SANDBOX="true")

    assert ended.status == 5
    assert "CONSOLE_ACCOUNTVIEW__" in ended.err


@pytest.mark.long
def test_a_second_run_of_a_flow_at_work_is_busy_until_that_is_cancelled(fresh: tuple[Terminal, Sandbox]) -> None:
    terminal, sandbox = fresh
    assert terminal("preview", "products").status == 3
    with (
        sandbox.switches.armed(Fault.UNAVAILABLE, system="accountview", operation="AK1 *", times=None),
        terminal.running("preview", "products", "--complete", "--json") as first,
    ):
        run = until_at_work(terminal)
        busy = terminal("preview", "products")
        ended = terminal("cancel", run, "--json")
        assert ended.status == 0, (ended.out, ended.err)
        out, _ = first.communicate(timeout=SECONDS)

    assert busy.status == 4
    assert no_trace(busy)
    assert (ended.status, ended.json["state"], ended.json["error"]) == (0, "discarded", "preview_cancelled")
    assert json.loads(out)["state"] == "discarded"
    assert sandbox.ledger.counts()["writes"] == 0
    assert terminal("cancel", run).status == 2
    assert terminal("preview", "products", "--json").json["state"] == "ready"


def test_a_system_that_stays_away_ends_the_wait(fresh: tuple[Terminal, Sandbox]) -> None:
    terminal, _ = fresh
    ready = terminal("preview", "products", "--json").json
    approval = ["--fingerprint", ready["fingerprint"], *confirmations(ready)]

    away = f"http://127.0.0.1:{free_port()}/"
    ended = terminal("commit", ready["run"], *approval, "--wait", "0", MPLUS__URL=away)

    assert ended.status == 5
    assert "does not accept a connection" in ended.err
    assert no_trace(ended)


@pytest.mark.long
@pytest.mark.parametrize(
    "files",
    [
        ["console.sqlite", "engine.sqlite"],
        pytest.param(["console.sqlite"], marks=pytest.mark.long),
        pytest.param(["engine.sqlite"], marks=pytest.mark.long),
    ],
)
def test_a_wait_ends_whatever_the_database_does(tmp_path: Path, files: list[str]) -> None:
    terminal = Terminal({"DATA": str(tmp_path)})
    with open_application(tmp_path) as application:
        run = stores_in(application).runs.begin("products", Mode.CHANGES, "test", 1).id
    with ExitStack() as stack:
        for name in files:
            holder = stack.enter_context(closing(sqlite3.connect(tmp_path / name, isolation_level=None)))
            holder.execute("BEGIN EXCLUSIVE")
        ended = terminal("cancel", run, "--wait", "2")

    assert ended.status == 5, ended
    assert no_trace(ended)
    assert "The run made no progress for" in ended.err or "database is in use by another program" in ended.err


@pytest.mark.long
def test_what_is_stored_and_cannot_be_used_stops_no_command_with_a_trace(tmp_path: Path) -> None:
    terminal = Terminal({"DATA": str(tmp_path)})
    with open_application(tmp_path, start=False) as application:
        nonsense = {"on": "perhaps", "schedule_minutes": "x"}
        for name in ("flow:products", "names", "set-up", "sandbox", "draft:products"):
            stores_in(application).settings.put(name, nonsense, "test")
        connected = application.access.connected
        connected.put("mplus", {"url": "https://kassa.example:99999/", "ident": 7}, "test")
        connected.put("accountview", {"company": ["x"], "client_id": {}, "objects": 3}, "test")
    ends = {name: terminal(*name.split()) for name in ("runs", "issues", "settings", "check", "preview products")}

    assert {name: no_trace(ended) for name, ended in ends.items()} == dict.fromkeys(ends, True)
    assert {name: ended.status for name, ended in ends.items()} == {
        "runs": 0, "issues": 0, "settings": 0, "check": 5, "preview products": 5,
    }  # fmt: skip


@pytest.mark.long
def test_only_warnings_are_written_beside_the_answer_unless_asked(terminal: Terminal, resumed_run: Result) -> None:
    quiet = terminal("run", "products", "--json")
    verbose = terminal("run", "products", "--json", LOG="info")

    assert quiet.err == ""
    assert "preview finished" in verbose.err
    assert verbose.json["run"] > resumed_run["run"]


@pytest.mark.long
@pytest.mark.usefixtures("resumed_run")
def test_what_is_parked_is_tried_again_by_its_cause(terminal: Terminal, sandbox: Sandbox) -> None:
    sandbox.till.edit("articles", "9900004", {"extArticleId": "7700"})
    order = TillClient(sandbox).order("9900004", relation="1003")
    parked = terminal("run", "orders", "--complete", "--json").json["parked"]
    sandbox.accountview.add("ARTICLE", {"ART_CODE": "7700", "ART_DESC1": "Huur", "PX_SELL": 10, "VAT_CODE": "1"})

    plan = terminal("retry", "orders", "article_missing", "--json")
    rows = terminal("show", plan.json["run"], "--only", "create", "--json").json["rows"]
    ended = terminal("commit", plan.json["run"], "--fingerprint", plan.json["fingerprint"], "--json")

    assert plan.status == 3
    assert plan.json["mode"] == "chosen"
    assert 0 < plan.json["read_count"] < parked
    assert [row["key"] for row in rows] == [order]
    assert (ended.status, ended.json["proven"]) == (0, 1)


def test_trying_again_what_nothing_is_parked_for_is_wrong_use(terminal: Terminal) -> None:
    ended = terminal("retry", "orders", "debtor_blocked")

    assert ended.status == 2
    assert "debtor_blocked" in ended.err
    assert no_trace(ended)


@pytest.mark.long
@pytest.mark.usefixtures("resumed_run")
def test_a_run_is_undone_by_a_plan_like_any_other(terminal: Terminal, sandbox: Sandbox) -> None:
    terminal("run", "products")  # takes along what was added before
    before = {row["articleNumber"]: row["priceIncl"] for row in sandbox.state("articles", "mplus")}
    sandbox.accountview.edit("ARTICLE", "10011", {"PX_SELL": 15})
    changed = terminal("run", "products", "--json").json
    assert changed["proven"] > 0

    result = terminal("undo", changed["run"])
    plan = next(run for run in terminal("runs", "products", "--json").json if run["mode"] == "undo")
    ended = terminal("commit", plan["run"], "--fingerprint", plan["fingerprint"], "--json")

    assert result.status == 3
    assert f"commit {plan['run']} --fingerprint {plan['fingerprint']}" in result.out
    assert ended.status == 0, ended
    assert ended.json["proven"] == changed["proven"]
    assert {row["articleNumber"]: row["priceIncl"] for row in sandbox.state("articles", "mplus")} == before


@pytest.mark.long
@pytest.mark.usefixtures("resumed_run")
def test_a_run_that_wrote_nothing_has_nothing_to_undo(terminal: Terminal) -> None:
    terminal("run", "products")  # takes along what was changed before
    nothing = terminal("run", "products", "--json").json
    before = terminal("runs", "--json", "--limit", "100").json
    ended = terminal("undo", nothing["run"])

    assert (ended.status, nothing["proven"]) == (2, 0)
    assert f"Run {nothing['run']} has no changes to undo" in ended.err
    assert terminal("runs", "--json", "--limit", "100").json == before


@pytest.mark.long
def test_what_is_kept_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    new_folder, old_folder = tmp_path / "made", tmp_path / "there"
    old_folder.mkdir(mode=0o755)
    shop = {"SANDBOX": "true", "SANDBOX_ARTICLES": "60"}
    for folder in (new_folder, old_folder):
        assert Terminal({"DATA": str(folder), **shop})("preview", "products").status == 3
        assert Terminal({"DATA": str(folder), **shop})("log", "SELECT count(*) FROM events").status == 0

    for earlier in old_folder.iterdir():  # as a version before this one left them
        earlier.chmod(0o644)
    port = free_port()
    with program("streamlit", "run", "app.py", "--server.port", str(port), settings={"DATA": str(old_folder), **shop}):
        wait_until_healthy(port)
        assert not accepts("127.0.0.2", port)  # no more than this machine can ask for it either
        open_to_others = {
            file.name: oct(mode(file)) for file in (*new_folder.iterdir(), *old_folder.iterdir()) if mode(file) & 0o077
        }

    assert open_to_others == {}
    assert (mode(new_folder), mode(old_folder)) == (0o700, 0o755)
    names = {"console.sqlite", "engine.sqlite", "log.duckdb", "sandbox.journal", "console.key"}
    assert names <= {file.name for file in new_folder.iterdir()}


@pytest.mark.long
def test_a_worker_works_beside_the_server_on_one_machine(terminal: Terminal) -> None:
    with terminal.running("worker", "--json") as worker:
        assert worker.stdout is not None
        output = json.loads(worker.stdout.readline())
    assert output["worker"].startswith("worker-")
    assert worker.returncode == 0


def test_the_sandbox_runs_alone(terminal: Terminal) -> None:
    with terminal.running("sandbox", "--articles", "50", "--json") as program:
        assert program.stdout is not None
        addresses = json.loads(program.stdout.readline())
    assert all(str(address).startswith("http://127.0.0.1:") for address in addresses.values() if "http" in str(address))


@pytest.mark.long
def test_the_demo_adds_up_in_every_round() -> None:
    ended = Terminal({})("demo", "--articles", "60", "--json")
    *lines, days, vat, prices = [json.loads(text) for text in ended.out.splitlines()]

    assert ended.status == 0
    assert days["days_booked"] == days["days_equal"] > 20
    assert (days["figures"] > 100, days["off"]) == (True, "0.00")
    assert vat["vat_till"] == vat["vat_books"] != "0.00"
    assert prices["prices_asked"] == prices["prices_same"] > 20
    assert [(line["round"], line["flow"]) for line in lines] == [
        (number, flow) for number in (1, 2, 3) for flow in ("products", "orders", "customers", "stock", "days")
    ]
    for line in lines:
        assert line["read_count"] == line["proven"] + line["unchanged"] + line["skipped"] + line["parked"]
        assert (line["in_doubt"], line["preview_writes"]) == (0, 0)
    first, second, third = (lines[at : at + 5] for at in (0, 5, 10))
    assert all(line["proven"] > 0 for line in first)
    assert [line["read_count"] - before["read_count"] for line, before in zip(second, first, strict=True)] == [
        1,
        3,
        0,
        1,
        0,
    ]
    assert [(line["proven"], line["writes"]) for line in third] == [(0, 0)] * 5


@pytest.mark.long
def test_the_demo_can_be_read_in_a_narrow_terminal_and_spares_real_systems(terminal: Terminal) -> None:
    narrow = Terminal(terminal.settings, width=80)("demo", "--articles", "60")

    assert narrow.status == 0
    assert widest(narrow.out) <= 80
    assert "skipped" in narrow.out
    assert "…" not in narrow.out


def accepts(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=SECONDS):
            return True
    except OSError:
        return False


def wait_until_healthy(port: int, host: str = "127.0.0.1") -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://{host}:{port}/healthz", timeout=SECONDS) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the console does not start")


def until_at_work(terminal: Terminal) -> str:
    """Return the run that is at work, once one is."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        runs = terminal("runs", "--json").json
        if runs[0]["state"] == "previewing":
            return str(runs[0]["run"])
        time.sleep(0.1)
    pytest.fail("the run does not begin")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("preview", "nothing"), "there is no flow nothing"),
        (("preview", "products", "--perhaps"), "--perhaps"),
        (("show", "261125-000000-aaaaaa"), "there is no run"),
    ],
)
def test_wrong_use_is_json_too_for_programs(terminal: Terminal, arguments: tuple[str, ...], message: str) -> None:
    ended = terminal(*arguments, "--json")
    assert ended.status == 2
    assert ended.json["error"] == "wrong_use"
    assert message in ended.json["facts"]["said"]
    assert ended.json["problem"]
