"""The log for programs outside the pages."""

import json
from pathlib import Path

from tests.consoles import opened


def test_the_log_is_answered_only_with_the_token_of_this_start(tmp_path: Path) -> None:
    with opened(tmp_path) as application:
        assert application.log_access.answer(b"{}", "")[0] == 403
        application.log_access.announce("http://127.0.0.1:1")
        assert application.log_access.answer(b"{}", "guess")[0] == 403
        token = json.loads((tmp_path / "server.json").read_text(encoding="utf-8"))["token"]
        assert application.log_access.answer(b'{"sql": "SELECT 1 AS one", "rows": 1}', token) == (
            200, b'{"columns": ["one"], "rows": [[1]], "cut": false}',
        )  # fmt: skip
        assert application.log_access.answer(b'{"sql": "SELECT", "rows": 1}', token)[0] == 422
        assert application.log_access.answer(b"no question", token)[0] == 400
        assert application.log_access.answer(b"[]", token)[0] == 400
    assert not (tmp_path / "server.json").exists()
