#!/usr/bin/env python3
"""opteryx.py - what parts cost, as ratios to limits measured in the same run.

  readers  bench_opteryx_read against pyarrow's CSV and JSON readers on one thread, same files
  put      decoded MB/s of PUT behind lighttpd against dd conv=fsync of the same bytes

PROGRAM is a release build of Sluice; bench_opteryx_read lies beside it.  PEER_PYTHON has pyarrow
(default build/peer/bin/python3); without it that half is left out.
"""

import http.client
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time


HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path.insert(0, str(TOP / "tests" / "http"))
from sluice import Service  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("PROGRAM", TOP / "build/run/sluice"))
PEER = pathlib.Path(os.environ.get("PEER_PYTHON", TOP / "build/peer/bin/python3"))
BYTES = 28 << 20
ROUNDS = 5
PYARROW = """
import sys, time, pyarrow, pyarrow.csv, pyarrow.json
pyarrow.set_cpu_count(1); pyarrow.set_io_thread_count(1)
kind, path = sys.argv[1:]
best = 1e9
for _ in range(5):
    began = time.perf_counter()
    if kind == "csv":
        table = pyarrow.csv.read_csv(path, read_options=pyarrow.csv.ReadOptions(use_threads=False))
    else:
        table = pyarrow.json.read_json(path, read_options=pyarrow.json.ReadOptions(use_threads=False))
    best = min(best, time.perf_counter() - began)
import os
print(table.num_rows, os.path.getsize(path) / 1e6 / best)
"""


def make(folder):
    choose = random.Random(1)
    rows = []
    size = 0
    while size < BYTES:
        i = len(rows)
        row = {"id": f"CVE-2026-{i:05}", "when": "2026-08-18T04:22:07Z", "address": f"10.1.{i % 256}.17",
               "hosts": choose.randrange(10 ** 6), "score": round(choose.random() * 10, 3),
               "open": i % 2 == 0}
        rows.append(row)
        size += len(json.dumps(row)) + 1
    ndjson = folder / "rows.ndjson"
    ndjson.write_text("".join(json.dumps(r) + "\n" for r in rows))
    csv = folder / "rows.csv"
    with open(csv, "w", encoding="utf-8") as out:
        out.write(",".join(rows[0]) + "\n")
        while out.tell() < BYTES:
            out.writelines(",".join(str(v) for v in r.values()) + "\n" for r in rows[:10000])
    return {"csv": csv, "ndjson": ndjson}


def readers(files):
    for kind, path in files.items():
        ours = subprocess.run([str(PROGRAM.with_name("bench_opteryx_read")), kind, str(path)],
                              check=True, capture_output=True, text=True).stdout.strip()
        print(ours)
        mine = float(ours.split("|")[1].split()[0])
        if PEER.exists():
            out = subprocess.run([str(PEER), "-c", PYARROW, kind, str(path)], check=True,
                                 capture_output=True, text=True).stdout.split()
            theirs = float(out[1])
            print(f"= read {kind}, {out[0]} rows, against pyarrow, one thread | {theirs:.0f} MB/s | "
                  f"{mine / theirs:.2f} times its rate")


def dd(path, folder):
    best = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run(["dd", f"if={path}", f"of={folder / 'dd'}", "bs=1M", "conv=fsync"], check=True,
                       capture_output=True)
        best.append(time.perf_counter() - began)
    return path.stat().st_size / 1e6 / statistics.median(best)


def put(service, path, name):
    data = path.read_bytes()
    sid = json.loads(service.request("POST", "/v1/upload/session").body)["session_id"]
    took = []
    for part in range(ROUNDS):
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
        connection.request("PUT", f"/v1/upload/{sid}?part={part}", data, {"x-file-name": name})
        answer = connection.getresponse()
        answer.read()
        took.append(time.perf_counter() - began)
        assert answer.status == 201
    return len(data) / 1e6 / statistics.median(took)


def main():
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as name:
        folder = pathlib.Path(name)
        files = make(folder)
        readers(files)
        os.environ["PROGRAM"] = str(PROGRAM)
        (folder / "service").mkdir()
        with Service(folder / "service", workers=4) as service:
            if PEER.exists():
                parquet = folder / "rows.parquet"
                subprocess.run([str(PEER), "-c", "import sys,pyarrow.csv as c,pyarrow.parquet as p;"
                                "p.write_table(c.read_csv(sys.argv[1]),sys.argv[2],"
                                "compression='none',use_dictionary=False)", files["csv"], parquet],
                               check=True)
                files["parquet"] = parquet
            for kind, path in files.items():
                limit, rate = dd(path, folder), put(service, path, path.name)
                print(f"= put {kind} | {rate:.0f} MB/s | {rate / limit:.2f} of dd conv=fsync")


if __name__ == "__main__":
    main()
