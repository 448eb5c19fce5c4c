"""One message at the beginning and one at the end of an incident, counted at real servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from integration.alerts.channels import Channels
from integration.alerts.connection_status import ConnectionMonitor, ConnectionStatus
from integration.alerts.health import Health, HealthCheck
from integration.alerts.heartbeat_pings import WHOLE, Pings
from integration.alerts.incidents import ProblemType
from integration.alerts.monitoring import Monitoring
from integration.alerts.problem_detection import ProblemDetection
from integration.alerts.service import EVERYTHING, Alerts
from integration.alerts.transport.post import ChannelRoute
from integration.application.stores import Stores, stores_of
from integration.core.causes import Severity
from integration.core.errors import ConfigurationError, IntegrationError
from integration.core.issues import Issue, IssueOccurrence
from integration.core.run import Mode
from integration.core.states import RunState
from integration.flows.registry import FLOWS
from integration.process.child_environment import network_environment
from integration.services.audit import Audit
from integration.services.engine_lifecycle import EngineHandle
from integration.services.log.log_access import LogAccess
from integration.services.opening_hours import ZONE, OpeningHoursSettings
from integration.services.runs.flows import Flows, FlowStatus, proof_times
from integration.settings import load_settings
from integration.store.database import Database
from integration.store.secrets import ConnectionStore
from tests.alerts.transport.receivers import Hook, mail_server, web_server
from tests.alerts.transport.running_post import RunningPost
from tests.clocks import Clock
from tests.parts import part
from tests.people import make_actor
from tests.store.samples import FLOW, a_commit, a_create, a_preview, prove

BASE = "https://console.shop.example"
POST = RunningPost(ChannelRoute(network_environment()))
WELL = Health(10**12, 1.0, 0, None, 0.5)


@pytest.fixture(scope="module", autouse=True)
def close_post() -> Iterator[None]:
    """End the sending process that all tests share."""
    yield
    POST.close()


def a_quarter_each(_: str, rounds: int, moment: datetime) -> datetime:
    """Return when a flow was due this number of rounds ago, with a round every 15 minutes."""
    return moment - rounds * timedelta(minutes=15)


@dataclass
class Watch:
    """One process that keeps watch, with a clock in the test's hands; others may share its database."""

    stores: Stores
    clock: Clock
    alerts: Alerts
    channels: Channels
    openings: OpeningHoursSettings
    pings: Pings
    health: list[Health]
    on: set[str]
    connections: dict[str, ConnectionStatus]

    def look(self, seconds: float = 0) -> None:
        """Let time pass, detect problems, and send the due notifications."""
        self.clock.advance(seconds)
        self.alerts.detect()
        self.alerts.send()

    def hook(self, hook: Hook, **more: object) -> str:
        """Make a channel that leads to a web server."""
        return self.channels.save({"name": "Hook", **more}, make_actor("anna"), address=hook.address)

    def park(self, flow: str, *issues: Issue) -> None:
        """Park records with these issues."""
        self.stores.issues.open(
            flow, "run", [IssueOccurrence(issue, title="Jan Jansen, jan@shop.example") for issue in issues]
        )

    def repair(self, flow: str, cause: str) -> None:
        """Close everything that waits for a cause."""
        for open_issue in self.stores.issues.list(flow, cause, limit=1_000):
            self.stores.issues.close(open_issue.id, "anna")


def watch(database: Database, clock: Clock, folder: Path, executor: str = "server-1") -> Watch:
    """Return a process that keeps watch over a database."""
    stores = stores_of(database, clock)
    sealed = ConnectionStore(database, clock, key_file=folder / "console.key")
    channels = Channels(stores.settings, sealed, stores.deliveries, POST)
    openings, health, on = OpeningHoursSettings(stores.settings), [WELL], set[str]()
    connections: dict[str, ConnectionStatus] = {}
    pings = Pings(stores.deliveries, stores.runs, stores.settings, sealed, clock, load_settings(data=folder))

    def statuses() -> list[FlowStatus]:
        return [status_of(stores, name, on=name in on) for name in FLOWS]

    problems = ProblemDetection(
        stores.deliveries,
        stores.incidents,
        stores.heartbeats,
        stores.issues,
        stores.runs,
        clock,
        flows=part(Flows, statuses=statuses, round_before=a_quarter_each),
        openings=openings,
        health=part(HealthCheck, read=lambda: health[0]),
        work=part(EngineHandle, executor=executor),
        monitoring=part(Monitoring, channel_name=str),
        audit=part(Audit, checked=lambda: None, newest_anchor=lambda: None),
        connection_monitor=part(ConnectionMonitor, statuses=lambda: list(connections.values())),
    )
    alerts = Alerts(
        stores.deliveries,
        stores.incidents,
        stores.erasure_register,
        stores.heartbeats,
        stores.runs,
        stores.settings,
        clock,
        problem_detection=problems,
        channels=channels,
        openings=openings,
        pings=pings,
        post=POST,
        log_access=part(LogAccess, place=BASE),
        work=part(EngineHandle, executor=executor),
        audit=part(Audit, checked=lambda: None, newest_anchor=lambda: None),
    )
    return Watch(stores, clock, alerts, channels, openings, pings, health, on, connections)


def status_of(stores: Stores, name: str, *, on: bool) -> FlowStatus:
    """Return a flow as the stores have it."""
    runs = stores.runs.newest_by_state(name).get(name, ())
    last_proof, unproven_since = proof_times(stores.runs, name, runs)
    return FlowStatus(FLOWS[name].flow, on, runs, last_proof=last_proof, unproven_since=unproven_since)


@pytest.fixture
def watching(database: Database, tmp_path: Path) -> Watch:
    """A process that keeps watch."""
    return watch(database, Clock(), tmp_path)


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A web server that takes messages."""
    with web_server() as server:
        yield server


def unmapped_order_issue(number: int, code: str = "7") -> Issue:
    """An order whose VAT code is in no table."""
    facts = {"code": code, "sold": "10.50", "customer": "Jan Jansen", "key": f"ORD-{number}"}
    return Issue("vat_code_unmapped", f"ORD-{number}", facts=facts)


def test_a_run_that_stops_three_times_for_one_reason_is_one_incident(watching: Watch) -> None:
    causes = []
    for _ in range(3):
        run = a_commit(watching.stores.runs, a_create(1), a_create(2))
        watching.stores.runs.interrupt(run, "look_unproven", {"flow": FLOW, "system": "mplus"})
        watching.look(60)
        causes.append([incident.problem.cause for incident in watching.stores.incidents.open_incidents()])
        watching.stores.runs.discard(run, "anna")
    assert causes == [["look_unproven"], ["look_unproven"], ["run_stops_repeatedly"]]


@pytest.mark.long
def test_three_hundred_records_of_one_cause_are_one_message_and_one_when_it_is_over(
    watching: Watch, hook: Hook
) -> None:
    with mail_server() as box:
        watching.hook(hook)
        watching.channels.save({"name": "Mail", "language": "nl"}, make_actor("anna"), address=box.address)
        watching.park("orders", *(unmapped_order_issue(number, str(number % 5)) for number in range(300)))
        for _ in range(3):
            watching.look(15)
        watching.park("orders", *(unmapped_order_issue(number) for number in range(300, 310)))
        watching.look(15)
        assert len(hook.titles) == len(box.mails) == 1
        watching.repair("orders", "vat_code_unmapped")
        for _ in range(8):
            watching.look(15)

    begun, over = (message for _, message in hook.took)
    assert begun["title"].startswith("Warning · Orders · ")
    assert "300 records · at stake: €3,150.00" in begun["message"]
    assert f"{BASE}/exceptions?flow=orders" in begun["message"]
    assert over["title"].startswith("Resolved · Orders · ")
    assert [subject.split(" · ")[0] for subject, _ in box.mails] == ["Waarschuwing", "Opgelost"]
    assert "300 records · het gaat om €\u00a03.150,00" in box.mails[0][1]


def test_what_grows_tenfold_is_reported_once_more_with_its_number_and_so_is_what_lasts(
    watching: Watch, hook: Hook
) -> None:
    watching.hook(hook, remind_hours=48)
    watching.park("orders", *(unmapped_order_issue(number) for number in range(3)))
    watching.look()
    watching.park("orders", *(unmapped_order_issue(number) for number in range(33)))
    for _ in range(3):
        watching.look(15)
    watching.look(48 * 3600)
    watching.look(15)
    watching.repair("orders", "vat_code_unmapped")
    for _ in range(6):
        watching.look(30)

    assert [title.split(" · ")[0] for title in hook.titles] == ["Warning", "Reminder", "Reminder", "Resolved"]
    assert "33 records" in hook.took[1][1]["message"]
    assert "has continued for 2 days" in hook.took[2][1]["message"]


def test_a_reminder_waits_for_the_end_of_quiet_hours_and_a_digest_that_told_the_number_needs_none(
    watching: Watch, hook: Hook
) -> None:
    watching.clock.now = datetime(2026, 11, 25, 21, 59, tzinfo=ZONE)
    quiet = {"quiet_from": time(22), "quiet_until": time(7), "remind_hours": 0}
    watching.hook(hook, **quiet)
    watching.channels.save(
        {"name": "Digest", **quiet, "quiet_from": time(21), "digest": time(7)}, make_actor("anna"), address=hook.address
    )  # fmt: skip
    watching.park("orders", *(unmapped_order_issue(number) for number in range(3)))
    watching.look()
    watching.park("orders", *(unmapped_order_issue(number) for number in range(33)))
    watching.look(120)
    assert len(hook.titles) == 1
    watching.clock.now = datetime(2026, 11, 26, 7, 1, tzinfo=ZONE)
    for _ in range(3):
        watching.look(15)
    assert sorted(title.split(" · ")[0] for title in hook.titles[1:]) == ["1 open alert", "Reminder"]


def test_nothing_secret_or_personal_is_in_a_message(watching: Watch, hook: Hook) -> None:
    watching.hook(hook)
    watching.park(
        "orders",
        Issue("customer_ambiguous", "ORD-1", facts={"customer": "Jan Jansen", "candidates": "Jan (jan@shop.example)"}),
        Issue(
            "accountview_rejected", "jan@shop.example", facts={"key": "jan@shop.example", "message": "IBAN NL91ABNA"}
        ),
        Issue("period_closed", "ORD-3", facts={"period": "2026-10", "document": "ORD-3"}),
    )
    watching.look()
    sent_text = str(hook.took)
    assert len(hook.took) == 3
    assert not [word for word in ("Jan", "jan@", "IBAN", "tokenofthehook") if word in sent_text]
    assert "2026-10" in sent_text


@pytest.mark.long
def test_two_processes_begin_an_incident_once_and_end_it_once(database: Database, tmp_path: Path, hook: Hook) -> None:
    clock = Clock()
    watchers = [watch(database, clock, tmp_path, name) for name in ("server-1", "worker-1")]
    watchers[0].hook(hook)
    watchers[0].park("orders", unmapped_order_issue(1))

    def look_together() -> None:
        start = Barrier(2)

        def look_with(watcher: Watch) -> None:
            start.wait()
            watcher.look()

        threads = [Thread(target=look_with, args=(watcher,)) for watcher in watchers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    look_together()
    assert len(hook.titles) == 1
    watchers[1].repair("orders", "vat_code_unmapped")
    for _ in range(6):
        clock.advance(15)
        look_together()
    assert [title.split(" · ")[0] for title in hook.titles] == ["Warning", "Resolved"]


@pytest.mark.long
def test_a_channel_that_is_down_is_reported_through_another_and_gets_its_message_later(
    watching: Watch, hook: Hook
) -> None:
    with web_server() as other:
        first = watching.channels.save({"name": "First"}, make_actor("anna"), address=hook.address)
        watching.channels.save({"name": "Second"}, make_actor("anna"), address=other.address)
        hook.down = True
        watching.park("orders", unmapped_order_issue(1))
        watching.look()
        assert watching.stores.deliveries.failing().keys() == {first}
        watching.look(15)
        assert [title.split(" · ")[1] for title in other.titles] == ["Orders", "Channel"]
        watching.repair("orders", "vat_code_unmapped")
        for _ in range(6):
            watching.look(15)
        hook.down = False
        for _ in range(20):
            watching.look(60)
        assert [title.split(" · ")[0] for title in hook.titles] == ["Warning", "Resolved"]
        assert [title.split(" · ")[:2] for title in other.titles][2:] == [
            ["Resolved", "Orders"],
            ["Resolved", "Channel"],
        ]
        assert "tokenofthehook" not in str(watching.stores.deliveries.latest())


@pytest.mark.long
def test_at_night_only_what_is_critical_is_reported_and_the_digest_tells_the_rest(watching: Watch, hook: Hook) -> None:
    watching.clock.now = datetime(2026, 11, 25, 23, 0, tzinfo=ZONE)
    night = {"quiet_from": time(22), "quiet_until": time(7), "digest": time(7, 30)}
    watching.hook(hook, **night)
    watching.park("orders", unmapped_order_issue(1))
    watching.look()
    assert hook.titles == []
    watching.health[0] = Health(5_000_000, 1.0, 0, None, 0.5)
    watching.look(15)
    assert [title.split(" · ")[:2] for title in hook.titles] == [["Critical", "Disk"]]
    watching.clock.now = datetime(2026, 11, 26, 7, 29, tzinfo=ZONE)
    watching.look()
    assert len(hook.titles) == 1
    for _ in range(4):
        watching.look(30)
    assert hook.titles[1:] == ["2 open alerts"]
    assert "(1 record · at stake: €10.50 · the oldest waits 0 days)" in hook.took[1][1]["message"]


@pytest.mark.long
def test_what_waited_for_the_morning_is_reported_then_where_there_is_no_digest(watching: Watch, hook: Hook) -> None:
    watching.clock.now = datetime(2026, 11, 25, 23, 0, tzinfo=ZONE)
    watching.hook(hook, quiet_from=time(22), quiet_until=time(7), wakes=False)
    watching.park("orders", unmapped_order_issue(1))
    watching.look()
    watching.clock.now = datetime(2026, 11, 26, 6, 59, tzinfo=ZONE)
    watching.look()
    assert hook.titles == []
    watching.look(61)
    assert [title.split(" · ")[0] for title in hook.titles] == ["Warning"]


@pytest.mark.long
def test_a_holiday_is_quiet_where_a_channel_rests(watching: Watch, hook: Hook) -> None:
    watching.clock.now = datetime(2026, 12, 25, 11, 0, tzinfo=ZONE)
    watching.hook(hook, rests=True)
    watching.park("orders", unmapped_order_issue(1))
    watching.look()
    assert hook.titles == []
    watching.clock.now = datetime(2026, 12, 27, 0, 1, tzinfo=ZONE)  # two days of Christmas
    watching.look()
    assert len(hook.titles) == 1


@pytest.mark.long
def test_what_is_silenced_is_reported_once_the_silence_ends_and_not_at_all_where_it_is_over_by_then(
    watching: Watch, hook: Hook
) -> None:
    watching.hook(hook)
    watching.alerts.silences.keep(EVERYTHING, watching.clock() + timedelta(hours=1), make_actor("anna"))
    watching.park("orders", unmapped_order_issue(1))
    watching.park("customers", Issue("vat_number_invalid", "C1", facts={"key": "C1"}))
    watching.look()
    watching.repair("customers", "vat_number_invalid")
    for _ in range(6):
        watching.look(30)
    assert hook.titles == []
    watching.look(3600)
    assert [title.split(" · ")[:2] for title in hook.titles] == [["Warning", "Orders"]]
    assert watching.alerts.silences.active_silences() == {}


@pytest.mark.long
def test_a_channel_gets_the_sorts_causes_and_severity_it_is_set_for(watching: Watch, hook: Hook) -> None:
    watching.hook(hook, problem_types=[ProblemType.DIFFERENCE], least=Severity.CRITICAL)
    watching.park("orders", unmapped_order_issue(1))
    for branch, amount in (("1", "12.10"), ("2", "7.90")):
        facts = {"document": f"2026-11-24 {branch}", "amount": amount, "sold": amount}
        watching.park("days", Issue("day_differs", f"D{branch}", facts=facts))
    watching.look()
    assert [title.split(" · ")[:2] for title in hook.titles] == [["Critical", "Closed days"]]
    assert "2 records · at stake: €20.00" in hook.took[0][1]["message"]


@pytest.mark.long
def test_a_preview_at_work_is_reported_when_it_has_read_everything(watching: Watch, hook: Hook) -> None:
    watching.hook(hook)
    run = watching.stores.runs.begin("orders", Mode.CHANGES, "schedule", 1)
    watching.park("orders", unmapped_order_issue(1))
    watching.look()
    assert hook.titles == []
    watching.stores.runs.fail(run.id, "source_empty", {"flow": "orders"})
    watching.look(15)
    assert sorted(title.split(" · ")[1] for title in hook.titles) == ["Orders", "Orders"]


@pytest.mark.long
def test_a_connection_is_one_incident_whatever_flow_meets_it_and_however(watching: Watch, hook: Hook) -> None:
    watching.hook(hook)
    for flow, code in (
        ("orders", "connection_refused"),
        ("products", "service_unavailable"),
        ("stock", "host_unknown"),
    ):
        failed = watching.stores.runs.begin(flow, Mode.CHANGES, "schedule", 1)
        watching.stores.runs.fail(failed.id, code, {"system": "mplus", "host": "api.example", "operation": "x"})
        watching.look(15)
    assert [title.split(" · ")[1] for title in hook.titles] == ["MplusKASSA"]
    run = a_preview(watching.stores.runs, unchanged=2)
    watching.clock.advance(1)
    finish(watching, run)
    for _ in range(6):
        watching.look(15)
    assert [title.split(" · ")[0] for title in hook.titles] == ["Critical", "Resolved"]


REFUSED = {"system": "mplus", "host": "api.example", "operation": "getApiVersion"}


def test_a_connection_that_is_down_is_reported_while_no_run_is_at_work(watching: Watch, hook: Hook) -> None:
    watching.hook(hook)
    well = ConnectionStatus("mplus", connected=True, ok=True, since=watching.clock(), answered_at=watching.clock())
    watching.connections["mplus"] = replace(
        well, ok=False, silent=True, cause="connection_refused", facts=REFUSED, since=watching.clock()
    )
    watching.look(30)
    assert hook.titles == []  # it may answer the next call
    watching.look(30)
    failed = watching.stores.runs.begin("orders", Mode.CHANGES, "schedule", 1)
    watching.stores.runs.fail(failed.id, "service_unavailable", REFUSED)
    for _ in range(4):
        watching.look(15)
    assert [title.split(" · ")[:2] for title in hook.titles] == [["Critical", "MplusKASSA"]]
    watching.connections["mplus"] = replace(well, since=watching.clock())
    watching.look(120)
    assert len(hook.titles) == 1  # a run failed by it, and none has gone through since
    watching.clock.advance(3600)
    for _ in range(6):
        watching.look(15)
    assert [title.split(" · ")[0] for title in hook.titles] == ["Critical", "Resolved"]


def test_what_a_check_of_a_connection_finds_wrong_is_reported_at_once_and_until_it_is_repaired(
    watching: Watch, hook: Hook
) -> None:
    watching.hook(hook)
    well = ConnectionStatus("accountview", connected=True, ok=True, since=watching.clock())
    facts = {"message": "no right for Jan Jansen"}
    watching.connections["accountview"] = replace(well, ok=False, cause="right_missing", facts=facts)
    watching.look()
    watching.connections["accountview"] = well
    for _ in range(6):
        watching.look(15)
    assert [title.split(" · ")[0] for title in hook.titles] == ["Critical", "Resolved"]
    assert "Jan" not in str(hook.took)


def finish(watching: Watch, run: str, read_count: int = 2) -> None:
    """End a preview that found nothing to write."""
    watching.stores.previews.finish(run, "print", [], RunState.DONE, read_count)


def test_a_flow_that_did_not_run_and_one_without_a_proof_in_opening_hours_are_reported(
    watching: Watch, hook: Hook
) -> None:
    watching.hook(hook)
    watching.on.add("products")
    finish(watching, a_preview(watching.stores.runs, unchanged=2))
    watching.look()
    assert hook.titles == []
    watching.look(56 * 60)
    assert len(hook.titles) == 1
    assert "Flow did not run as scheduled" in hook.titles[0]
    assert "56 minutes" in hook.took[0][1]["message"]
    watching.look(4 * 3600)
    assert len(hook.titles) == 2
    assert "for 4 opening hours" in hook.took[1][1]["message"]


@pytest.mark.long
def test_a_worker_that_died_is_reported_until_it_is_begun_again(watching: Watch, hook: Hook) -> None:
    watching.hook(hook)
    beats = watching.stores.heartbeats
    for process_name in ("worker-1", "worker-2", "terminal-1"):
        beats.beat(process_name)
    watching.clock.advance(20)
    beats.mark_dead("worker-1")
    beats.mark_dead("terminal-1")  # a command that was interrupted
    beats.forget("worker-2")  # one that was ended
    watching.look()
    assert hook.titles == []  # a busy machine may have held it up
    watching.look(60)
    assert len(hook.titles) == 1
    assert "worker-1" in str(hook.took[0])
    beats.beat("worker-1")
    for _ in range(6):
        watching.look(15)
    assert [title.split(" · ")[0] for title in hook.titles] == ["Critical", "Resolved"]


@pytest.mark.long
def test_what_one_process_sees_of_itself_another_does_not_end(database: Database, tmp_path: Path, hook: Hook) -> None:
    clock = Clock()
    full, other = (watch(database, clock, tmp_path, name) for name in ("server-1", "worker-1"))
    full.hook(hook)
    full.health[0] = Health(5_000_000, 1.0, 0, None, 0.5)
    full.stores.heartbeats.beat("server-1")
    full.look()
    for _ in range(6):
        other.look(15)
    assert len(hook.titles) == 1
    full.stores.heartbeats.forget("server-1")
    other.look(15)
    assert [title.split(" · ")[0] for title in hook.titles] == ["Critical", "Resolved"]


def test_where_our_own_database_fails_it_is_reported_at_once_and_once(
    watching: Watch, hook: Hook, database: Database
) -> None:
    watching.hook(hook)
    watching.look()
    with make_unreadable(database):
        for _ in range(3):
            watching.alerts.detect()
        assert [title.split(" · ")[:2] for title in hook.titles] == [["Critical", "The console's own database"]]
    watching.look(15)
    watching.look(15)
    assert [title.split(" · ")[0] for title in hook.titles] == ["Critical", "Resolved"]


@contextmanager
def make_unreadable(database: Database) -> Iterator[None]:
    """Put a folder in the place of a database, in which nothing can be opened."""
    file = Path(str(database.engine.url.database))
    database.close()
    moves = [(path, path.with_name(f"kept-{path.name}")) for path in file.parent.glob(f"{file.name}*")]
    for path, aside in moves:
        path.rename(aside)
    file.mkdir()
    try:
        yield
    finally:
        file.rmdir()
        for path, aside in moves:
            aside.rename(path)


def test_a_test_message_proves_delivery_or_says_what_the_channel_said(watching: Watch, hook: Hook) -> None:
    identity = watching.hook(hook)
    (channel,) = watching.channels.list_channels()
    watching.alerts.test(channel)
    assert hook.titles == ["Test message of the console"]
    assert [delivery.message_type for delivery in watching.stores.deliveries.of_channel(identity)] == ["test"]
    hook.down = True
    with pytest.raises(IntegrationError, match="alert_not_delivered") as refused:
        watching.alerts.test(channel)
    assert "503" in refused.value.facts["message"]
    assert "tokenofthehook" not in str(refused.value)


def test_an_address_that_is_none_is_refused_and_none_is_kept_in_the_clear(
    watching: Watch, hook: Hook, database: Database
) -> None:
    with pytest.raises(ConfigurationError, match="channel_address"):
        watching.channels.save({"name": "No"}, make_actor("anna"), address="json://hooks.example.com/tokenofnobody")
    assert watching.channels.list_channels() == []
    watching.hook(hook)
    with database.read() as connection:
        stored_rows = [str(row) for table in ("settings", "connections", "outbox", "deliveries")
                for row in connection.exec_driver_sql(f"SELECT * FROM {table}").all()]  # noqa: S608  # fmt: skip
    assert "tokenofthehook" not in "\n".join(stored_rows)
    assert watching.channels.address(watching.channels.list_channels()[0].id) == hook.address


# ---- signs of life


def test_a_run_is_pinged_at_its_beginning_and_only_where_something_was_proven_at_its_end(
    watching: Watch, hook: Hook
) -> None:
    watching.pings.change("products", hook.address_of("/ping/uuid-of-products"), make_actor("anna"))
    watching.clock.advance(1)
    run = a_preview(watching.stores.runs, unchanged=2)
    watching.look()
    finish(watching, run)
    for _ in range(3):
        watching.look(15)
    finish(watching, a_preview(watching.stores.runs), read_count=0)  # read nothing, proved nothing
    watching.look(15)
    failed = watching.stores.runs.begin("products", Mode.CHANGES, "schedule", 1)
    watching.stores.runs.fail(failed.id, "accountview_login_needed", {})
    watching.look(15)
    bare = [path.partition("?")[0].removeprefix("/ping/uuid-of-products") for path in hook.paths]
    assert bare == ["/start", "", "/start", "/start", "/5"]
    rids = [path.partition("rid=")[2] for path in hook.paths]
    assert rids[0] == rids[1] != rids[2]


def test_the_whole_begins_with_what_writes_is_well_after_a_proof_and_fails_with_what_is_critical(
    watching: Watch, hook: Hook
) -> None:
    watching.pings.change(WHOLE, hook.address_of("/ping/whole"), make_actor("anna"))
    watching.clock.advance(1)
    runs = watching.stores.runs
    finish(watching, a_preview(runs), read_count=0)  # a look that finds nothing begins nothing
    run = a_commit(runs, a_create(1))
    watching.look()
    prove(runs, run)
    watching.stores.ledger.finish(run)
    watching.look(15)
    watching.health[0] = Health(5_000_000, 1.0, 0, None, 0.5)
    watching.look(15)
    watching.look(15)
    bare = [path.partition("?")[0].removeprefix("/ping/whole") for path in hook.paths]
    assert bare == ["/start", "", "/fail"]
    begun, ended = (path.partition("rid=")[2] for path in hook.paths[:2])
    assert begun == ended != ""


def test_a_sign_of_life_that_comes_an_hour_late_is_not_sent(watching: Watch, hook: Hook) -> None:
    watching.pings.change(WHOLE, hook.address_of("/ping/whole"), make_actor("anna"))
    hook.down = True
    watching.clock.advance(1)
    finish(watching, a_preview(watching.stores.runs, unchanged=2))
    watching.look()
    hook.down = False
    for _ in range(3):
        watching.look(3700)
    assert hook.paths == []
    assert watching.stores.deliveries.pings() == []


def test_an_address_for_signs_of_life_is_encrypted_or_on_this_machine(watching: Watch) -> None:
    with pytest.raises(ConfigurationError, match="ping_address"):
        watching.pings.change(WHOLE, "http://hc.example.com/uuid", make_actor("anna"))
    assert watching.pings.start_times() == {}
