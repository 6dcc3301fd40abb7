"""A large upload leaves the workers small, and its bytes are stored as they were sent."""

import hashlib
import os
import socket

import uploads
import xxhash

BYTES = int(os.environ.get("LARGE_BYTES", str(1 << 30)))
CHUNK = 1 << 20
RESIDENT_MAX_KIB = 24 * 1024


def chunks():
    """BYTES bytes that do not repeat and are cheap to make."""
    block = hashlib.shake_256(b"sluice").digest(CHUNK)
    for i in range(BYTES // CHUNK):
        yield i.to_bytes(8, "big") + block[8:]


def peak_resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def send_large(port, repository, name):
    head = (
        f'--b\r\nContent-Disposition: form-data; name="file[]"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = b"\r\n--b--\r\n"
    with socket.create_connection((uploads.HOST, port), timeout=300) as connection:
        connection.sendall(
            f"POST /api/repos/{repository}/versions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
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
    peaks = {pid: peak_resident_kib(pid) for pid in sluice.worker_pids()}
    print(f"peak resident KiB of the workers: {sorted(peaks.values())}")
    if sluice.is_release():
        assert max(peaks.values()) <= RESIDENT_MAX_KIB
