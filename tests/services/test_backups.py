"""What is known of backups."""

from datetime import UTC, datetime
from pathlib import Path

from integration.services.backups import FILE, Backups, LastBackup, keep_last


def test_the_last_backup_is_known_and_nonsense_is_none(tmp_path: Path) -> None:
    made = LastBackup("b.zip", 12, datetime(2026, 11, 26, tzinfo=UTC))
    assert Backups(tmp_path).last() is None
    keep_last(tmp_path, made)
    assert Backups(tmp_path).last() == made
    (tmp_path / FILE).write_text("[]", encoding="utf-8")
    assert Backups(tmp_path).last() is None
    keep_last(tmp_path / "missing", made)
