"""Every recorded request of a real Pinot controller, in order and from an empty state."""

import json

import pytest

import pinot_differences as differences
import pinot_push
import pinot_recordings as recordings
from pinot_recordings import CASES, CLIENT, PINOT


@pytest.fixture(scope="module")
def deep_store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deepstore")
    recordings.build_deep_store(folder)
    return folder


@pytest.fixture(scope="module")
def pinot(deep_store, tmp_path_factory):
    from sluice import Service

    service = Service(tmp_path_factory.mktemp("pinot"),
                      settings={"DEEP_STORE_ROOTS": deep_store, "PUBLIC_URL": recordings.ADDRESS})
    try:
        yield service.start()
    finally:
        service.stop()


@pytest.fixture(scope="module")
def answers(pinot, deep_store):
    """All answers, by case; the real client's pushes come where they came in the recording."""
    out = {}
    entry = b" ", b" "  # the recorded id of the one replacement, and ours
    for case in CASES:
        name = case["file"]
        if not name or name in differences.NOT_SENT or case["path"].startswith("/zk"):
            continue
        if name == "g1-001-new-3-segments":
            for client in CLIENT:
                data = (PINOT / "client" / f"{client}.req.bin").read_bytes()
                out[client] = [pinot.raw(r, m) for m, r in recordings.prepare(data, deep_store)]
        if name == "g4-087-startReplace":
            there = [pinot_push.Segment(f"g3_cA{i}") for i in range(2)]
            assert pinot_push.push(pinot, "myTable", there).status == 200
        sent = recordings.prepare(recordings.recorded_request(name), deep_store)
        out[name] = [pinot.raw(request.replace(*entry), method) for method, request in sent]
        if name == "g4-087-startReplace":
            entry = _entry_of(case["body"]), _entry_of(out[name][0].body)
        for answer in out[name]:
            answer.body = answer.body.replace(*entry[::-1])
        _read_znodes(pinot, out, name)
    return out


def _entry_of(body):
    return json.loads(body)["segmentLineageEntryId"].encode()


def _read_znodes(pinot, out, after):
    """Cases that read a znode follow the case that wrote it; they are asked of the metadata."""
    at = next(i for i, case in enumerate(CASES) if case["file"] == after) + 1
    while at < len(CASES) and (CASES[at]["path"] or "").startswith("/zk"):
        table, segment = CASES[at]["query"]["path"].rsplit("/", 2)[1:]
        out[CASES[at]["file"]] = [pinot.request("GET", f"/segments/{table}/{segment}/metadata")]
        at += 1


def _text(answer):
    try:
        body = answer.json()
    except ValueError:
        return answer.text
    return body.get("error") or body.get("status") if isinstance(body, dict) else answer.text


def _check_difference(case, answer):
    status, text, _ = differences.DIFFERENT[case["file"]]
    assert answer.status == status
    if text is differences.SAME:
        recorded = json.loads(case["body"])["error"]
        assert _text(answer) == recorded
        assert answer.json()["code"] == status
    elif text is not None:
        assert recordings._plain(_text(answer)).startswith(recordings._plain(text))


def _without_known(case, want, got):
    """Takes out of both what the differences have left behind."""
    if isinstance(want, list) and want and isinstance(want[0], dict) and "OFFLINE" in want[0]:
        want = [n for n in want[0]["OFFLINE"] if not differences.ABSENT.match(n)]
        got = [n for n in got[0]["OFFLINE"] if n in want or n not in differences.EXTRA]
    elif case["path"].endswith("/crc") and case["status"] == 200:
        leave = differences.EXTRA.keys() | differences.OTHER_CRC.keys()
        want = {k: v for k, v in want.items() if not differences.ABSENT.match(k) and k not in leave}
        got = {k: v for k, v in got.items() if k not in leave}
    return want, got


def _znode(case):
    """A znode's fields as the metadata tells them."""
    node = json.loads(case["body"])
    fields = dict(node["simpleFields"])
    if custom := node["mapFields"].get("custom.map"):
        fields["custom.map"] = json.dumps(custom, separators=(",", ":"))
    return recordings.normal(json.dumps(fields))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["file"] or c["name"])
def test_a_recorded_request_gets_the_recorded_answer(case, answers, deep_store):
    name = case["file"]
    if not name or not (PINOT / f"{name}.req.bin").exists():
        pytest.skip(differences.NO_FILE)
    if name in differences.NOT_SENT:
        pytest.skip(differences.NOT_SENT[name])
    if name.startswith("crash-") or name not in answers:
        pytest.skip("needs ZooKeeper")
    answer = answers[name][0]
    if differences.NOT_SERVED.search(case["path"]):
        assert answer.status in (404, 405)
        if not case["path"].startswith("/instances"):  # which is nobody's path
            assert answer.json()["code"] == answer.status
        return
    if name in differences.DIFFERENT:
        _check_difference(case, answer)
        return
    assert answer.status == case["status"]
    got = recordings.normal(answer.body, deep_store)
    if case["path"].startswith("/zk"):
        if case["status"] == 200:
            assert got == _znode(case)
        return
    if case["method"] == "HEAD":
        return
    if not isinstance(got, bytes):
        want, got = _without_known(case, recordings.normal(case["body"] or ""), got)
        assert got == want
    assert answer.header("Content-Type") == case["response_headers"].get("Content-Type")
    # Pinot lets the pages of every site in, which a place without a log-in must not.
    assert answer.header("Access-Control-Allow-Origin") is None
    assert answer.header("Pinot-Controller-Host") and answer.header("Pinot-Controller-Version")


@pytest.mark.parametrize("name", CLIENT)
def test_the_real_client_gets_the_answer_that_it_needs(name, answers, deep_store):
    recorded = (PINOT / "client" / f"{name.removesuffix('-1')}-1.resp.bin").read_bytes()
    wanted = list(recordings.split(recorded))
    assert len(answers[name]) == len(wanted)
    for answer, (first, _, body) in zip(answers[name], wanted):
        if name in differences.DIFFERENT:
            _check_difference({"file": name, "body": body}, answer)
            continue
        assert answer.status == int(first.split()[1])
        assert recordings.normal(answer.body, deep_store) == recordings.normal(body)


def test_a_copied_segment_is_downloaded_byte_by_byte(answers, deep_store):
    stored = (deep_store / "a/segs/a/g4_v1ds.tar.gz").read_bytes()
    whole = answers["g4-065-download-copied-segment"][0]
    assert whole.body == stored
    assert whole.header("Content-Disposition") == "attachment; filename=g4_v1ds"
    assert answers["g4-070-download-range"][0].body == stored[:10]
    assert answers["g4-066-download-copied-segment-by-table-with-type"][0].body == stored


def test_every_difference_is_of_a_recorded_case():
    files = {case["file"] for case in CASES} | set(CLIENT)
    assert set(differences.DIFFERENT) <= files
    assert set(differences.NOT_SENT) <= files


def test_no_lock_and_no_temporary_file_is_left(pinot, answers):
    assert pinot.sql("SELECT count(*) AS n FROM push_locks") == [{"n": 0}]
    assert pinot.leftovers() == []


def test_the_counters_of_a_table_are_those_of_its_segments(pinot, answers):
    rows = pinot.sql(
        "SELECT t.name, t.segments - count(s.id) AS segments,"
        " t.bytes - coalesce(sum(s.bytes), 0) AS bytes"
        " FROM pinot_table AS t LEFT JOIN pinot_segment AS s ON s.table_id = t.id GROUP BY t.id"
    )
    assert rows and all(row["segments"] == 0 and row["bytes"] == 0 for row in rows)
