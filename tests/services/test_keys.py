"""Another encryption key: the audit log that was sealed under the former one stays valid."""

from pathlib import Path

from integration.core.retention import Retention
from tests.consoles import open_application
from tests.people import make_actor


def test_an_audit_is_whole_after_the_key_was_changed_again_and_again(tmp_path: Path) -> None:
    anna = make_actor("anna")
    for months in (3, 4):
        with open_application(tmp_path, start=False) as application:
            application.retention.change(Retention(lengths={"plans": months}), anna)
            application.keys.change(anna)
    with open_application(tmp_path, start=False) as application:
        application.retention.change(Retention(lengths={"plans": 5}), anna)
        checked = application.audit.verify()
        assert checked.broken is None
        assert "key_changed" in {entry.action for entry in application.audit.entries()}
