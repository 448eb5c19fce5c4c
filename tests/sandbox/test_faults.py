"""Trouble on demand: what a client sees, and what the sandbox keeps all the same."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from integration.sandbox.faults import Fault, Ledger, Switches
from integration.sandbox.journal import Journal
from integration.sandbox.server import Sandbox, running
from tests.patience import LATE, SECONDS, until
from tests.sandbox.office_client import Office, debtor, order, page, refused, table


def kept(sandbox: Sandbox, reference: str) -> int:
    return sum(row.get("COMMENT1") == reference for row in sandbox.state("SO_HDR"))


class TestSwitches:
    def test_a_switch_meets_the_calls_it_is_meant_for_and_is_used_up(self) -> None:
        switches = Switches()
        switches.arm(Fault.FAULT, system="accountview", operation="SO1 *", key="MPLUS-*", times=2)
        assert switches.take("mplus", "SO1 POST", ("MPLUS-1",)) is None
        assert switches.take("accountview", "AR1 POST", ("MPLUS-1",)) is None
        assert switches.take("accountview", "SO1 POST", ("other",)) is None
        assert switches.take("accountview", "SO1 POST", ("other", "mplus-1"))
        assert switches.take("accountview", "SO1 GET", ("MPLUS-1",))
        assert switches.take("accountview", "SO1 POST", ("MPLUS-1",)) is None

    def test_a_switch_inside_a_block_is_off_after_it(self) -> None:
        switches = Switches()
        with switches.armed("html", times=None):
            assert all(switches.take("any", "any") for _ in range(5))
        assert switches.take("any", "any") is None

    def test_the_first_switch_goes_first_and_all_can_be_disarmed(self) -> None:
        switches = Switches()
        switches.arm(Fault.HTML)
        second = switches.arm(Fault.HALF)
        taken = switches.take("any", "any")
        assert taken
        assert taken.fault is Fault.HTML
        switches.disarm(second)
        switches.arm(Fault.LATE)
        switches.disarm()
        assert switches.on() == []


class TestLedger:
    def test_it_forgets_the_oldest_and_never_the_counts(self) -> None:
        ledger = Ledger(limit=2)
        for number in range(3):
            ledger.record(system="mplus", operation="x", write=number == 2, status=200)
        assert [call.number for call in ledger.calls()] == [2, 3]
        assert ledger.counts() == {"reads": 2, "writes": 1}
        assert [call.number for call in ledger.writes()] == [3]
        assert ledger.calls(since=2) == ledger.calls(system="mplus", write=True)
        ledger.clear()
        assert ledger.counts() == {"reads": 0, "writes": 0}

    def test_calls_are_noted_by_operation_and_key(self, sandbox: Sandbox, office: Office) -> None:
        office.post(order("MPLUS-7"))
        office.get("AK1", FilterControlSource1="ART_CODE", FilterValue1="10001")
        office.call("accountviewsystemdata", BusinessObject="FLD")
        token, post, read, dictionary = sandbox.ledger.calls("accountview")
        assert (token.operation, token.write) == ("token", False)
        assert (post.operation, post.write, post.status) == ("SO1 POST", True, 200)
        assert post.keys == ("MPLUS-7", "20001", "26000011")
        assert (read.operation, read.keys) == ("AK1 GET", ("10001",))
        assert dictionary.operation == "dictionary"

    def test_a_refused_write_is_noted_as_not_accepted(self, sandbox: Sandbox, office: Office) -> None:
        office.post(order("BAD", RPL_INV="404"))
        assert [call.accepted for call in sandbox.ledger.writes()] == [False]


class TestFaultsOnTheLine:
    @pytest.mark.parametrize(
        ("fault", "accepted"),
        [(Fault.CUT_BEFORE, 0), (Fault.CUT_AFTER, 1), (Fault.HALF, 1)],
    )
    def test_the_line_is_cut(self, sandbox: Sandbox, office: Office, fault: Fault, accepted: int) -> None:
        with sandbox.switches.armed(fault, operation="SO1 POST"), pytest.raises(httpx.TransportError):
            office.post(order("CUT"))
        assert kept(sandbox, "CUT") == accepted
        assert [call.accepted for call in sandbox.ledger.writes()] == [bool(accepted)]
        assert sandbox.ledger.writes()[0].note == fault

    @pytest.mark.parametrize(
        ("fault", "status"),
        [(Fault.TOO_MANY, 429), (Fault.TOO_MANY_WAIT, 429), (Fault.UNAVAILABLE, 503), (Fault.HTML, 200)],
    )
    def test_somebody_else_answers(self, sandbox: Sandbox, office: Office, fault: Fault, status: int) -> None:
        with sandbox.switches.armed(fault, seconds=2):
            answer = office.post(order("NOT"))
        assert answer.status_code == status
        assert answer.headers.get("retry-after") == ("2" if fault is Fault.TOO_MANY_WAIT else None)
        assert kept(sandbox, "NOT") == 0
        assert not sandbox.ledger.writes()[0].accepted

    def test_an_answer_can_be_garbage(self, sandbox: Sandbox, office: Office) -> None:
        with sandbox.switches.armed(Fault.GARBAGE):
            answer = office.post(order("GARBAGE"))
        with pytest.raises(json.JSONDecodeError):
            answer.json()
        assert kept(sandbox, "GARBAGE") == 1

    def test_accountview_itself_can_fail(self, sandbox: Sandbox, office: Office) -> None:
        with sandbox.switches.armed(Fault.FAULT):
            refused(office.get("AK1"), 500)

    def test_a_token_can_expire_early(self, sandbox: Sandbox, office: Office) -> None:
        with sandbox.switches.armed(Fault.EXPIRED, operation="AK1 GET"):
            refused(office.get("AK1"), 401)
        refused(office.get("AK1"), 401)
        fresh = office.refresh(office.tokens["refresh_token"]).json()
        office.headers["Authorization"] = f"Bearer {fresh['access_token']}"
        assert office.get("AK1").status_code == 200

    def test_an_answer_can_come_later_than_a_client_waits(self, sandbox: Sandbox, office: Office) -> None:
        office.http.timeout = httpx.Timeout(0.2)
        with sandbox.switches.armed(Fault.DELAY, seconds=0.5), pytest.raises(httpx.ReadTimeout):
            office.post(order("SLOW"))
        until(lambda: kept(sandbox, "SLOW") > 0, "the slow order")
        assert kept(sandbox, "SLOW") == 1


class TestFaultsInTheHouse:
    def test_a_write_can_be_accepted_and_shown_later(self, sandbox: Sandbox, office: Office) -> None:
        with sandbox.switches.armed(Fault.LATE, seconds=LATE):
            made = office.post(order("LATE")).json()["SO_HDR"][0]
        assert office.where("SO1", "SO_HDR", "COMMENT1", "LATE") == []
        assert kept(sandbox, "LATE") == 1
        until(lambda: office.where("SO1", "SO_HDR", "COMMENT1", "LATE") == [made], "the late order")

    def test_a_change_can_be_accepted_and_shown_later(self, sandbox: Sandbox, office: Office) -> None:
        body = table("AR1", "CONTACT", {"SUB_NR": "20001", "TEL_MOB": "0612345678"})
        with sandbox.switches.armed(Fault.LATE, seconds=LATE):
            assert office.put(body).json()["CONTACT"][0]["TEL_MOB"] == "0612345678"
        assert office.where("AR1", "CONTACT", "SUB_NR", "20001")[0]["TEL_MOB"] == ""
        shown = partial(office.where, "AR1", "CONTACT", "SUB_NR", "20001")
        until(lambda: shown()[0]["TEL_MOB"] == "0612345678", "the late number")

    def test_a_write_can_be_stored_wrongly(self, sandbox: Sandbox, office: Office) -> None:
        with sandbox.switches.armed(Fault.WRONG, operation="* POST", times=2):
            told = office.post(order("WRONG")).json()["SO_LINE"]
            person = office.post(debtor()).json()["CONTACT"][0]
        assert [line["ORD_QTY"] for line in told] == [2, 1]
        lines = office.get("SO1", FilterControlSource1="COMMENT1", FilterValue1="WRONG").json()["SO_LINE"]
        assert [line["ORD_QTY"] for line in lines] == [2, 2]
        stored = office.where("AR1", "CONTACT", "SUB_NR", person["SUB_NR"])[0]
        assert stored["MAIL_BUS"] != person["MAIL_BUS"] == "anna@voorbeeld.example"


class TestControl:
    def test_everything_can_be_switched_over_http(self, sandbox: Sandbox, office: Office) -> None:
        control = sandbox.control_url
        armed = {"fault": "unavailable", "operation": "VA1 GET", "times": None}
        id_ = httpx.post(f"{control}switches", json=armed).json()["id"]
        assert office.get("VA1").status_code == 503
        assert [each["id"] for each in httpx.get(f"{control}switches").json()] == [id_]
        httpx.delete(f"{control}switches", params={"id": id_})
        assert office.get("VA1").status_code == 200
        assert httpx.get(f"{control}counts").json() == {"reads": 3, "writes": 0}
        assert httpx.get(f"{control}calls", params={"since": 2}).json()[0]["operation"] == "VA1 GET"
        httpx.delete(f"{control}calls")
        assert httpx.get(f"{control}calls").json() == []

    def test_it_answers_on_both_ports_about_both_systems(self, sandbox: Sandbox) -> None:
        path = "_sandbox/state"
        asked = {"table": "VAT", "system": "accountview"}
        here = httpx.get(f"{sandbox.control_url}state", params={"table": "VAT"})
        assert httpx.get(f"{sandbox.mplus_url}{path}", params=asked).json() == here.json()
        assert len(here.json()) == 5

    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [
            ("GET", "nothing", {}, 404),
            ("GET", "state?table=NOPE", {}, 404),
            ("POST", "switches", {"fault": "nope"}, 400),
            ("POST", "edit", {"table": "ARTICLE", "key": "10001", "values": {"PX_SELL": "veel"}}, 400),
            ("POST", "edit", {"table": "ARTICLE", "key": "10001", "values": {"ART_CODE": "2"}}, 404),
            ("POST", "edit", {"nonsense": 1}, 400),
        ],
    )
    def test_nonsense_is_refused(self, sandbox: Sandbox, method: str, path: str, body: object, status: int) -> None:
        assert httpx.request(method, f"{sandbox.control_url}{path}", json=body).status_code == status


class TestJournal:
    def test_a_restarted_sandbox_holds_what_it_held(self, tmp_path: Path) -> None:
        journal = tmp_path / "sandbox.journal"
        tables = ("SO_HDR", "SO_LINE", "CONTACT", "ARTICLE", "DJ_PAGE", "HST_AL", "K9_STOCK")
        with running(journal=journal) as sandbox, Office(sandbox) as office:
            for reference in ("J-1", "J-2"):
                office.post(order(reference))
            with sandbox.switches.armed(Fault.WRONG):
                office.post(debtor())
            office.post(page())
            sandbox.accountview.invoice("26000012")
            sandbox.accountview.edit("ARTICLE", "10001", {"PX_SELL": 1.5})
            sandbox.advance_day()
            before = {name: sandbox.state(name) for name in tables}
            last = office.tokens["refresh_token"]
        with running(journal=journal) as again:
            assert {name: again.state(name) for name in tables} == before
            with Office(again, refresh_token=last) as office:
                assert office.post(order("J-3")).json()["SO_HDR"][0]["ORD_NR"] == "26000013"

    def test_what_a_smaller_shop_does_not_have_is_passed_over(self, tmp_path: Path) -> None:
        journal = tmp_path / "sandbox.journal"
        with running(articles=1000, journal=journal) as big, Office(big) as office:
            lines = order("BIG")
            lines["TableData"]["DetailData"][0]["Rows"][0]["Values"][2] = "10900"
            assert office.post(lines).status_code == 200
            assert office.post(order("ANY")).status_code == 200
        with running(articles=100, journal=journal) as small:
            assert (kept(small, "BIG"), kept(small, "ANY")) == (0, 1)

    def test_a_line_that_a_kill_left_unfinished_is_cut_off(self, tmp_path: Path) -> None:
        path = tmp_path / "torn.journal"
        first = Journal(path)
        first.append("mplus", "one", "body")
        first.close()
        with path.open("a") as file:
            file.write('{"number": 2, "sys')
        second = Journal(path)
        assert [entry.operation for entry in second.past("mplus")] == ["one"]
        assert second.append("mplus", "two", "body").number == 2
        second.close()
        third = Journal(path)
        assert [entry.operation for entry in third.past("mplus")] == ["one", "two"]
        third.close()

    @pytest.mark.processes
    def test_a_killed_sandbox_loses_nothing_it_answered(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "integration.sandbox", "--journal", str(tmp_path / "killed.journal")]

        @contextmanager
        def up() -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout
                told = json.loads(process.stdout.readline())
                login = told["accountview"]
                with httpx.Client(base_url=told["accountview_url"], headers={"X-Company": login["company"]}) as client:
                    got = client.post("/token", data={**login, "grant_type": "refresh_token"}).json()
                    client.headers["Authorization"] = f"Bearer {got['access_token']}"
                    yield process, client
                process.kill()

        with up() as (process, client):
            assert client.post("/accountviewdata", json=order("KILLED")).status_code == 200
            process.kill()
        with up() as (process, client):
            asked = {"BusinessObject": "SO1", "FilterControlSource1": "COMMENT1", "FilterValue1": "KILLED"}
            assert len(client.get("/accountviewdata", params=asked).json()["SO_HDR"]) == 1
            process.terminate()
            assert process.wait(SECONDS) == 0
