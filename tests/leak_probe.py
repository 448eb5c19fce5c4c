"""A console process that meets every fault and prints as much as possible; its output is searched for secrets.

Its arguments are the data folder and the control address of the sandbox. It logs at level debug, prints every exception
with all causes, and ends by SIGKILL during its work.
"""

import json
import logging
import os
import signal
import sys
import time
import traceback
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from integration.application.application import Application
from integration.application.bootstrap import build
from integration.core.plan import Approval
from integration.core.run import Mode, PreviewRequest
from integration.core.states import ACTIVE, RunState
from integration.sandbox.faults import Fault
from integration.settings import load_settings
from tests.canary_secrets import WRONG_CLIENT_SECRET, WRONG_TILL_SECRET
from tests.people import make_actor
from tests.timeouts import SECONDS


def arm(control: str, **switch: Any) -> None:
    urllib.request.urlopen(f"{control}switches", data=json.dumps(switch).encode(), timeout=SECONDS).close()  # noqa: S310 - loopback


def disarm(control: str) -> None:
    urllib.request.urlopen(urllib.request.Request(f"{control}switches", method="DELETE"), timeout=SECONDS).close()  # noqa: S310 - loopback


def print_result(work: Callable[[], object]) -> None:
    """Do some work and print its result or its error in every form."""
    try:
        sys.stdout.write(f"{work()!r}\n")
    except Exception as error:  # noqa: BLE001 - the text of any error is searched
        sys.stdout.write(f"{error!r} {error}\n")
        traceback.print_exception(error)


def wait_until_ended(application: Application, run_id: str) -> RunState:
    until = time.monotonic() + SECONDS
    while (run := application.runs.get(run_id)).state in ACTIVE and time.monotonic() < until:
        time.sleep(0.05)
    sys.stdout.write(f"{run!r}\n")
    return run.state


def preview(application: Application) -> str:
    run_id = application.runs.preview(PreviewRequest("products", by=make_actor("test"), mode=Mode.COMPLETE))
    wait_until_ended(application, run_id)
    return run_id


def commit(application: Application, run_id: str) -> None:
    run = application.runs.get(run_id)
    confirmed = {brake.code: brake.count for brake in run.brakes}
    application.runs.commit(run_id, Approval(run.mark, "test", confirmed=confirmed))
    wait_until_ended(application, run_id)


def main(folder: Path, control: str) -> None:
    """Run into every fault and refusal, then kill this process."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
    application = build(load_settings(data=folder, log="debug", patience_seconds=0.5)).start()
    sys.stdout.write(f"{application.settings!r}\n{application.settings}\n")
    for fault in Fault:
        for system in ("accountview", "mplus"):
            arm(control, fault=fault, system=system, times=2, seconds=0.2)
            print_result(partial(application.connections.check, system))
        print_result(lambda: preview(application))
        disarm(control)
    run_id = preview(application)
    for fault in Fault:
        arm(control, fault=fault, system="mplus", operation="createProduct", times=1, seconds=0.2)
    print_result(lambda: commit(application, run_id))
    disarm(control)
    print_result(lambda: application.runs.resume(run_id, by=make_actor("test")))
    wait_until_ended(application, run_id)
    wrong = build(load_settings(data=folder / "other", accountview={}, mplus={}))
    till = application.settings.access("mplus").url
    print_result(
        lambda: wrong.connections.connect(
            "mplus", {"url": till, "ident": "planted", "secret": WRONG_TILL_SECRET}, make_actor("test")
        )
    )
    print_result(
        lambda: wrong.connections.connect(
            "mplus",
            {"url": f"{till}?secret={WRONG_TILL_SECRET}", "ident": "planted", "secret": WRONG_TILL_SECRET},
            make_actor("test"),
        )
    )
    print_result(
        lambda: wrong.connections.connect(
            "mplus", {"url": "http://127.0.0.1:9/", "ident": "planted", "secret": WRONG_TILL_SECRET}, make_actor("test")
        )
    )
    log_in = partial(
        wrong.connections.authorize_address, "http://127.0.0.1/", "planted", WRONG_CLIENT_SECRET, make_actor("test")
    )
    address = log_in(application.settings.access("accountview").url)
    print_result(lambda: address)
    print_result(lambda: wrong.connections.authorized("planted-code", parse_qs(urlsplit(address).query)["state"][0]))
    print_result(wrong.connections.companies)
    print_result(lambda: wrong.connections.choose_company("7f3c", make_actor("test")))
    print_result(
        lambda: [
            vars(part)
            for instance in (wrong, application)
            for part in vars(instance).values()
            if hasattr(part, "__dict__")
        ]
    )
    preview(application)
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
