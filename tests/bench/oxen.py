#!/usr/bin/env python3
"""oxen.py - what storing Oxen versions costs, against tar and dd on the same disk in the same run.

  small   10,000 x 4 KiB, as the client sends them (4 requests of 2,500 gzip parts, 2 at a time),
          against `tar x` of the same files and sync
  medium  100 x 1 MiB (12 requests), against the same
  large   1 x 1 GiB as one plain part, and as parts of 10 MiB, against dd conv=fsync

Where tar's time depends on the disk's mood, two limits are steadier: the same bytes written to one
file a request and fsync ("plain"), and gunzip and XXH3 of all files on one core ("decoding").

With --full N the small case also runs, in turn with the empty store, in a repository that holds N
contents (tiny ones, put there through the same door).  Needs a release build of Sluice (PROGRAM,
default build/run/sluice).  Bodies are made beforehand; the generator runs on the same cores as the
server.
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
import zlib

import xxhash

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "http"))
from sluice import Service, head  # noqa: E402

KIB, MIB = 1 << 10, 1 << 20
PART = 10 * MIB
BOUNDARY = "bench-boundary-5c1d"
CONTENT_TYPE = ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
SENDERS = 2
FILL_BATCH = 25000


def hash_of(data):
    return format(xxhash.xxh3_128_intdigest(data), "x")


def contents(count, size, seed):
    """Half text, half noise, as data sets are: gzip makes something of it."""
    rng = random.Random(seed)
    for i in range(count):
        half = rng.randbytes(size // 2)
        yield half + (b"%08d " % i * (size // 9 + 1))[: size - len(half)]


def zipped(data):
    """As the client does it."""
    return gzip.compress(data, 6)


def body_of(files, encode=None):
    """encode: of each file, when it is not sent as it is."""
    out = io.BytesIO()
    kind = "application/gzip" if encode else "application/octet-stream"
    for data in files:
        out.write(
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file[]\"; "
            f"filename=\"{hash_of(data)}\"\r\nContent-Type: {kind}\r\n\r\n".encode()
        )
        out.write(encode(data) if encode else data)
        out.write(b"\r\n")
    out.write(f"--{BOUNDARY}--\r\n".encode())
    return out.getvalue()


def batches(files, size):
    files = list(files)
    return [body_of(files[at : at + size], zipped) for at in range(0, len(files), size)]


def decoding(members):
    """Seconds of gunzip and XXH3 alone."""
    begin = time.monotonic()
    for member in members:
        xxhash.xxh3_128_intdigest(zlib.decompress(member, zlib.MAX_WBITS + 16))
    return time.monotonic() - begin


class Bench:
    def __init__(self, service, folder):
        self.service = service
        self.folder = folder
        self.repositories = 0
        self.copies = 0

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

    def measured(self, times, name, repository, bodies):
        used, written = self.processor_s(), self.written_mb()
        times.add(name, self.batches(repository, bodies))
        times.add_beside(name, "s of processor time", self.processor_s() - used)
        times.add_beside(name, "MB written", self.written_mb() - written)

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

    def plain(self, files, a_batch):
        """The same bytes in one file a request, each with fsync."""
        target = self.folder / "plain"
        pieces = [b"".join(files[at : at + a_batch]) for at in range(0, len(files), a_batch)]
        begin = time.monotonic()
        for piece in pieces:
            with open(target, "wb") as out:
                out.write(piece)
                out.flush()
                os.fsync(out.fileno())
        took = time.monotonic() - begin
        target.unlink()
        return took

    def dd(self, source):
        """Each copy stays until the end, as ours do: one that follows a removed one would take over
        its cached pages."""
        self.copies += 1
        target = self.folder / f"copy{self.copies}"
        begin = time.monotonic()
        subprocess.run(
            ["dd", f"if={source}", f"of={target}", "bs=1M", "conv=fsync", "status=none"], check=True
        )
        return time.monotonic() - begin

    def processor_s(self):
        """What the workers have used so far."""
        ticks = 0
        for pid in self.service.worker_pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def written_mb(self):
        """What the workers have given the disk to write so far."""
        written = 0
        for pid in self.service.worker_pids():
            lines = pathlib.Path(f"/proc/{pid}/io").read_text().splitlines()
            written += sum(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))
        return written / 1e6


def archive_of(path, files):
    with tarfile.open(path, "w") as tar:
        for i, data in enumerate(files):
            entry = tarfile.TarInfo(f"{i // 1000:03d}/{i:06d}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


class Times:
    """Seconds of each round, by what was measured."""

    def __init__(self):
        self.all = {}
        self.beside = {}

    def add(self, name, seconds):
        self.all.setdefault(name, []).append(seconds)

    def add_beside(self, name, unit, number):
        """Something else that each round took."""
        self.beside.setdefault(name, {}).setdefault(unit, []).append(number)

    def median(self, name):
        return statistics.median(self.all[name])

    def tell(self, case, ours, count, size):
        took = self.median(ours)
        fast = {name: self.median(name) / took for name in self.all if name != ours}
        print(f"{case}: {count / took:.0f} files/s, {count * size / took / 1e6:.0f} MB/s")
        ratios = ", ".join(f"{ratio:.2f} times {name}" for name, ratio in fast.items())
        print(f"= oxen, {case}, {ours} | {count * size / took / 1e6:.0f} MB/s | {ratios}")
        for name, seconds in self.all.items():
            ratio = f", ours is {fast[name]:4.2f} times as fast" if name in fast else ""
            rounds = " ".join(f"{s:.3f}" for s in seconds)
            print(f"    {name:24} {self.median(name):6.3f} s{ratio}  ({rounds})", flush=True)
            for unit, numbers in self.beside.get(name, {}).items():
                print(f"    {'':24} {statistics.median(numbers):6.3g} {unit} of the workers")


def many(bench, case, count, size, a_batch, rounds, full=0):
    files = list(contents(count, size, 1))
    members = [zipped(data) for data in files]
    archive = bench.folder / "files.tar"
    archive_of(archive, files)
    bodies = batches(files, a_batch)
    repository = fill(bench, full) if full else None
    times = Times()
    for i in range(rounds):  # in turn, so that all see the same disk
        times.add("tar x, sync", bench.tar(archive))
        times.add("plain", bench.plain(files, a_batch))
        times.add("decoding", decoding(members))
        if full:
            more = batches(contents(count, size, 100 + i), a_batch)
            bench.measured(times, f"ours, {full} stored", repository, more)
        bench.measured(times, "ours", bench.repository(), bodies)
    archive.unlink()
    times.tell(case, "ours", count, size)


def large(bench, size, rounds):
    data = random.Random(2).randbytes(64 * MIB) * (size // (64 * MIB))
    source = bench.folder / "source"
    source.write_bytes(data)
    body = body_of([data])
    times = Times()
    for _ in range(rounds):
        times.add("dd conv=fsync", bench.dd(source))
        times.add("ours, plain", bench.batches(bench.repository(), [body]))
        times.add("ours, in parts", bench.in_parts(bench.repository(), data))
    source.unlink()
    times.tell(f"large, 1 x {size // MIB} MiB", "ours, plain", 1, size)
    times.tell("the same", "ours, in parts", 1, size)


def fill(bench, count):
    """Many contents in one repository, and the small case into that repository."""
    repository = bench.repository()

    def send(first):
        files = (b"content %d of the full store" % i for i in range(first, first + FILL_BATCH))
        bench.send(repository, body_of(files))

    with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, range(0, count, FILL_BATCH)))
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
                many(bench, "small, 10,000 x 4 KiB", 10000, 4 * KIB, 2500, asked.rounds, asked.full)
            if asked.only in (None, "medium"):
                many(bench, "medium, 100 x 1 MiB", 100, MIB, 9, asked.rounds)
            if asked.only in (None, "large"):
                large(bench, asked.large * MIB, min(asked.rounds, 3))
            print(f"= oxen, largest resident memory of a worker | {service.peak_mib():.1f} MiB |")
            print(json.dumps({"server": asked.server, "cores": os.cpu_count()}))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
