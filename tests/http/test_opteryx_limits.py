"""What large parts and long histories cost."""

import os
import sqlite3
import statistics
import time
import zlib

import brotli
import pytest
import zstandard

from sluice import GOLDEN
from test_opteryx import commit, detail, name, put, session, target  # noqa: F401

MIB = 1 << 20
LINE = 64  # bytes of every line that is made here
DECODED_MAX = 200 * MIB
KINDS = ("csv", "ndjson", "parquet")
# The largest window that each decoder takes, and the bound that the architecture sets.
BOUNDS = {"identity": 24, "gzip": 24, "deflate": 24, "zstd": 48, "br": 48}
# Each coding and each kind once; all of them when asked for: LARGE_PARTS=all.
LARGE = ([(k, c) for k in KINDS for c in BOUNDS] if os.environ.get("LARGE_PARTS") == "all" else
         [("csv", "gzip"), ("ndjson", "zstd"), ("parquet", "br"), ("csv", "identity")])


def lines(kind):
    """4 MiB of lines of one length, no two of them equal, nor so alike that the ratio's bound is met."""
    made = []
    for i in range(4 * MIB // LINE):
        start, end = (f"{i:07},", "\n") if kind == "csv" else (f'{{"id":{i:7},"text":"', '"}\n')
        text = f"row {i % 977} {i * 2654435761 % 2**32:08x}"
        made.append(start + text.ljust(LINE - len(start) - len(end), ".") + end)
    return "".join(made).encode()


def pieces(kind, count):
    """Exactly count bytes in pieces."""
    head, tail, block = b"", b"", lines("ndjson" if kind == "ndjson" else "csv")
    if kind == "csv":
        head = b"id,".ljust(LINE - 1, b"n") + b"\n"
    elif kind == "parquet":  # a real one, with bytes behind its pages that nothing names
        small = (GOLDEN / "opteryx" / "files" / "findings.parquet").read_bytes()
        footer = len(small) - 8 - int.from_bytes(small[-8:-4], "little")
        head, tail = small[:footer], small[footer:]
    left = count - len(head) - len(tail)
    yield head
    while left > 0:
        yield block[:left]
        left -= len(block)
    yield tail


class Plain:
    """As the packers, with no packing."""

    def compress(self, piece):
        return piece

    def flush(self):
        return b""


def packer(coding):
    if coding == "br":  # 16 MiB of window, the most without the large ones
        made = brotli.Compressor(quality=1, lgwin=24)
        return type("Brotli", (), {"compress": lambda _, p: made.process(p),
                                   "flush": lambda _: made.finish()})()
    if coding == "zstd":  # 8 MiB
        return zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters.from_level(
            1, window_log=23)).compressobj()
    if coding == "identity":
        return Plain()
    return zlib.compressobj(1, zlib.DEFLATED, 31 if coding == "gzip" else 15)


def packed(kind, coding, count):
    made = packer(coding)
    return b"".join([made.compress(p) for p in pieces(kind, count)] + [made.flush()])


@pytest.mark.parametrize("kind, coding", LARGE)
def test_a_part_of_200_mib_keeps_memory_flat(make_service, kind, coding):
    count = 30 * MIB if coding == "identity" else DECODED_MAX  # what is not packed ends at the wire's
    service = make_service(settings={"PART_WIRE_MAX": 60 * MIB})
    sid = session(service)
    answer = put(service, sid, 0, packed(kind, coding, count),
                 {"x-file-name": f"x.{kind}", "Content-Encoding": coding})
    assert answer.status == 201, answer
    if kind != "parquet":
        assert answer.json()["rows"] == count // LINE - (kind == "csv")
    assert service.sql("SELECT bytes FROM opteryx_part") == [{"bytes": count}]
    service.assert_small(BOUNDS[coding])


def test_a_part_past_the_decoded_limit_is_refused(make_service):
    service = make_service(settings={"PART_WIRE_MAX": 60 * MIB})
    sid = session(service)
    answer = put(service, sid, 0, packed("csv", "gzip", DECODED_MAX + LINE),
                 {"x-file-name": "x.csv", "Content-Encoding": "gzip"})
    assert answer.status == 413 and isinstance(detail(answer), str)
    assert service.request("GET", f"/v1/upload/{sid}/inspect").status == 204
    assert service.leftovers() == []


def test_the_widest_structure_keeps_memory_flat_and_can_be_read_back(make_service, name):
    service = make_service()
    names = [f"{i:05}".ljust(60, "n") for i in range(16384)]
    data = (",".join(names) + "\n" + ",".join(["1"] * len(names)) + "\n").encode()
    sid = session(service)
    for part in (0, 1):
        assert put(service, sid, part, data).status == 201
    found = service.request("GET", f"/v1/upload/{sid}/inspect").json()
    assert [c["name"] for c in found["schema"]["columns"]] == names
    assert commit(service, sid, name).status == 200
    shown = service.request("GET", f"/v1/datasets/acme.tests.{name}").json()
    assert shown["schema"]["columns"] == [{"name": n, "type": "INT64"} for n in names]
    service.assert_small()
    wider = ",".join(n + "12345" for n in names) + "\n"
    answer = put(service, session(service), 0, wider.encode())
    assert answer.status == 422 and "names of the columns" in detail(answer)


def many_files(service, count):
    """Makes the one file of a dataset count files, behind the service's back."""
    with sqlite3.connect(service.state / "sluice.db", timeout=30) as db:
        db.execute("""INSERT INTO opteryx_file (dataset, number, added_in, blob, sha256, kind, rows, bytes)
            WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
            SELECT dataset, i, 1, blob, sha256, kind, rows, bytes FROM opteryx_file, n""", (count,))
        db.execute("UPDATE opteryx_dataset SET next_file = ?", (count + 1,))
        db.execute("UPDATE opteryx_snapshot SET files = ?, rows = rows * ?", (count, count))


def appends(service, dataset, rounds=15):
    took = []
    for i in range(rounds):
        sid = session(service)
        put(service, sid, 0, b"a\n%d\n" % i)
        began = time.perf_counter()
        assert commit(service, sid, dataset, "append").status == 200
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def test_an_append_does_not_cost_what_the_dataset_holds(make_service):
    service = make_service()
    appends(service, "large", rounds=1)
    many_files(service, 100000)
    large = appends(service, "large")
    empty = appends(service, "small")
    assert service.request("GET", "/v1/datasets/acme.tests.large").json()["totals"]["files"] == 100015
    print(f"append to 100,000 files: {large * 1e3:.1f} ms, to few: {empty * 1e3:.1f} ms")
    assert large < 3 * empty + 0.02


def test_a_thousand_parts_are_committed_at_once(make_service, name):
    service = make_service()
    sid = session(service)
    for part in range(1000):
        assert put(service, sid, part, b"a\n%d\n" % part).status == 201
    assert put(service, sid, 1000).status == 422
    made = commit(service, sid, name).json()
    assert (made["files_created"], made["rows_written"]) == (1000, 1000)
