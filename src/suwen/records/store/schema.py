"""The tables of the record, the same in SQLite and PostgreSQL.

Nothing here that identifies a patient is in clear: bodies are ciphertext, searched values are keyed hashes.
What remains in clear is listed in docs/security.md: types, ids, clinical dates and numbers, sizes, times.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

metadata = MetaData()

RowId = BigInteger().with_variant(Integer, "sqlite")
"""In SQLite an INTEGER PRIMARY KEY is the table's own tree; a BIGINT one would be a second."""

resource = Table(
    "resource",
    metadata,
    Column("rid", RowId, primary_key=True, autoincrement=False),  # seq of its first version
    Column("ref", BigInteger, nullable=False, unique=True),  # keyed hash of "Type/id"
    Column("type", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),  # its current version
    Column("version", Integer, nullable=False),
    Column("updated", BigInteger, nullable=False),  # microseconds since 1970, UTC
    Column("owner", BigInteger, nullable=False),  # data key it is under
    Column("deleted", SmallInteger, nullable=False),
    Column("present", BigInteger, nullable=False),  # bit i: parameter i of its type has a value
    Column("entries", LargeBinary, nullable=False),  # its rows in term, span and link, to take them out again
    Index("resource_type", "type", "rid"),
    Index("resource_updated", "updated", "rid"),
    Index("resource_owner", "owner", "rid"),
)
"""One row per resource, also when deleted; an erased patient's rows are gone."""

version = Table(
    "version",
    metadata,
    Column("seq", RowId, primary_key=True, autoincrement=False),  # order of all writes
    Column("rid", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("method", Text, nullable=False),  # POST, PUT, PATCH or DELETE
    Column("owner", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=True),  # ciphertext; null for a deletion
    Index("version_of", "rid", "version", unique=True),
)
"""Every version ever written; never changed."""

term = Table(
    "term",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("rid", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Equality index: keyed hash of (type, parameter, value) to resource."""

span = Table(
    "span",
    metadata,
    Column("rid", BigInteger, primary_key=True, autoincrement=False),
    Column("key", BigInteger, primary_key=True, autoincrement=False),  # of (type, parameter)
    Column("unit", BigInteger, primary_key=True, autoincrement=False),  # of the unit's code; 0 for none
    Column("lo", Double, primary_key=True),
    Column("hi", Double, primary_key=True),
    Index("span_lo", "key", "lo", "hi"),
    Index("span_hi", "key", "hi", "lo"),
    sqlite_with_rowid=False,
)
"""Range index: dates in microseconds, numbers and quantities as they are; both ends included."""

link = Table(
    "link",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),  # of (type, parameter)
    Column("target", BigInteger, primary_key=True, autoincrement=False),  # ``resource.ref`` of the target
    Column("rid", BigInteger, primary_key=True, autoincrement=False),
    Index("link_from", "rid", "key"),
    sqlite_with_rowid=False,
)
"""Reference index, to be joined with ``resource.ref``."""

data_key = Table(
    "data_key",
    metadata,
    Column("owner", RowId, primary_key=True, autoincrement=False),  # 1 is the shared one
    Column("patient", BigInteger, nullable=False, unique=True),  # its ``ref``; 0 for the shared one
    Column("master", Text, nullable=False),  # which master key wraps it
    Column("wrapped", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
)
"""Data keys, wrapped. Destroying one row erases a patient."""

leaf = Table(
    "leaf",
    metadata,
    Column("position", RowId, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
)
"""Events in the order of the log, as they were hashed."""

node = Table(
    "node",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)
"""Roots of complete subtrees at every eighth level, so that a proof reads a few hundred leaves, not all."""

head = Table(
    "head",
    metadata,
    Column("size", RowId, primary_key=True, autoincrement=False),
    Column("checkpoint", Text, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
)
"""A signed tree head for every commit (C2SP checkpoint), with the frontier to go on from."""

setting = Table(
    "setting",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""What the store must remember of itself, such as its origin and the wrapped index key."""

imported = Table(
    "imported",
    metadata,
    Column("source", Text, primary_key=True),  # keyed hash of the file's content
    Column("position", BigInteger, primary_key=True, autoincrement=False),  # entries done in one commit
)
"""How far each file has been imported; written with the resources themselves."""
