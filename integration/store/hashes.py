"""Stores the hashes of links. Equal hashes show that a record is unchanged since both systems agreed."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from integration.core.links import Hashes, Link
from integration.core.records import Kind
from integration.store.database import rows_with_keys
from integration.store.links import UNHASHED, link_of
from integration.store.tables import links

_WITH_HASHES = (
    links.update()
    .where(
        links.c.flow == sa.bindparam("of"),
        links.c.kind == sa.bindparam("as"),
        links.c.key == sa.bindparam("under"),
    )
    .values(source_hash=sa.bindparam("source"), target_hash=sa.bindparam("target"))
)


def kept_hashes(connection: sa.Connection, flow: str, kind: Kind, keys: Collection[str]) -> dict[str, Hashes]:
    """Return the hashes of these keys, for active, proven links with agreed values."""
    columns = sa.select(links.c.key, links.c.source_hash, links.c.target_hash)
    conditions = (
        links.c.flow == flow, links.c.kind == kind, ~links.c.retired, ~links.c.unproven,
        links.c.source_hash != "", links.c.target_hash != "", links.c.agreed.isnot(sa.null()),
    )  # fmt: skip
    rows = rows_with_keys(connection, columns.where(*conditions), links.c.key, keys)
    return {row.key: (row.source_hash, row.target_hash) for row in rows}


def keep_hashes(connection: sa.Connection, flow: str, agreed: Sequence[Link]) -> None:
    """Store the hashes of links, in the current transaction.

    Links that changed since they were compared are left out, because the hashes are of an earlier state.
    """
    hash_rows: list[dict[str, str]] = []
    for kind in dict.fromkeys(link.kind for link in agreed):
        links_by_key = {link.key: link for link in agreed if link.kind is kind}
        query = sa.select(links).where(links.c.flow == flow, links.c.kind == kind).with_for_update()
        for row in rows_with_keys(connection, query, links.c.key, list(links_by_key)):
            if link_of(row) == links_by_key[row.key]:
                source, target = links_by_key[row.key].hashes
                hash_rows.append({"of": flow, "as": kind, "under": row.key, "source": source, "target": target})
    if hash_rows:
        connection.execute(_WITH_HASHES, hash_rows)


def forget_hashes(connection: sa.Connection, flow: str) -> None:
    """Delete the hashes of a flow, so that all its records are compared again, in the current transaction."""
    connection.execute(links.update().where(links.c.flow == flow, links.c.source_hash != "").values(UNHASHED))
