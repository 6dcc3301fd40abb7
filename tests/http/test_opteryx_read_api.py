"""What the README promises about reading back, rights and the operator's verb: tables of cases."""

import json
import re
import sqlite3
import subprocess
import urllib.parse

import pytest

from sluice import GOLDEN, ROOT
from test_opteryx import CSV, commit, detail, name, put, session, target  # noqa: F401
from test_opteryx_datasets import files, get, publish

PARQUET = (GOLDEN / "opteryx" / "files" / "findings.parquet").read_bytes()


# ---- reading back ----


@pytest.mark.parametrize("headers,status,body", [
    ({"Range": "bytes=0-1"}, 206, CSV[:2]), ({"Range": "bytes=-4"}, 206, CSV[-4:]),
    ({"Range": "bytes=5-"}, 206, CSV[5:]), ({"Range": "bytes=5-99999"}, 206, CSV[5:]),
    ({"Range": "bytes=-99999"}, 206, CSV), ({"Range": "bytes=0-0,2-3"}, 200, CSV),
    ({"Range": "bytes=3-2"}, 200, CSV), ({"Range": "lines=1-2"}, 200, CSV),
    ({"Range": "bytes=99999-"}, 416, b""), ({"Range": "bytes=-0"}, 416, b""),
    ({"Range": "bytes=0-1", "If-Range": "ETAG"}, 206, CSV[:2]),
    ({"Range": "bytes=0-1", "If-Range": '"other"'}, 200, CSV),
    ({"If-None-Match": "ETAG"}, 304, b""), ({"If-None-Match": 'W/ETAG'}, 304, b""),
    ({"If-None-Match": '"other", ETAG'}, 304, b""), ({"If-None-Match": "*"}, 304, b""),
    ({"If-None-Match": '"other"'}, 200, CSV), ({"If-None-Match": "ETAG", "Range": "bytes=0-0"}, 304, b""),
])
def test_ranges_and_conditions_on_a_file(shared, headers, status, body):
    if get(shared, "ranges").status == 404:
        publish(shared, "ranges")
    etag = get(shared, "ranges", "/files/1").header("ETag")
    headers = {key: value.replace("ETAG", etag) for key, value in headers.items()}
    answer = get(shared, "ranges", "/files/1", headers)
    assert (answer.status, answer.body) == (status, body)
    if status in (200, 206, 304):
        assert answer.header("ETag") == etag
    if status == 206:
        at = CSV.index(body) if body != CSV else 0
        assert answer.header("Content-Range") == f"bytes {at}-{at + len(body) - 1}/{len(CSV)}"
    if status == 416:
        assert answer.header("Content-Range") == f"bytes */{len(CSV)}"


def test_files_have_their_media_type_also_for_head(shared, name):
    for i, (file, data, media_type) in enumerate((
            ("a.csv", CSV, "text/csv; charset=utf-8"), ("a.json", b'{"a":1}\n', "application/x-ndjson"),
            ("a.pq", PARQUET, "application/vnd.apache.parquet"))):
        publish(shared, f"{name}{i}", data, file=file)
        for method, body in (("GET", data), ("HEAD", b"")):
            answer = shared.request(method, f"/v1/datasets/acme.tests.{name}{i}/files/1")
            assert answer.status == 200 and answer.body == body
            assert answer.header("Content-Type") == media_type
            assert answer.header("Content-Length") == str(len(data))
            assert answer.header("Accept-Ranges") == "bytes"


def test_head_answers_where_get_does(shared, name):
    first = publish(shared, name).json()["commit_id"]
    sid = session(shared)
    put(shared, sid, 0)
    base = f"/v1/datasets/acme.tests.{name}"
    for path in ("/health", "/v1/datasets?limit=1", base, base + "/snapshots",
                 f"{base}/snapshots/{first}", base + "/files/1", f"/v1/upload/{sid}/inspect"):
        got, head = shared.request("GET", path), shared.request("HEAD", path)
        assert (head.status, head.body) == (got.status, b"") == (200, b"")
        assert head.header("Content-Length") == got.header("Content-Length")
        assert head.header("Content-Type") == got.header("Content-Type")


@pytest.mark.parametrize("method,path,allowed", [
    ("GET", "/v1/upload/session", {"POST"}), ("PATCH", "/v1/upload/x", {"PUT"}),
    ("GET", "/v1/upload/x", {"PUT"}), ("PUT", "/v1/upload/x/inspect", {"GET", "HEAD"}),
    ("GET", "/v1/upload/x/commit", {"POST"}), ("GET", "/v1/upload/x/part/1", {"DELETE"}),
    ("PUT", "/v1/upload/x/part/1", {"DELETE"}), ("POST", "/health", {"GET", "HEAD"}),
    ("POST", "/v1/datasets", {"GET", "HEAD"}), ("DELETE", "/v1/datasets/a.b.c", {"GET", "HEAD"}),
    ("GET", "/v1/datasets/a.b.c/rollback", {"POST"}), ("POST", "/v1/datasets/a.b.c/files/1", {"GET"}),
])
def test_a_wrong_method_is_told_the_right_ones(shared, method, path, allowed):
    answer = shared.request(method, path, None if method == "GET" else b"")
    assert (answer.status, answer.body) == (405, b'{"detail":"Method Not Allowed"}')
    assert allowed <= set(answer.header("Allow").split(", ")) and method not in answer.header("Allow")


def test_rollback_goes_to_snapshots_of_its_dataset_alone(shared, name):
    first = publish(shared, name, b"a\n1\n").json()["commit_id"]
    second = publish(shared, name, b"a\n2\n").json()["commit_id"]
    foreign = publish(shared, name + "_other", b"a\n3\n").json()["commit_id"]
    path = f"/v1/datasets/acme.tests.{name}/rollback"
    for body, status in (({"snapshot": foreign}, 404), ({"snapshot": "snap_none"}, 404),
                         ({"snapshot": ""}, 404), ({"snapshot": first + "\0"}, 422),
                         ({"snapshot": None}, 422), ({"snapshot": 1}, 422), ([], 422), ({}, 422)):
        assert shared.request("POST", path, body).status == status, body
    assert get(shared, name).json()["snapshot"]["commit_id"] == second, "nothing has moved"
    same = shared.request("POST", path, {"snapshot": second}).json()
    assert same["commit_id"] == second, "nothing changes, so nothing is written"
    back = shared.request("POST", path, {"snapshot": first}).json()
    assert back["totals"]["files"] == 1
    last = publish(shared, name, b"a\n4\n").json()["commit_id"]
    bodies = [get(shared, name, f"/files/{f['number']}").body for f in files(shared, name, last)]
    assert bodies == [b"a\n1\n", b"a\n4\n"]


def test_snapshots_from_before_their_ranges_were_kept_are_read_all_the_same(make_service):
    """As migration 0005 leaves a state that earlier programs have written."""
    service = make_service()
    contents = {}
    for i, mode in enumerate(("fail", "append", "overwrite", "append")):
        parts = [b"a\n%d\n" % (10 * i + k) for k in range(2)]
        before = list(contents.values())[-1] if mode == "append" else []
        contents[publish(service, "d", parts, mode=mode).json()["commit_id"]] = before + parts
    migration = (ROOT / "migrations" / "0006_opteryx_files.sql").read_text()
    fill = re.search(r"^UPDATE opteryx_snapshot .*?;", migration, re.S | re.M).group(0)
    later = next((ROOT / "migrations").glob("*_opteryx_sessions.sql")).read_text()
    mark = re.search(r"^UPDATE opteryx_snapshot\s.*?;", later, re.S | re.M).group(0)
    raw_sql(service, "UPDATE opteryx_file SET removed_in = 3 WHERE added_in < 3",
            "UPDATE opteryx_snapshot SET first_file = 1, next_file = 1", fill, mark)

    def check():
        for commit_id, wanted in contents.items():
            found = [get(service, "d", f"/files/{f['number']}").body for f in files(service, "d", commit_id)]
            assert sorted(found) == sorted(wanted)
        current = service.sql("SELECT number FROM files WHERE current")
        assert len(current) == len(list(contents.values())[-1])

    check()
    for to in list(contents):
        back = service.request("POST", "/v1/datasets/acme.tests.d/rollback", {"snapshot": to})
        contents[back.json()["commit_id"]] = contents[to]
        check()
    contents[publish(service, "d", b"a\n99\n", mode="overwrite").json()["commit_id"]] = [b"a\n99\n"]
    check()
    for to in list(contents):
        back = service.request("POST", "/v1/datasets/acme.tests.d/rollback", {"snapshot": to})
        contents[back.json()["commit_id"]] = contents[to]
        check()


def test_lists_are_filtered_and_turned_page_by_page(make_service):
    service = make_service()
    wanted = []
    for workspace, collection, dataset in (("a", "c", "1"), ("b", "b", "1"), ("b", "c", "1"), ("b", "c", "2"),
                                           ("b", "c-2", "1"), ("b", "d", "1"), ("b-2", "c", "1"), ("c", "c", "1")):
        one = {"workspace": workspace, "collection": collection, "dataset": dataset}
        sid = session(service)
        put(service, sid, 0)
        service.request("POST", f"/v1/upload/{sid}/commit", {"target": one})
        wanted.append((workspace, collection, f"{workspace}.{collection}.{dataset}"))
    wanted.sort()
    filters = [(None, None), ("b", None), ("b", "c"), ("b", "x"), ("x", None), (None, "c"), ("b-2", "c"),
               ("", None), ("b c", None), (None, "%"), ("n" * 1000, None)]
    for workspace, collection in filters:
        query = "".join(f"&{key}={urllib.parse.quote(value)}" for key, value in (
            ("workspace", workspace), ("collection", collection)) if value is not None)
        expected = [table for w, c, table in wanted
                    if workspace in (None, w) and collection in (None, c)]
        for limit in (1, 2, 1000):
            seen, after = [], ""
            while after is not None:
                page = service.request("GET", f"/v1/datasets?limit={limit}{query}{after and '&after=' + after}").json()
                seen += [d["table"] for d in page["datasets"]]
                after = page["next"]
            assert seen == expected, (workspace, collection, limit)
    page = service.request("GET", "/v1/datasets?workspace=b&after=z.z.z").json()
    assert page == {"datasets": [], "next": None}
    page = service.request("GET", "/v1/datasets?workspace=b&after=a.z.z&limit=1").json()
    assert [d["table"] for d in page["datasets"]] == ["b.b.1"]


@pytest.mark.parametrize("path", ["/v1/datasets?", "/v1/datasets/a.b.c/snapshots?",
                                  "/v1/datasets/a.b.c/snapshots/x?"])
@pytest.mark.parametrize("query,status", [
    ("limit=0", 422), ("limit=-1", 422), ("limit=1001", 422), ("limit=abc", 422), ("limit=", 422),
    ("after=nonsense", 422), ("after=", 422), ("after=%00", 400), ("limit=x&limit=1", None)])
def test_pages_have_their_bounds(shared, path, query, status):
    answer = shared.request("GET", path + query)
    assert answer.status == (status or (200 if path == "/v1/datasets?" else 404)), answer


def raw_sql(service, *statements):
    """Behind the service's back."""
    with sqlite3.connect(service.state / "sluice.db", timeout=30) as db:
        for statement in statements:
            db.execute(statement)


def test_a_list_of_many_foreign_datasets_is_read_in_bounded_memory(make_service):
    service = make_service(auth="required")
    reader = {"Authorization": f"Bearer {service.token('r', 'opteryx:read', '--scope', 'z.*')}"}
    raw_sql(service, """INSERT INTO opteryx_dataset (dataset, workspace, collection, name, sequence, next_file, created_at)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
        SELECT i, CASE i WHEN 25000 THEN 'z' ELSE printf('a%0127d', i) END, printf('%0128d', i), printf('%0128d', i), 1, 1, 0 FROM n""",
            """INSERT INTO opteryx_structure SELECT dataset, 1, '[]' FROM opteryx_dataset""",
            """INSERT INTO opteryx_snapshot (dataset, sequence, commit_id, structure, operation, author, at,
                files_added, files_removed, rows_added, rows_removed, files, rows, bytes)
            SELECT dataset, 1, 'snap_' || dataset, 1, 'create', 'x', 0, 0, 0, 0, 0, 0, 0, 0 FROM opteryx_dataset""")
    answer = service.request("GET", "/v1/datasets", headers=reader)
    assert answer.status == 200, answer
    assert [d["commit_id"] for d in answer.json()["datasets"]] == ["snap_25000"]


def test_a_list_holds_what_the_scope_covers_whatever_its_form(make_service):
    service = make_service(auth="required")
    admin = {"Authorization": f"Bearer {service.token('admin')}"}
    tables = ["a.c.x", "a-b.c.x", "ab.c.x", "ab.d.x", "b.c.x"]
    for table in tables:
        sid = session(service, headers=admin)
        put(service, sid, 0, headers=admin | {"x-file-name": "a.csv"})
        names = dict(zip(("workspace", "collection", "dataset"), table.split(".")))
        service.request("POST", f"/v1/upload/{sid}/commit", {"target": names}, admin)
    for i, (scope, seen) in enumerate((
            ("*", tables), ("ab.*", tables[2:4]), ("a.*", tables[:1]), ("a*", tables[:4]), ("[a].*", tables[:1]),
            ("a?.c.x", tables[2:3]), ("ab.c.x", tables[2:3]), ("ab.c.x,b.*", [tables[2], tables[4]]),
            ("b.*,a.*", [tables[0], tables[4]]), ("*.d.x", tables[3:4]), ("ab", []), ("none.*", []))):
        who = {"Authorization": f"Bearer {service.token(f't{i}', 'opteryx:read', '--scope', scope)}"}
        page = service.request("GET", "/v1/datasets", headers=who).json()
        assert sorted(d["table"] for d in page["datasets"]) == sorted(seen), scope
        page = service.request("GET", "/v1/datasets?workspace=b", headers=who).json()
        assert [d["table"] for d in page["datasets"]] == [t for t in seen if t == "b.c.x"], scope


def test_a_page_of_long_messages_and_names_ends_early(make_service, name):
    service = make_service()
    for i in range(12):
        assert publish(service, name, b"a\n%d\n" % i, snapshot_message=f"{i:02}" + "m" * 200000).status == 200
    long = "n" * 15000 + ".csv"
    sid = session(service)
    for i in range(80):
        assert put(service, sid, i, b"a\n%d\n" % i, {"x-file-name": long}).status == 201
    last = commit(service, sid, name, "append").json()["commit_id"]
    for path, entries in (("/snapshots", "snapshots"), (f"/snapshots/{last}", "files")):
        seen, pages, after = 0, 0, ""
        while after is not None:
            answer = get(service, name, f"{path}?limit=1000{after and f'&after={after}'}")
            assert answer.status == 200 and len(answer.body) < 2 << 20, answer
            page = answer.json()
            seen, pages, after = seen + len(page[entries]), pages + 1, page["next"]
        assert (seen, pages > 1) == ({"snapshots": 13, "files": 92}[entries], True)


# ---- who may ----


def routes(sid, base, first):
    """Every route that wants a right, the right, and whether it names a dataset."""
    one = {"target": target("inside")}
    return [("POST", "/v1/upload/session", one, "write", True),
            ("PUT", f"/v1/upload/{sid}?part=1", CSV, "write", False),
            ("GET", f"/v1/upload/{sid}/inspect", None, "read", False),
            ("DELETE", f"/v1/upload/{sid}/part/1", None, "write", False),
            ("POST", f"/v1/upload/{sid}/commit", one | {"conflict_resolution": "append"}, "write", True),
            ("GET", "/v1/datasets", None, "read", False), ("GET", base, None, "read", True),
            ("GET", base + "/snapshots", None, "read", True),
            ("GET", f"{base}/snapshots/{first}", None, "read", True),
            ("GET", base + "/files/1", None, "read", True),
            ("POST", base + "/rollback", {"snapshot": first}, "write", True)]


def test_every_route_wants_its_right_and_its_scope(make_service):
    service = make_service(auth="required")
    scope = ("--scope", "acme.tests.inside")
    who = {key: {"Authorization": f"Bearer {service.token(key, *words)}"} for key, words in {
        "writer": ("opteryx:write", *scope), "reader": ("opteryx:read", *scope),
        "elsewhere": ("opteryx:write", "--scope", "acme.tests.outside"),
        "foreign": ("pinot:admin,oxen:admin",)}.items()}
    csv = {"x-file-name": "a.csv"}
    sid = session(service, headers=who["writer"])
    put(service, sid, 0, headers=who["writer"] | csv)
    made = service.request("POST", f"/v1/upload/{sid}/commit", {"target": target("inside")}, who["writer"])
    first = made.json()["commit_id"]
    sid = session(service, headers=who["writer"])
    put(service, sid, 0, headers=who["writer"] | csv)
    for method, path, body, right, names in routes(sid, "/v1/datasets/acme.tests.inside", first):
        def ask(key):
            return service.request(method, path, body, csv | who.get(key, {}))
        assert ask(None).status == 401, path
        assert ask("foreign").status == 403, path
        if right == "write":
            denied = ask("reader")
            assert (denied.status, detail(denied)) == (403, "authorization denied for action create")
        if names:
            assert ask("elsewhere").status == 403, path
        assert ask("writer").status in (200, 201), path
    service.verb("token", "revoke", "writer")
    for method, path, body, _, _ in routes(sid, "/v1/datasets/acme.tests.inside", first):
        assert service.request(method, path, body, csv | who["writer"]).status == 401, path


# ---- what an operator reads ----


def test_what_the_dataset_verb_says(fresh):
    made = publish(fresh, "d", b"a,b\n1,x\n", snapshot_message="hello").json()["commit_id"]
    listed = fresh.verb("dataset", "list").stdout
    assert re.fullmatch(rf"acme\.tests\.d\t{made}\t1 rows\t1 files\t8 bytes\t\d{{4}}-\S+Z\n", listed)
    shown = fresh.verb("dataset", "show", "acme.tests.d").stdout.splitlines()
    assert shown[:2] == ["a\tINT64", "b\tVARCHAR"]
    assert re.fullmatch(rf"1\t{made}\t\S+\tcreate\tby anonymous\t1 rows\t1 files\thello", shown[2])
    assert fresh.verb("dataset", "drop", "acme.tests.d").stdout == (
        "dropped acme.tests.d; `sluice gc` takes its bytes back\n")
    assert fresh.verb("dataset", "list").stdout == ""
    for words, status, said in (
            (("show", "acme.tests.d"), 1, "Dataset not found"), (("drop", "acme.tests.d"), 1, "Dataset not found"),
            (("show", "a.b"), 2, "a dataset is workspace.collection.dataset"),
            (("show",), 2, "sluice dataset list | show W.C.D | drop W.C.D"), ((), 2, "usage is"),
            (("list", "x"), 2, "usage is"), (("remove", "a.b.c"), 2, "usage is")):
        done = fresh.verb("dataset", *words, check=False)
        assert done.returncode == status and said in done.stderr, (words, done)


def test_what_a_killed_drop_has_left_is_seen_by_nobody_and_taken_by_gc(fresh):
    publish(fresh, "d")
    publish(fresh, "e")
    raw_sql(fresh, "UPDATE opteryx_dataset SET workspace = '', collection = '', name = '1' WHERE name = 'd'")
    for path in ("/v1/datasets", "/v1/datasets?workspace=acme", "/v1/datasets?collection=tests"):
        assert [d["table"] for d in fresh.request("GET", path).json()["datasets"]] == ["acme.tests.e"]
    assert fresh.request("GET", "/v1/datasets/..1").status == get(fresh, "d").status == 404
    assert [row["dataset"] for row in fresh.sql("SELECT * FROM datasets")] == ["acme.tests.e"]
    assert len(fresh.verb("dataset", "list").stdout.splitlines()) == 1
    publish(fresh, "d", b"a\n9\n", mode="fail")
    fresh.verb("gc")
    assert [f["dataset"] for f in fresh.sql("SELECT * FROM files")] == ["acme.tests.d", "acme.tests.e"]
    assert fresh.sql("SELECT count(*) AS n FROM opteryx_dataset") == [{"n": 2}]
    assert get(fresh, "d", "/files/1").body == b"a\n9\n" and get(fresh, "e", "/files/1").body == CSV


def test_a_reader_of_the_verb_who_takes_his_time_holds_nothing_up(fresh):
    """The list is longer than a pipe; the log can be emptied although nobody reads it."""
    publish(fresh, "d")
    raw_sql(fresh, """INSERT INTO opteryx_dataset (workspace, collection, name, sequence, next_file, created_at)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
        SELECT 'many', 'c', printf('%0100d', i), 1, 1, 0 FROM n""",
            """INSERT INTO opteryx_structure SELECT dataset, 1, '[]' FROM opteryx_dataset WHERE workspace = 'many'""",
            """INSERT INTO opteryx_snapshot (dataset, sequence, commit_id, structure, operation, author, at,
                files_added, files_removed, rows_added, rows_removed, files, rows, bytes)
            SELECT dataset, 1, 'snap_' || dataset, 1, 'create', 'x', 0, 0, 0, 0, 0, 0, 0, 0
              FROM opteryx_dataset WHERE workspace = 'many'""")
    env = fresh.environment() | {"SLUICE_STATE": str(fresh.state), "SLUICE_AUTH": fresh.auth}
    with subprocess.Popen([fresh.program(), "dataset", "list"], env=env, stdout=subprocess.PIPE) as verb:
        first = verb.stdout.read(1)
        publish(fresh, "d")
        with sqlite3.connect(fresh.state / "sluice.db", timeout=5) as db:
            busy, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        listed = (first + verb.stdout.read()).decode().splitlines()
        assert verb.wait(60) == 0
    assert busy == 0 and len(listed) == 2001 and listed == sorted(listed)
    for i in range(101):
        publish(fresh, "s", snapshot_message=str(i))
    shown = fresh.verb("dataset", "show", "acme.tests.s").stdout.splitlines()[2:]
    assert [line.split("\t")[-1] for line in shown] == [str(i) for i in reversed(range(101))]


def test_a_dataset_of_a_dropped_name_begins_anew(fresh):
    old = publish(fresh, "d", b"a\n1\n").json()["commit_id"]
    fresh.verb("dataset", "drop", "acme.tests.d")
    assert get(fresh, "d").status == get(fresh, "d", "/files/1").status == 404
    new = publish(fresh, "d", b"b\nx\n", mode="fail").json()["commit_id"]
    shown = get(fresh, "d").json()
    assert (shown["snapshot"]["sequence"], shown["snapshot"]["parent"]) == (1, None)
    assert shown["schema"] == {"columns": [{"name": "b", "type": "VARCHAR"}]}
    assert get(fresh, "d", f"/snapshots/{old}").status == 404
    assert get(fresh, "d", "/files/1").body == b"b\nx\n" and old != new
    assert json.loads(fresh.request("GET", "/v1/datasets").body)["datasets"][0]["commit_id"] == new
