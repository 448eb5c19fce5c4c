"""People, their sessions and invitations; what was tried to log in; and the first of two yeses to a plan."""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Json, Moment, Words

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def _text(name: str, *, primary_key: bool = False, unique: bool = False) -> sa.Column[str]:
    return sa.Column(name, Words(), nullable=False, primary_key=primary_key, unique=unique)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "people",
        _text("ref", primary_key=True),
        _text("name"),
        sa.Column("grants", Json(), nullable=False),
        sa.Column("issuer", Words()),
        sa.Column("subject", Words()),
        _text("password"),
        _text("by"),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("off_at", Moment()),
        sa.UniqueConstraint("issuer", "subject", name="uq_people_issuer_subject"),
    )
    op.create_table(
        "sessions",
        _text("id", primary_key=True),
        _text("key", unique=True),
        _text("person"),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("revoked_at", Moment()),
    )
    op.create_index("ix_sessions_person", "sessions", ["person"])
    op.create_table(
        "invitations",
        _text("key", primary_key=True),
        _text("person"),
        _text("by"),
        sa.Column("until", Moment(), nullable=False),
    )
    op.create_index("ix_invitations_person", "invitations", ["person"])
    op.create_table(
        "tries",
        _text("name", primary_key=True),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
    )
    op.create_table(
        "yeses",
        _text("run", primary_key=True),
        _text("fingerprint"),
        _text("by"),
        sa.Column("confirmed", Json(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
    )
