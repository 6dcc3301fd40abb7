"""What one upload does to the disk, in which order, and that the number of flushes does not grow
with the number of files."""

import pytest
import uploads
from syscalls import Trace

DURABLE_ORDER = ["flush", "wal_write", "unlock", "wal_sync", "reply"]


def traced(sluice, tmp_path, work):
    with Trace(sluice.worker_pids(), tmp_path / "trace") as trace:
        work()
    return trace


def is_subsequence(wanted, kinds):
    at = iter(kinds)
    return all(kind in at for kind in wanted)


def check_order(trace, with_bytes):
    """Within the request: the last flush of bytes before the first row, the last row before the
    WAL's sync, the sync before the answer."""
    events = sorted(trace.events, key=lambda e: e.at)
    first = {}
    last = {}
    for i, event in enumerate(events):
        first.setdefault(event.kind, i)
        last[event.kind] = i
    kinds = trace.kinds()
    assert is_subsequence(DURABLE_ORDER if with_bytes else DURABLE_ORDER[1:], kinds), kinds
    if with_bytes:
        assert last["flush"] < first["wal_write"], kinds
    assert last["wal_write"] < last["wal_sync"] < last["reply"], kinds
    assert first["reply"] > last["wal_sync"], "no byte of the answer before the sync"


def test_an_oxen_batch_flushes_commits_syncs_and_answers(sluice, tmp_path):
    uploads.oxen_repository(sluice.port, "order", "one")
    uploads.oxen_push(sluice.port, "order/one", [b"the pack is there already"])
    trace = traced(
        sluice, tmp_path, lambda: uploads.oxen_push(sluice.port, "order/one", [b"a small file"])
    )
    check_order(trace, with_bytes=True)


def test_an_opteryx_part_flushes_commits_syncs_and_answers(sluice, tmp_path):
    session = uploads.opteryx_session(sluice.port, "order.c.d")
    trace = traced(
        sluice,
        tmp_path,
        lambda: uploads.opteryx_part(sluice.port, session, 0, b"id,word\n1,one\n"),
    )
    check_order(trace, with_bytes=True)
    trace = traced(
        sluice,
        tmp_path,
        lambda: uploads.opteryx_commit(sluice.port, session, "order.c.d", "fail"),
    )
    check_order(trace, with_bytes=False)


def test_a_pinot_batch_commits_syncs_and_answers(sluice, tmp_path):
    uploads.pinot_table(sluice.port, "order")
    trace = traced(
        sluice,
        tmp_path,
        lambda: uploads.pinot_push(sluice.port, "order", {f"order_{i}": i for i in range(100)}),
    )
    check_order(trace, with_bytes=False)


@pytest.mark.parametrize("size", [1000, 300_000], ids=["small files", "large files"])
def test_flushes_do_not_grow_with_the_number_of_files(sluice, tmp_path, size):
    repository = f"order/many{size}"
    uploads.oxen_repository(sluice.port, *repository.split("/"))
    counts = []
    for number in (2, 40, 240):
        contents = [f"{number} {i} ".encode() * (size // 8) for i in range(number)]
        trace = traced(
            sluice,
            tmp_path,
            lambda contents=contents: uploads.oxen_push(sluice.port, repository, contents),
        )
        counts.append(trace.count("flush"))
    assert max(counts) <= 4, counts
    assert counts[2] <= counts[0] + 2, f"flushes for 2, 40 and 240 files: {counts}"


def test_segments_do_not_add_flushes(sluice, tmp_path):
    uploads.pinot_table(sluice.port, "flushes")
    counts = []
    for number in (1, 1000):
        segments = {f"flushes_{number}_{i}": i for i in range(number)}
        trace = traced(
            sluice,
            tmp_path,
            lambda segments=segments: uploads.pinot_push(sluice.port, "flushes", segments),
        )
        # a worker's first sync of the log syncs the folder's entry, too: once a worker, not counted
        counts.append(trace.count("flush", "wal_sync"))
    assert counts[0] == counts[1], counts
