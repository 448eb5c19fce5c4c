"""A console process of its own, to be killed: goes on with what it finds, or starts one run of the products flow.

The process is forked from a server that has everything imported, which makes a restart a matter of milliseconds; it
shares nothing with its siblings but the code, and a kill is a kill.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from integration.bootstrap import Application
from integration.core.plan import Approval
from integration.core.run import Mode, RunState
from integration.settings import load_settings

ENDED = (RunState.DONE, RunState.FAILED, RunState.INTERRUPTED)
MANY_SECONDS = 600.0


def bring_to_an_end(folder: Path, access: Mapping[str, Any]) -> None:
    """Bring the run in this folder to its end, whoever began it; begin one where there is none."""
    _into_file(folder)
    application = Application(load_settings(data=folder, **access)).start()
    try:
        known = application.runs("products")
        run_id = known[0].id if known else application.preview("products", by="test", mode=Mode.COMPLETE)
        while (run := application.run(run_id)).state not in ENDED:
            if run.state is RunState.READY:
                confirmed = {brake.code: brake.count for brake in run.brakes}
                application.commit(run_id, Approval(run.fingerprint, "test", confirmed=confirmed))
            time.sleep(0.05)
    finally:
        application.close()


def serve(folder: Path, access: Mapping[str, Any], executor: str) -> None:
    """Work off what the queue holds until somebody ends this process."""
    _into_file(folder)
    application = Application(load_settings(data=folder, **access), executor=executor, serves=False).start()
    try:
        time.sleep(MANY_SECONDS)
    finally:
        application.close()


def _into_file(folder: Path) -> None:
    """Let everything this process says go to a file beside its data."""
    folder.mkdir(parents=True, exist_ok=True)
    said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
