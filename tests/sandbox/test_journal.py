"""The journal: a restarted sandbox has the same data."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from integration.sandbox.faults import Fault
from integration.sandbox.journal import Journal
from integration.sandbox.server import opening_day, running
from tests.sandbox.mplus import calls
from tests.sandbox.office_client import Office, count_orders, debtor, order, page
from tests.sandbox.soap_client import RawClient, prefix_tags
from tests.timeouts import SECONDS


def test_it_holds_the_same_after_a_restart(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    tables = ("products", "groups", "relations", "orders", "stock", "markers", "invoices", "receipts", "counts")
    with running(articles=60, journal=journal) as before:
        till = RawClient(before.mplus_url)
        with before.switches.armed(Fault.WRONG, operation="createProduct"):
            calls.create(till)
        till.call(prefix_tags(f"<createOrder>{calls.order()}</createOrder>"))
        till.ask("newArticleGroup", "<parentGroupNumber>0</parentGroupNumber><name>Bellen</name><text/>")
        before.till.advance_day()
        before.till.late_receipt("2026-11-20")
        drawer = {"day": "2026-11-20", "branch": 1, "workplace": 2, "counted": 20000, "deposited": 0}
        before.till.add("counts", drawer)
        till.request(
            "POST", "/_sandbox/edit", json.dumps({"table": "articles", "key": "500001", "values": {"priceIncl": 5}})
        )
        contents = {table: before.state(table, "mplus") for table in tables}
    with running(articles=60, journal=journal) as after:
        assert {table: after.state(table, "mplus") for table in tables} == contents


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
            last_made = sandbox.state("SO_HDR")[-1]["ORD_NR"]
            sandbox.accountview.invoice(last_made)
            sandbox.accountview.edit("ARTICLE", "10001", {"PX_SELL": 1.5})
            sandbox.advance_day()
            before = {name: sandbox.state(name) for name in tables}
            last = office.tokens["refresh_token"]
        with running(journal=journal) as restarted_sandbox:
            assert {name: restarted_sandbox.state(name) for name in tables} == before
            with Office(restarted_sandbox, refresh_token=last) as office:
                assert office.post(order("J-3")).json()["SO_HDR"][0]["ORD_NR"] == str(int(last_made) + 1)

    def test_the_day_of_the_shop_is_that_of_its_first_start(self, tmp_path: Path) -> None:
        path = tmp_path / "days.journal"
        for today, before in ((date(2027, 1, 1), []), (date(2027, 1, 9), [1])):
            journal = Journal(path)
            assert journal.first_day(today) == date(2027, 1, 1)
            assert [entry.number for entry in journal.earlier_entries("mplus")] == before
            journal.append("mplus", "one", "body")
            journal.close()
        assert Journal().first_day(date(2027, 1, 9)) == date(2027, 1, 9)

    def test_a_shop_that_is_started_is_three_days_behind_the_clock_of_its_wall(self) -> None:
        assert opening_day(datetime(2026, 12, 31, 23, 30, tzinfo=UTC)) == date(2026, 12, 29)

    @pytest.mark.long
    def test_what_a_smaller_shop_does_not_have_is_passed_over(self, tmp_path: Path) -> None:
        journal = tmp_path / "sandbox.journal"
        with running(articles=1000, journal=journal) as big, Office(big) as office:
            lines = order("BIG")
            lines["TableData"]["DetailData"][0]["Rows"][0]["Values"][2] = "10900"
            assert office.post(lines).status_code == 200
            assert office.post(order("ANY")).status_code == 200
        with running(articles=100, journal=journal) as small:
            assert (count_orders(small, "BIG"), count_orders(small, "ANY")) == (0, 1)

    def test_a_line_that_a_kill_left_unfinished_is_cut_off(self, tmp_path: Path) -> None:
        path = tmp_path / "torn.journal"
        first = Journal(path)
        first.append("mplus", "one", "body")
        first.close()
        with path.open("a") as file:
            file.write('{"number": 2, "sys')
        second = Journal(path)
        assert [entry.operation for entry in second.earlier_entries("mplus")] == ["one"]
        assert second.append("mplus", "two", "body").number == 2
        second.close()
        third = Journal(path)
        assert [entry.operation for entry in third.earlier_entries("mplus")] == ["one", "two"]
        third.close()

    @pytest.mark.processes
    def test_a_killed_sandbox_loses_nothing_it_answered(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "integration.sandbox", "--journal", str(tmp_path / "killed.journal")]

        @contextmanager
        def run_sandbox() -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout
                connection_info = json.loads(process.stdout.readline())
                login = connection_info["accountview"]
                with httpx.Client(
                    base_url=connection_info["accountview_url"], headers={"X-Company": login["company"]}
                ) as client:
                    got = client.post("/token", data={**login, "grant_type": "refresh_token"}).json()
                    client.headers["Authorization"] = f"Bearer {got['access_token']}"
                    yield process, client
                process.kill()

        with run_sandbox() as (process, client):
            assert client.post("/accountviewdata", json=order("KILLED")).status_code == 200
            process.kill()
        with run_sandbox() as (process, client):
            parameters = {"BusinessObject": "SO1", "FilterControlSource1": "COMMENT1", "FilterValue1": "KILLED"}
            assert len(client.get("/accountviewdata", params=parameters).json()["SO_HDR"]) == 1
            process.terminate()
            assert process.wait(SECONDS) == 0
