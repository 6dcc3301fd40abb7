#!/usr/bin/env python3
"""pinot.py - how fast a Pinot segment push is, into an empty table and into a large one.

Batches of new segments with and without parallel-push protection, the same again (same CRC), again
with other CRCs, and single pushes one after the other; the seconds are the client's, from the
first byte sent to the answer, over one connection each.  The recorded controller's figures stand
beside them.  Needs a release build (PROGRAM, default build/run/sluice).
"""

import argparse
import gzip
import os
import pathlib
import random
import statistics
import struct
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "http"))

import pinot_push  # noqa: E402
import pinot_recordings  # noqa: E402
from sluice import Service, multipart  # noqa: E402

BATCH = 1000
ROUNDS = 7
SINGLES = 300
FILL_BATCH = 10000
RECORDED = {  # the controller's seconds for 1,000 segments on two cores
    "new": 8.562, "new, protected": 10.110, "same CRC": 9.1, "changed CRC": 26.6}
SINGLES_RECORDED = 41.5  # a second


def properties():
    """metadata.properties of the real client, with the segment's name to be put in."""
    data = (pinot_recordings.PINOT / "client/job-with-type-new-1.req.bin").read_bytes()
    _, _, body = next(pinot_recordings.split(data))
    files = pinot_recordings.untar(body[body.find(b"\x1f\x8b"):])
    text = next(c for m, c in files if m.name.endswith("myTable_a_0.metadata.properties"))
    return text.replace(b"myTable_a_0", b"%s")


PROPERTIES = properties()


def entry(name, content):
    """A tar entry, faster than tarfile makes one."""
    head = bytearray(512)
    head[0:len(name)] = name
    head[100:108] = b"0000644\0"
    head[124:136] = b"%011o\0" % len(content)
    head[148:156] = b" " * 8
    head[156:157] = b"0"
    head[257:265] = b"ustar\x0000"
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + content + bytes(-len(content) % 512)


def archive(names, crc):
    pieces, mapping = [], []
    for i, name in enumerate(names):
        creation = struct.pack(">qqq", crc + i, 1795418481949, crc)
        pieces.append(entry(b"d/" + name + b".creation.meta", creation))
        pieces.append(entry(b"d/" + name + b".metadata.properties", PROPERTIES % name))
        mapping.append(name + b"\nfile:/srv/deepstore/a/segs/" + name + b".tar.gz\n")
    pieces.append(entry(b"d/all_segments_metadata", b"".join(mapping)))
    return gzip.compress(b"".join(pieces) + bytes(1024), compresslevel=6)


def push(service, table, names, crc, protect=False):
    """Seconds of one batch."""
    body, content_type = multipart([("noopKey", "noopKey", "application/octet-stream", archive(names, crc))])
    query = f"tableName={table}&tableType=OFFLINE"
    query += "&enableParallelPushProtection=true" if protect else ""
    headers = [("UPLOAD_TYPE", "METADATA"), ("Content-Type", content_type)]
    begin = time.perf_counter()
    answer = service.request("POST", f"/segments/batchUpload?{query}", body, headers)
    seconds = time.perf_counter() - begin
    assert answer.status == 200, answer
    return seconds


def names_of(label, count, scattered):
    """Names as jobs give them (a prefix, then numbers), or names that begin at random."""
    if scattered:
        rng = random.Random(label)
        return [b"%016x_%s" % (rng.getrandbits(64), label.encode()) for _ in range(count)]
    return [b"events_%s_%d" % (label.encode(), i) for i in range(count)]


def fill(service, table, count):
    begin, spent = time.perf_counter(), 0.0
    for at in range(0, count, FILL_BATCH):
        label = f"2026-01-{at // FILL_BATCH:04d}"
        half = FILL_BATCH // 2
        names = names_of(label, half, False) + names_of(label, half, True)
        spent += push(service, table, names, 1)
    if count:
        print(f"= pinot, fill with {count:,} segments | {count / spent:,.0f} /s | of "
              f"{time.perf_counter() - begin:.0f} s the service took {spent:.0f}")


def single(service, table, name):
    creation = struct.pack(">qqq", 5, 1795418481949, 5)
    data = pinot_recordings.tar_gz([("d/creation.meta", creation),
                                    ("d/metadata.properties", PROPERTIES % name)])
    body, content_type = multipart([("a", "a", "application/octet-stream", data)])
    headers = [("UPLOAD_TYPE", "METADATA"), ("Content-Type", content_type),
               ("DOWNLOAD_URI", f"file:/srv/{name.decode()}")]
    begin = time.perf_counter()
    answer = service.request("POST", f"/v2/segments?tableName={table}", body, headers)
    seconds = time.perf_counter() - begin
    assert answer.status == 200, answer
    return seconds


def measure(service, tables, scattered):
    """Of each table, label to seconds of each round.  The tables take turns, so that what else the
    machine does falls on all of them."""
    out = {table: {} for table in tables}
    for number in range(ROUNDS):
        kind = "x" if scattered else "y"
        plain = names_of(f"n{kind}{number}", BATCH, scattered)
        protected = names_of(f"p{kind}{number}", BATCH, scattered)
        for table in tables:
            found = out[table]
            found.setdefault("new", []).append(push(service, table, plain, 1))
            found.setdefault("new, protected", []).append(push(service, table, protected, 1, True))
            found.setdefault("same CRC", []).append(push(service, table, plain, 1))
            found.setdefault("changed CRC", []).append(push(service, table, plain, 2))
    return out


def report(title, found, base=None):
    print(f"\n{title}, {BATCH} segments a batch, {ROUNDS} rounds")
    for label, seconds in found.items():
        median = statistics.median(seconds)
        ratio = f"{RECORDED[label] / median:,.0f} times the controller"
        if base:
            ratio += f", time {median / statistics.median(base[label]):.2f} of the empty table's"
        print(f"  {label:16} {median * 1000:7.1f} ms (min {min(seconds) * 1000:.1f}, max "
              f"{max(seconds) * 1000:.1f})")
        print(f"= pinot, {label}, {title} | {BATCH / median:,.0f} /s | {ratio}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=1000000, help="segments of the large table")
    parser.add_argument("--server", default="nginx")
    parser.add_argument("--archive", help="only write a batch's archive there, for bench_pinot_batch")
    options = parser.parse_args()
    if options.archive:
        pathlib.Path(options.archive).write_bytes(archive(names_of("2026-01-01", BATCH, False), 1))
        return
    os.environ.setdefault("PROGRAM", str(TOP / "build/run/sluice"))
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        with Service(folder, server=options.server) as service:
            for table in ("warm", "empty", "empty2", "large"):
                pinot_push.table(service, table)
            measure(service, ["warm"], False)
            singles = [single(service, "warm", b"single_%d" % i) for i in range(SINGLES)]
            rate = len(singles) / sum(singles)
            print(f"= pinot, single pushes one after the other | {rate:,.0f} /s | "
                  f"{rate / SINGLES_RECORDED:.1f} times the controller, median "
                  f"{statistics.median(singles) * 1000:.2f} ms")
            fill(service, "large", options.large)
            for empty, scattered in (("empty", False), ("empty2", True)):
                found = measure(service, [empty, "large"], scattered)
                names = "random names" if scattered else "names of one job"
                report(f"{names}, empty", found[empty])
                report(f"{names}, {options.large:,}", found["large"], found[empty])
            print(f"= pinot, listing | {listing(service)} |")
            print(f"= pinot, largest resident memory of a worker | {service.peak_mib():.1f} MiB |")


def listing(service):
    """Reads and forgets; the test client would put 30 MB together."""
    begin, count = time.perf_counter(), 0
    with service.connect(600) as connection:
        connection.send(b"GET /segments/large HTTP/1.0\r\nHost: localhost\r\n\r\n")
        while piece := connection.socket.recv(1 << 20):
            count += len(piece)
    return f"{count / 1e6:.1f} MB in {time.perf_counter() - begin:.2f} s"


if __name__ == "__main__":
    main()
