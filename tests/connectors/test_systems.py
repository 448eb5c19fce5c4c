"""The registry of systems: the description of each, and its connector."""

import pytest

from integration.connectors.systems import SYSTEMS
from integration.core.system_roles import SystemRole
from integration.words import system_name
from tests.fakes import MemoryInstallationFacts, MemoryTokenStore


@pytest.mark.parametrize(("role", "name"), [(SystemRole.BOOKS, "accountview"), (SystemRole.TILL, "mplus")])
def test_each_role_has_its_system(role: SystemRole, name: str) -> None:
    assert [system for system in SYSTEMS.values() if system.role is role] == [SYSTEMS[name]]


@pytest.mark.parametrize("name", SYSTEMS)
def test_people_read_the_caption_of_a_system(name: str) -> None:
    assert system_name(name) == SYSTEMS[name].caption


def test_the_books_are_connected_once_a_company_is_chosen_and_the_till_once_it_has_an_address() -> None:
    books, till = SYSTEMS["accountview"], SYSTEMS["mplus"]

    assert not books.is_connected({"client_id": "key"})
    assert not books.can_be_asked({"company": "7f3c"})
    assert books.can_be_asked({"client_id": "key", "company": "7f3c"})
    assert not till.is_connected({"ident": "i"})
    assert till.is_connected({"url": "https://api.mpluskassa.nl:8080/"})


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_folder_of_a_system_is_a_setting_of_it_that_nobody_gives(name: str) -> None:
    system = SYSTEMS[name]
    assert set(system.folders) <= system.settings.model_fields.keys() - system.access.model_fields.keys()


@pytest.mark.parametrize(
    ("name", "access"),
    [
        ("accountview", {"client_id": "key", "client_secret": "secret", "company": "7f3c"}),
        ("mplus", {"url": "https://api.mpluskassa.nl:8080/", "ident": "i", "secret": "s"}),
    ],
)
def test_a_system_is_connected_by_its_settings(name: str, access: dict[str, str]) -> None:
    system = SYSTEMS[name]
    connector = system.connects(
        system.settings.model_validate(access), MemoryTokenStore(), MemoryInstallationFacts(), ()
    )
    try:
        assert connector.in_flight >= 1
        assert connector.choices("nothing of that name") == {}
    finally:
        connector.close()
