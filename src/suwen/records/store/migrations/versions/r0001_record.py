"""The record as it began.

The tables are written out here and not taken from ``schema``: a migration must not change when they do.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _key(name: str, kind: Any = sa.BigInteger) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _rowid(name: str) -> sa.Column[Any]:
    return _key(name, sa.BigInteger().with_variant(sa.Integer, "sqlite"))


def _int(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def upgrade() -> None:
    """Make the tables."""
    text, binary, small = sa.Text(), sa.LargeBinary(), sa.SmallInteger()
    op.create_table(
        "resource",
        _rowid("rid"),
        sa.Column("ref", sa.BigInteger, nullable=False, unique=True),
        sa.Column("type", text, nullable=False),
        sa.Column("id", text, nullable=False),
        _int("seq"),
        sa.Column("version", sa.Integer, nullable=False),
        _int("updated"),
        _int("owner"),
        sa.Column("deleted", small, nullable=False),
        _int("present"),
        sa.Column("entries", binary, nullable=False),
    )
    op.create_index("resource_type", "resource", ["type", "rid"])
    op.create_index("resource_updated", "resource", ["updated", "rid"])
    op.create_index("resource_owner", "resource", ["owner", "rid"])
    op.create_table(
        "version",
        _rowid("seq"),
        _int("rid"),
        sa.Column("version", sa.Integer, nullable=False),
        _int("updated"),
        sa.Column("method", text, nullable=False),
        _int("owner"),
        sa.Column("body", binary, nullable=True),
    )
    op.create_index("version_of", "version", ["rid", "version"], unique=True)
    op.create_table("term", _key("key"), _key("rid"), sqlite_with_rowid=False)
    op.create_table(
        "span",
        _key("rid"),
        _key("key"),
        _key("unit"),
        sa.Column("lo", sa.Double, primary_key=True),
        sa.Column("hi", sa.Double, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("span_lo", "span", ["key", "lo", "hi"])
    op.create_index("span_hi", "span", ["key", "hi", "lo"])
    op.create_table("link", _key("key"), _key("target"), _key("rid"), sqlite_with_rowid=False)
    op.create_index("link_from", "link", ["rid", "key"])
    op.create_table(
        "data_key",
        _rowid("owner"),
        sa.Column("patient", sa.BigInteger, nullable=False, unique=True),
        sa.Column("master", text, nullable=False),
        sa.Column("wrapped", binary, nullable=False),
        _int("created"),
    )
    op.create_table("leaf", _rowid("position"), sa.Column("entry", binary, nullable=False))
    op.create_table("node", _key("level", small), _key("position"), sa.Column("hash", binary, nullable=False))
    op.create_table(
        "head",
        _rowid("size"),
        sa.Column("checkpoint", text, nullable=False),
        sa.Column("frontier", binary, nullable=False),
    )
    op.create_table("setting", _key("name", text), sa.Column("value", binary, nullable=False))


def downgrade() -> None:
    """A record is never taken back to an older form; restore a copy instead."""
    raise NotImplementedError("a record cannot be downgraded")
