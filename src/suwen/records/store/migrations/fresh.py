"""The newest tables at once, for a store that has none: Alembic and SQLAlchemy take half a second to load.

A test holds them equal to what the migrations make.
"""

from __future__ import annotations

from suwen.records.store.connection import Connection

_TABLES = """
CREATE TABLE resource (
    rid {rowid} NOT NULL PRIMARY KEY, ref BIGINT NOT NULL UNIQUE, type TEXT NOT NULL, id TEXT NOT NULL,
    seq BIGINT NOT NULL, version INTEGER NOT NULL, updated BIGINT NOT NULL, owner BIGINT NOT NULL,
    deleted SMALLINT NOT NULL, present BIGINT NOT NULL, entries {bytes} NOT NULL);
CREATE INDEX resource_type ON resource (type, rid);
CREATE INDEX resource_updated ON resource (updated, rid);
CREATE INDEX resource_owner ON resource (owner, rid);
CREATE TABLE version (
    seq {rowid} NOT NULL PRIMARY KEY, rid BIGINT NOT NULL, version INTEGER NOT NULL, updated BIGINT NOT NULL,
    method TEXT NOT NULL, owner BIGINT NOT NULL, body {bytes});
CREATE UNIQUE INDEX version_of ON version (rid, version);
CREATE TABLE term (key BIGINT NOT NULL, rid BIGINT NOT NULL, PRIMARY KEY (key, rid)) {clustered};
CREATE TABLE span (
    rid BIGINT NOT NULL, key BIGINT NOT NULL, unit BIGINT NOT NULL, lo {real} NOT NULL, hi {real} NOT NULL,
    PRIMARY KEY (rid, key, unit, lo, hi)) {clustered};
CREATE INDEX span_lo ON span (key, lo, hi);
CREATE INDEX span_hi ON span (key, hi, lo);
CREATE TABLE link (
    key BIGINT NOT NULL, target BIGINT NOT NULL, rid BIGINT NOT NULL,
    PRIMARY KEY (key, target, rid)) {clustered};
CREATE INDEX link_from ON link (rid, key);
CREATE TABLE data_key (
    owner {rowid} NOT NULL PRIMARY KEY, patient BIGINT NOT NULL UNIQUE, master TEXT NOT NULL,
    wrapped {bytes} NOT NULL, created BIGINT NOT NULL);
CREATE TABLE leaf (position {rowid} NOT NULL PRIMARY KEY, entry {bytes} NOT NULL);
CREATE TABLE node (
    level SMALLINT NOT NULL, position BIGINT NOT NULL, hash {bytes} NOT NULL, PRIMARY KEY (level, position));
CREATE TABLE head (size {rowid} NOT NULL PRIMARY KEY, checkpoint TEXT NOT NULL, frontier {bytes} NOT NULL);
CREATE TABLE setting (name TEXT NOT NULL PRIMARY KEY, value {bytes} NOT NULL);
CREATE TABLE imported (
    source TEXT NOT NULL, position BIGINT NOT NULL, PRIMARY KEY (source, position));
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, PRIMARY KEY (version_num));
"""
_SQLITE = {"rowid": "INTEGER", "bytes": "BLOB", "real": "DOUBLE", "clustered": "WITHOUT ROWID"}
_POSTGRES = {"rowid": "BIGINT", "bytes": "BYTEA", "real": "DOUBLE PRECISION", "clustered": ""}


def create(db: Connection, revision: str) -> None:
    """Make all tables in an empty database, and say which revision they are."""
    for statement in _TABLES.format(**(_POSTGRES if db.postgres else _SQLITE)).split(";"):
        if statement.strip():
            db.run(statement)
    db.run("INSERT INTO alembic_version (version_num) VALUES (?)", (revision,))
