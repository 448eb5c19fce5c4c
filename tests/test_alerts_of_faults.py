"""Every fault of the lab against alerts: one message when it begins, one when it is over, at a mail and a web server.

What is no fault of the console, or passes before it is one, is told to nobody: `UNREPORTED_FAULTS` says why.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from integration.application.application import Application
from integration.application.bootstrap import build
from integration.connectors.accountview.settings import AccountViewAccess
from integration.connectors.mplus.settings import MplusAccess
from integration.core.run import Mode, PreviewRequest
from integration.core.states import ACTIVE, RunState
from integration.lab.fault_plan import FAULTS
from integration.lab.schedule import Hazard
from integration.sandbox.faults import Fault
from integration.settings import load_settings
from integration.store.heartbeats import HeartbeatInterval
from tests.alerts.transport.receivers import Hook, Mailbox, mail_server, web_server
from tests.clocks import ShiftedClock
from tests.consoles import ARTICLES, FAST, WHO, Console
from tests.people import make_actor
from tests.stores import prepare, sandbox_of
from tests.timeouts import LONGEST, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(LONGEST)]

ON_THE_LINE = (Hazard.CUT_BEFORE, Hazard.CUT_AFTER, Hazard.HALF, Hazard.GARBAGE, Hazard.TOO_MANY, Hazard.UNAVAILABLE)
UNREPORTED_FAULTS = {
    Hazard.DELAY: "an answer that comes within the time of its call is an answer",
    Hazard.LATE: "what was accepted shows within the time that a system has for that",
    Hazard.CLOCK: "a clock that jumps is not believed where it goes back, and nothing of it is lost",
    Hazard.ERROR_ANSWER: "a write that got an error answer is looked up and settled by its run",
}
ELSEWHERE = {
    Hazard.KILL: "tests/test_watch.py: a worker that is killed, and one that is started again",
    Hazard.SUSPEND: "tests/test_watch.py: a worker that is held still, and goes on",
}
ONCE, CALM = 15.0, 75.0
LONGER_THAN_A_MOMENT = 150.0


@dataclass
class AlertingConsole:
    """A console on the sandbox, the clock of its alerts, and the servers that receive them."""

    application: Application
    clock: ShiftedClock
    hook: Hook
    box: Mailbox

    def look(self, seconds: float, times: int = 1) -> None:
        """Let time pass, detect problems, and send the due notifications."""
        for _ in range(times):
            self.clock.ahead += timedelta(seconds=seconds)
            wait_until(
                lambda: "no_heartbeat" not in self.application.health.read().problems, "a beat on the moved clock"
            )
            self.application.alerts.detect()
            self.application.alerts.send()

    def take_notifications(self) -> list[str]:
        """Return and remove the notifications that both receivers got: the state and the subject."""
        titles, mails = self.hook.titles[:], [subject for subject, _ in self.box.mails]
        self.hook.took.clear()
        self.box.mails.clear()
        assert len(titles) == len(mails), (titles, mails)
        return [" · ".join(title.split(" · ")[:2]) for title in titles]

    def begin(self) -> str:
        """Begin a preview of everything."""
        return self.application.runs.preview(PreviewRequest("products", make_actor(WHO), Mode.COMPLETE))

    def is_trouble(self, run: str) -> Callable[[], bool]:
        """Return a function that returns whether the run or the health check has met a problem."""

        def is_met() -> bool:
            current_run = self.application.runs.get(run)
            is_away = self.application.connection_monitor.status_of("mplus").ok is False
            return is_away or bool(current_run.error) or current_run.state not in ACTIVE

        return is_met

    def write_with_error_answer(self) -> None:
        """Commit a new name of an article, and let the till answer the write that it carries out with an error."""
        sandbox = sandbox_of(self.application)
        article = sandbox.state("ARTICLE")[0]["ART_CODE"]
        sandbox.accountview.edit("ARTICLE", article, {"ART_DESC1": "Renamed"})
        with sandbox.switches.armed(Fault.ERROR_AFTER, system="mplus", operation="updateProduct"):
            assert Console(self.application).run("products", str(article)).counts.proven == 1

    def recover(self, run: str) -> None:
        """Wait until the run is done, or until another run in its place is."""
        wait_until(lambda: self.application.runs.get(run).state not in ACTIVE, "the end of the run")
        while self.application.runs.get(run).state is not RunState.DONE:
            run = self.begin()
            wait_until(lambda run=run: self.application.runs.get(run).state not in ACTIVE, "the end of the run")  # type: ignore[misc]
        self.application.connection_monitor.check("mplus")
        wait_until(lambda: self.application.connection_monitor.status_of("mplus").ok is True, "that the till answers")


@contextmanager
def watch_console(data: Path) -> Iterator[AlertingConsole]:
    """A console whose products are at the till, with two receivers of later notifications."""
    clock = ShiftedClock()
    prepare(data / "console.sqlite")
    access = {"accountview": AccountViewAccess(per_second=FAST), "mplus": MplusAccess()}
    settings = load_settings(data=data, sandbox=True, sandbox_articles=ARTICLES, **access)
    with ExitStack() as stack:
        # What is called otherwise than a server keeps no watch by itself.
        application = build(
            settings, executor="alone", machine=clock, pulse=HeartbeatInterval(apart=0.4, dead_after=60)
        )
        stack.callback(application.close)
        Console(application.start()).run("products")
        watched_console = AlertingConsole(
            application, clock, stack.enter_context(web_server()), stack.enter_context(mail_server())
        )
        watched_console.look(ONCE)  # what waits already is no news
        for name, address in (("Hook", watched_console.hook.address), ("Mail", watched_console.box.address)):
            application.channels.save({"name": name, "least": "notice"}, make_actor("anna"), address=address)
        watched_console.look(ONCE)
        assert watched_console.take_notifications() == []
        yield watched_console


def test_every_fault_is_reported_once_or_there_is_a_reason_why_not() -> None:
    assert {*ON_THE_LINE, *UNREPORTED_FAULTS, *ELSEWHERE, Hazard.FULL_DISK} == set(Hazard)
    assert set(FAULTS) <= {*ON_THE_LINE, *UNREPORTED_FAULTS}


@pytest.mark.long
def test_what_goes_wrong_on_the_line_is_one_message_and_one_when_it_is_over(tmp_path: Path) -> None:
    with watch_console(tmp_path) as console:
        switches = sandbox_of(console.application).switches
        for hazard in ON_THE_LINE:
            with switches.armed(FAULTS[hazard], system="mplus", times=None):
                run = console.begin()
                wait_until(console.is_trouble(run), f"that {hazard} is met")
                console.look(LONGER_THAN_A_MOMENT)
                console.look(ONCE, times=3)
                begun = console.take_notifications()
                assert len(begun) == 1, (hazard, begun)
                assert not begun[0].startswith("Resolved"), (hazard, begun)
            console.recover(run)
            console.look(CALM, times=2)
            console.look(ONCE, times=2)
            assert console.take_notifications() == [f"Resolved · {begun[0].partition(' · ')[2]}"], hazard


@pytest.mark.long
def test_what_passes_before_it_is_a_fault_is_told_to_nobody(tmp_path: Path) -> None:
    with watch_console(tmp_path) as console:
        switches = sandbox_of(console.application).switches
        for hazard in UNREPORTED_FAULTS:
            fault = FAULTS.get(hazard)
            with switches.armed(fault, times=None, seconds=0.2) if fault else nullcontext():
                run = console.begin()
                if hazard is Hazard.CLOCK:
                    console.clock.ahead -= timedelta(seconds=40)
                    console.look(-3600)
                    console.look(2 * 3600)
                console.recover(run)
                if hazard is Hazard.ERROR_ANSWER:
                    console.write_with_error_answer()
                console.look(LONGER_THAN_A_MOMENT)
                console.look(ONCE, times=3)
            console.look(CALM, times=2)
            assert console.take_notifications() == [], hazard


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, which only root can have."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["/usr/bin/mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no disk of one's own")
    yield folder
    subprocess.run(["/usr/bin/umount", "-l", str(folder)], check=True)


@pytest.mark.long
def test_a_disk_that_fills_up_is_one_message_and_one_when_it_has_room_again(small_disk: Path) -> None:
    with watch_console(small_disk / "data") as console:
        filler = small_disk / "filler"
        with filler.open("wb") as file:
            while console.application.health.read().free_bytes > 60_000_000:
                file.write(b"\0" * 10_000_000)
                file.flush()
        console.look(ONCE, times=4)
        assert console.take_notifications() == ["Critical · Disk"]
        filler.unlink()
        console.look(ONCE, times=8)
        assert console.take_notifications() == ["Resolved · Disk"]
