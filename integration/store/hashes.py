"""Stores the hashes of links. Equal hashes show that a record is unchanged since both systems agreed."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from integration.core.links import Hashes, Link
from integration.core.records import Kind
from integration.store.database import PreparedKeyQuery
from integration.store.links import UNHASHED, link_of
from integration.store.prepared_statements import PreparedStatement
from integration.store.tables import links

_OF_KIND = (links.c.flow == sa.bindparam("of"), links.c.kind == sa.bindparam("as"))
_WITH_HASHES = PreparedStatement(
    links.update()
    .where(*_OF_KIND, links.c.key == sa.bindparam("under"))
    .values(source_hash=sa.bindparam("source"), target_hash=sa.bindparam("target"))
)
_HASHES = PreparedKeyQuery(
    sa.select(links.c.key, links.c.source_hash, links.c.target_hash).where(
        *_OF_KIND, ~links.c.retired, ~links.c.unproven, links.c.agreed.isnot(sa.null()),
        links.c.source_hash != sa.literal(""), links.c.target_hash != sa.literal(""),
    ),
    links.c.key,
)  # fmt: skip
_LOCKED = PreparedKeyQuery(sa.select(links).where(*_OF_KIND).with_for_update(), links.c.key)


def kept_hashes(connection: sa.Connection, flow: str, kind: Kind, keys: Collection[str]) -> dict[str, Hashes]:
    """Return the hashes of these keys, for active, proven links with agreed values."""
    rows = _HASHES.rows(connection, {"of": flow, "as": kind}, keys)
    return {row.key: (row.source_hash, row.target_hash) for row in rows}


def keep_hashes(connection: sa.Connection, flow: str, agreed: Sequence[Link]) -> None:
    """Store the hashes of links, in the current transaction.

    Links that changed since they were compared are left out, because the hashes are of an earlier state.
    """
    hash_rows: list[dict[str, str]] = []
    for kind in dict.fromkeys(link.kind for link in agreed):
        links_by_key = {link.key: link for link in agreed if link.kind is kind}
        for row in _LOCKED.rows(connection, {"of": flow, "as": kind}, list(links_by_key)):
            if link_of(row) == links_by_key[row.key]:
                source, target = links_by_key[row.key].hashes
                hash_rows.append({"of": flow, "as": kind, "under": row.key, "source": source, "target": target})
    _WITH_HASHES.execute_many(connection, hash_rows)


def forget_hashes(connection: sa.Connection, flow: str) -> None:
    """Delete the hashes of a flow, so that all its records are compared again, in the current transaction."""
    connection.execute(links.update().where(links.c.flow == flow, links.c.source_hash != "").values(UNHASHED))
