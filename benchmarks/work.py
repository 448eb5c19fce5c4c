"""One measured console process: runs flows against given systems and prints counts, time and memory as JSON."""

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from integration.process.garbage_collection import frozen_imports

with frozen_imports():  # as every command of the terminal does
    from integration.application.application import Application
    from integration.application.bootstrap import build
    from integration.core.clocks import now
    from integration.core.plan import Approval
    from integration.core.records import Kind, Record
    from integration.core.run import Mode, PreviewRequest, Run
    from integration.core.states import RunState
    from integration.settings import load_settings
    from integration.store.database import open_database
    from integration.store.links import Links
    from tests.people import make_actor

PAGE = 250
WARM_SECONDS = 1.5  # a fresh engine first looks at its queue after a second; that is its start, not the run
POLL_SECONDS = 0.2  # between two polls of a run, which count as its work
MOST = 1_000_000  # orders of one run
DEBTOR, ARTICLE, BRANCH = "20001", "9002", "1"  # of the sample shop
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "orders": {"most": MOST, "default_debtor": "fallback", "debtor_number": DEBTOR, "collective_article": ARTICLE},
    "stock": {"branches": {BRANCH: "formula"}},
}
SYSTEMS = ("accountview", "mplus")
FLOWS = ("products", "stock", "customers", "orders")
ENDED = (RunState.DONE, RunState.FAILED, RunState.INTERRUPTED)


def run(application: Application, flow: str, mode: Mode = Mode.COMPLETE) -> dict[str, object]:
    """Preview a flow, by default as a complete run, and commit it; return the seconds and the counts."""
    start, processor_start = time.monotonic(), time.process_time()
    (run_result,) = run_all(application, [flow], mode)
    cost = {"seconds": time.monotonic() - start, "processor": time.process_time() - processor_start}
    return {**cost, "state": run_result.state, **asdict(run_result.counts)}


def run_all(application: Application, flows: Sequence[str], mode: Mode = Mode.COMPLETE) -> list[Run]:
    """Preview flows in parallel, commit them once all have a plan, and return their finished runs."""
    begun = [application.runs.preview(PreviewRequest(flow, by=make_actor("bench"), mode=mode)) for flow in flows]
    for preview in [
        _wait_for(application, run_id, lambda run: run.state is not RunState.PREVIEWING) for run_id in begun
    ]:
        if preview.state is RunState.READY:
            confirmed = {brake.code: brake.count for brake in preview.brakes}
            application.runs.commit(preview.id, Approval(preview.fingerprint, "bench", confirmed=confirmed))
    return [_wait_for(application, run_id, lambda run: run.state in ENDED) for run_id in begun]


def _wait_for(application: Application, run_id: str, is_there: Callable[[Run], bool]) -> Run:
    while not is_there(current_run := application.runs.get(run_id)):
        time.sleep(POLL_SECONDS)
    return current_run


def read(application: Application) -> dict[str, object]:
    """Read all records of both systems through the connectors, without a use of them."""
    source, target = (application.access.connector(system) for system in SYSTEMS)
    references = Links(open_database(application.settings.operational_url()), now).references("products")
    start, processor_start = time.monotonic(), time.process_time()
    after, articles, products = None, 0, 0
    while True:
        batch = source.extract(Kind.ARTICLE, None, after)
        articles += len(batch.records)
        numbers = [record.key for record in batch.records if record.key.isdecimal()]
        for first in range(0, len(numbers), PAGE):
            page = numbers[first : first + PAGE]
            records = [Record(Kind.PRODUCT, number, {}, (Record(Kind.ARTICLE, number, {}),)) for number in page]
            references.ask(Kind.PRODUCT, page)
            products += len(target.lookup(records, references))
        after = batch.after
        if after is None:
            cost = {"seconds": time.monotonic() - start, "processor": time.process_time() - processor_start}
            return {**cost, "articles": articles, "products": products}


def answer_setup(application: Application, *flows: str) -> None:
    """Store the answers of a person in the set-up of some flows."""
    for flow in flows:
        application.flows.change(flow, ANSWERS[flow], by=make_actor("bench"))


def orders(application: Application) -> dict[str, object]:
    """Preview and commit every order; those without a customer go to one debtor, so that none is parked."""
    application.proposals.fill(by="bench")
    answer_setup(application, "orders")
    return run(application, "orders")


def all_flows(application: Application) -> dict[str, object]:
    """Preview and commit four complete flows in parallel; return the seconds, and the proven records of each flow."""
    application.proposals.fill(by="bench")
    answer_setup(application, *ANSWERS)
    begun = time.monotonic()
    ended = run_all(application, FLOWS)
    return {"seconds": time.monotonic() - begun, **{ended_run.flow: ended_run.counts.proven for ended_run in ended}}


def first_stock(application: Application) -> dict[str, object]:
    """Give one branch stock, then preview and commit the stock of every article in it."""
    answer_setup(application, "stock")
    return run(application, "stock")


def stock_again(application: Application) -> dict[str, object]:
    """Run the changes of the stock twice and return the second run, which remembers the answers of the first."""
    run(application, "stock", Mode.CHANGES)
    return run(application, "stock", Mode.CHANGES)


WORK_FUNCTIONS: Mapping[str, Callable[[Application], dict[str, object]]] = {
    "sync": lambda application: run(application, "products"),
    "changes": lambda application: run(application, "products", Mode.CHANGES),
    "first_stock": first_stock,
    "stock": lambda application: run(application, "stock", Mode.CHANGES),
    "stock_again": stock_again,
    "all_stock": lambda application: run(application, "stock"),
    "orders": orders,
    "read": read,
    "all_flows": all_flows,
}


def main(folder: str, work: str) -> None:
    """Run one function of `WORK_FUNCTIONS` on a folder; print counts, seconds, and the peak of memory in MB.

    Both connectors are loaded before, as in a console that is running.
    """
    application = build(load_settings(data=Path(folder))).start()
    for system in SYSTEMS:
        application.access.connector(system)
    time.sleep(WARM_SECONDS)
    try:
        result = WORK_FUNCTIONS[work](application)
    finally:
        application.close()
    sys.stdout.write(json.dumps({**result, "peak_mb": _peak() / 1024}) + "\n")


def _peak() -> int:
    """Return the peak memory of this process in KB. `getrusage` of Linux includes the parent process."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
