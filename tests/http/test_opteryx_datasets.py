"""What was committed with Opteryx sessions: appended to, read back, taken back."""

import hashlib
import json

import pytest

from test_opteryx import CSV, commit, detail, name, put, session, target  # noqa: F401


def publish(shared, name, data=CSV, mode="append", file="part.csv", headers=(), **more):
    sid = session(shared)
    for number, part in enumerate(data if isinstance(data, list) else [data]):
        assert put(shared, sid, number, part, {"x-file-name": file}).status == 201
    body = {"target": target(name), "conflict_resolution": mode} | more
    return shared.request("POST", f"/v1/upload/{sid}/commit", body, headers)


def get(shared, name, rest="", headers=()):
    return shared.request("GET", f"/v1/datasets/acme.tests.{name}{rest}", headers=headers)


def types(shared, name):
    return {c["name"]: c["type"] for c in get(shared, name).json()["schema"]["columns"]}


# ---- append ----


def test_append_adds_rows_whatever_the_order_of_columns(shared, name):
    first = publish(shared, name).json()
    second = publish(shared, name, b"name,id\nthree,3\n").json()
    assert first["commit_id"] != second["commit_id"]
    shown = get(shared, name).json()
    assert shown["totals"] == {"files": 2, "rows": 3, "bytes": len(CSV) + 16}
    assert shown["snapshot"]["operation"] == "append"
    assert shown["snapshot"]["parent"] == first["commit_id"]
    assert shown["snapshot"]["added"] == {"files": 1, "rows": 1}


@pytest.mark.parametrize("before,after,types_after", [
    (b"a\n1\n", b"a\n1.5\n", {"a": "FLOAT64"}),
    (b"a\n1.5\n", b"a\n1\n", {"a": "FLOAT64"}),
    (b"a,b\n1,\n", b"a,b\n1,x\n", {"a": "INT64", "b": "VARCHAR"}),
    (b"a,b\n1,x\n", b"a,b\n1,\n", {"a": "INT64", "b": "VARCHAR"}),
    (b"a\nx\n", b"a\n\xc3\xa9\n", {"a": "NVARCHAR"}),
    (b"a,b\n1,x\n", b"a\n2\n", {"a": "INT64", "b": "VARCHAR"}),
])
def test_append_widens_and_fills(shared, name, before, after, types_after):
    assert publish(shared, name, before).status == 200
    assert publish(shared, name, after).status == 200
    assert types(shared, name) == types_after


@pytest.mark.parametrize("before,after,named", [
    (b"a\n1\n", b"a\nx\n", "'a'"),
    (b"a\n1\n", b"a\ntrue\n", "'a'"),
    (b"a\n1\n", b"a,extra\n1,2\n", "'extra'"),
])
def test_append_of_another_structure_is_refused(shared, name, before, after, named):
    publish(shared, name, before)
    was = get(shared, name).body
    answer = publish(shared, name, after)
    assert answer.status == 409
    assert "table structure doesn't match" in detail(answer) and named in detail(answer)
    assert get(shared, name).body == was


def test_an_undeclared_column_is_told_when_it_lands(shared, name):
    publish(shared, name)
    sid = session(shared, name)
    answer = put(shared, sid, 0, b"id,extra\n1,2\n")
    assert answer.status == 201 and answer.json()["issues"] == [
        {"issue": "Column 'extra' is not declared by the dataset", "part": 0, "column": "extra"}]


def test_if_match_refuses_a_dataset_that_moved(shared, name):
    first = publish(shared, name).json()["commit_id"]
    second = publish(shared, name, headers={"If-Match": first})
    assert second.status == 200
    stale = publish(shared, name, headers={"If-Match": first})
    assert stale.status == 412 and first in detail(stale)
    missing = publish(shared, name + "_none", headers={"If-Match": first})
    assert missing.status == 412
    assert get(shared, name).json()["snapshot"]["commit_id"] == second.json()["commit_id"]


# ---- reading back ----


def test_datasets_are_listed_by_pages(service):
    names = [f"d{i:02}" for i in range(7)]
    for one in names:
        publish(service, one)
    seen, after = [], ""
    while after is not None:
        page = service.request("GET", f"/v1/datasets?limit=3&after={after}" if after else
                               "/v1/datasets?limit=3").json()
        assert len(page["datasets"]) <= 3
        seen += [d["table"] for d in page["datasets"]]
        after = page["next"]
    assert seen == [f"acme.tests.{one}" for one in names]
    assert service.request("GET", "/v1/datasets?workspace=acme").json()["next"] is None
    assert service.request("GET", "/v1/datasets?workspace=other").json()["datasets"] == []
    assert service.request("GET", "/v1/datasets?collection=tests&limit=1").json()["next"]
    for query in ("limit=0", "limit=1001", "limit=x"):
        assert service.request("GET", f"/v1/datasets?{query}").status == 422
    assert service.request("GET", "/v1/datasets?after=nonsense").status == 422


def test_a_file_is_read_back_whole_and_in_ranges(shared, name):
    publish(shared, name, [CSV, b"id,name\n9,nine\n"])
    shown = get(shared, name).json()
    snapshot = get(shared, name, f"/snapshots/{shown['snapshot']['commit_id']}").json()
    assert snapshot["schema"] == shown["schema"]
    assert [(f["number"], f["name"], f["kind"], f["rows"]) for f in snapshot["files"]] == [
        (1, "part.csv", "csv", 2), (2, "part.csv", "csv", 1)]
    assert snapshot["files"][0]["sha256"] == hashlib.sha256(CSV).hexdigest()
    assert snapshot["files"][0]["url"].endswith(f"/v1/datasets/acme.tests.{name}/files/1")
    whole = get(shared, name, "/files/1")
    assert (whole.status, whole.body) == (200, CSV)
    assert whole.header("Content-Type") == "text/csv; charset=utf-8"
    etag = whole.header("ETag")
    assert etag == f'"{hashlib.sha256(CSV).hexdigest()}"'
    assert get(shared, name, "/files/1", {"If-None-Match": etag}).status == 304
    part = get(shared, name, "/files/1", {"Range": "bytes=3-6"})
    assert (part.status, part.body) == (206, CSV[3:7])
    assert get(shared, name, "/files/1", {"Range": "bytes=999-"}).status == 416
    assert get(shared, name, "/files/3").status == 404
    assert get(shared, name, "/files/x").status == 422


def test_what_does_not_exist_is_not_found(shared, name):
    for path in (name, name + "/snapshots", name + "/snapshots/x", name + "/files/1"):
        answer = shared.request("GET", f"/v1/datasets/acme.tests.{path}")
        assert (answer.status, answer.body) == (404, b'{"detail":"Dataset not found"}')
    assert shared.request("GET", "/v1/datasets/one.two").status == 404
    publish(shared, name)
    answer = get(shared, name, "/snapshots/snap_none")
    assert (answer.status, answer.body) == (404, b'{"detail":"Snapshot not found"}')


def test_snapshots_are_listed_newest_first(shared, name):
    made = [publish(shared, name).json()["commit_id"] for _ in range(3)]
    first = get(shared, name, "/snapshots?limit=2").json()
    assert [s["commit_id"] for s in first["snapshots"]] == [made[2], made[1]]
    rest = get(shared, name, f"/snapshots?limit=2&after={first['next']}").json()
    assert [s["commit_id"] for s in rest["snapshots"]] == [made[0]] and rest["next"] is None
    assert [s["totals"]["rows"] for s in first["snapshots"] + rest["snapshots"]] == [6, 4, 2]


def files(shared, name, commit_id):
    return get(shared, name, f"/snapshots/{commit_id}?limit=1000").json()["files"]


def test_a_rollback_brings_the_old_files_back(shared, name):
    one = publish(shared, name, [b"a\n1\n", b"a\n2\n"]).json()["commit_id"]
    publish(shared, name, b"a\n3\n")
    two = publish(shared, name, b"b\nx\n", mode="overwrite").json()["commit_id"]
    path = f"/v1/datasets/acme.tests.{name}/rollback"
    answer = shared.request("POST", path, {"snapshot": one})
    assert answer.status == 200
    back = answer.json()
    assert (back["operation"], back["parent"]) == ("rollback", two)
    assert back["totals"] == {"files": 2, "rows": 2, "bytes": 8}
    assert (back["added"], back["removed"]) == ({"files": 2, "rows": 2}, {"files": 1, "rows": 1})
    digests = [f["sha256"] for f in files(shared, name, one)]
    assert [f["sha256"] for f in files(shared, name, back["commit_id"])] == digests
    assert types(shared, name) == {"a": "INT64"}
    again = shared.request("POST", path, {"snapshot": two}).json()
    assert again["totals"]["rows"] == 1 and types(shared, name) == {"b": "VARCHAR"}
    assert [f["sha256"] for f in files(shared, name, one)] == digests, "the past does not change"
    third = shared.request("POST", path, {"snapshot": one}).json()
    assert [f["sha256"] for f in files(shared, name, third["commit_id"])] == digests
    assert shared.request("POST", path, {"snapshot": "x"}).status == 404
    assert shared.request("POST", path, {}).status == 422
    stale = shared.request("POST", path, {"snapshot": two}, {"If-Match": two})
    assert stale.status == 412


def test_every_snapshot_keeps_its_file_list(shared, name):
    """Random commits and rollbacks against lists of digests kept here."""
    import random

    choose = random.Random(name)
    model, current = {}, []
    last = publish(shared, name, b"a\n0\n").json()["commit_id"]
    current = [hashlib.sha256(b"a\n0\n").hexdigest()]
    model[last] = list(current)
    for step in range(1, 40):
        kind = choose.choice(["append", "append", "overwrite", "rollback"])
        if kind == "rollback":
            to = choose.choice(list(model))
            path = f"/v1/datasets/acme.tests.{name}/rollback"
            last = shared.request("POST", path, {"snapshot": to}).json()["commit_id"]
            current = list(model[to])
        else:
            parts = [b"a\n%d\n" % (step * 100 + i) for i in range(choose.randint(1, 3))]
            last = publish(shared, name, parts, mode=kind).json()["commit_id"]
            new = [hashlib.sha256(p).hexdigest() for p in parts]
            current = new if kind == "overwrite" else current + new
        model[last] = list(current)
    for commit_id, digests in model.items():
        found = get(shared, name, f"/snapshots/{commit_id}?limit=1000").json()
        assert sorted(f["sha256"] for f in found["files"]) == sorted(digests)
        assert found["totals"]["files"] == len(digests)


def test_a_scope_bounds_what_is_seen(make_service):
    service = make_service(auth="required")
    admin = {"Authorization": f"Bearer {service.token('admin')}"}
    token = service.token("reader", "opteryx:read", "--scope", "acme.tests.a*")
    reader = {"Authorization": f"Bearer {token}"}
    for one in ("a1", "b1"):
        sid = service.request("POST", "/v1/upload/session", None, admin).json()["session_id"]
        service.request("PUT", f"/v1/upload/{sid}?part=0", CSV, admin | {"x-file-name": "a.csv"})
        service.request("POST", f"/v1/upload/{sid}/commit", {"target": target(one)}, admin)
    assert service.request("GET", "/v1/datasets").status == 401
    seen = service.request("GET", "/v1/datasets", headers=reader).json()["datasets"]
    assert [d["table"] for d in seen] == ["acme.tests.a1"]
    assert service.request("GET", "/v1/datasets/acme.tests.a1/files/1", headers=reader).body == CSV
    answer = service.request("GET", "/v1/datasets/acme.tests.b1", headers=reader)
    assert (answer.status, detail(answer)) == (403, "authorization denied for action read")
    rollback = service.request("POST", "/v1/datasets/acme.tests.a1/rollback", {"snapshot": "x"}, reader)
    assert rollback.status == 403


# ---- other formats ----


def test_ndjson_is_read(shared, name):
    data = b'{"a":1,"s":"x","o":{"k":[1]}}\n\n{"s":"\xc3\xa9","a":2.5}\n'
    assert publish(shared, name, data, file="x.jsonl").json()["rows_written"] == 2
    assert types(shared, name) == {"a": "FLOAT64", "s": "NVARCHAR", "o": "NVARCHAR"}
    assert get(shared, name, "/files/1").header("Content-Type") == "application/x-ndjson"
    sid = session(shared)
    answer = put(shared, sid, 0, b'{"a":1}\n[2]\n', {"x-file-name": "x.json"})
    assert answer.status == 422 and "NDJSON" in detail(answer) and "row 2" in detail(answer)
    assert put(shared, sid, 0, b"", {"x-file-name": "x.ndjson"}).json()["rows"] == 0


def test_bytes_that_are_no_parquet_are_refused(shared):
    sid = session(shared)
    for data in (b"", b"PAR1", b"PAR1PAR1", b"x" * 100, b"PAR1" + b"x" * 100,
                 b"PAR1" + b"\0" * 20 + b"\xff\0\0\0PAR1", b"PAR1" + b"\0" * 20 + b"\1\0\0\0PARE"):
        answer = put(shared, sid, 0, data, {"x-file-name": "x.parquet"})
        assert answer.status == 422 and "Parquet" in detail(answer), (data, answer)
    assert shared.request("GET", f"/v1/upload/{sid}/inspect").status == 204


def test_a_session_expires(make_service):
    service = make_service(settings={"SESSION_HOURS": 1})
    sid = session(service)
    put(service, sid, 0)
    done = session(service)
    put(service, done, 0)
    first = commit(service, done, "kept")
    import sqlite3
    with sqlite3.connect(service.state / "sluice.db") as db:
        db.execute("UPDATE opteryx_session SET expires_at = created_at - 1")
    for answer in (put(service, sid, 1), service.request("GET", f"/v1/upload/{sid}/inspect"),
                   commit(service, sid, "late"), service.request("DELETE", f"/v1/upload/{sid}/part/0")):
        assert (answer.status, answer.body) == (410, b'{"detail":"session expired"}')
    assert commit(service, done, "kept").body == first.body, "what was committed stays so"
    assert json.loads(first.body)["rows_written"] == 2


# ---- what an operator does ----


def test_datasets_are_listed_shown_and_dropped_by_verb(fresh, name):
    first = publish(fresh, name).json()["commit_id"]
    publish(fresh, name + "2")
    assert f"acme.tests.{name}\t{first}\t2 rows" in fresh.verb("dataset", "list").stdout
    shown = fresh.verb("dataset", "show", f"acme.tests.{name}").stdout
    assert "id\tINT64" in shown and first in shown
    fresh.verb("dataset", "drop", f"acme.tests.{name}")
    assert get(fresh, name).status == 404
    assert fresh.verb("dataset", "drop", f"acme.tests.{name}", check=False).returncode == 1
    assert fresh.verb("dataset", "nonsense", check=False).returncode == 2
    assert get(fresh, name + "2", "/files/1").body == CSV
    assert publish(fresh, name, mode="fail").status == 200, "the name is free again"


def test_gc_takes_expired_sessions_and_what_nothing_names(fresh, name):
    import sqlite3

    publish(fresh, name)
    kept = session(fresh)
    put(fresh, kept, 0, b"a\n1\n")
    gone = session(fresh)
    put(fresh, gone, 0, b"a\n2\n")
    put(fresh, gone, 0, b"a\n3\n")
    with sqlite3.connect(fresh.state / "sluice.db") as db:
        db.execute("UPDATE opteryx_session SET expires_at = 1 WHERE session = ?", (gone,))
    dry = fresh.verb("gc", "--dry-run").stdout
    assert "would take back: 1 expired sessions" in dry
    assert fresh.request("GET", f"/v1/upload/{gone}/inspect").status == 410
    assert "took back: 1 expired sessions, 2 contents" in fresh.verb("gc").stdout
    assert fresh.request("GET", f"/v1/upload/{gone}/inspect").status == 404
    assert fresh.request("GET", f"/v1/upload/{kept}/inspect").status == 200
    assert get(fresh, name, "/files/1").body == CSV
    assert fresh.sql("SELECT count(*) AS n FROM blob") == [{"n": 2}]
