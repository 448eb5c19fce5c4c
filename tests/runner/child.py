"""A console process of its own, to be killed: goes on with what it finds, or starts one run of the products flow.

Called with the folder of its data; both systems are named in the environment.
"""

import sys
import time
from pathlib import Path

from integration.bootstrap import Application
from integration.core.plan import Approval
from integration.core.run import Mode, RunState
from integration.settings import load_settings

ENDED = (RunState.DONE, RunState.FAILED, RunState.INTERRUPTED)


def main(folder: Path) -> None:
    """Bring the run to its end, whoever began it."""
    application = Application(load_settings(data=folder, patience_seconds=PATIENCE_SECONDS)).start()
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


PATIENCE_SECONDS = 1.5

if __name__ == "__main__":
    main(Path(sys.argv[1]))
