"""One upload of each surface, as its client sends it, for tests that push many at once.

Every function takes the port of a running Sluice and returns what the server acknowledged; what it
did not acknowledge raises Refused with the status, or an OSError when the connection broke.
"""

import gzip
import hashlib
import http.client
import io
import json
import struct
import tarfile

import xxhash

HOST = "127.0.0.1"
TIMEOUT_S = 60


class Refused(Exception):
    """An answer that is not a success."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status
        self.body = body


def call(port, method, path, body=None, headers=None, timeout=TIMEOUT_S):
    """One request on a connection of its own; returns (status, headers, body)."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def ask(port, method, path, body=None, headers=None):
    """The same, JSON in (unless bytes) and JSON out; anything but 2xx raises Refused."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    status, _, text = call(port, method, path, body, headers)
    if not 200 <= status < 300:
        raise Refused(status, text)
    return json.loads(text) if text else None


def multipart(parts):
    """parts: (disposition parameters, content type or None, bytes); returns (body, content type)."""
    boundary = b"sluice-test-boundary-7d1f"
    out = io.BytesIO()
    for parameters, content_type, data in parts:
        out.write(b"--" + boundary + b"\r\nContent-Disposition: form-data; " + parameters.encode())
        if content_type:
            out.write(b"\r\nContent-Type: " + content_type.encode())
        out.write(b"\r\n\r\n" + data + b"\r\n")
    out.write(b"--" + boundary + b"--\r\n")
    return out.getvalue(), "multipart/form-data; boundary=" + boundary.decode()


# Pinot ------------------------------------------------------------------------------------------

SCHEMA = {
    "schemaName": "events",
    "dimensionFieldSpecs": [{"name": "site", "dataType": "STRING"}],
    "metricFieldSpecs": [{"name": "clicks", "dataType": "INT"}],
    "dateTimeFieldSpecs": [
        {
            "name": "ts",
            "dataType": "LONG",
            "format": "1:MILLISECONDS:EPOCH",
            "granularity": "1:MILLISECONDS",
        }
    ],
}


def pinot_table(port, name):
    """A schema and an offline table of that name."""
    ask(port, "POST", "/schemas", dict(SCHEMA, schemaName=name))
    ask(
        port,
        "POST",
        "/tables",
        {
            "tableName": name,
            "tableType": "OFFLINE",
            "segmentsConfig": {"timeColumnName": "ts", "replication": "1", "schemaName": name},
            "tenants": {},
            "tableIndexConfig": {"loadMode": "MMAP"},
            "metadata": {},
        },
    )


def segment_properties(name):
    return (
        f"segment.name = {name}\nsegment.table.name = events\n"
        "segment.dimension.column.names = site\nsegment.metric.column.names = clicks\n"
        "segment.datetime.column.names = ts\nsegment.time.column.name = ts\n"
        "segment.total.docs = 10\nsegment.start.time = 1767225600000\n"
        "segment.end.time = 1767225609000\nsegment.time.unit = MILLISECONDS\n"
        "segment.index.version = v3\n"
    ).encode()


def pinot_archive(segments):
    """segments: {name: crc}; the gzipped tar that a push job makes of them."""
    out = io.BytesIO()
    mapping = "".join(f"{name}\nfile:/deepstore/{name}.tar.gz\n" for name in segments)
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:

        def add(name, data):
            entry = tarfile.TarInfo("allSegmentsMetadataDir-1/" + name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))

        for name, crc in segments.items():
            add(f"{name}.creation.meta", struct.pack(">qqq", crc, 1767225600000, 1))
            add(f"{name}.metadata.properties", segment_properties(name))
        add("all_segments_metadata", mapping.encode())
    return out.getvalue()


def pinot_push(port, table, segments, query="", headers=None):
    """Pushes a batch; returns the answer."""
    body, content_type = multipart(
        [('name="noopKey"; filename="noopKey"', "application/octet-stream", pinot_archive(segments))]
    )
    return ask(
        port,
        "POST",
        f"/segments/batchUpload?tableName={table}_OFFLINE&tableType=OFFLINE{query}",
        body,
        {"Content-Type": content_type, "UPLOAD_TYPE": "METADATA", **(headers or {})},
    )


def pinot_crcs(port, table):
    """What the server says it holds: {segment: crc}."""
    names = ask(port, "GET", f"/segments/{table}?type=OFFLINE")[0]["OFFLINE"]
    return {
        name: int(ask(port, "GET", f"/segments/{table}_OFFLINE/{name}/metadata")["segment.crc"])
        for name in names
    }


# Opteryx ----------------------------------------------------------------------------------------


def opteryx_target(name):
    workspace, collection, dataset = name.split(".")
    return {"workspace": workspace, "collection": collection, "dataset": dataset}


def opteryx_session(port, name=None):
    body = {"target": opteryx_target(name)} if name else None
    return ask(port, "POST", "/v1/upload/session", body)["session_id"]


def opteryx_part(port, session, part, data, zipped=False):
    headers = {"Content-Type": "text/csv", "x-file-name": "part.csv"}
    if zipped:
        data = gzip.compress(data, 1)
        headers["Content-Encoding"] = "gzip"
    return ask(port, "PUT", f"/v1/upload/{session}?part={part}", data, headers)


def opteryx_commit(port, session, name, mode):
    return ask(
        port,
        "POST",
        f"/v1/upload/{session}/commit",
        {
            "target": opteryx_target(name),
            "snapshot_message": None,
            "conflict_resolution": mode,
        },
    )


def opteryx_push(port, name, rows, mode="overwrite"):
    """One session of two parts, committed; returns the commit's answer."""
    session = opteryx_session(port, name)
    half = len(rows) // 2
    for part, piece in enumerate((rows[:half], rows[half:])):
        text = "id,word\n" + "".join(f"{i},{word}\n" for i, word in piece)
        opteryx_part(port, session, part, text.encode(), zipped=part == 1)
    return opteryx_commit(port, session, name, mode)


# Oxen -------------------------------------------------------------------------------------------


def oxen_repository(port, namespace, name):
    return ask(port, "POST", "/api/repos", {"namespace": namespace, "name": name})


def oxen_hash(data):
    return format(xxhash.xxh3_128(data).intdigest(), "x")


def oxen_push(port, repository, contents, zipped=True):
    """Uploads the contents in one batch; returns the hashes that the server took."""
    parts = []
    for data in contents:
        name = f'name="file[]"; filename="{oxen_hash(data)}"'
        if zipped:
            parts.append((name, "application/gzip", gzip.compress(data, 1)))
        else:
            parts.append((name, "application/octet-stream", data))
    body, content_type = multipart(parts)
    answer = ask(
        port, "POST", f"/api/repos/{repository}/versions", body, {"Content-Type": content_type}
    )
    failed = {entry["hash"] for entry in answer["err_files"]}
    return [oxen_hash(data) for data in contents if oxen_hash(data) not in failed]


def oxen_size(port, repository, name):
    """The stored size of a version; raises Refused(404) when it is missing."""
    return ask(port, "GET", f"/api/repos/{repository}/versions/{name}/metadata")["version"]["size"]


def sha256(data):
    return hashlib.sha256(data).hexdigest()
