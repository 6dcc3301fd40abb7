"""A dataset of CSV, NDJSON and Parquet parts, read as one table over HTTP.

  opteryx_table.py BASE
"""

import datetime
import io
import json
import sys
import urllib.request

import duckdb
import fsspec
import polars
import pyarrow
import pyarrow.parquet
from fsspec.implementations.http import HTTPFileSystem

from ending import run


class Http(HTTPFileSystem):
    """DuckDB's own httpfs is an extension that it fetches; this stands in its place, and is asked when
    a file was changed."""

    def modified(self, path):
        return datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)


def ask(method, url, data=None, headers=None):
    headers = {"Content-Type": "application/json"} | (headers or {})
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def publish(base, name, files):
    session = ask("POST", f"{base}/v1/upload/session", b"{}")["session_id"]
    for number, (file, data) in enumerate(files):
        ask("PUT", f"{base}/v1/upload/{session}?part={number}", data, {"x-file-name": file, "Content-Type": "application/octet-stream"})
    target = {"workspace": "peer", "collection": "tables", "dataset": name}
    body = json.dumps({"target": target}).encode()
    return ask("POST", f"{base}/v1/upload/{session}/commit", body)["commit_id"]


def read_as_one(base):
    table = pyarrow.table({"id": pyarrow.array([5, 6], pyarrow.int64()), "name": ["five", None],
                           "share": [0.5, 0.25]})
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    commit = publish(base, "mixed", [
        ("a.csv", b"id,name,share\n1,one,0.1\n2,,1e3\n"),
        ("b.ndjson", '{"share":2,"id":3,"name":"dreißig"}\n{"id":4}\n'.encode()),
        ("c.parquet", sink.getvalue())])
    snapshot = ask("GET", f"{base}/v1/datasets/peer.tables.mixed/snapshots/{commit}")
    urls = [file["parquet_url"] for file in snapshot["files"]]
    want = [(1, "one", 0.1), (2, None, 1000.0), (3, "dreißig", 2.0), (4, None, None),
            (5, "five", 0.5), (6, None, 0.25)]

    duckdb.register_filesystem(Http())
    got = duckdb.sql(f"SELECT id, name, share FROM read_parquet({urls!r}) ORDER BY id").fetchall()
    assert got == want, got
    got = polars.concat([polars.read_parquet(url) for url in urls]).sort("id")
    assert got.select("id", "name", "share").rows() == want, got
    got = [row for url in urls for row in pyarrow.parquet.read_table(
        fsspec.open(url).open()).select(["id", "name", "share"]).to_pylist()]
    assert [tuple(row.values()) for row in got] == want, got
    print(f"{len(urls)} files read as one table by DuckDB, polars and pyarrow")


run(read_as_one, *sys.argv[1:])
