#!/usr/bin/env python3
"""compare.py - two builds of Sluice in one run on one machine: how fast the one is against the other.

    tests/bench/compare.py BEFORE AFTER [--rounds 9] [--server nginx]

BEFORE and AFTER are release programs.  The two take turns, so that what else the machine does falls on
both; of each case are told the median, the processor's time that the workers took in all rounds, and how
many times they synced the disk in one (strace).
"""

import argparse
import gzip
import io
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import xxhash

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "http"))

import pinot_push  # noqa: E402
from sluice import Service, multipart  # noqa: E402

READS = 200
SEGMENTS = 1000
FILES = 500
ROWS = b"a,b,c\n" + b"1,two,3.5\n" * 400000


class Build(Service):
    def __init__(self, folder, program, server):
        super().__init__(folder, server=server, workers=4)
        self.binary = program
        self.count = 0

    def program(self):
        return self.binary

    def command(self):
        return super().command() + ["--program", self.binary]

    def must(self, *words, **more):
        answer = self.request(*words, **more)
        assert answer.status in (200, 201, 204), answer
        return answer


def prepare(service):
    pinot_push.table(service, "t")
    assert pinot_push.push(service, "t", [pinot_push.Segment("first")]).status == 200
    service.must("POST", "/api/repos", {"namespace": "ns", "name": "repo"})
    return service


def health(service):
    for _ in range(READS):
        service.must("GET", "/health")


def read_segment(service):
    for _ in range(READS):
        service.must("GET", "/segments/t/first/metadata")


def push_batch(service):
    segments = [pinot_push.Segment(f"s{service.count}_{i}") for i in range(SEGMENTS)]
    assert pinot_push.push(service, "t", segments).status == 200


def opteryx_commit(service):
    target = {"workspace": "w", "collection": "c", "dataset": f"d{service.count}"}
    sid = service.must("POST", "/v1/upload/session", {"target": target}).json()["session_id"]
    service.must("PUT", f"/v1/upload/{sid}?part=0", ROWS, {"x-file-name": "a.csv"})
    service.must("POST", f"/v1/upload/{sid}/commit", {"target": target})


def oxen_batch(service):
    parts = []
    for i in range(FILES):
        data = f"content {service.count} {i} ".encode() * 200
        parts.append(("file[]", format(xxhash.xxh3_128_intdigest(data), "x"), "application/gzip",
                      gzip.compress(data, 1)))
    body, kind = multipart(parts)
    answer = service.must("POST", "/api/repos/ns/repo/versions", body, headers={"Content-Type": kind})
    assert answer.json()["err_files"] == []


CASES = {
    f"{READS} x GET /health": health,
    f"{READS} x GET a segment's metadata": read_segment,
    f"Pinot batch of {SEGMENTS} segments": push_batch,
    f"Opteryx session, part of {len(ROWS) >> 20} MiB, commit": opteryx_commit,
    f"Oxen batch of {FILES} files": oxen_batch,
}


def processor_s(service):
    """Seconds of the processor that the workers have taken."""
    ticks = 0
    for pid in service.worker_pids():
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def timed(service, case):
    service.count += 1
    began = time.perf_counter()
    case(service)
    return time.perf_counter() - began


def compare(both, case, rounds):
    """Medians of seconds, and the workers' processor time in all rounds, of each of the two."""
    took, used = [[], []], [0, 0]
    for i in range(rounds + 1):
        for which in (0, 1) if i % 2 else (1, 0):
            began = processor_s(both[which])
            seconds = timed(both[which], case)
            if i > 0:  # the first round warms
                took[which].append(seconds)
                used[which] += processor_s(both[which]) - began
    return [statistics.median(t) for t in took], used


def syncs(service, case):
    """How many times the workers have synced a file or a file system."""
    service.count += 1
    words = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync,syncfs", "-o", "/dev/stdout"]
    for pid in service.worker_pids():
        words += ["-p", str(pid)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tracer:
        time.sleep(1)
        case(service)
        tracer.send_signal(signal.SIGINT)
        out = io.StringIO(tracer.communicate()[0].decode())
    return sum("sync" in line and "resumed" not in line for line in out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--server", default="nginx")
    parser.add_argument("--only", default="", help="cases that have this in their names")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        os.chmod(folder, 0o755)
        both = []
        for name in ("before", "after"):
            (pathlib.Path(folder) / name).mkdir()
            program = str(pathlib.Path(getattr(asked, name)).resolve())
            both.append(prepare(Build(pathlib.Path(folder) / name, program, asked.server).start()))
        try:
            for label, case in CASES.items():
                if asked.only not in label:
                    continue
                (before, after), used = compare(both, case, asked.rounds)
                counts = " and ".join(str(syncs(service, case)) for service in both)
                print(f"= {label} | {after * 1000:.1f} ms | {before / after:.2f} times before's speed, "
                      f"processor {used[0]:.2f} and {used[1]:.2f} s, syncs {counts}", flush=True)
        finally:
            for service in both:
                service.stop()


if __name__ == "__main__":
    main()
