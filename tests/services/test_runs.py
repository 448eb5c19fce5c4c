"""Runs of an application: what is not resumed, and what an end in the middle leaves."""

import time
from pathlib import Path
from typing import Any

import pytest

from integration.bootstrap import build
from integration.core.errors import PlanStaleError
from integration.core.run import PreviewRequest, RunState
from integration.sandbox.server import Sandbox
from integration.settings import load_settings
from tests.consoles import ARTICLES, FAST, opened, settled
from tests.people import somebody
from tests.stores import stores_in


def test_a_plan_nobody_approved_is_not_resumed(tmp_path: Path) -> None:
    with opened(tmp_path, sandbox=True) as application:
        run = settled(application, application.runs.preview(PreviewRequest("products", by=somebody("test"))))
        with pytest.raises(PlanStaleError):
            application.runs.resume(run.id, by=somebody("test"))


@pytest.mark.long
def test_an_end_in_the_middle_of_a_run_is_no_error_of_the_run(tmp_path: Path, shop: Sandbox) -> None:
    access: dict[str, Any] = {
        "accountview": {"url": shop.accountview_url, "client_id": "sandbox-client", "client_secret": "sandbox-secret",
                        "refresh_token": "sandbox-refresh", "company": "7f3c", "per_second": FAST},
        "mplus": {"url": shop.mplus_url, "ident": "sandbox", "secret": "sandbox-secret"},
    }  # fmt: skip
    shop.switches.arm("delay", system="accountview", operation="*", times=None, seconds=6)
    settings = load_settings(data=tmp_path, sandbox_articles=ARTICLES, **access)
    application = build(settings).start()
    stores_in(application).rules.set_table("vat_codes", {"1": "1"}, "test")
    run_id = application.runs.preview(PreviewRequest("products", by=somebody("test")))
    time.sleep(0.5)
    application.close()
    shop.switches.disarm()

    with opened(tmp_path, **access) as again:
        assert settled(again, run_id).state is RunState.READY
