"""What somebody can put on the disk of the web server's temporary files: nearly nothing."""

import contextlib
import select
import time

import pytest
import xxhash

from sluice import head, multipart

MIB = 1 << 20
ANNOUNCED = 10**12
SPOOL_MAX = 2 * MIB  # the budget, on the disk
PUSH_S = 1.0         # for which a stranger sends what he can
WHOLE_MAX = 1 << 30  # deploy/lighttpd.conf: a chunked body of the routes that are taken whole
TAKEN_WHOLE = [
    "/segments?tableName=t",
    "/v2/segments?tableName=t",
    "/segments/batchUpload?tableName=t&tableType=OFFLINE",
    "/api/repos/a/b/tree/nodes",
    "/api/repos/a/b/commits/upload",
]
FRAMINGS = {"length": ("Content-Length", str(ANNOUNCED)), "chunked": ("Transfer-Encoding", "chunked")}
PIECE = bytes(256 * 1024)
CHUNK = b"%x\r\n%s\r\n" % (len(PIECE), PIECE)


def push(service, path, framing, headers=()):
    """Sends for PUSH_S seconds, or until an answer comes; returns the answer or None, the bytes that
    were taken and the most that lay in temporary files."""
    piece = CHUNK if framing == "chunked" else PIECE
    _, content_type = multipart([])
    sent = peak = 0
    answer = None
    with service.connect(timeout=10) as connection:
        connection.send(head("POST", path, [FRAMINGS[framing], ("Content-Type", content_type),
                                            *headers]))
        end = time.monotonic() + PUSH_S
        connection.socket.settimeout(0.2)
        while time.monotonic() < end and not select.select([connection.socket], [], [], 0)[0]:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
                sent += connection.socket.send(piece)
            peak = max(peak, service.spooled())
        connection.socket.settimeout(10)
        if select.select([connection.socket], [], [], 2)[0]:
            answer = connection.answer("POST")
    return answer, sent, peak


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_stranger_is_refused_before_his_body_is_kept(make_attacked, framing):
    service = make_attacked(auth="required", workers=2)
    for path in TAKEN_WHOLE:
        answer, sent, peak = push(service, path, framing)
        print(f"{path}: {answer and answer.status}, {sent / MIB:.1f} MiB sent, "
              f"{peak / MIB:.1f} MiB in temporary files")
        assert answer is not None and answer.status in (401, 403, 413), (path, answer)
        assert peak <= SPOOL_MAX, path
    assert service.request("GET", "/health", timeout=5).status == 200


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_page_of_another_site_is_refused_before_its_body_is_kept(make_attacked, framing):
    service = make_attacked(auth="open", workers=2)
    for path in TAKEN_WHOLE:
        answer, _, peak = push(service, path, framing, [("Origin", "http://evil.example")])
        assert answer is not None and answer.status == 403, (path, answer)
        assert peak <= SPOOL_MAX, path


def large_content(service, size):
    """Stores size bytes in Oxen; returns where they are read."""
    data = bytes(size)
    name = xxhash.xxh3_128_hexdigest(data)
    made = service.request("POST", "/api/repos", {"namespace": "large", "name": "file"})
    assert made.status in (200, 409), made
    body, content_type = multipart([("file[]", name, "application/octet-stream", data)])
    put = service.request("POST", "/api/repos/large/file/versions", body,
                          [("Content-Type", content_type)])
    assert put.json()["err_files"] == [], put
    return f"/api/repos/large/file/versions/{name}/content"


def test_an_answer_that_nobody_reads_stays_off_the_disk(make_attacked):
    service = make_attacked(workers=4)
    path = large_content(service, 256 * MIB)
    with contextlib.ExitStack() as held:
        for _ in range(2):
            reader = held.enter_context(service.connect())
            reader.send(head("GET", path))
            reader.socket.recv(1024)
        end, peak = time.monotonic() + 2, 0
        while time.monotonic() < end:
            peak = max(peak, service.spooled())
            time.sleep(0.02)
        print(f"{peak / MIB:.1f} MiB in temporary files for 512 MiB that nobody reads")
        assert peak <= SPOOL_MAX
        assert service.request("GET", "/health", timeout=5).status == 200
