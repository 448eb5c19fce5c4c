"""Messages between a browser and the server belong to the page that is open."""

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from integration.web.stream import OpenPage


def asks(page: str, fragment: str = "", *, by_timer: bool = False) -> bytes:
    message = BackMsg()
    message.rerun_script.page_script_hash = page
    message.rerun_script.fragment_id = fragment
    message.rerun_script.is_auto_rerun = by_timer
    return bytes(message.SerializeToString())


def begins(page: str, *fragments: str) -> bytes:
    message = ForwardMsg()
    message.new_session.page_script_hash = page
    message.metadata.run.fragment_ids.extend(fragments)
    return bytes(message.SerializeToString())


def leads_to(address: str) -> bytes:
    message = ForwardMsg()
    message.page_info_changed.query_string = address
    return bytes(message.SerializeToString())


def page_of(message: bytes) -> str:
    return str(ForwardMsg.FromString(message).new_session.page_script_hash)


def test_a_timer_of_the_page_that_was_left_is_not_let_in() -> None:
    open_page = OpenPage()
    assert open_page.accepts_message(asks(""))  # the page of the address
    open_page.update(begins("preview"))
    assert open_page.accepts_message(asks("preview", "watch", by_timer=True))

    assert open_page.accepts_message(asks("runs"))
    assert not open_page.accepts_message(asks("preview", "watch", by_timer=True))
    assert open_page.accepts_message(asks("runs", "strip", by_timer=True))


def test_timers_of_a_page_that_was_opened_by_its_address_are_let_in() -> None:
    open_page = OpenPage()
    assert open_page.accepts_message(asks(""))
    open_page.update(begins("frame"))  # which finds out which page it is
    leads = ForwardMsg()
    leads.navigation.page_script_hash = "runs"
    open_page.update(leads.SerializeToString())

    assert open_page.accepts_message(asks("runs", "strip", by_timer=True))
    assert page_of(open_page.update(begins("runs", "strip"))) == "runs"
    assert not open_page.accepts_message(asks("frame", "strip", by_timer=True))


def test_what_was_let_in_before_the_page_was_left_takes_nothing_away() -> None:
    open_page = OpenPage()
    open_page.update(begins("preview"))
    assert open_page.accepts_message(asks("preview", "watch", by_timer=True))
    open_page.update(begins("runs"))  # the server leads there by itself

    assert page_of(open_page.update(begins("preview", "watch"))) == "runs"
    assert page_of(open_page.update(begins("runs", "strip"))) == "runs"
    assert page_of(open_page.update(begins("logs"))) == "logs"


def test_the_address_of_a_page_that_was_left_is_not_reported() -> None:
    open_page = OpenPage()
    open_page.update(begins("preview"))
    assert open_page.update(leads_to("plan=1")) == leads_to("plan=1")
    assert open_page.update(leads_to("run=1")) == leads_to("run=1")  # the server leads there by itself
    open_page.update(begins("runs"))

    open_page.update(begins("preview", "watch"))
    assert open_page.update(leads_to("plan=1&show=all")) == b""
    open_page.update(begins("runs", "strip"))
    assert open_page.update(leads_to("run=1&show=all")) == leads_to("run=1&show=all")


def test_what_is_still_reported_of_the_page_that_is_being_left_stays_as_it_is() -> None:
    open_page = OpenPage()
    open_page.update(begins("preview"))
    assert open_page.accepts_message(asks("preview", "watch", by_timer=True))
    assert open_page.accepts_message(asks("runs"))

    assert (
        page_of(open_page.update(begins("preview", "watch"))) == "preview"
    )  # which the browser shows until it is told
    assert not open_page.accepts_message(asks("preview", "watch", by_timer=True))
    open_page.update(begins("runs"))
    assert page_of(open_page.update(begins("preview", "watch"))) == "runs"


def test_a_click_and_everything_else_passes_as_it_is() -> None:
    open_page = OpenPage()
    open_page.update(begins("runs"))
    message = BackMsg(stop_script=True).SerializeToString()
    drawn = ForwardMsg(hash="one")
    drawn.delta.new_element.markdown.body = "text"

    assert open_page.accepts_message(asks("preview", "dialog"))
    assert open_page.accepts_message(message)
    assert open_page.update(drawn.SerializeToString()) == drawn.SerializeToString()


def test_that_an_address_names_no_page_is_left_to_the_pages() -> None:
    message = ForwardMsg()
    message.page_not_found.page_name = "nowhere"
    assert OpenPage().update(message.SerializeToString()) == b""
