#!/usr/bin/env python3
"""oxen.py - what storing Oxen versions costs, against tar and dd on the same disk in the same run.

  small   10,000 x 4 KiB, as the client sends them (4 requests of 2,500 gzip parts, 2 at a time),
          against `tar x` of the same files and sync
  medium  100 x 1 MiB (12 requests), against the same
  large   1 x 1 GiB as one plain part, and as parts of 10 MiB, against dd conv=fsync

With --full N the small case runs again in a store that holds N contents (SMALL ones, put there
through the same door).  Needs a release build of Sluice (PROGRAM, default build/run/sluice).
Bodies are made beforehand; the generator runs on the same cores as the server.
"""

import argparse
import concurrent.futures
import gzip
import io
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

import xxhash

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "http"))
from sluice import Service, head  # noqa: E402

KIB, MIB = 1 << 10, 1 << 20
PART = 10 * MIB
BOUNDARY = "bench-boundary-5c1d"
CONTENT_TYPE = ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
SENDERS = 2


def hash_of(data):
    return format(xxhash.xxh3_128_intdigest(data), "x")


def contents(count, size, seed):
    """Half text, half noise, as data sets are: gzip makes something of it."""
    rng = random.Random(seed)
    for i in range(count):
        half = rng.randbytes(size // 2)
        yield half + (b"%08d " % i * (size // 9 + 1))[: size - len(half)]


def body_of(files, zipped):
    out = io.BytesIO()
    kind = "application/gzip" if zipped else "application/octet-stream"
    for data in files:
        out.write(
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file[]\"; "
            f"filename=\"{hash_of(data)}\"\r\nContent-Type: {kind}\r\n\r\n".encode()
        )
        out.write(gzip.compress(data, 6) if zipped else data)
        out.write(b"\r\n")
    out.write(f"--{BOUNDARY}--\r\n".encode())
    return out.getvalue()


def batches(files, size):
    files = list(files)
    return [body_of(files[at : at + size], True) for at in range(0, len(files), size)]


class Bench:
    def __init__(self, service, folder):
        self.service = service
        self.folder = folder
        self.repositories = 0

    def repository(self):
        self.repositories += 1
        name = f"bench{self.repositories}"
        self.service.request("POST", "/api/repos", {"namespace": "ns", "name": name})
        return f"/api/repos/ns/{name}"

    def send(self, repository, body):
        request = head("POST", f"{repository}/versions", [CONTENT_TYPE], len(body))
        with self.service.connect(timeout=600) as connection:
            connection.send(request)
            connection.send(body)
            answer = connection.answer()
        if answer.status != 200 or answer.json()["err_files"]:
            sys.exit(f"an upload failed: {answer}")

    def batches(self, repository, bodies):
        """Seconds that all take."""
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(lambda body: self.send(repository, body), bodies))
        return time.monotonic() - begin

    def in_parts(self, repository, data):
        begin = time.monotonic()
        asked = {"hash": hash_of(data), "size": len(data), "destination": None}
        upload = self.service.request("POST", f"{repository}/versions/uploads", asked).json()
        target = f"{repository}/versions/uploads/{upload['upload_id']}/parts"

        def put(number):
            piece = memoryview(data)[(number - 1) * PART : number * PART]
            with self.service.connect(timeout=600) as connection:
                connection.send(head("PUT", f"{target}/{number}", [], len(piece)))
                connection.send(piece)
                return connection.answer().json()["completed"]

        with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
            if not any(pool.map(put, range(1, upload["num_parts"] + 1))):
                sys.exit("an upload in parts was not completed")
        return time.monotonic() - begin

    def tar(self, archive):
        target = self.folder / "untarred"
        target.mkdir()
        begin = time.monotonic()
        subprocess.run(["tar", "xf", archive, "-C", target], check=True)
        os.sync()
        took = time.monotonic() - begin
        shutil.rmtree(target)
        os.sync()
        return took

    def dd(self, source):
        target = self.folder / "copied"
        begin = time.monotonic()
        subprocess.run(
            ["dd", f"if={source}", f"of={target}", "bs=1M", "conv=fsync", "status=none"], check=True
        )
        took = time.monotonic() - begin
        target.unlink()
        os.sync()
        return took

    def peak_mib(self):
        """The largest resident memory that any worker has had."""
        peaks = []
        for pid in self.service.worker_pids():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            peaks.append(int(status.split("VmHWM:")[1].split()[0]) / 1024)
        return max(peaks)


def archive_of(path, files):
    with tarfile.open(path, "w") as tar:
        for i, data in enumerate(files):
            entry = tarfile.TarInfo(f"{i // 1000:03d}/{i:06d}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def tell(name, ours, theirs, count, size):
    a, b = statistics.median(ours), statistics.median(theirs)
    print(
        f"{name:28} {count / a:10.0f} files/s {count * size / a / 1e6:8.1f} MB/s   "
        f"limit {b:6.3f} s, ours {a:6.3f} s: {b / a:5.2f} times as fast"
        f"   (all: {' '.join(f'{t:.3f}' for t in ours)} | {' '.join(f'{t:.3f}' for t in theirs)})",
        flush=True,
    )
    return a


def many(bench, name, count, size, a_batch, rounds):
    files = list(contents(count, size, 1))
    archive = bench.folder / "files.tar"
    archive_of(archive, files)
    bodies = batches(files, a_batch)
    ours, theirs = [], []
    for _ in range(rounds):  # in turn, so that both see the same disk
        theirs.append(bench.tar(archive))
        ours.append(bench.batches(bench.repository(), bodies))
    archive.unlink()
    return tell(name, ours, theirs, count, size)


def large(bench, size, rounds):
    data = random.Random(2).randbytes(64 * MIB) * (size // (64 * MIB))
    source = bench.folder / "source"
    source.write_bytes(data)
    body = body_of([data], False)
    plain, parts, theirs = [], [], []
    for _ in range(rounds):
        theirs.append(bench.dd(source))
        plain.append(bench.batches(bench.repository(), [body]))
        parts.append(bench.in_parts(bench.repository(), data))
    source.unlink()
    tell(f"large, 1 x {size // MIB} MiB plain", plain, theirs, 1, size)
    tell("large, in parts", parts, theirs, 1, size)


def fill(bench, count):
    """Many contents in one repository, and the small case into that repository."""
    repository = bench.repository()
    a_batch, done = 2500, 0
    while done < count:
        files = [b"content %d of the full store" % (done + i) for i in range(a_batch)]
        bench.send(repository, body_of(files, False))
        done += a_batch
    return repository


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="lighttpd")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", type=int, default=1024, help="MiB")
    parser.add_argument("--full", type=int, default=0, help="contents of a full store")
    parser.add_argument("--only", choices=["small", "medium", "large"])
    asked = parser.parse_args()
    os.environ.setdefault("PROGRAM", str(HERE.parents[1] / "build/run/sluice"))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-bench-", dir=os.environ.get("TMPDIR")))
    try:
        with Service(folder, server=asked.server) as service:
            bench = Bench(service, folder)
            if asked.only in (None, "small"):
                empty = many(bench, "small, 10,000 x 4 KiB", 10000, 4 * KIB, 2500, asked.rounds)
                if asked.full:
                    repository = fill(bench, asked.full)
                    times = []
                    for i in range(asked.rounds):
                        bodies = batches(contents(10000, 4 * KIB, 100 + i), 2500)
                        times.append(bench.batches(repository, bodies))
                    full = statistics.median(times)
                    print(f"small, {asked.full} stored: {10000 / full:.0f} files/s, "
                          f"{full / empty:.2f} times the empty store's time")
            if asked.only in (None, "medium"):
                many(bench, "medium, 100 x 1 MiB", 100, MIB, 9, asked.rounds)
            if asked.only in (None, "large"):
                large(bench, asked.large * MIB, min(asked.rounds, 3))
            print(f"peak resident memory of a worker: {bench.peak_mib():.1f} MiB")
            print(json.dumps({"server": asked.server, "cores": os.cpu_count()}))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
