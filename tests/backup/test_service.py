"""The backup service: status and results of backups."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integration.backup.service import FILE, Backups, LastBackup, keep_last
from integration.core.errors import IntegrationError
from tests.clocks import now
from tests.consoles import open_application
from tests.people import make_actor
from tests.timeouts import wait_until


def test_the_last_backup_is_known_and_nonsense_is_none(tmp_path: Path) -> None:
    backup = LastBackup("b.zip", 12, datetime(2026, 11, 26, tzinfo=UTC))
    assert Backups(tmp_path, now).last_backup() is None
    keep_last(tmp_path, backup)
    assert Backups(tmp_path, now).last_backup() == backup
    (tmp_path / FILE).write_text("[]", encoding="utf-8")
    assert Backups(tmp_path, now).last_backup() is None
    keep_last(tmp_path / "missing", backup)


def test_a_backup_is_made_at_the_press_of_a_button(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False):
        pass
    backups = Backups(tmp_path, now)
    backups.start("monday.zip", "a long passphrase", make_actor("anna"))
    with pytest.raises(IntegrationError, match="backup_at_work"):
        backups.start("again.zip", "", make_actor("anna"))
    wait_until(lambda: not backups.is_running, "the backup")
    assert backups.result is not None
    assert (backups.result.code, backups.result.has_key) == ("", True)
    assert backups.result.file == tmp_path / "backups" / "monday.zip"
    assert backups.result.file.exists()


def test_a_command_that_is_shown_works_in_another_folder(tmp_path: Path) -> None:
    (tmp_path / "a folder").mkdir()
    command = Backups(tmp_path / "a folder", now).commands[1].replace("FILE", "/none.zip")
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    ended = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert ("/none.zip" in ended.stderr, "No module named" in ended.stderr) == (True, False)
