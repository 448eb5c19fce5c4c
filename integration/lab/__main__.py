"""Process that runs a series: `python -m integration.lab FOLDER`, with the series as JSON on standard input."""

import logging
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path
from types import FrameType

from integration.core.errors import IntegrationError
from integration.lab.report import SERIES_INPUT, keep_report, kept_report
from integration.lab.trials import SeriesRunner

SIGN_SECONDS = 2.0


def main(folder: Path) -> None:
    """Run the requested series. Ends with the process that started it, and ends all its own child processes."""
    series_input = SERIES_INPUT.validate_json(sys.stdin.buffer.read())
    os.umask(0o077)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # a killed console leaves incomplete calls
    signal.signal(signal.SIGTERM, _exit_on_signal)
    signal.signal(signal.SIGINT, _exit_on_signal)
    bench: SeriesRunner | None = None
    try:
        bench = SeriesRunner(folder, series_input.series, series_input.own_settings)
        threading.Thread(target=_watch, args=(os.getppid(), bench), daemon=True).start()
        bench.run()
    except (SystemExit, Exception) as end:
        report = kept_report(folder)
        if report is not None:
            error = (
                end.code if isinstance(end, IntegrationError) else "" if isinstance(end, SystemExit) else "lab_failed"
            )
            facts = dict(end.facts) if isinstance(end, IntegrationError) else {"message": str(end)[-500:]}
            keep_report(replace(report, state="stopped", error=error, facts=facts), folder)
        raise
    finally:
        for process in active_children():
            process.kill()
        if bench is not None:
            bench.fixtures.close()


def _watch(parent: int, bench: SeriesRunner) -> None:
    """Update the time of the report as a heartbeat; end this process when its parent has ended."""
    while True:
        time.sleep(SIGN_SECONDS)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        os.utime(bench.folder / "report.json")


def _exit_on_signal(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)  # trials stop, and each ends its own processes


if __name__ == "__main__":
    main(Path(sys.argv[1]))
