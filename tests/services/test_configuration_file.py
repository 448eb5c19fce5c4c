"""Settings, mappings and value tables as a file: written from one data folder, brought into another."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integration import words
from integration.application.application import Application
from integration.connectors.mplus.settings import MplusAccess
from integration.core.errors import ConfigurationError, NotAllowedError
from integration.core.masking import register_secrets
from integration.core.people import Role
from integration.core.records import Correction, Kind
from integration.services.audit import AuditSearch
from integration.services.configuration_file import _sections
from tests.consoles import WHO, open_application
from tests.people import make_actor

SECRET = "planted-secret-of-the-till"


@pytest.fixture
def configured_application(tmp_path: Path) -> Iterator[Application]:
    """A console of a test in which something was arranged."""
    with open_application(tmp_path / "here", start=False) as application:
        application.flows.change("products", {"schedule_minutes": 45}, make_actor(WHO))
        application.tables.save("payment_methods", {"PIN": "1600", "ČASH": "1000"}, make_actor(WHO))
        published = application.mappings.published("customers")
        body = application.rules.published("customers")
        assert body is not None
        application.rules.publish("customers", {**body[1], "rules": body[1]["rules"][:-1]}, WHO, "shorter")
        assert published.version == 1
        application.names.put({"objects.articles.code": "ART1"}, make_actor(WHO))
        application.corrections.keep("orders", [Correction(Kind.ORDER, "7", "reference", "x", "y", "Order 7")], WHO)
        yield application


@pytest.fixture
def new_application(tmp_path: Path) -> Iterator[Application]:
    """A console of the real thing, new."""
    with open_application(tmp_path / "there", start=False) as application:
        yield application


def refusal_of(parse: Callable[[str], object], text: str) -> tuple[str, str]:
    """Return the code and the place with which a file is refused."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return caught.value.code, str(caught.value.facts.get("place", ""))


def test_what_was_arranged_in_one_folder_holds_in_another_after_it_was_brought_in(
    configured_application: Application, new_application: Application
) -> None:
    text = configured_application.configuration_file.text()
    parsed_file = new_application.configuration_file.read(text)

    places = {difference.place for difference in parsed_file.differences}
    assert {"flows.products.schedule_minutes", "tables.payment_methods.PIN", "tables.payment_methods.ČASH"} <= places
    assert "names.accountview.objects.articles.code" in places
    assert len([place for place in places if place.startswith("mappings.customers")]) == 2  # a rule, and their order
    assert new_application.flows.settings("products").schedule_minutes != 45  # nothing yet

    new_application.configuration_file.keep(parsed_file, make_actor(WHO), "brought in")

    assert new_application.configuration_file.text() == text
    assert new_application.flows.settings("products").schedule_minutes == 45
    assert new_application.mappings.published("customers").note == "brought in"
    assert new_application.mappings.published("products").version == 1  # as it was
    assert new_application.names.current_names().objects.articles.code == "ART1"
    reparsed_file = new_application.configuration_file.read(text)
    assert reparsed_file.differences == ()
    new_application.configuration_file.keep(reparsed_file, make_actor(WHO), "again")
    assert new_application.mappings.published("customers").version == 2


def test_corrections_come_along_where_they_are_asked_for(
    configured_application: Application, new_application: Application
) -> None:
    assert "corrections" not in json.loads(configured_application.configuration_file.text())
    text = configured_application.configuration_file.text(["orders"])

    parsed_file = new_application.configuration_file.read(text)
    new_application.configuration_file.keep(parsed_file, make_actor(WHO), "")

    assert [
        (correction.key, correction.was, correction.becomes)
        for correction in new_application.corrections.list_corrections("orders")
    ] == [("7", "x", "y")]
    assert new_application.configuration_file.read(text).differences == ()


def test_a_file_has_no_secret(tmp_path: Path) -> None:
    with open_application(
        tmp_path, start=False, mplus=MplusAccess(secret=SECRET, ident="planted-ident")
    ) as application:
        text = application.configuration_file.text(["orders"])

    assert (SECRET in text, "planted-ident" in text) == (False, False)


def test_what_a_file_does_not_name_stays(configured_application: Application) -> None:
    before = configured_application.configuration_file.text()
    parsed_file = configured_application.configuration_file.read(
        '{"sluis": 1, "tables": {"countries": {"Holland": "NL"}}}'
    )
    configured_application.configuration_file.keep(parsed_file, make_actor(WHO), "")

    after = json.loads(configured_application.configuration_file.text())
    assert after["tables"].pop("countries") == {"Holland": "NL"}
    assert after == json.loads(before)


def change_value(text: str, *path: str, to: Any) -> str:
    """Return a file with another value in one place."""
    shape = json.loads(text)
    inner = shape
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return json.dumps(shape)


@pytest.mark.parametrize(
    ("path", "to", "place"),
    [
        (("flows", "nothing"), {}, "flows.nothing"),
        (("flows", "products"), [], "flows.products"),
        (("flows", "products"), {"schedule_minutes": "often"}, "flows.products"),
        (("flows", "products"), {"no_such_setting": 1}, "flows.products"),
        (("mappings", "orders"), {"rules": [{"target": 7}]}, "mappings.orders"),
        (("mappings", "orders"), {"rules": "none"}, "mappings.orders"),
        (("mappings", "products"), {"rules": [{"target": "product.name", "expression": "1 +"}]}, "mappings.products"),
        (("tables", "payment_methods"), {"PIN": 1600}, "PIN"),
        (("tables",), [], "tables"),
        (("names", "accountview"), {"objects.nothing.code": "X"}, "names.accountview"),
        (("names", "other"), {}, "names.other"),
        (("corrections",), {"orders": {"order:a:7": {"was": {"q": 1}}}}, "corrections.orders.order:a:7"),
        (("corrections",), {"nothing": {}}, "corrections.nothing"),
        (("sluis",), "1", "sluis"),
        (("tabels",), {}, "tabels"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_its_place_and_changes_nothing(
    configured_application: Application, path: tuple[str, ...], to: Any, place: str
) -> None:
    before = configured_application.configuration_file.text()

    code, at = refusal_of(configured_application.configuration_file.read, change_value(before, *path, to=to))
    assert (code in ("configuration_invalid", "configuration_refused"), at) == (True, place)
    assert configured_application.configuration_file.text() == before


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "1:1"),
        ("sluis: 1", "1:1"),
        ('{"sluis": 1,\n "tables": {]', "2:13"),
        ("[]", "sluis"),
        ('{"sluis": true}', "sluis"),
        ('{"sluis": 1, "tables": {"a": {"k": "1", "k": "2"}}}', "k"),
        ("[" * 100_000, "1:1"),
        ("\x00\ufffd", "1:1"),
        ('{"sluis": 1, "flows": {"stock": {"x": NaN}}}', "1:1"),
        ('{"sluis": 1, "flows": {"stock": {"x": ' + "9" * 5_000 + "}}}", "1:1"),
    ],
)
def test_what_is_no_file_of_settings_is_refused(configured_application: Application, text: str, place: str) -> None:
    assert refusal_of(configured_application.configuration_file.read, text) == ("configuration_invalid", place)


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_why_a_file_is_refused_is_reported_in_the_language_of_who_reads(
    configured_application: Application, language: str
) -> None:
    texts = []
    nonsense: list[dict[str, Any]] = [
        {"flows": {"products": {"schedule_minutes": "often"}}},
        {"flows": {"products": {"x": 1}}},
        {"tables": {"payment_methods": {"PIN": 1}}},
        {"mappings": {"orders": {"rules": "none"}}},
    ]
    for wrong in nonsense:
        with pytest.raises(ConfigurationError) as caught:
            configured_application.configuration_file.read(json.dumps({"sluis": 1, **wrong}))
        texts.append(words.say(caught.value.code, caught.value.facts, language))
    english = [words.say("configuration_invalid", {}).problem.split()[0], "There", "Correct"]
    for text in texts:
        assert words.MISSING not in f"{text.problem} {text.do}".split()
        assert (text.do.split()[0] in english) is (language == "en")
        assert (" cannot " in text.problem or " was " in text.problem) is (language == "en"), text.problem


def test_a_file_of_a_newer_version_is_refused(configured_application: Application) -> None:
    assert (
        refusal_of(configured_application.configuration_file.read, '{"sluis": 2, "program": "9.9"}')[0]
        == "configuration_too_new"
    )


def test_all_of_it_is_kept_or_nothing(configured_application: Application, new_application: Application) -> None:
    parsed_file = new_application.configuration_file.read(configured_application.configuration_file.text())
    before = new_application.configuration_file.text()
    broken = type(parsed_file)(
        type(parsed_file.configuration)(
            parsed_file.configuration.settings, {"customers": {"rules": {object()}}}, parsed_file.configuration.tables
        ),
        parsed_file.differences,
    )

    with pytest.raises(Exception, match=r"(?i)json"):
        new_application.configuration_file.keep(broken, make_actor(WHO), "")

    assert new_application.configuration_file.text() == before


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b" " * 1_000_001, "reason_configuration_large"),
        ('{"sluis": 1}'.encode("utf-16"), "reason_configuration_utf8"),
        (b'{"sluis": 1,\n"tables": {"a": {"k": "planted-secret-of-the-till"}}}', "reason_configuration_secret"),
        (b'{"sluis": 1, "flows": {"products": {"client_secret": "hunter22"}}}', "reason_configuration_secret"),
        (b"a: &a [*a, *a]\nsluis: 1", "reason_configuration_json"),
        (b'{"sluis": 1, "connections": {}}', "reason_configuration_part"),
    ],
)
def test_what_no_file_of_settings_can_be_is_refused_and_not_repeated(
    configured_application: Application, content: bytes, why: str
) -> None:
    register_secrets(SECRET)
    before = configured_application.configuration_file.text()
    with pytest.raises(ConfigurationError) as caught:
        configured_application.configuration_file.of_file(content)
    assert (caught.value.code, caught.value.facts["message"]) == ("configuration_invalid", why)
    assert not [secret for secret in (SECRET, "hunter22") if secret in str(caught.value)]
    assert configured_application.configuration_file.text() == before


def test_a_file_is_taken_over_as_it_was_seen_and_otherwise_not(
    configured_application: Application, new_application: Application
) -> None:
    content = configured_application.configuration_file.text().encode()
    mark = new_application.configuration_file.of_file(content).mark
    new_application.flows.change("products", {"schedule_minutes": 20}, make_actor("ben"))
    with pytest.raises(ConfigurationError, match="configuration_changed"):
        new_application.configuration_file.take(content, mark, make_actor(WHO), "")
    assert new_application.flows.settings("products").schedule_minutes == 20

    mark = new_application.configuration_file.of_file(b"\xef\xbb\xbf" + content).mark
    assert new_application.configuration_file.take(content, mark, make_actor(WHO), "from the test") > 3
    assert new_application.configuration_file.text() == configured_application.configuration_file.text()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ACCOUNTANT, Role.OPERATOR])
def test_who_does_not_administer_takes_nothing_over(configured_application: Application, role: Role) -> None:
    door = configured_application.authorized_for(make_actor("ann", role))
    content = configured_application.configuration_file.text().encode()
    for ask in (
        door.configuration_file.text,
        lambda: door.configuration_file.of_file(content),
        lambda: door.configuration_file.take(content, "", make_actor("ann", role), ""),
    ):
        with pytest.raises(NotAllowedError):
            ask()


def test_what_a_file_changed_stands_in_the_audit_with_who_and_from_what(configured_application: Application) -> None:
    content = (
        b'{"sluis": 1, "tables": {"payment_methods": {"PIN": "1700"}}, "flows": {"stock": {"schedule_minutes": 30}}}'
    )
    ann = make_actor("ann", Role.ADMINISTRATOR)
    door = configured_application.authorized_for(ann)
    door.configuration_file.take(content, door.configuration_file.of_file(content).mark, ann, "")
    entries = [entry for entry in configured_application.audit.entries(AuditSearch(), 0, 20) if entry.actor == "ann"]
    assert len(entries) == 2


def test_a_name_that_comes_twice_is_found_in_one_pass() -> None:
    names = [*(f"name-{number}" for number in range(60_000)), "last", "last"]
    text = "{" + ",".join(f'"{name}":1' for name in names) + "}"
    begun = time.process_time()
    with pytest.raises(ConfigurationError, match="configuration_invalid") as refused:
        _sections(text)
    assert refused.value.facts["place"] == "last"
    assert time.process_time() - begun < 10  # comparing every name with every other one takes longer than that
