"""What large parts and long histories cost."""

import os
import sqlite3
import statistics
import time
import zlib

import pytest

from test_opteryx import commit, detail, name, put, session, target  # noqa: F401

MIB = 1 << 20
# Sanitizers keep shadows and quarantines of everything.
PLAIN = "Asan" not in os.environ.get("PROGRAM", "")


def peak(service):
    """The largest resident memory that a worker ever had, in MiB."""
    found = 0
    for pid in service.worker_pids():
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            found = max(found, *(int(line.split()[1]) / 1024 for line in status
                                 if line.startswith("VmHWM")))
    return found


def content(kind, count):
    """About count bytes in chunks; every row is another."""
    head = b"id,name,score\n" if kind == "csv" else b""
    made = len(head)
    yield head
    i = 0
    while made < count:
        rows = []
        for _ in range(10000):
            i += 1
            rows.append(f"{i},row {i % 977},{i % 31}.5\n" if kind == "csv" else
                        f'{{"id":{i},"name":"row {i % 977}","score":{i % 31}.5}}\n')
        chunk = "".join(rows).encode()
        made += len(chunk)
        yield chunk


def gzipped(kind, count):
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return b"".join([packer.compress(c) for c in content(kind, count)] + [packer.flush()])


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_a_part_of_190_mib_decoded_keeps_memory_flat(make_service, kind):
    service = make_service(settings={"PART_WIRE_MAX": 100 * MIB})
    sid = session(service)
    answer = put(service, sid, 0, gzipped(kind, 190 * MIB),
                 {"x-file-name": f"x.{kind}", "Content-Encoding": "gzip"})
    assert answer.status == 201, answer
    assert answer.json()["rows"] > 3000000
    assert not PLAIN or peak(service) <= 24, peak(service)


def test_a_part_past_the_decoded_limit_is_refused(make_service):
    service = make_service(settings={"PART_WIRE_MAX": 100 * MIB})
    sid = session(service)
    answer = put(service, sid, 0, gzipped("csv", 201 * MIB),
                 {"x-file-name": "x.csv", "Content-Encoding": "gzip"})
    assert answer.status == 413 and isinstance(detail(answer), str)
    assert service.request("GET", f"/v1/upload/{sid}/inspect").status == 204
    assert service.leftovers() == []


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
