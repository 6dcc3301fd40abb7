"""Builds what a segment push sends, segment by segment, and reads back what it left."""

import sqlite3
import struct

from pinot_recordings import tar_gz
from sluice import multipart

START = 1767225600000  # 2026-01-01
PROPERTIES = """segment.padding.character = \\u0000
segment.name = {name}
segment.table.name = {table}
segment.time.column.name = ts
segment.total.docs = {docs}
segment.start.time = {start}
segment.end.time = {end}
segment.time.unit = MILLISECONDS
{custom}column.ts.minValue = {start}
column.ts.maxValue = {end}
segment.index.version = v3
"""


class Segment:
    def __init__(self, name, crc=1, uri=None, custom=None, docs=10, start=START, end=START + 9000):
        self.name, self.crc, self.docs = name, crc, docs
        self.uri = uri or f"s3://bucket/{name}.tar.gz"
        self.custom = custom or {}
        self.start, self.end = start, end

    def creation(self):
        return struct.pack(">qqq", self.crc, START + self.crc, self.crc + 7)

    def properties(self, table="any"):
        custom = "".join(f"custom.{k} = {v}\n" for k, v in self.custom.items())
        return PROPERTIES.format(name=self.name, table=table, docs=self.docs, start=self.start,
                                 end=self.end, custom=custom).encode()

    def files(self):
        return [(f"d/{self.name}.creation.meta", self.creation()),
                (f"d/{self.name}.metadata.properties", self.properties())]

    def whole(self, filler=b"", table="any"):
        """The segment itself, as a gzipped tar; table is whose it says that it is."""
        return tar_gz([("s/v3/creation.meta", self.creation()),
                       ("s/v3/metadata.properties", self.properties(table)),
                       ("s/v3/columns.psf", filler)])


def archive(segments):
    lines = "".join(f"{s.name}\n{s.uri}\n" for s in segments).encode()
    return tar_gz([("d", None)] + [f for s in segments for f in s.files()]
                  + [("d/all_segments_metadata", lines)])


def table(service, name, **config):
    """Makes a schema and an OFFLINE table."""
    field = {"name": "ts", "dataType": "LONG", "format": "1:MILLISECONDS:EPOCH",
             "granularity": "1:MILLISECONDS"}
    schema = {"schemaName": name, "dateTimeFieldSpecs": [field]}
    assert service.request("POST", "/schemas", schema).status == 200
    whole = {"tableName": name, "tableType": "OFFLINE",
             "segmentsConfig": {"timeColumnName": "ts", "replication": "1"}, "tenants": {},
             "tableIndexConfig": {}, "metadata": {}} | config
    assert service.request("POST", "/tables", whole).status == 200


def send(service, name, data, query="", headers=()):
    """Pushes a batch's archive."""
    body, content_type = multipart([("noopKey", "noopKey", "application/octet-stream", data)])
    target = f"/segments/batchUpload?tableName={name}&tableType=OFFLINE{query}"
    headers = [("UPLOAD_TYPE", "METADATA"), ("Content-Type", content_type), *headers]
    return service.request("POST", target, body, headers)


def push(service, name, segments, query="", headers=()):
    return send(service, name, archive(segments), query, headers)


def rows(service, name, pattern="*"):
    """The rows of a table's segments, by name."""
    database = sqlite3.connect(f"file:{service.state}/sluice.db?mode=ro", uri=True, timeout=30)
    database.row_factory = sqlite3.Row
    try:
        found = database.execute(
            "SELECT s.* FROM pinot_segment AS s JOIN pinot_table AS t ON t.id = s.table_id"
            " WHERE t.raw = ? AND s.name GLOB ?", (name, pattern)).fetchall()
        return {row["name"]: dict(row) for row in found}
    finally:
        database.close()


def locks(service):
    return service.sql("SELECT count(*) AS n FROM push_locks")[0]["n"]
