"""A first sync by dlt: `python -m benchmarks.peers.dlt_pipeline <books> <token> <till> <folder>`.

It reads, normalizes and loads; the till is a custom destination. dlt decides which calls are repeated: the
whole batch of a failed call.
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed

from benchmarks.peers.result import SyncResult, print_result
from benchmarks.peers.script import IN_FLIGHT, NONE, Till, products, rows

BATCH, FILE = 10, 100  # products per call of the destination, and per file of one worker


def main(books: str, token: str, at: str, folder: str) -> SyncResult:
    """Run the pipeline of groups, then that of products; return their result."""
    till, numbers, descriptions = Till(at, attempts=1), dict(NONE), []

    def load(items: list[dict[str, Any]], table: Mapping[str, Any]) -> None:
        if table["name"] == "groups":
            numbers.update(till.groups(items, numbers))
        else:
            for item in items:
                till.upsert(item)
                descriptions.append(item["description"])

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
        return SyncResult(len(descriptions), [str(failed)])
    return SyncResult(len(descriptions), [])


if __name__ == "__main__":
    print_result(lambda: main(*sys.argv[1:]))
