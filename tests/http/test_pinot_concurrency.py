"""Many clients at once: the outcome is one that some serial order gives, and no lock is left."""

import json
import random
import threading

import pytest

import pinot_push
from pinot_push import Segment

CLIENTS = 32
BATCHES = 6  # a client
NAMES = 40  # that they fight for
TABLE = "crowd"


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    from sluice import Service

    folder = tmp_path_factory.mktemp("files")
    service = Service(tmp_path_factory.mktemp("crowd"), workers=8,
                      settings={"DEEP_STORE_ROOTS": folder})
    try:
        service.start()
        service.files = folder
        pinot_push.table(service, TABLE)
        yield service
    finally:
        service.stop()


class Client(threading.Thread):
    """Pushes batches of its own CRCs, one after the other; every CRC tells the batch."""

    def __init__(self, service, number):
        super().__init__()
        self.service, self.number = service, number
        self.done = []  # (batch number, {segment: (outcome, crc before)})
        self.refused = []
        self.failure = None

    def segments(self, rng, batch, copied):
        out = []
        for i in rng.sample(range(NAMES), rng.randint(2, 12)):
            segment = Segment(f"n{i}", crc=batch)
            if copied:
                path = self.service.files / f"{batch}-{i}.tar.gz"
                path.write_bytes(segment.whole(rng.randbytes(200_000), TABLE))
                segment.uri = f"file://{path}"
            out.append(segment)
        return out

    def run(self):
        rng = random.Random(self.number)
        try:
            for turn in range(BATCHES):
                self.one(rng, 1000 * (self.number + 1) + turn)
        except Exception as failure:  # told by the test, not lost in a thread
            self.failure = failure

    def one(self, rng, batch):
        copied, protect = rng.random() < 0.25, rng.random() < 0.5
        query = "&report=segments" + ("&enableParallelPushProtection=true" if protect else "")
        headers = [("COPY_SEGMENT_TO_DEEP_STORE", "true")] if copied else []
        pushed = self.segments(rng, batch, copied)
        answer = pinot_push.push(self.service, TABLE, pushed, query, headers)
        if answer.status == 200:
            told = {s["segment"]: (s["outcome"], s.get("crcBefore")) for s in answer.json()["segments"]}
            assert told.keys() == {s.name for s in pushed}
            self.done.append((batch, told))
            return
        assert answer.status == 409, answer
        assert "retry later" in answer.json()["error"]
        self.refused.append((protect, copied, answer.json()["error"]))


def _chain(name, batches):
    """The batches that wrote a segment, in the order in which each found the one before."""
    by_before = {}
    for batch, told in batches:
        if name in told:
            outcome, before = told[name]
            key = None if outcome == "new" else int(before)
            assert key not in by_before, f"two batches found the same state of {name}"
            by_before[key] = batch
    order, at = [], None
    while at in by_before:
        at = by_before[at]
        order.append(at)
    assert len(order) == len(by_before), f"the batches of {name} are no chain"
    return order


def _acyclic(edges):
    """Whether the batches can be put in one order that keeps all edges."""
    before = {}
    for a, b in edges:
        before.setdefault(b, set()).add(a)
        before.setdefault(a, set())
    while before:
        free = [n for n, wait in before.items() if not wait]
        if not free:
            return False
        for n in free:
            del before[n]
        for wait in before.values():
            wait.difference_update(free)
    return True


@pytest.fixture(scope="module")
def outcome(crowd):
    clients = [Client(crowd, n) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return clients


def test_every_client_got_an_answer_that_the_api_knows(outcome):
    assert [c.failure for c in outcome if c.failure] == []
    assert sum(len(c.done) for c in outcome) > CLIENTS


def test_the_final_state_is_that_of_some_serial_order(crowd, outcome):
    batches = [done for client in outcome for done in client.done]
    rows = pinot_push.rows(crowd, TABLE)
    edges = []
    for i in range(NAMES):
        order = _chain(f"n{i}", batches)
        edges += list(zip(order, order[1:]))
        assert (f"n{i}" in rows) == bool(order)
        if order:
            assert rows[f"n{i}"]["crc"] == order[-1]
    assert _acyclic(edges)


def test_a_copy_is_the_file_that_its_batch_named(crowd, outcome):
    rows = pinot_push.rows(crowd, TABLE)
    copied = {name: row for name, row in rows.items() if row["blob"] is not None}
    for name, row in copied.items():
        answer = crowd.request("GET", f"/segments/{TABLE}/{name}")
        file = crowd.files / f"{row['crc']}-{name[1:]}.tar.gz"
        assert answer.status == 200 and answer.body == file.read_bytes()
        assert row["bytes"] == len(answer.body)


def test_no_lock_is_left_and_the_counters_are_right(crowd, outcome):
    assert pinot_push.locks(crowd) == 0
    table = crowd.sql("SELECT segments, bytes FROM tables")[0]
    rows = pinot_push.rows(crowd, TABLE).values()
    assert table == {"segments": len(rows), "bytes": sum(r["bytes"] or 0 for r in rows)}
    assert crowd.leftovers() == []


def test_protected_pushes_of_metadata_alone_all_succeed(crowd):
    """A lock is visible only while there is work between: identical batches are serialised."""
    pinot_push.table(crowd, "same")
    answers = []
    batch = [Segment(f"s{i}") for i in range(50)]
    send = lambda: answers.append(  # noqa: E731
        pinot_push.push(crowd, "same", batch, "&report=segments&enableParallelPushProtection=true"))
    threads = [threading.Thread(target=send) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.status for a in answers] == [200] * CLIENTS
    new = [a for a in answers if all(s["outcome"] == "new" for s in json.loads(a.body)["segments"])]
    assert len(new) == 1
