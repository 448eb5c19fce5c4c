"""A new installation: its pages, and how it is connected."""

import html

import pytest

from integration.application.application import Application
from integration.core.errors import ConfigurationError
from integration.sandbox.server import running
from pages.components.shared.wording import plain
from tests.pages.conftest import Open, commit_run, press, script, texts, wait_for_run
from tests.people import make_actor


@pytest.mark.usefixtures("unconnected_application")
def test_the_overview_of_a_new_installation_is_an_invitation(open_page: Open) -> None:
    page_text = texts(open_page())

    assert "Connect your own systems" in page_text
    assert "Try with the built-in sandbox" in page_text


@pytest.mark.long
def test_one_click_connects_the_sandbox(fresh: Application, open_page: Open) -> None:
    test = press(open_page(), "sandbox")

    assert not test.exception
    assert fresh.sandbox.is_connected
    assert all(status.ok for status in fresh.connections.statuses())


@pytest.mark.usefixtures("fresh")
def test_the_set_up_begins_with_accountview_and_has_the_sandbox_beside_it(open_page: Open) -> None:
    test = open_page("setup")
    assert "Step 1 of 5: AccountView" in texts(test)

    test = press(test, "sandbox")

    assert not test.exception
    assert "Choose flows" in texts(test)


def test_the_overview_leads_back_into_a_set_up_that_was_begun(fresh: Application, open_page: Open) -> None:
    assert "not finished" not in texts(open_page())
    fresh.connections.connect(
        "mplus", {"url": "http://127.0.0.1:9/", "ident": "shop", "secret": "secret"}, make_actor("test")
    )
    test = open_page()
    assert "The set-up is not finished" in texts(test)

    test = press(test, "set_up_next")

    assert not test.exception
    assert "Step 1 of 5: AccountView" in texts(test)


@pytest.mark.usefixtures("unconnected_application")
def test_nothing_goes_on_before_the_check_finds_nothing_wrong(open_page: Open) -> None:
    assert open_page("setup").button(key="continue").disabled
    assert "No flow is chosen yet" in texts(open_page("setup", step="questions"))
    assert "3 things are missing" in texts(open_page("setup", step="ready"))


@pytest.mark.usefixtures("unconnected_application")
def test_every_page_opens_empty_and_says_what_to_do_next(open_page: Open) -> None:
    for name, expected in {
        "preview": "Not connected yet",
        "runs": "Not connected yet",
        "exceptions": "Not connected yet",
        "stock": "Not connected yet",
        "logs": "Everything that was read",
        "setup": "Connect AccountView",
    }.items():
        test = open_page(name)

        assert not test.exception
        assert expected in texts(test)


@pytest.mark.usefixtures("unconnected_application")
def test_without_connections_the_page_leads_to_the_set_up(open_page: Open) -> None:
    assert "Both systems have to be connected first" in texts(open_page("flows"))


def test_without_connections_every_page_leads_to_the_set_up_and_says_nothing_of_a_log_in(
    unconnected_application: Application, open_page: Open
) -> None:
    test = press(open_page("preview"), "to_set_up")
    assert not test.exception
    assert "Connect AccountView" in texts(test)

    for system in ("accountview", "mplus"):  # whoever asks anyway is told the same
        with pytest.raises(ConfigurationError, match="not_connected"):
            unconnected_application.access.connector(system)


def test_the_till_is_not_asked_before_everything_is_filled_in(
    unconnected_application: Application, open_page: Open
) -> None:
    test = open_page("setup", step="mplus")
    test = next(button for button in test.button if button.label == "Check the connection").click().run()

    assert "Fill in Address, Ident and Secret" in texts(test)
    assert not unconnected_application.connections.last_check("mplus").connected


@pytest.mark.usefixtures("unconnected_application")
def test_a_wrong_address_of_the_till_is_reported_with_its_reason_and_never_the_secret(open_page: Open) -> None:
    test = open_page("setup", step="mplus")
    test.text_input[0].set_value("http://127.0.0.1")
    test.text_input[1].set_value("9")
    test.text_input[2].set_value("shop")
    test.text_input[3].set_value("hush-hush-secret")
    test = next(button for button in test.button if button.label == "Check the connection").click().run()

    assert not test.exception
    assert "does not accept a connection" in texts(test)
    assert "hush-hush-secret" not in texts(test)


@pytest.mark.long
def test_access_that_does_not_work_is_reported_and_the_one_before_stays(fresh: Application, open_page: Open) -> None:
    with running(articles=60) as shop:
        fresh.connections.connect(
            "mplus", {"url": shop.mplus_url, "ident": "sandbox", "secret": "sandbox-secret"}, make_actor("test")
        )
        test = press(open_page("setup", step="mplus"), "own-mplus")
        test.text_input[2].set_value("sandbox")
        test.text_input[3].set_value("hush-hush-secret")
        test = next(button for button in test.button if button.label == "Check the connection").click().run()

        assert not test.exception
        assert "The earlier ones stay in use." in texts(test)
        assert fresh.connections.last_check("mplus").ok
        assert "The earlier ones" not in texts(press(test, "check-mplus"))


def test_the_log_in_names_the_host_as_it_is_called(unconnected_application: Application, open_page: Open) -> None:
    test = open_page("setup", step="accountview")
    test.text_input[0].set_value("client")
    test.text_input[1].set_value("hush-hush-secret")
    test.text_input[2].set_value("https://www.аccountview.net/api/v3")
    test = next(button for button in test.button if button.label == "Log in").click().run()

    assert not test.exception
    assert html.unescape(plain("www.xn--ccountview-yqi.net")) in texts(test)
    assert not unconnected_application.connections.is_logged_in()


@pytest.mark.usefixtures("unconnected_application")
def test_an_answer_of_a_log_in_nobody_asked_for_is_refused(open_page: Open) -> None:
    test = open_page("setup", code="abc", state="invented")

    assert "was not started here" in texts(test)
    assert "code" not in test.query_params


@pytest.mark.usefixtures("unconnected_application")
def test_a_page_without_its_frame_says_where_the_console_is() -> None:
    test = script("pages/runs.py").run()

    assert not test.exception
    assert texts(test) == "[Open the console](/)"


def test_a_new_console_shows_the_first_steps_and_ticks_off_each_completed_step(
    fresh: Application, open_page: Open
) -> None:
    fresh.connections.use_sandbox(make_actor("test"))
    test = open_page()
    assert "This is the sandbox" in texts(test)
    assert "Nothing needs your attention" not in texts(test)
    choice = open_page("setup", step="flows")
    on = [toggle.value for toggle in choice.toggle if str(toggle.key).startswith("choose-")]
    assert f"{sum(on)} of {len(on)} suggested" in texts(choice)  # none is chosen yet
    test = press(open_page(), "next_task")
    assert not test.exception

    plan = wait_for_run(fresh, fresh.runs.latest("products", limit=1)[0].id)
    test = press(open_page(), "next_task")
    assert test.query_params["plan"] in (plan.id, [plan.id])
    commit_run(fresh, plan)
    assert [task.name for task in fresh.first_week.tasks() if task.is_done] == ["connect", "products"]
    test = open_page()
    assert "Preview stock and commit it" in texts(test)
    assert "Begin with products" not in texts(test)

    press(test, "hide_first_week")
    assert "The first week" not in texts(open_page())
