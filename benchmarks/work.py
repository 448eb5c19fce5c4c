"""One measured console process: syncs a flow against given systems and prints what it took as JSON."""

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from integration.bootstrap import build
from integration.core.plan import Approval
from integration.core.records import Kind, Record
from integration.core.run import Mode, PreviewRequest, RunState
from integration.services import Application
from integration.settings import load_settings
from tests.stores import stores_in

PAGE = 250
WARM_SECONDS = 1.5  # a fresh engine first looks at its queue after a second; that is its start, not the run
LOOK_SECONDS = 0.05  # between two looks at a run; looking more often would take from what is measured
MOST = 1_000_000  # orders of one run
DEBTOR, ARTICLE = "20001", "9002"  # of the sample shop
ENDED = (RunState.DONE, RunState.FAILED, RunState.INTERRUPTED)


def run(application: Application, flow: str) -> dict[str, object]:
    """Preview everything of a flow and commit it; return the seconds, and the counts."""
    begun, worked = time.monotonic(), time.process_time()
    run_id = application.runs.preview(PreviewRequest(flow, by="bench", mode=Mode.COMPLETE))
    while (found := application.runs.get(run_id)).state is RunState.PREVIEWING:
        time.sleep(LOOK_SECONDS)
    if found.state is RunState.READY:
        confirmed = {brake.code: brake.count for brake in found.brakes}
        application.runs.commit(run_id, Approval(found.fingerprint, "bench", confirmed=confirmed))
        while (found := application.runs.get(run_id)).state not in ENDED:
            time.sleep(LOOK_SECONDS)
    took = {"seconds": time.monotonic() - begun, "processor": time.process_time() - worked}
    return {**took, "state": found.state, "read": found.counts.read, "proven": found.counts.proven}


def read(application: Application) -> dict[str, object]:
    """Read both sides whole through the connectors, into records, and do nothing with them."""
    source, target = application.access.connector("accountview"), application.access.connector("mplus")
    references = stores_in(application).links.references("products")
    begun, worked = time.monotonic(), time.process_time()
    after, articles, products = None, 0, 0
    while True:
        batch = source.extract(Kind.ARTICLE, None, after)
        articles += len(batch.records)
        numbers = [record.key for record in batch.records if record.key.isdecimal()]
        for start in range(0, len(numbers), PAGE):
            page = numbers[start : start + PAGE]
            wanted = [Record(Kind.PRODUCT, one, {}, (Record(Kind.ARTICLE, one, {}),)) for one in page]
            references.ask(Kind.PRODUCT, page)
            products += len(target.lookup(wanted, references))
        after = batch.after
        if after is None:
            took = {"seconds": time.monotonic() - begun, "processor": time.process_time() - worked}
            return {**took, "articles": articles, "products": products}


def orders(application: Application) -> dict[str, object]:
    """Preview every order and commit it; those without a customer go to one debtor, so that none waits."""
    answers = {"most": MOST, "default_debtor": "fallback", "debtor_number": DEBTOR, "collective_article": ARTICLE}
    application.proposals.fill(by="bench")
    application.flows.change("orders", answers, by="bench")
    return run(application, "orders")


WORKS: Mapping[str, Callable[[Application], dict[str, object]]] = {
    "sync": lambda application: run(application, "products"),
    "orders": orders,
    "read": read,
}


def main(folder: str, work: str) -> None:
    """Do one work on this folder: sync, orders or read; print counts, seconds, and the peak of memory in MB."""
    application = build(load_settings(data=Path(folder))).start()
    time.sleep(WARM_SECONDS)
    try:
        done = WORKS[work](application)
    finally:
        application.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({**done, "peak_mb": peak}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
