"""Access to the AccountView sandbox: tokens, companies and rights."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from integration.sandbox.accountview.access import CLIENT_ID, CLIENT_SECRET, LIMITED_REFRESH_TOKEN, REFRESH_TOKEN
from integration.sandbox.accountview.app import EMPTY_COMPANY
from integration.sandbox.server import Sandbox, running
from tests.sandbox.office_client import Office, debtor, order, refusal_text


class TestAccess:
    def test_a_refresh_token_is_good_for_one_use(self, office: Office) -> None:
        reply = office.refresh(REFRESH_TOKEN)
        assert reply.status_code == 400
        assert reply.json()["error"] == "invalid_grant"
        assert office.refresh(office.tokens["refresh_token"]).status_code == 200

    def test_a_wrong_secret_gets_no_token(self, reading: Office) -> None:
        assert reading.refresh("any", client_secret="wrong").json() == {"error": "invalid_client"}

    def test_a_token_expires(self) -> None:
        with running(trades=False, token_seconds=0) as sandbox, Office(sandbox) as office:
            assert office.tokens["expires_in"] == 0
            refusal_text(office.get("VA1"), 401)

    def test_no_token_is_a_401(self, reading: Office) -> None:
        refusal_text(httpx.get(f"{reading.base}/companies"), 401)

    def test_a_person_allows_the_link_in_a_browser(self, office: Office) -> None:
        parameters = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": "http://localhost:8501/back?page=set-up",
            "scope": "readaccountviewdata updateaccountviewdata",
            "state": "s<1>",
        }
        consent = office.base.replace("/api/v3", "/ams/Authorize.aspx")
        consent_page = office.http.get(consent, params=parameters)
        assert "Toestaan" in consent_page.text
        assert "s&lt;1&gt;" in consent_page.text
        back = office.http.post(consent, data=parameters | {"answer": "allow"})
        assert back.status_code == 302
        query = parse_qs(urlsplit(back.headers["location"]).query)
        assert query["state"] == ["s<1>"]
        form = {
            "grant_type": "authorization_code",
            "code": query["code"][0],
            "redirect_uri": parameters["redirect_uri"],
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        assert office.http.post(f"{office.base}/token", data=form).json()["token_type"] == "bearer"
        assert office.http.post(f"{office.base}/token", data=form).json()["error"] == "invalid_grant"

    def test_a_person_can_say_no(self, reading: Office) -> None:
        form = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": "http://localhost/", "answer": "deny"}
        back = reading.http.post(reading.base.replace("/api/v3", "/ams/authorize.aspx"), data=form)
        assert back.headers["location"] == "http://localhost/?error=access_denied"

    def test_an_unknown_application_is_not_asked_about(self, reading: Office) -> None:
        reply = reading.http.get(
            reading.base.replace("/api/v3", "/ams/authorize.aspx"),
            params={"response_type": "code", "client_id": "other", "redirect_uri": "http://localhost/"},
        )
        assert reply.status_code == 400

    def test_companies_are_a_plain_list(self, reading: Office) -> None:
        assert reading.call("Companies").json()[0] == {
            "Id": "7f3c",
            "Description": "Fietsenwinkel De Ketting B.V.",
            "Code": "KETTING",
        }

    @pytest.mark.parametrize(("company", "status"), [("", 400), ("KETTING", 403)])
    def test_a_company_is_chosen_by_its_id(self, reading: Office, company: str, status: int) -> None:
        headers = reading.headers | {"X-Company": company}
        refusal_text(
            reading.http.get(f"{reading.base}/accountviewdata?BusinessObject=VA1", headers=headers),
            status,
        )

    def test_the_second_company_is_empty(self, sandbox: Sandbox) -> None:
        with Office(sandbox, company=EMPTY_COMPANY) as office:
            assert office.rows("AK1", "ARTICLE") == []
            assert office.rows("AR1", "CONTACT") == []
            assert office.rows("GL1", "LEDGER")

    def test_the_rights_are_those_of_the_user(self, sandbox: Sandbox) -> None:
        with Office(sandbox, refresh_token=LIMITED_REFRESH_TOKEN) as office:
            assert "geen rechten" in refusal_text(office.get("AK1"), 403)
            assert "geen rechten" in refusal_text(office.post(debtor()), 403)
            allowed = {row["Code"]: row for row in office.call("accountviewsystembusinessobjects").json()}
            assert not allowed["AR1"]["InsertAllowed"]
            assert allowed["SO1"]["InsertAllowed"]
            assert office.post(order()).status_code == 200
