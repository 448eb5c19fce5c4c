"""The same by dlt: `python -m benchmarks.peers.loaded <books> <token> <till> <folder>`.

It reads, normalizes and loads; the till is a custom destination. What is sent again is dlt's to decide: the whole batch
that it handed over.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed

from benchmarks.peers.bare import IN_FLIGHT, NONE, Till, products, rows
from benchmarks.peers.taken import Taken, taking

BATCH, FILE = 10, 100  # products that are handed over at once, and of one file, which one worker loads


def main(books: str, token: str, at: str, folder: str) -> Taken:
    """Run the pipeline of groups, then that of products; return what dlt says of them."""
    till, numbers, written = Till(at, attempts=1), dict(NONE), []

    def load(items: list[dict[str, Any]], table: Mapping[str, Any]) -> None:
        if table["name"] == "groups":
            numbers.update(till.groups(items, numbers))
        else:
            for item in items:
                till.upsert(item)
                written.append(item["description"])

    def groups() -> Iterator[Any]:
        yield sorted(rows(books, token, "AG1", "AG_CODE"), key=lambda row: bool(row["K9_PARENT"]))

    def articles() -> Iterator[Any]:
        yield products(rows(books, token, "AK1", "ART_CODE"), numbers)

    dlt.config["normalize.data_writer.file_max_items"] = FILE
    dlt.config["load.workers"] = IN_FLIGHT
    destination = dlt.destination(load, name="till", batch_size=BATCH)
    pipeline = dlt.pipeline("till", pipelines_dir=folder, destination=destination())
    try:
        pipeline.run(dlt.resource(groups, name="groups"))
        pipeline.run(dlt.resource(articles, name="articles", max_table_nesting=0))
    except PipelineStepFailed as failed:
        return Taken(len(written), [str(failed)])
    return Taken(len(written), [])


if __name__ == "__main__":
    taking(lambda: main(*sys.argv[1:]))
