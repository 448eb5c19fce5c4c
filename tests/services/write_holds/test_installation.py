"""A copy of the data of a console writes nothing until a person confirms that no other copy runs."""

import shutil
from pathlib import Path

import pytest

from integration.application.application import Application
from integration.application.stores import stores_of
from integration.core.errors import ConfigurationError, PlanStaleError
from integration.store.copies import mark_restored
from integration.store.database import open_database
from integration.store.installation import permanent_addresses, read_place
from tests.clocks import now
from tests.consoles import open_application
from tests.people import make_actor
from tests.postgres import postgres_server
from tests.stores import stores_in

__all__ = ["postgres_server"]

ADMINISTRATOR = make_actor("test")


def copy_folder(folder: Path, to: Path) -> Path:
    """Copy the data folder of a console that is closed."""
    shutil.copytree(folder, to)
    return to


def hold_reason(application: Application) -> PlanStaleError | None:
    """Return why an order may not be written."""
    return application.flows._holds.hold_reason("orders")


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """The data folder of a console that was opened once and is closed."""
    folder = tmp_path / "original"
    with open_application(folder, start=False) as application:
        assert hold_reason(application) is None
        assert not application.installation.status().is_held
    return folder


def test_a_copy_is_held_until_somebody_confirms_the_place_that_they_were_shown(original: Path, tmp_path: Path) -> None:
    with open_application(copy_folder(original, tmp_path / "copy"), start=False) as application:
        reason = hold_reason(application)
        assert reason is not None
        status = application.installation.status()
        assert (reason.code, reason.facts["code"], status.changed) == (
            "installation_moved", status.code, ("inode", "path"),
        )  # fmt: skip
        with pytest.raises(ConfigurationError, match="installation_differs"):
            application.installation.confirm("0123456789", ADMINISTRATOR)
        assert hold_reason(application) is not None
        application.installation.confirm(status.code, ADMINISTRATOR)
        assert hold_reason(application) is None
        (entry,) = [candidate for candidate in application.audit.entries() if candidate.subjects == ("installation",)]
        assert (entry.actor, entry.action) == ("test", "setting_changed")
    with open_application(tmp_path / "copy", start=False) as application:
        assert hold_reason(application) is None
    with open_application(original, start=False) as application:  # which nobody has moved
        assert hold_reason(application) is None


def test_a_file_that_was_put_back_in_its_place_is_held(original: Path) -> None:
    shutil.copy(original / "console.sqlite", original / "copy")
    (original / "copy").replace(original / "console.sqlite")
    with open_application(original, start=False) as application:
        assert application.installation.status().changed == ("inode",)


def test_the_code_in_the_settings_confirms_without_a_screen_and_fits_no_other_place(
    original: Path, tmp_path: Path
) -> None:
    first = copy_folder(original, tmp_path / "first")
    with open_application(first, start=False) as application:
        code = application.installation.status().code
    with open_application(copy_folder(original, tmp_path / "second"), start=False, confirmed_place=code) as application:
        assert hold_reason(application) is not None
    with open_application(first, start=False, confirmed_place=code) as application:
        assert hold_reason(application) is None
        assert [entry.actor for entry in application.audit.entries() if entry.subjects == ("installation",)] == [
            "CONSOLE_CONFIRMED_PLACE"
        ]


def test_a_copy_that_uses_the_built_in_systems_is_not_held(original: Path, tmp_path: Path) -> None:
    with open_application(copy_folder(original, tmp_path / "copy"), start=False, sandbox=True) as application:
        assert application.installation.status().changed
        assert hold_reason(application) is None


def test_a_backup_that_is_restored_where_it_was_made_is_no_copy(original: Path, tmp_path: Path) -> None:
    moved = copy_folder(original, tmp_path / "copy")
    for folder in (original, moved):
        mark_restored(f"sqlite:///{folder / 'console.sqlite'}", "2026-11-30T10:00:00+00:00", "anna")
    shutil.copy(original / "console.sqlite", original / "restored")
    (original / "restored").replace(original / "console.sqlite")
    with open_application(original, start=False) as application:
        assert hold_reason(application) is None
        bound = stores_in(application).installation.bound_place()
        assert bound is not None
        assert bound.parts["inode"] == str((original / "console.sqlite").stat().st_ino)
    with open_application(moved, start=False) as application:
        assert application.installation.status().changed == ("path",)


def test_of_the_adapters_of_a_machine_those_count_that_it_was_given(tmp_path: Path) -> None:
    for name, kind, has_device in (
        ("eth0", "0", True),
        ("docker0", "3", False),
        ("wlan0", "3", True),
        ("lo", "0", False),
    ):
        adapter = tmp_path / name
        (adapter / "device").mkdir(parents=True) if has_device else adapter.mkdir()
        (adapter / "addr_assign_type").write_text(f"{kind}\n")
        (adapter / "address").write_text(f"00:16:3e:{name}\n")
    assert permanent_addresses(tmp_path) == ["00:16:3e:eth0"]
    assert permanent_addresses(tmp_path / "none") == []


@pytest.mark.postgres
def test_a_database_of_a_server_is_known_by_the_server_and_its_name(postgres_server: str) -> None:
    database = open_database(postgres_server)
    try:
        place = read_place(database)
        assert set(place.parts) == {"server", "database"}
        assert place.parts["server"].isdigit()
        store = stores_of(database, now).installation
        store.bind_first(place)
        assert store.bound_place() == place
    finally:
        database.close()
