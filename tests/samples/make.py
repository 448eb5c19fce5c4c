"""Makes data folders as an earlier version leaves them: `python -m tests.samples.make FOLDER [NAME...]`.

Was run with the version of November 2026 (git commit a5432fe), and its products are kept in `2026-11/`: whatever comes
later has to open them and finish what is open in them. Run it again only to add the samples of a later version, into a
folder of their own; those that are there are never made anew.

Each sample is made by real consoles on the built-in sandbox, which keeps both systems in the same folder. The lives of
a sample follow one another; the last one of most ends by SIGKILL while switches of the sandbox hold it at its moment.
Ids, moments and keys differ each time; the articles, what is planned and where it stands do not.
"""

import io
import lzma
import multiprocessing
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
from dbos import DBOS

from integration.core.issues import Trouble
from integration.core.plan import Approval
from integration.core.records import Kind
from integration.core.rules import Rule
from integration.core.run import Mode, PreviewRequest, Run, RunState, Step, Task
from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox, running
from integration.sandbox.shop.assortment import check_digit
from integration.services import Application
from tests.consoles import WHO, opened, settled
from tests.people import somebody
from tests.postgres import private_server
from tests.stores import built_in, stores_in

ARTICLES = 60
FOREVER = 600.0  # a call that is held so long is there when its console is killed
SECONDS = 60.0
LEFT_OUT = ("said", "-shm", ".lock")  # what a folder has beside its data
EVERY = ("waiting", "writing", "in-doubt", "previewing")


@dataclass(frozen=True, slots=True)
class Life:
    """What a console does from its start until its end, which may be a kill."""

    act: Callable[[Application], None]
    killed: bool = False


# ---- the application, behind a few lines


def _box(application: Application) -> Sandbox:
    """The built-in systems, chosen in the console so that they are there at each start."""
    if application.sandbox.running is None:
        application.connections.use_sandbox(somebody(WHO))
    return built_in(application)


def _preview(application: Application, flow: str, *keys: str) -> Run:
    return _ready(
        application,
        application.runs.preview(PreviewRequest(flow, somebody(WHO), Mode.CHOSEN if keys else Mode.COMPLETE, keys)),
    )


def _ready(application: Application, run_id: str) -> Run:
    run = settled(application, run_id)
    assert run.state is RunState.READY, (run.flow, run.state, run.error, run.facts)
    return run


def _approve(application: Application, run: Run) -> None:
    confirmed = {brake.code: brake.count for brake in run.brakes}
    application.runs.commit(run.id, Approval(run.fingerprint, WHO, confirmed=confirmed))


def _sync(application: Application, flow: str) -> Run:
    run = _preview(application, flow)
    _approve(application, run)
    done = settled(application, run.id)
    assert done.state is RunState.DONE, (done.flow, done.state, done.error, done.facts)
    return done


def _steps(application: Application, run_id: str) -> Counter[Step]:
    return Counter(row.step for row in application.plans.rows(run_id, "changes", limit=10_000))


def _until(reached: Callable[[], object], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.01)


def _takes_orders(application: Application) -> None:
    shop = _box(application).shop
    collective = next(each.code for each in shop.articles if each.number and not each.blocked and not each.fault)
    application.flows.change("orders", {"date_from": "2026-11-15", "collective_article": collective}, somebody(WHO))


def _by_itself(application: Application, flow: str, *, may_send: bool) -> None:
    """Switch the schedule of a flow on, and make it due."""
    application.flows.change(flow, {"on": True, "schedule_minutes": 60, "auto_approve": may_send}, somebody(WHO))
    _until(lambda: DBOS.get_schedule(f"{flow}-changes"), "the schedule")
    DBOS.trigger_schedule(f"{flow}-changes")


def _arm(sandbox: Sandbox, fault: Fault, operation: str, times: int | None = None) -> str:
    system = "accountview" if operation.endswith(("GET", "POST")) else "mplus"
    seconds = FOREVER if fault is Fault.DELAY else 0
    return sandbox.switches.arm(fault, system=system, operation=operation, times=times, seconds=seconds)


def _let_pass(sandbox: Sandbox, operation: str, times: int) -> None:
    """Let some calls through before those that the switches armed next are meant for."""
    system = "accountview" if operation.endswith(("GET", "POST")) else "mplus"
    sandbox.switches.arm(Fault.DELAY, system=system, operation=operation, times=times, seconds=0)


def _accepted(sandbox: Sandbox, operation: str) -> int:
    return sum(call.operation == operation and call.accepted for call in sandbox.ledger.calls(write=True))


# ---- everything that waits for a person


def _enter_own_systems(application: Application) -> None:
    """Connect systems of one's own as the set-up does; they are gone when the sample is made, their access is not."""
    with running(articles=ARTICLES) as own:
        address = application.connections.authorize_address(
            "http://127.0.0.1/back", "sandbox-client", "sandbox-secret", somebody(WHO), own.accountview_url
        )
        with httpx.Client() as browser:
            hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', browser.get(address).text))
            answer = browser.post(address.partition("?")[0], data={**hidden, "answer": "allow"})
        told = parse_qs(urlsplit(answer.headers["location"]).query)
        application.connections.authorized(told["code"][0], told["state"][0])
        application.connections.choose_company("7f3c", somebody(WHO))
        application.connections.connect_mplus(own.mplus_url, "sandbox", "sandbox-secret", somebody(WHO))


def _work_for_a_day(application: Application) -> None:
    """Sync, decide what can be decided about exceptions, and leave a plan of each kind waiting."""
    _enter_own_systems(application)
    _box(application)
    _takes_orders(application)
    for flow in ("products", "customers", "stock"):
        _sync(application, flow)
    booked = _sync(application, "orders")
    application.questions.save(
        "Geparkeerd per oorzaak", "SELECT code, count(*) AS n FROM events GROUP BY code", somebody(WHO)
    )
    application.questions.save("Bewezen", "SELECT count(*) FROM events WHERE event = 'proven'", somebody("anneke"))
    application.drafts.put_rule("customers", Rule(target="relation.name", source="code"), somebody(WHO))
    application.issues.assign(Trouble("products", "ean_duplicate", "article.ean"), "anneke", WHO)
    application.issues.annotate(Trouble("products", "ean_duplicate", "article.ean"), "Gevraagd aan de leverancier", WHO)
    application.exceptions.set_aside(
        Trouble("products", "sku_not_numeric", "number"), "Wordt niet verkocht", somebody(WHO)
    )
    _correct(application)
    application.mappings.publish(
        "products", application.mappings.published("products").mapping, 1, somebody(WHO), "Zonder verandering"
    )
    application.sandbox.pass_a_day()
    _ready(
        application,
        application.runs.try_again("products", "ean_check_digit", somebody(WHO), "article.ean", "", version=1),
    )
    _ready(application, application.runs.undo(booked.id, somebody(WHO)))
    _ready(application, application.runs.preview(PreviewRequest("customers", somebody(WHO), Mode.CHANGES)))
    _by_itself(application, "stock", may_send=False)
    _until(lambda: application.runs.latest("stock", [RunState.READY]), "the plan of the schedule")
    _until(lambda: stores_in(application).events.count() == 0, "the log")


def _correct(application: Application) -> None:
    wrong = stores_in(application).issues.list("products", "ean_check_digit", limit=100)
    (ean,) = [one for one in application.lists.fields("accountview", Kind.ARTICLE) if one.name == "ean"]
    values = {one.issue.key: one.issue.facts["value"][:12] for one in wrong}
    right = {key: twelve + check_digit(twelve) for key, twelve in values.items()}
    application.exceptions.correct("products", ean, right, somebody(WHO), {one.issue.key: one.title for one in wrong})


# ---- killed while it writes


def _stop_between(application: Application) -> None:
    """Leave a commit interrupted, with changes that are proven, in doubt and not sent."""
    sandbox = _box(application)
    everyone = _preview(application, "customers")
    run = _preview(
        application, "customers", *(row.key for row in application.plans.rows(everyone.id, "create", limit=8))
    )
    _let_pass(sandbox, "createRelation", 3)
    _arm(sandbox, Fault.CUT_AFTER, "createRelation", 2)
    _arm(sandbox, Fault.TOO_MANY, "createRelation")
    _approve(application, run)
    _until(lambda: application.runs.get(run.id).error, "the trouble")
    application.runs.cancel(run.id, somebody(WHO))
    assert settled(application, run.id).state is RunState.INTERRUPTED
    assert {Step.PROVEN, Step.IN_DOUBT, Step.PLANNED} <= set(_steps(application, run.id))
    sandbox.switches.disarm()


def _die_while_products_are_on_their_way(application: Application) -> None:
    """Some of what is kept as sent is at the till, some never reached it; nobody has seen an answer."""
    sandbox = _box(application)
    run = _preview(application, "products")
    _let_pass(sandbox, "createProduct", 4)
    _arm(sandbox, Fault.DELAY, "createProduct")
    _approve(application, run)
    _until(lambda: _accepted(sandbox, "createProduct") == 4, "four products")
    assert _steps(application, run.id)[Step.SENT] > 4


# ---- killed with documents in doubt


def _fill_the_till(application: Application) -> None:
    _box(application)
    _takes_orders(application)
    for flow in ("products", "customers"):
        _sync(application, flow)
    application.sandbox.pass_a_day()


def _die_in_doubt(application: Application) -> None:
    """Hold a preview of changes, a commit with documents in doubt, and a scheduled run that sends by itself."""
    sandbox = _box(application)
    run = _preview(application, "orders")
    _arm(sandbox, Fault.DELAY, "getArticleGroups")
    held = application.runs.preview(PreviewRequest("products", somebody(WHO), Mode.CHANGES))
    _until(lambda: application.runs.get(held).position.task is Task.COMPARE, "the plan of products")
    _let_pass(sandbox, "setStock", 10)
    _arm(sandbox, Fault.DELAY, "setStock")
    _by_itself(application, "stock", may_send=True)
    _until(lambda: _accepted(sandbox, "setStock") == 10, "ten levels")
    first = sandbox.switches.arm(Fault.DELAY, system="accountview", operation="SO1 POST", times=1, seconds=1)
    _arm(sandbox, Fault.CUT_AFTER, "SO1 POST", 2)
    _arm(sandbox, Fault.CUT_BEFORE, "SO1 POST", 1)
    _approve(application, run)
    _until(lambda: all(one.id != first for one in sandbox.switches.on()), "the first order")
    _arm(sandbox, Fault.DELAY, "SO1 GET")
    _until(lambda: _steps(application, run.id)[Step.IN_DOUBT] == 3, "orders in doubt")


# ---- killed while it previews


def _die_while_previewing(application: Application) -> None:
    """Hold a preview between two pages of an extract, one of a plan, one of an undo, and a schedule that is due."""
    sandbox = _box(application)
    done = application.runs.latest("customers", [RunState.DONE])[0]
    _let_pass(sandbox, "getOrders", 1)
    _arm(sandbox, Fault.DELAY, "getOrders")
    orders = application.runs.preview(PreviewRequest("orders", somebody(WHO), Mode.COMPLETE))
    _until(lambda: application.runs.get(orders).position.after, "the first page of orders")
    for operation in ("getRelations", "getStock"):
        _arm(sandbox, Fault.DELAY, operation)
    undo = application.runs.undo(done.id, somebody(WHO))
    stock = application.runs.preview(PreviewRequest("stock", somebody(WHO), Mode.COMPLETE))
    _until(lambda: application.runs.get(stock).position.task is Task.COMPARE, "the plan of stock")
    _arm(sandbox, Fault.DELAY, "VA1 GET")
    application.names.put({}, somebody(WHO))  # what the books answered before is forgotten
    _by_itself(application, "products", may_send=False)
    _until(lambda: DBOS.list_workflows(name="_scheduled", status="PENDING"), "the schedule")
    assert application.runs.get(undo).position.task is Task.UNDO
    assert {application.runs.get(one).state for one in (orders, undo, stock)} == {RunState.PREVIEWING}


LIVES: Mapping[str, tuple[Life, ...]] = {
    "waiting": (Life(_work_for_a_day),),
    "writing": (Life(_stop_between), Life(_die_while_products_are_on_their_way, killed=True)),
    "in-doubt": (Life(_fill_the_till), Life(_die_in_doubt, killed=True)),
    "previewing": (Life(_fill_the_till), Life(_die_while_previewing, killed=True)),
}


# ---- processes, and what becomes of their folders


def _live(folder: Path, database: str, act: Callable[[Application], None], parent: Connection) -> None:
    """Be a console until the parent says how it ends."""
    with opened(folder, sandbox_articles=ARTICLES, database_url=database) as application:
        act(application)
        parent.send("there")
        parent.recv()


def _lived(life: Life, folder: Path, database: str) -> None:
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    console = processes.Process(target=_live, args=(folder, database, life.act, theirs))
    console.start()
    theirs.close()
    try:
        assert ours.recv() == "there"
        if life.killed:
            console.kill()
        else:
            ours.send("end")
        console.join()
        assert life.killed or console.exitcode == 0
    finally:
        console.kill()
        console.join()


@contextmanager
def _database(server: str, name: str) -> Iterator[str]:
    """The address of a new database; the empty one stands for the files of SQLite."""
    if not server:
        yield ""
        return
    with closing(psycopg.connect(f"{server}/postgres", autocommit=True)) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        yield f"{server}/{name}"


def _make(name: str, server: str, out: Path) -> None:
    kind = "postgres" if server else "sqlite"
    with tempfile.TemporaryDirectory() as place, _database(server, f"sample_{name}") as database:
        folder = Path(place) / "data"
        for life in LIVES[name]:
            _lived(life, folder, database)
        if database:
            (folder / "database.sql").write_bytes(_dumped(database))
        packed = _packed(folder)
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}-{kind}.tar.xz").write_bytes(packed)
    sys.stdout.write(f"{name}-{kind}: {len(packed) // 1000} kB\n")


def _dumped(database: str) -> bytes:
    """Return a database as SQL that any client can carry out."""
    command = ["pg_dump", "--no-owner", "--no-privileges", "--rows-per-insert=50", database]
    told = subprocess.run(command, check=True, capture_output=True).stdout
    return re.sub(rb"^\\(un)?restrict .*$", b"", told, flags=re.MULTILINE)  # meant for psql alone


def _packed(folder: Path) -> bytes:
    """Return a folder as it stands on disk, write-ahead logs and all, with nothing of who packed it when."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in sorted(folder.iterdir()):
            if not file.name.endswith(LEFT_OUT):
                entry = _nobodys(archive.gettarinfo(file, file.name))
                archive.addfile(entry, io.BytesIO(file.read_bytes()))
    return lzma.compress(out.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    return entry.replace(mtime=0, mode=0o600, uid=0, gid=0, uname="", gname="")


def main(out: Path, names: tuple[str, ...]) -> None:
    """Make samples in a folder, each with files of SQLite and with a database of PostgreSQL."""
    for name in names:
        _make(name, "", out)
    with private_server() as server:
        for name in names:
            _make(name, server, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(sys.argv[2:]) or EVERY)
