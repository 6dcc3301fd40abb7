"""Replacing segments: random sequences against a model of what the controller does, and what a kill
leaves.  SEQUENCES says how many (the whole proof was 5,000), SEED which."""

import collections
import json
import os
import random
import signal
import sqlite3
import threading
import time

import pytest

import pinot_push
from pinot_push import Segment

SEQUENCES = int(os.environ.get("SEQUENCES", "200"))
SEED = int(os.environ.get("SEED", "7"))
HOUR_MS = 3_600_000


def call(service, table, verb, query="", body=None):
    headers = [("Content-Type", "application/json")]
    data = json.dumps(body).encode() if body is not None else b""
    return service.request("POST", f"/segments/{table}/{verb}ReplaceSegments?type=OFFLINE{query}", data, headers)


def start(service, table, old, new, force=False):
    body = {"segmentsFrom": old, "segmentsTo": new, "customMap": None}
    return call(service, table, "start", f"&forceCleanup={str(force).lower()}", body)


def lineage(service, table):
    answer = service.request("GET", f"/segments/{table}/lineage?type=OFFLINE")
    assert answer.status == 200
    return answer.json()["lineageEntries"] if answer.body else {}


def listed(service, table, hidden=True):
    query = "" if hidden else "&excludeReplacedSegments=true"
    answer = service.request("GET", f"/segments/{table}?type=OFFLINE{query}")
    assert answer.status == 200
    return answer.json()[0]["OFFLINE"]


# ---- the model ----


class Refused(Exception):
    pass


Entry = collections.namedtuple("Entry", "old new state")


class Model:
    """A table's segments and the entries of its lineage, as PinotHelixResourceManager treats them, but
    for what is deliberately better: a repeated start or revert is answered again, and a name that is
    given to a new entry is covered by no old one."""

    def __init__(self, refresh=False):
        self.there, self.entries, self.refresh = set(), {}, refresh

    def hidden(self):
        out = set()
        for entry in self.entries.values():
            out |= set(entry.old if entry.state == "COMPLETED" else entry.new)
        return out

    def visible(self):
        return self.there - self.hidden()

    def _uncover(self, names):
        for key, entry in list(self.entries.items()):
            side = "old" if entry.state == "COMPLETED" else "new"
            left = [n for n in getattr(entry, side) if n not in names]
            self.entries[key] = entry._replace(**{side: left})

    def start(self, old, new, force):
        """The id of the entry that answers, None for a new one."""
        if not old and not new:
            raise Refused
        if not force:
            for key, entry in self.entries.items():
                if entry.state == "IN_PROGRESS" and (set(entry.old), set(entry.new)) == (set(old), set(new)):
                    return key
        if set(old) - self.visible() or set(new) & self.visible():
            raise Refused
        live = {k: e for k, e in self.entries.items() if e.state != "REVERTED"}
        if not force and any(set(old) & set(e.old) or set(new) & set(e.new) for e in live.values()):
            raise Refused
        if force:
            for entry in self.entries.values():
                if entry.state == "REVERTED":
                    self.there -= set(entry.new)
            for key, entry in live.items():
                if entry.state == "IN_PROGRESS" and (set(old) & set(entry.old) or set(new) & set(entry.new)):
                    left = [n for n in entry.new if n not in new]
                    if left:
                        self.entries[key] = Entry(entry.old, left, "REVERTED")
                        self.there -= set(left)
                    else:
                        del self.entries[key]
                elif entry.state == "COMPLETED" and self.refresh and set(old) == set(entry.new):
                    self.there -= set(entry.old)
        self._uncover(new)
        return None

    def end(self, key, made=None):
        entry = self.entries.get(key)
        if entry is None or entry.state == "REVERTED":
            raise Refused
        if entry.state == "COMPLETED":
            return
        if made and set(made) - set(entry.new):
            raise Refused
        new = made or entry.new
        if set(new) - self.there:
            raise Refused
        self.entries[key] = Entry(entry.old, new, "COMPLETED")

    def revert(self, key, force):
        entry = self.entries.get(key)
        if entry is None:
            raise Refused
        if entry.state == "REVERTED":
            return
        if entry.state == "IN_PROGRESS" and not force:
            raise Refused
        if entry.state == "COMPLETED" and set(entry.old) - self.there:
            raise Refused
        for other in self.entries.values():
            if other.state != "REVERTED" and set(entry.new) & set(other.old):
                raise Refused
        self.entries[key] = entry._replace(state="REVERTED")
        self.there -= set(entry.new)


def check(service, table, model):
    assert set(listed(service, table)) == model.there
    assert set(listed(service, table, hidden=False)) == model.visible()
    told = lineage(service, table)
    assert {k: (e["segmentsFrom"], e["segmentsTo"], e["state"]) for k, e in told.items()} == {
        k: (e.old, e.new, e.state) for k, e in model.entries.items()}


def some(rng, names, most=3):
    return rng.sample(names, rng.randint(0, min(most, len(names))))


def one_start(service, rng, table, names, model):
    old = some(rng, sorted(model.visible()) if rng.random() < 0.8 else names)
    new = some(rng, names)
    force = rng.random() < 0.4
    if model.entries and rng.random() < 0.2:  # a client that has lost its answer
        again = rng.choice(list(model.entries.values()))
        old, new = again.old, again.new
    answer = start(service, table, old, new, force)
    try:
        key = model.start(old, new, force)
    except Refused:
        assert answer.status == 400, answer
        return
    assert answer.status == 200, answer
    told = answer.json()["segmentLineageEntryId"]
    if key is None:
        assert told not in model.entries
        model.entries[told] = Entry(old, new, "IN_PROGRESS")
    else:
        assert told == key


def one_end_or_revert(service, rng, table, names, model):
    key = rng.choice(list(model.entries) or ["none"]) if rng.random() < 0.95 else "none"
    try:
        if rng.random() < 0.6:
            made = some(rng, names) if rng.random() < 0.2 else None
            answer = call(service, table, "end", f"&segmentLineageEntryId={key}",
                          {"segmentsTo": made} if made is not None else None)
            model.end(key, made)
        else:
            force = rng.random() < 0.6
            answer = call(service, table, "revert",
                          f"&segmentLineageEntryId={key}&forceRevert={str(force).lower()}")
            model.revert(key, force)
    except Refused:
        assert answer.status == 400, answer
        return
    assert answer.status == 200 and answer.body == b"", answer


def one_push_or_delete(service, rng, table, names, model):
    wanted = sorted({n for e in model.entries.values() for n in e.new} - model.there)
    batch = some(rng, wanted if wanted and rng.random() < 0.7 else names)
    if not batch:
        return
    if rng.random() < 0.8:
        segments = [Segment(n, crc=rng.randint(1, 3)) for n in batch]
        assert pinot_push.push(service, table, segments).status == 200
        model.there |= set(batch)
    else:
        assert service.request("POST", f"/segments/{table}/delete", batch).status == 200
        model.there -= set(batch)


def test_random_sequences_do_what_the_controller_does(service):
    for refresh in (False, True):
        config = {"ingestionConfig": {"batchIngestionConfig": {
            "segmentIngestionType": "REFRESH" if refresh else "APPEND"}}}
        for number in range(SEQUENCES // 2):
            rng = random.Random(f"{SEED}/{refresh}/{number}")
            table = f"m{refresh}{number}"
            pinot_push.table(service, table, **config)
            model = Model(refresh)
            names = [f"s{i}" for i in range(rng.randint(3, 7))]
            try:
                for _ in range(rng.randint(4, 14)):
                    step = rng.choice([one_start, one_end_or_revert, one_push_or_delete, one_push_or_delete])
                    step(service, rng, table, names, model)
                    check(service, table, model)
            except AssertionError:
                print(f"sequence {number} of seed {SEED}, refresh {refresh}")
                raise
    counted = service.sql("SELECT t.segments - count(s.id) AS n FROM pinot_table AS t"
                          " LEFT JOIN pinot_segment AS s ON s.table_id = t.id GROUP BY t.id")
    assert all(row["n"] == 0 for row in counted)


# ---- one by one ----


def push(service, table, *names):
    assert pinot_push.push(service, table, [Segment(n) for n in names]).status == 200


def error(answer, status=400):
    assert answer.status == status, answer
    return answer.json()["error"]


def test_a_consistent_push_replaces_all_at_once_and_can_be_taken_back(service):
    pinot_push.table(service, "cons")
    push(service, "cons", "a", "b")
    first = start(service, "cons", ["a", "b"], ["c", "d"], force=True).json()["segmentLineageEntryId"]
    push(service, "cons", "c")
    assert listed(service, "cons", hidden=False) == ["a", "b"]
    error(call(service, "cons", "end", f"&segmentLineageEntryId={first}"))
    push(service, "cons", "d")
    for _ in range(2):
        assert call(service, "cons", "end", f"&segmentLineageEntryId={first}&cleanup=false").status == 200
    assert listed(service, "cons", hidden=False) == ["c", "d"]
    assert listed(service, "cons") == ["a", "b", "c", "d"]
    assert service.request("GET", "/segments/cons/select?type=OFFLINE").json() == [{"OFFLINE": ["c", "d"]}]
    for _ in range(2):
        assert call(service, "cons", "revert", f"&segmentLineageEntryId={first}").status == 200
    assert listed(service, "cons") == ["a", "b"]
    # late pushes of what was reverted are not seen
    push(service, "cons", "c")
    assert listed(service, "cons", hidden=False) == ["a", "b"]


def test_a_cleanup_deletes_what_was_replaced_but_of_refresh_tables(service):
    for name, kind, left in (("app", "APPEND", ["b"]), ("ref", "REFRESH", ["a", "b"])):
        pinot_push.table(service, name, ingestionConfig={"batchIngestionConfig": {"segmentIngestionType": kind}})
        push(service, name, "a")
        entry = start(service, name, ["a"], ["b"]).json()["segmentLineageEntryId"]
        push(service, name, "b")
        assert call(service, name, "end", f"&segmentLineageEntryId={entry}&cleanup=true").status == 200
        assert listed(service, name) == left


def test_of_a_refresh_table_two_snapshots_are_kept(service):
    refresh = {"ingestionConfig": {"batchIngestionConfig": {"segmentIngestionType": "REFRESH"}}}
    pinot_push.table(service, "two", **refresh)
    snapshots = [["a", "b"], ["c", "d"], ["e"], [], ["f"], ["g"]]
    push(service, "two", *snapshots[0])
    for old, new in zip(snapshots, snapshots[1:]):
        entry = start(service, "two", old, new, force=True).json()["segmentLineageEntryId"]
        if new:
            push(service, "two", *new)
        assert call(service, "two", "end", f"&segmentLineageEntryId={entry}").status == 200
        assert listed(service, "two") == sorted(old + new)
        assert listed(service, "two", hidden=False) == new


def test_conflicts_name_what_is_in_the_way(service):
    pinot_push.table(service, "confl")
    push(service, "confl", "a", "b")
    entry = start(service, "confl", ["a"], ["c"]).json()["segmentLineageEntryId"]
    assert start(service, "confl", ["a"], ["c"]).json()["segmentLineageEntryId"] == entry
    text = error(start(service, "confl", ["a"], ["d"]))
    assert text == ("Failed to update the segment lineage during startReplaceSegments. (tableName = "
                    "confl_OFFLINE, segmentsFrom = [a], segmentsTo = [d]): Segment: a from 'segmentsFrom' "
                    f"exists in table: confl_OFFLINE, entry id: {entry} as 'segmentsFrom' (replacing a "
                    "replaced segment)")
    assert "(name conflict)" in error(start(service, "confl", ["b"], ["c"]))
    assert error(start(service, "confl", [], [])) == "'segmentsFrom' and 'segmentsTo' cannot both be empty"
    assert error(call(service, "confl", "revert", f"&segmentLineageEntryId={entry}")).startswith(
        "Failed to update the segment lineage during revertReplaceSegments. (tableName = confl_OFFLINE")
    for body in ([], {"segmentsTo": "x"}, {"segmentsTo": [1]}, {"segmentsTo": ["a/b"]}, {"segmentsTo": [""]}):
        error(call(service, "confl", "start", body=body))
    many = {"segmentsTo": [f"x{i}" for i in range(15_001)]}
    assert call(service, "confl", "start", body=many).status == 413


def test_the_longest_lists_are_taken_in_a_moment(service):
    """Begun, repeated, forced and reverted, with the writers' lock held each time."""
    pinot_push.table(service, "long")
    names = [f"segment_{i}" for i in range(15_000)]
    begun = time.monotonic()
    first = start(service, "long", [], names).json()["segmentLineageEntryId"]
    assert start(service, "long", [], names).json()["segmentLineageEntryId"] == first
    second = start(service, "long", [], names, force=True).json()["segmentLineageEntryId"]
    assert list(lineage(service, "long")) == [second]
    third = start(service, "long", [], names[:-1] + ["other"], force=True).json()["segmentLineageEntryId"]
    assert lineage(service, "long")[second] | {"timestamp": 0} == {
        "state": "REVERTED", "timestamp": 0, "segmentsFrom": [], "segmentsTo": names[-1:]}
    assert call(service, "long", "revert", f"&segmentLineageEntryId={third}&forceRevert=true").status == 200
    assert time.monotonic() - begun < 60  # a square of the length would take minutes
    body = {"segmentsTo": [f"{name}{'x' * 140}" for name in names]}
    assert call(service, "long", "start", body=body).status == 413


def test_a_dropped_table_takes_its_lineage_with_it(service):
    pinot_push.table(service, "drop")
    push(service, "drop", "a")
    assert start(service, "drop", ["a"], ["b", "b", "a2"]).status == 200
    assert service.request("DELETE", "/tables/drop").status == 200
    assert service.sql("SELECT count(*) AS n FROM lineages WHERE \"table\" = 'drop_OFFLINE'") == [{"n": 0}]
    pinot_push.table(service, "drop")
    assert lineage(service, "drop") == {}


def grow_old(service, table, hours):
    """Sets an entry back in time, as only a test may."""
    with sqlite3.connect(service.state / "sluice.db", timeout=30) as db:
        db.execute("UPDATE pinot_lineage SET changed_at = changed_at - ? WHERE table_id ="
                   " (SELECT id FROM pinot_table WHERE raw = ?)", (hours * HOUR_MS, table))
    db.close()


def test_an_abandoned_replacement_is_reverted_and_old_ones_are_forgotten(make_service):
    service = make_service(workers=2, settings={"REPLACE_HOURS": 2})
    for name in ("old", "other"):
        pinot_push.table(service, name)
    push(service, "old", "a")
    assert start(service, "old", ["a"], ["b"]).status == 200
    push(service, "old", "b")
    grow_old(service, "old", 1)
    push(service, "other", "x")
    assert [e["state"] for e in lineage(service, "old").values()] == ["IN_PROGRESS"]
    grow_old(service, "old", 1)
    push(service, "other", "y")  # whatever is written next
    assert [e["state"] for e in lineage(service, "old").values()] == ["REVERTED"]
    assert listed(service, "old") == ["a"]
    entry = start(service, "old", ["a"], ["b"]).json()["segmentLineageEntryId"]
    push(service, "old", "b")
    assert call(service, "old", "end", f"&segmentLineageEntryId={entry}").status == 200
    for _ in range(2):
        grow_old(service, "old", 3)
        push(service, "other", "x")
    assert lineage(service, "old") == {} and listed(service, "old") == ["b"]


def test_two_clients_that_replace_the_same_at_once_do_not_both_begin(service):
    pinot_push.table(service, "race")
    push(service, "race", "a")
    for turn in range(10):
        answers = []
        threads = [threading.Thread(target=lambda i=i: answers.append(
            start(service, "race", ["a"], [f"t{turn}_{i}"]))) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        good = [a.json()["segmentLineageEntryId"] for a in answers if a.status == 200]
        assert len(good) == 1 and sorted(a.status for a in answers) == [200, 400, 400, 400]
        assert call(service, "race", "revert", f"&segmentLineageEntryId={good[0]}&forceRevert=true").status == 200


# ---- kills ----


def kill_workers(service):
    for pid in service.worker_pids():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def insist(work):
    """A client's retries, until an answer comes that is none of the web server's."""
    end = time.monotonic() + 20
    while True:
        try:
            answer = work()
            if answer.status not in (500, 502, 503, 504):
                return answer
        except (ConnectionError, TimeoutError):
            pass
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("number", range(int(os.environ.get("ROUNDS", "3"))))
def test_a_replacement_survives_kills_at_each_step(make_service, number):
    """Killed at random in every call of a consistent push: retried, it ends as if nothing had been."""
    service = make_service(workers=3)
    pinot_push.table(service, "kill")
    rng = random.Random(number)
    old = [f"old{i}" for i in range(200)]
    push(service, "kill", *old)

    def killed(work):
        timer = threading.Timer(rng.uniform(0.0, 0.03), kill_workers, [service])
        timer.start()
        answer = insist(work)
        timer.join()
        return insist(work) if answer.status == 200 else answer

    for turn in range(4):
        new = [f"new{turn}_{i}" for i in range(200)]
        entry = killed(lambda: start(service, "kill", old, new)).json()["segmentLineageEntryId"]
        assert len([e for e in lineage(service, "kill").values() if e["state"] == "IN_PROGRESS"]) == 1
        assert set(insist(lambda: service.request("GET", "/segments/kill/select?type=OFFLINE")).json()[0]["OFFLINE"]) == set(old)
        assert killed(lambda: pinot_push.push(service, "kill", [Segment(n) for n in new])).status == 200
        back = turn % 2 == 1
        verb, query = ("revert", "&forceRevert=true") if back else ("end", "&cleanup=true")
        assert killed(lambda: call(service, "kill", verb, f"&segmentLineageEntryId={entry}{query}")).status == 200
        old = old if back else new
        shown = insist(lambda: service.request("GET", "/segments/kill?type=OFFLINE"))
        assert set(shown.json()[0]["OFFLINE"]) == set(old)
    assert service.sql("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
