"""What a client that means harm, or a careless one, gets: bounds, and nothing of somebody else's."""

import os
import time

import pytest
import zstandard

from test_opteryx import commit, detail, name, put, session, target  # noqa: F401
from test_opteryx_datasets import get, publish
from test_opteryx_read_api import raw_sql

MIB = 1 << 20
# Sanitizers take their time.
PLAIN = "Asan" not in os.environ.get("PROGRAM", "")


# ---- snapshots ----


def test_going_back_writes_no_file_and_not_even_a_snapshot_where_nothing_changes(make_service):
    service = make_service()
    sid = session(service)
    for number in range(100):
        put(service, sid, number, b"a\n%d\n" % number)
    first = commit(service, sid, "d").json()["commit_id"]
    second = publish(service, "d", b"a\n-1\n", mode="overwrite").json()["commit_id"]
    path = "/v1/datasets/acme.tests.d/rollback"
    for turn in range(10):
        for to in (first, first, second, second):
            assert service.request("POST", path, {"snapshot": to}).status == 200
        last = publish(service, "d", b"a\n%d\n" % -turn).json()
        assert get(service, "d").json()["totals"]["files"] == 2 and last["files_created"] == 1
    back = service.request("POST", path, {"snapshot": first}).json()
    assert back["totals"] == {"files": 100, "rows": 100, "bytes": sum(3 + len(str(i)) for i in range(100))}
    assert (back["added"], back["removed"]) == ({"files": 100, "rows": 100}, {"files": 2, "rows": 2})
    assert service.sql("SELECT count(*) AS n FROM opteryx_file") == [{"n": 111}]
    assert service.sql("SELECT count(*) AS n FROM opteryx_snapshot") == [{"n": 2 + 10 * 3 + 1}]


def test_an_append_to_an_old_snapshot_holds_its_files_and_the_new_ones(shared, name):
    contents = [[b"a\n1\n", b"a\n2\n"]]
    made = [publish(shared, name, contents[0]).json()["commit_id"]]
    for turn in range(12):
        to = turn * 7 % len(made)
        shared.request("POST", f"/v1/datasets/acme.tests.{name}/rollback", {"snapshot": made[to]})
        parts = [b"a\n%d\n" % (100 + turn)]
        made.append(publish(shared, name, parts).json()["commit_id"])
        contents.append(contents[to] + parts)
    for commit_id, wanted in zip(made, contents):
        found, after = [], 0
        while after is not None:
            page = get(shared, name, f"/snapshots/{commit_id}?limit=2&after={after}").json()
            found += [get(shared, name, f"/files/{f['number']}").body for f in page["files"]]
            after = page["next"]
        assert found == wanted and page["totals"]["files"] == len(wanted)


# ---- what is said to strangers ----


@pytest.mark.parametrize("body, content_type", [
    (b'{"target":{"junk":"' + b"x" * 100000 + b'"}}', "application/json"),
    (b'{"target":[' + b"1," * 50000 + b"1]}", "application/json"),
    (b'{"target":{"workspace":1,"collection":"' + b"x" * 200000 + b'","dataset":"y"}}', "application/json"),
    (b'{"target":null,"conflict_resolution":"' + b"x" * 200000 + b'"}', "application/json"),
    ("\u00e9".encode() * 100000, "text/plain"),
    (b'"' + b"\\u0001" * 40000 + b'"', "application/json"),
], ids=["missing", "list", "name", "mode", "text", "escapes"])
def test_a_refusal_repeats_no_more_than_the_beginning_of_what_was_sent(make_service, body, content_type):
    service = make_service(auth="required")
    answer = service.request("POST", "/v1/upload/x/commit", body, [("Content-Type", content_type)])
    assert answer.status == 422 and len(answer.body) < 10000
    assert answer.json()["detail"][0]["loc"][0] == "body"


# ---- numbers ----


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def field(kind, delta, value):
    """A field of Thrift's compact protocol; integers are zigzagged."""
    if kind in (5, 6):
        value = varint(value << 1)
    elif kind == 8:
        value = varint(len(value)) + value
    return bytes([delta << 4 | kind]) + value


def listed(kind, items):
    assert len(items) < 15
    return bytes([len(items) << 4 | kind]) + b"".join(items)


def parquet(rows):
    """A file whose only column claims that many rows."""
    schema = [field(8, 4, b"root") + field(5, 1, 1) + b"\0",
              field(5, 1, 1) + field(5, 2, 1) + field(8, 1, b"a") + b"\0"]
    chunk = (field(5, 1, 1) + field(9, 1, listed(5, [varint(0)])) + field(9, 1, listed(8, [b"\1a"])) +
             field(5, 1, 0) + field(6, 1, rows) + field(6, 1, 4) + field(6, 1, 4) + field(6, 2, 4) + b"\0")
    group = (field(9, 1, listed(12, [field(6, 2, 4) + field(12, 1, chunk) + b"\0"])) + field(6, 1, 4) +
             field(6, 1, rows) + b"\0")
    footer = (field(5, 1, 1) + field(9, 1, listed(12, schema)) + field(6, 1, rows) +
              field(9, 1, listed(12, [group])) + b"\0")
    return b"PAR1" + b"data" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def test_no_part_claims_more_rows_than_sums_can_hold(shared, name):
    sid = session(shared)
    headers = {"x-file-name": "a.parquet"}
    most = 1 << 40
    for number, (rows, status) in enumerate(((most, 201), (most + 1, 422), (1 << 62, 422), (1, 201))):
        answer = put(shared, sid, number, parquet(rows), headers)
        assert answer.status == status, (rows, answer)
    assert shared.request("GET", f"/v1/upload/{sid}/inspect").json()["rows_estimate"] == most + 1
    assert commit(shared, sid, name).json()["rows_written"] == most + 1


def test_totals_that_cannot_be_counted_are_refused(make_service):
    service = make_service()
    publish(service, "d", b"a\n1\n")
    raw_sql(service, "UPDATE opteryx_snapshot SET rows = 9223372036854775807")
    answer = publish(service, "d", b"a\n2\n")
    assert (answer.status, "can be counted" in detail(answer)) == (422, True)
    assert publish(service, "d", b"a\n2\n", mode="overwrite").status == 200


# ---- bounds ----


def test_a_small_part_does_not_become_a_disk_full(make_service):
    bomb = zstandard.compress(b"a\n" + b"1\n" * (100 * MIB))
    assert len(bomb) < MIB
    service = make_service()
    sid = session(service)
    headers = {"x-file-name": "a.csv", "Content-Encoding": "zstd"}
    answer = put(service, sid, 0, bomb, headers)
    assert answer.status == 413 and "256 times" in detail(answer)
    assert put(service, sid, 1, zstandard.compress(b"a\n" + b"1\n" * (7 * MIB)), headers).status == 201
    assert service.request("DELETE", f"/v1/upload/{sid}/part/1").status == 200
    assert service.leftovers() == []


def test_a_session_holds_no_more_bytes_than_the_setting_says(make_service):
    service = make_service(settings={"SESSION_BYTES_MAX": 1024})
    sid = session(service)
    big = b"a\n" + b"1\n" * 299
    assert [put(service, sid, n, big).status for n in (0, 1, 0)] == [201, 413, 201]
    assert put(service, sid, 1, b"a\n" + b"1\n" * 211).status == 201, "1024 in all"
    answer = put(service, sid, 2, b"a\n1\n")
    assert (answer.status, detail(answer)) == (413, "the session would hold more than 1024 bytes")
    service.request("DELETE", f"/v1/upload/{sid}/part/0")
    assert put(service, sid, 2, b"a\n1\n").status == 201


def test_inspect_and_commit_read_what_was_put_together_before(make_service):
    """24 parts of 16,384 columns that all differ in a type held the control pool for 8.4 s."""
    service = make_service()
    names = ",".join(f"c{i}" for i in range(16384))
    sid = session(service)
    for number in range(24):
        values = ["1"] * 16384
        values[number] = ""
        assert put(service, sid, number, f"{names}\n{','.join(values)}\n".encode()).status == 201
    begun = time.monotonic()
    found = service.request("GET", f"/v1/upload/{sid}/inspect")
    inspected = time.monotonic() - begun
    assert [c["type"] for c in found.json()["schema"]["columns"]] == ["INT64"] * 16384
    begun = time.monotonic()
    assert commit(service, sid, "d").status == 200
    committed = time.monotonic() - begun
    if PLAIN:
        assert inspected < 1 and committed < 1, (inspected, committed)


def test_what_parts_are_together_follows_every_part(shared):
    """Replaced, in any order, deleted: as if only the last of each had ever come."""
    import itertools

    contents = {"int": (b"a,b\n1,2\n", "INT64"), "float": (b"a,b\n1.5,2\n", "FLOAT64"),
                "text": (b"a,b\nx,2\n", "VARCHAR"), "null": (b"b,c\n1,2\n", None)}
    for order in itertools.permutations(contents, 3):
        sid = session(shared)
        for number, which in zip((5, 0, 5), order):
            assert put(shared, sid, number, contents[which][0]).status == 201
        left = [order[1], order[2]]
        shown = shared.request("GET", f"/v1/upload/{sid}/inspect").json()
        types = {c["name"]: c["type"] for c in shown["schema"]["columns"]}
        wanted = {contents[which][1] for which in left} - {None}
        assert types.get("a") == ("VARCHAR" if "VARCHAR" in wanted else "FLOAT64" if "FLOAT64" in wanted
                                  else "INT64" if wanted else None), order
        assert ("c" in types) == ("null" in left)
        assert any("in other parts" in i["issue"] for i in shown["issues"]) == (
            "text" in left and len(wanted) > 1)
        shared.request("DELETE", f"/v1/upload/{sid}/part/0")
        shown = shared.request("GET", f"/v1/upload/{sid}/inspect").json()
        types = {c["name"]: c["type"] for c in shown["schema"]["columns"]}
        assert types.get("a") == contents[order[2]][1] and shown["issues"] == []


# ---- whose it is ----


def test_a_new_token_of_an_old_name_does_not_get_the_sessions_of_the_old_one(make_service):
    service = make_service(auth="required")
    old = {"Authorization": f"Bearer {service.token('ci')}"}
    sid = service.request("POST", "/v1/upload/session", {}, old).json()["session_id"]
    csv = old | {"x-file-name": "a.csv"}
    assert service.request("PUT", f"/v1/upload/{sid}?part=0", b"a\n1\n", csv).status == 201
    service.verb("token", "revoke", "ci")
    new = {"Authorization": f"Bearer {service.token('ci')}"}
    assert service.request("GET", f"/v1/upload/{sid}/inspect", headers=new).status == 404
    assert service.request("POST", f"/v1/upload/{sid}/commit", {"target": target("d")}, new).status == 404
    assert service.sql("SELECT owner FROM sessions") == [{"owner": "ci"}]
