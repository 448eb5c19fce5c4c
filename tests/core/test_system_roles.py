"""The system that has each role."""

from collections.abc import Iterator

import pytest

from integration.core.system_roles import SystemRole, assign_roles, assigned_systems


@pytest.fixture(autouse=True)
def restore_roles() -> Iterator[None]:
    """Give the roles back: tests of other files share the process."""
    before = {role: role.system for role in SystemRole}
    yield
    assign_roles(before)


def test_a_role_names_its_system_and_the_other_keeps_its_own() -> None:
    books = SystemRole.BOOKS.system

    assign_roles({SystemRole.TILL: "kiosk"})

    assert SystemRole.TILL.system == "kiosk"
    assert assigned_systems() == (books, "kiosk")


def test_a_role_is_written_as_its_word() -> None:
    assert [f"{role}" for role in SystemRole] == ["books", "till"]
