"""A large upload leaves the workers small, and its bytes are stored as they were sent."""

import hashlib
import os
import socket

import uploads
import xxhash

BYTES = int(os.environ.get("LARGE_BYTES", str(1 << 30)))
CHUNK = 1 << 20


def chunks():
    """BYTES bytes that do not repeat and are cheap to make."""
    block = hashlib.shake_256(b"sluice").digest(CHUNK)
    for i in range(BYTES // CHUNK):
        yield i.to_bytes(8, "big") + block[8:]


def send_large(port, repository, name):
    head = (
        f'--b\r\nContent-Disposition: form-data; name="file[]"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = b"\r\n--b--\r\n"
    with socket.create_connection((uploads.HOST, port), timeout=300) as connection:
        connection.sendall(
            f"POST /api/repos/{repository}/versions HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: close\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n"
            f"Content-Length: {len(head) + BYTES + len(tail)}\r\n\r\n".encode()
            + head
        )
        for chunk in chunks():
            connection.sendall(chunk)
        connection.sendall(tail)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def test_a_large_file_streams_through_a_small_worker(sluice):
    uploads.oxen_repository(sluice.port, "memory", "large")
    hasher = xxhash.xxh3_128()
    for chunk in chunks():
        hasher.update(chunk)
    name = format(hasher.intdigest(), "x")
    answer = send_large(sluice.port, "memory/large", name)
    assert answer.startswith(b"HTTP/1.1 200") and b'"err_files":[]' in answer, answer[:500]
    ((blob,),) = sluice.rows("SELECT blob FROM oxen_version")
    stored = xxhash.xxh3_128()
    for piece in sluice.blob_pieces(blob):
        stored.update(piece)
    assert format(stored.intdigest(), "x") == name
    sluice.assert_small()


# ---- codings whose windows take memory -----------------------------------------------------------

CODED_RESIDENT_MAX_MIB = 48
BLOCK = 1 << 16
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def csv_blocks(count):
    """A CSV of count blocks of 64 KiB."""
    rows = b"id,word\n" + b"".join(b"%d,%s\n" % (i, b"w" * (i % 50)) for i in range(count * 2500))
    return [rows[i * BLOCK : (i + 1) * BLOCK] for i in range(count)]


def zstd_frame(blocks, window_log):
    """A frame (RFC 8878) of raw blocks with a window of that size."""
    out = ZSTD_MAGIC + b"\x00" + bytes([(window_log - 10) << 3])
    for i, block in enumerate(blocks):
        last = i == len(blocks) - 1
        out += (last | len(block) << 3).to_bytes(3, "little") + block
    return out


def brotli_stream(blocks):
    """A stream (RFC 7932) of uncompressed meta-blocks with the largest window, 16 MiB."""
    out = b""
    for i, block in enumerate(blocks):
        bits, shift = (0b1111, 4) if i == 0 else (0, 0)  # WBITS 24
        header = bits | (len(block) - 1) << shift + 3 | 1 << shift + 19
        out += header.to_bytes(3, "little") + block
    return out + b"\x03"


def put(sluice, session, part, body, coding):
    return uploads.call(
        sluice.port,
        "PUT",
        f"/v1/upload/{session}?part={part}",
        body,
        {"Content-Type": "text/csv", "x-file-name": "part.csv", "Content-Encoding": coding},
    )[0]


def test_windows_are_bounded(sluice):
    session = uploads.opteryx_session(sluice.port, "memory.c.coded")
    blocks = csv_blocks(400)
    assert put(sluice, session, 0, zstd_frame(blocks, 23), "zstd") == 201
    assert put(sluice, session, 1, brotli_stream(blocks), "br") == 201
    for part in range(4):  # every worker of the pool meets them
        assert put(sluice, session, 2 + part, zstd_frame(blocks[:2], 27), "zstd") == 422
        assert put(sluice, session, 2 + part, zstd_frame(blocks[:2], 31), "zstd") == 422
        assert put(sluice, session, 2 + part, b"\x11\x1e" + bytes(1000), "br") == 422
    bomb = ZSTD_MAGIC + b"\x00\x68" + b"".join(b"\x02\x00\x10w" for _ in range(4000)) + b"\x03\x00\x10w"
    assert put(sluice, session, 9, bomb, "zstd") in (413, 422)
    inspected = uploads.ask(sluice.port, "GET", f"/v1/upload/{session}/inspect")
    assert [part["id"] for part in inspected["parts"]] == [0, 1]
    sluice.assert_small(CODED_RESIDENT_MAX_MIB)
