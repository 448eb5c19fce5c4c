"""The control address of both sandboxes."""

import httpx
import pytest

from integration.sandbox.server import Sandbox
from tests.sandbox.office_client import Office


class TestControl:
    def test_everything_can_be_switched_over_http(self, sandbox: Sandbox, office: Office) -> None:
        control = sandbox.control_url
        armed = {"fault": "unavailable", "operation": "VA1 GET", "times": None}
        id_ = httpx.post(f"{control}switches", json=armed).json()["id"]
        assert office.get("VA1").status_code == 503
        assert [switch["id"] for switch in httpx.get(f"{control}switches").json()] == [id_]
        httpx.delete(f"{control}switches", params={"id": id_})
        assert office.get("VA1").status_code == 200
        assert httpx.get(f"{control}counts").json() == {"reads": 3, "writes": 0}
        assert httpx.get(f"{control}calls", params={"since": 2}).json()[0]["operation"] == "VA1 GET"
        httpx.delete(f"{control}calls")
        assert httpx.get(f"{control}calls").json() == []

    def test_it_answers_on_both_ports_about_both_systems(self, sandbox: Sandbox) -> None:
        path = "_sandbox/state"
        parameters = {"table": "VAT", "system": "accountview"}
        response = httpx.get(f"{sandbox.control_url}state", params={"table": "VAT"})
        assert httpx.get(f"{sandbox.mplus_url}{path}", params=parameters).json() == response.json()
        assert len(response.json()) == 5

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
