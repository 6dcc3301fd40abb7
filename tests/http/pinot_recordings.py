"""The recordings of a real Pinot controller, made fit to be replayed against Sluice.

What is normalised, and nothing else:
- durations ("in 57 ms") and times of pushes and refreshes become '#';
- JSON is compared by value; lists of segment names, and names in a success text, by content;
- the recorded controller's address and its deep store's folder are replaced by ours, in requests
  (also inside the archives) and, the other way round, in answers.
"""

import io
import json
import pathlib
import re
import tarfile
import zlib

from sluice import GOLDEN, tar_gz

PINOT = GOLDEN / "pinot"
CASES = json.loads((PINOT / "cases.json").read_text())
CLIENT = [
    "job-raw-name-400-1",
    "job-with-type-new-1",
    "minion-ppp-same-crc-1",
    "minion-ppp-changed-crc-1",
    "job-ppp-parallelism2-1",
    "minion-copy-to-deep-store-1",
    "single-v2-1",
]
THERE = b"/srv/deepstore"  # where the recorded deep store was
ADDRESS = "http://127.0.0.1:9000"  # of the recorded controller
MAPPING = "all_segments_metadata"


# ---- archives ----


def untar(data):
    """The files of a gzipped tar, or None for what is none."""
    try:
        raw = zlib.decompressobj(31).decompress(data)
        with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
            return [(m, tar.extractfile(m).read() if m.isfile() else None) for m in tar]
    except (zlib.error, tarfile.TarError, EOFError):
        return None


def _padded(data, size):
    """Gzip with as long a name in its header as makes it size bytes (RFC 1952 section 2.3)."""
    assert data[3] == 0 and len(data) + 1 < size
    return data[:3] + b"\x08" + data[4:10] + b"x" * (size - len(data) - 1) + b"\0" + data[10:]


def _own_file(uri, segment, creation, properties, folder):
    """The recorder copied one file under many segments' names, which is refused.  Here each has a
    file of its own, as large as the recorded one, beside that."""
    path = pathlib.Path(folder.decode() + uri[len(b"file:") + 2 + len(THERE):].decode())
    if not uri.startswith(b"file://" + THERE) or path.name == segment + ".tar.gz":
        return uri.replace(THERE, folder)
    own = path.with_name(segment + ".tar.gz")
    files = [("s/v3/creation.meta", creation), ("s/v3/metadata.properties", properties)]
    own.write_bytes(_padded(tar_gz(files), path.stat().st_size))
    return b"file://" + str(own).encode()


def _moved(archive, folder, copied):
    """The archive with the deep store's folder replaced in its mapping."""
    files = untar(archive)
    if files is None or not any(data and THERE in data for _, data in files):
        return archive
    by_name = {m.name.rsplit("/", 1)[-1]: data for m, data in files}

    def mapping(data):
        lines = data.split(b"\n")
        for at in range(1, len(lines), 2):
            name = lines[at - 1].decode()
            lines[at] = _own_file(lines[at], name, by_name[f"{name}.creation.meta"],
                                  by_name[f"{name}.metadata.properties"], folder)
        return b"\n".join(lines)

    def moved(member, data):
        if not data:
            return data
        return mapping(data) if copied and member.name.endswith(MAPPING) else data.replace(THERE, folder)

    return tar_gz([(m, moved(m, data)) for m, data in files])


def _moved_part(part, folder, copied):
    head, separator, archive = part.partition(b"\r\n\r\n")
    return head + separator + _moved(archive, folder, copied)


def _moved_header(value, body, folder, copied):
    """A header with the deep store's folder replaced: the DOWNLOAD_URI of one segment."""
    if not copied or not value.startswith(b"file:"):
        return value.replace(THERE, folder)
    by_name = {m.name.rsplit("/", 1)[-1]: data for m, data in untar(body[body.find(b"\x1f\x8b"):])}
    properties = by_name["metadata.properties"]
    segment = re.search(rb"segment\.name = (.*)", properties)[1].decode()
    return _own_file(value, segment, by_name["creation.meta"], properties, folder)


# ---- requests ----


def split(data):
    """One or more recorded requests, each as (first line, headers, body)."""
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        headers = [tuple(part.strip() for part in line.split(b":", 1)) for line in lines]
        length = dict((k.lower(), v) for k, v in headers).get(b"content-length")
        body = rest[: int(length)] if length else rest
        data = rest[len(body) :] if length else b""
        yield first, headers, body


def prepare(data, folder):
    """Recorded bytes as bytes to send: our Host, our deep store, a true Content-Length."""
    folder = str(folder).encode()
    for first, headers, body in split(data):
        copied = (b"COPY_SEGMENT_TO_DEEP_STORE", b"true") in headers
        boundary = re.search(rb"\r\n--[^\r\n]+", b"\r\n" + body)
        if boundary:
            pieces = (b"\r\n" + body).split(boundary[0])
            body = boundary[0].join(_moved_part(piece, folder, copied) for piece in pieces)[2:]
        kept = [(k, v) for k, v in headers if k.lower() not in (b"host", b"content-length", b"connection")]
        kept.insert(0, (b"Host", ADDRESS.removeprefix("http://").encode()))
        if body or not first.startswith((b"GET", b"HEAD")):
            kept.append((b"Content-Length", b"%d" % len(body)))
        lines = [first] + [k + b": " + _moved_header(v, body, folder, copied) for k, v in kept]
        yield first.split(b" ")[0].decode(), b"\r\n".join(lines) + b"\r\n\r\n" + body


def recorded_request(name):
    return (PINOT / f"{name}.req.bin").read_bytes()


# ---- the deep store ----


def _pushed_files():
    """URI to (segment, its two files), of every batch that the real client sent."""
    for name in CLIENT:
        data = (PINOT / "client" / f"{name}.req.bin").read_bytes()
        for first, headers, body in split(data):
            files = untar(body[body.find(b"\x1f\x8b") :]) or []
            by_name = {m.name.rsplit("/", 1)[-1]: content for m, content in files}
            lines = by_name.get(MAPPING, b"").decode().split("\n")
            for segment, uri in zip(lines[::2], lines[1::2]):
                yield uri, by_name[f"{segment}.creation.meta"], by_name[f"{segment}.metadata.properties"]


def build_deep_store(folder):
    """The files that the recorded requests name.  Two were recorded; the others are made of the
    metadata that was pushed for them, which is what Sluice looks at."""
    at = len(b"file:" + THERE)
    for uri, creation, properties in _pushed_files():
        path = pathlib.Path(str(folder) + uri[at:])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tar_gz([("s/v3/creation.meta", creation), ("s/v3/metadata.properties", properties)]))
    downloaded = (PINOT / "g4-065-download-copied-segment.resp.bin").read_bytes()
    (folder / "a/segs/a/myTable_a_0.tar.gz").write_bytes(downloaded.partition(b"\r\n\r\n")[2])


# ---- answers ----


def _plain(text):
    text = re.sub(r"in \d+ ms", "in # ms", text)
    if names := re.search(r"segments: \[([^\]]*)\]", text):
        text = text.replace(names[1], ", ".join(sorted(names[1].split(", "))))
    return text


def _value(value, key=""):
    if isinstance(value, dict):
        return {k: _value(v, k) for k, v in value.items()}
    if isinstance(value, list):
        done = [_value(v) for v in value]
        return sorted(done) if all(isinstance(v, str) for v in done) else done
    if key in ("segment.push.time", "segment.refresh.time", "timestamp"):
        return "#"
    return _plain(value) if isinstance(value, str) else value


def normal(body, folder=None):
    """A body as it is compared: a value for JSON, text or bytes for the rest."""
    if isinstance(body, bytes):
        try:
            body = body.decode()
        except UnicodeDecodeError:
            return body
    if folder:
        body = body.replace(str(folder), THERE.decode())
    try:
        return _value(json.loads(body))
    except ValueError:
        return body
