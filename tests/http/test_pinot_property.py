"""Random sequences of batches against a model of the contract: section 2 of the API page in fifty
lines.  SEQUENCES says how many (the whole proof was 5,000), SEED which."""

import json
import os
import random

import pytest

import pinot_push
from pinot_push import Segment

SEQUENCES = int(os.environ.get("SEQUENCES", "150"))
SEED = int(os.environ.get("SEED", "4"))
TABLE, SMALL = "model", "modelsmall"
LIMIT = 4  # segments that a table with a quota may have
KEYS = ["crc", "data_crc", "created_at", "url", "custom", "docs", "start_raw"]


class Model:
    """What the rows of one table must be."""

    def __init__(self, limit=None):
        self.rows = {}
        self.limit = limit

    def refuse(self, batch, o):
        """The status of the first check that fails, in the recorded order; None for none."""
        new = [s for s in batch if s.name not in self.rows]
        if self.limit is not None and len(self.rows) + len(new) > self.limit:
            return 403
        for s in batch:
            if s.name not in self.rows and o["refresh_only"]:
                return 410
            if s.name in self.rows and not o["allow_refresh"]:
                return 409
        for s in batch:
            if s.name in self.rows and o["if_match"] is not None:
                if o["if_match"] != str(self.rows[s.name]["crc"]):
                    return 412
        return None

    def apply(self, batch, o):
        outcomes = {}
        for s in batch:
            old = self.rows.get(s.name)
            same = old is not None and old["crc"] == s.crc
            custom = dict(s.custom)
            if o["modifier"]:
                base = {} if old is None else dict(old["custom"])
                if not same:
                    base |= s.custom
                custom = o["modifier"]["map"] if o["modifier"]["mapModifyMode"] == "REPLACE" \
                    else base | o["modifier"]["map"]
            fields = {"crc": s.crc, "data_crc": s.crc + 7, "docs": s.docs, "start_raw": str(s.start)}
            row = dict(old) if same else fields
            row |= {"created_at": pinot_push.START + s.crc, "url": s.uri, "custom": custom,
                    "refreshed": old is not None}
            self.rows[s.name] = row
            outcomes[s.name] = "new" if old is None else "unchanged" if same else "refreshed"
        return outcomes


def random_batch(rng, prefix):
    names = rng.sample(range(6), rng.randint(1, 4))
    batch = []
    for i in names:
        name = f"{prefix}_{i}"
        custom = {f"k{rng.randint(0, 2)}": f"v{rng.randint(0, 9)}"} if rng.random() < 0.3 else {}
        batch.append(Segment(name, crc=rng.randint(1, 3), custom=custom, docs=rng.randint(0, 99),
                             uri=f"s3://b/{name}/{rng.randint(0, 2)}"))
    return batch


def random_options(rng):
    modifier = None
    if rng.random() < 0.2:
        modifier = {"mapModifyMode": rng.choice(["UPDATE", "REPLACE"]),
                    "map": {f"m{rng.randint(0, 1)}": str(rng.randint(0, 9))}}
    return {
        "protect": rng.random() < 0.4,
        "allow_refresh": rng.random() > 0.15,
        "refresh_only": rng.random() < 0.1,
        "if_match": rng.choice([None] * 5 + ["1", "2", "abc"]),
        "modifier": modifier,
    }


def request_of(o):
    query = "&report=segments"
    query += "&enableParallelPushProtection=true" if o["protect"] else ""
    query += "" if o["allow_refresh"] else "&allowRefresh=false"
    headers = [("REFRESH_ONLY", "true")] if o["refresh_only"] else []
    headers += [("If-Match", o["if_match"])] if o["if_match"] is not None else []
    if o["modifier"]:
        headers.append(("Pinot-SegmentZKMetadataCustomMapModifier", json.dumps(o["modifier"])))
    return query, headers


def broken(rng, batch):
    """An archive, or request, that is wrong in one way: (archive, query, headers, status)."""
    files = [f for s in batch for f in s.files()]
    mapping = "".join(f"{s.name}\n{s.uri}\n" for s in batch).encode()
    good = files + [("d/all_segments_metadata", mapping)]
    first = batch[0]
    ways = [
        lambda: (pinot_push.tar_gz(good)[: rng.randint(0, 60)], "", [], 400),
        lambda: (b"no gzip", "", [], 400),
        lambda: (pinot_push.tar_gz(good[1:]), "", [], 400),
        lambda: (pinot_push.tar_gz(files), "", [], 400),
        lambda: (pinot_push.tar_gz(good + files[:1]), "", [], 400),
        lambda: (pinot_push.tar_gz(files + [("d/all_segments_metadata", mapping + b"x\n")]), "", [], 400),
        lambda: (pinot_push.tar_gz(files + [("d/all_segments_metadata", mapping * 2)]), "", [], 400),
        lambda: (pinot_push.tar_gz(good + [("../x", b"")]), "", [], 400),
        lambda: (pinot_push.tar_gz(good + [("d/a\\b.creation.meta", b"")]), "", [], 400),
        lambda: (pinot_push.tar_gz([(files[0][0], b"short")] + good[1:]), "", [], 400),
        lambda: (pinot_push.archive([Segment(first.name, start=1000, end=2000)]), "", [], 403),
        lambda: (pinot_push.archive([Segment(first.name, start=2, end=1)]), "", [], 403),
        lambda: (pinot_push.archive([Segment(first.name, uri="a b")]), "", [], 400),
        lambda: (pinot_push.archive(batch), "", [("CRYPTER", "nope")], 400),
        lambda: (pinot_push.archive(batch), "", [("database", "elsewhere")], 400),
        lambda: (pinot_push.archive(batch), "", [("COPY_SEGMENT_TO_DEEP_STORE", "true")], 403),
        lambda: (pinot_push.archive(batch), "", [("Pinot-SegmentZKMetadataCustomMapModifier", "{bad")], 400),
    ]
    return rng.choice(ways)()


def check_rows(service, table, prefix, model):
    found = pinot_push.rows(service, table, f"{prefix}[_]*")
    assert found.keys() == model.rows.keys()
    for name, want in model.rows.items():
        got = found[name]
        got["custom"] = json.loads(got["custom"] or "{}")
        assert {k: got[k] for k in KEYS} == {k: want[k] for k in KEYS}
        assert (got["refreshed_at"] is not None) == want["refreshed"]


def run_sequence(service, rng, table, prefix, model):
    for _ in range(rng.randint(2, 7)):
        batch = random_batch(rng, prefix)
        if rng.random() < 0.2:
            data, query, headers, status = broken(rng, batch)
            answer = pinot_push.send(service, table, data, query, headers)
            assert answer.status == status, answer
        else:
            options = random_options(rng)
            query, headers = request_of(options)
            answer = pinot_push.push(service, table, batch, query, headers)
            status = model.refuse(batch, options)
            assert answer.status == (status or 200), answer
            if status is None:
                outcomes = model.apply(batch, options)
                told = {s["segment"]: s["outcome"] for s in answer.json()["segments"]}
                assert told == outcomes
        if answer.status != 200:
            assert answer.json()["code"] == answer.status
        check_rows(service, table, prefix, model)


@pytest.fixture(scope="module")
def tables(service):
    pinot_push.table(service, TABLE)
    return service


def test_random_sequences_do_what_the_contract_says(tables):
    for number in range(SEQUENCES):
        rng = random.Random(f"{SEED}/{number}")
        try:
            if number % 10 == 0:
                name = f"{SMALL}{number}"
                pinot_push.table(tables, name, quota={"maxSegments": LIMIT})
                run_sequence(tables, rng, name, f"s{number}", Model(LIMIT))
            else:
                run_sequence(tables, rng, TABLE, f"s{number}", Model())
        except AssertionError:
            print(f"sequence {number} of seed {SEED}")
            raise
    assert pinot_push.locks(tables) == 0
    counted = tables.sql("SELECT t.segments - count(s.id) AS n FROM pinot_table AS t"
                         " LEFT JOIN pinot_segment AS s ON s.table_id = t.id GROUP BY t.id")
    assert all(row["n"] == 0 for row in counted)
