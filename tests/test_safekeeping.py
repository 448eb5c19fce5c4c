"""The commands about backups (`integration/cli/backup.py`), each as its own process."""

from pathlib import Path

import pytest

from tests.consoles import open_application
from tests.people import make_actor
from tests.programs import Terminal
from tests.stores import stores_in

pytestmark = pytest.mark.processes

PASSPHRASE = "correct horse battery"


@pytest.mark.long
def test_a_backup_is_made_verified_restored_and_found_well_from_a_terminal(tmp_path: Path) -> None:
    with open_application(tmp_path / "old", start=False) as application:
        instance = stores_in(application).database.instance
    old = Terminal({"DATA": str(tmp_path / "old"), "BACKUP_PASSPHRASE": PASSPHRASE})
    file = tmp_path / "backup.zip"

    backup = old("backup", str(file), "--json")
    assert (backup.status, backup.json["instance"], backup.json["key"]) == (0, instance, True)
    assert (file.stat().st_mode & 0o777, PASSPHRASE in backup.out) == (0o600, False)
    assert old("backup", str(file)).status == 2  # it takes the place of nothing

    verification = old("verify", str(file), "--json")
    assert (verification.status, verification.json["key_opens"], verification.json["members"]) == (
        0,
        True,
        backup.json["members"],
    )
    assert old("verify", str(tmp_path / "none.zip")).status == 2
    (tmp_path / "cut.zip").write_bytes(file.read_bytes()[:-1])
    cut = old("verify", str(tmp_path / "cut.zip"), "--json")
    assert (cut.status, cut.json["error"]) == (5, "backup_broken")

    new = Terminal({"DATA": str(tmp_path / "new"), "BACKUP_PASSPHRASE": PASSPHRASE})
    assert "compared" in new("restore", str(file)).out
    assert new("restore", str(file), "--json").json["error"] == "restore_not_empty"
    assert new("runs", "--json").json == []
    assert new("doctor").status == new("doctor", "--offline").status == 0
    (tmp_path / "new" / "console.key").chmod(0o644)
    unwell = new("doctor", "--json")
    assert (unwell.status, [finding["code"] for finding in unwell.json if not finding["ok"]]) == (
        1,
        ["files_open_to_others"],
    )


@pytest.mark.long
def test_settings_and_mappings_go_from_one_installation_to_another_in_a_terminal(tmp_path: Path) -> None:
    source, target = Terminal({"DATA": str(tmp_path / "here")}), Terminal({"DATA": str(tmp_path / "there")})
    with open_application(tmp_path / "here", start=False) as application:
        application.tables.save("payment_methods", {"PIN": "1600"}, make_actor("anneke"))
    file = tmp_path / "settings.json"

    assert source("settings", "export", str(file)).status == 0
    assert source("settings", "export", "-").out == file.read_text(encoding="utf-8")
    diff = target("settings", "import", str(file), "--diff")
    assert (diff.status, diff.out.split()) == (0, ["tables.payment_methods.PIN", "+", '"1600"'])
    assert target("settings", "export", "-").out != file.read_text(encoding="utf-8")
    assert target("settings", "import", str(file), "--json").json["kept"] is True
    assert target("settings", "export", "-").out == file.read_text(encoding="utf-8")
    assert target("settings", "import", str(file), "--json").json == {"differences": [], "kept": False}
    file.write_text("{}", encoding="utf-8")
    refused = target("settings", "import", str(file), "--json")
    assert (refused.status, refused.json["error"]) == (5, "configuration_invalid")
    assert target("settings", "import", str(tmp_path / "none")).status == 2
    assert target("settings", "--json").json[0]["name"] == "CONSOLE_DATA"


@pytest.mark.long
def test_the_key_is_changed_and_a_person_is_erased_from_a_terminal(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        application.access.connected.put("mplus", {"secret": "of the till"})
    terminal = Terminal({"DATA": str(tmp_path)})
    key = (tmp_path / "console.key").read_bytes()
    assert terminal("key", "change", "--json").json == {"sealed": 2, "key": "file"}  # the keys of the audit too
    assert (tmp_path / "console.key").read_bytes() != key

    assert terminal("customer", "show", "--debtor", "39001", "--json").json["is_excluded"] is False
    assert terminal("customer", "show").status == 2
    assert (
        terminal("customer", "erase", "--debtor", "39001", "--confirm", "1", "--json").json["error"]
        == "erase_unconfirmed"
    )
    assert terminal("customer", "erase", "--debtor", "39001", "--confirm", "39001", "--json").json["remaining"] == {}
    assert terminal("customer", "access", str(tmp_path / "person.zip"), "--debtor", "39001").status == 0
    assert ((tmp_path / "person.zip").stat().st_mode & 0o777, (tmp_path / "console.erased").exists()) == (0o600, True)
    assert terminal("customer", "lift", "--debtor", "39001", "--json").json == {"lifted": True}
    assert terminal("customer", "resume", "--json").json == {"finished": 0}
