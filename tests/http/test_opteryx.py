"""The Opteryx surface: sessions, parts and commits, by hand and by the real client's recordings."""

import gzip
import json
import re
import zlib

import pytest

CSV = b"id,name\n1,one\n2,two\n"
TABLE = {"workspace": "acme", "collection": "tests"}


def target(name):
    return TABLE | {"dataset": name}


@pytest.fixture
def name(request):
    return re.sub(r"[^A-Za-z0-9_-]", "_", request.node.name)[:128]


def session(shared, name=None, headers=()):
    body = None if name is None else {"target": target(name)}
    answer = shared.request("POST", "/v1/upload/session", body, headers)
    assert answer.status == 201, answer
    return answer.json()["session_id"]


def put(shared, sid, part, data=CSV, headers=(("x-file-name", "part.csv"),), query=""):
    return shared.request("PUT", f"/v1/upload/{sid}?part={part}{query}", data, headers)


def commit(shared, sid, name, mode=None, **more):
    body = {"target": target(name)} | more
    if mode:
        body["conflict_resolution"] = mode
    return shared.request("POST", f"/v1/upload/{sid}/commit", body)


def detail(answer):
    return answer.json()["detail"]


# ---- the whole way ----


def test_health_answers_for_all(shared):
    answer = shared.request("GET", "/health")
    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
    head = shared.request("HEAD", "/health")
    assert (head.status, head.header("Content-Length"), head.body) == (200, "15", b"")


def test_a_csv_upload_becomes_a_dataset(shared, name):
    sid = session(shared)
    assert put(shared, sid, 0).status == 201
    zipped = gzip.compress(CSV)
    answer = put(shared, sid, 5, zipped, {"x-file-name": "b.csv", "Content-Encoding": "gzip"})
    assert answer.json() == {
        "status": "stored", "part": 5, "rows": 2, "issues": [],
        "schema": {"columns": [{"name": "id", "type": "INT64"}, {"name": "name", "type": "VARCHAR"}]}}
    answer = commit(shared, sid, name, snapshot_message="hello")
    assert answer.status == 200
    made = answer.json()
    assert list(made) == ["table", "commit_id", "rows_written", "files_created"]
    assert (made["table"], made["rows_written"], made["files_created"]) == (f"acme.tests.{name}", 4, 2)
    rows = shared.sql(f"SELECT * FROM snapshots WHERE dataset = 'acme.tests.{name}'")
    assert [(r["commit_id"], r["message"], r["operation"], r["rows"]) for r in rows] == [
        (made["commit_id"], "hello", "create", 4)]
    files = shared.sql(f"SELECT * FROM files WHERE dataset = 'acme.tests.{name}'")
    assert [f["bytes"] for f in files] == [len(CSV), len(CSV)], "the decoded content is stored"


def test_a_session_opens_with_and_without_a_target(shared, name):
    for body in (None, {}, {"target": None}):
        made = shared.request("POST", "/v1/upload/session", body).json()
        assert list(made) == ["session_id", "url", "expires_at", "parts"]
        assert re.fullmatch(r"\d{14}-[0-9a-f]{32}", made["session_id"])
        assert made["url"].endswith(f"/v1/upload/{made['session_id']}")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["expires_at"])
    made = shared.request("POST", "/v1/upload/session", {"target": target(name)}).json()
    assert made["target"] == target(name) and made["declared_schema"] is None
    sid = made["session_id"]
    put(shared, sid, 0)
    assert commit(shared, sid, name).status == 200
    made = shared.request("POST", "/v1/upload/session", {"target": target(name)}).json()
    assert made["declared_schema"] == {"id": "INT64", "name": "VARCHAR"}


def test_a_malformed_session_body_is_refused(shared):
    answer = shared.request("POST", "/v1/upload/session", b"not json",
                            {"Content-Type": "application/json"})
    assert answer.status == 422 and detail(answer)[0]["type"] == "json_invalid"
    answer = shared.request("POST", "/v1/upload/session", {"target": {"workspace": "a b"}})
    assert [e["type"] for e in detail(answer)] == ["string_pattern_mismatch", "missing", "missing"]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_parts_come_compressed(shared, coding):
    data = gzip.compress(CSV) if coding == "gzip" else zlib.compress(CSV)
    answer = put(shared, session(shared), 0, data,
                 {"x-file-name": "a.csv", "Content-Encoding": coding})
    assert (answer.status, answer.json()["rows"]) == (201, 2)


# ---- parts ----


def test_a_part_put_again_replaces_the_first(shared, name):
    sid = session(shared)
    put(shared, sid, 3)
    put(shared, sid, 3, b"id,name\n7,seven\n")
    found = shared.request("GET", f"/v1/upload/{sid}/inspect").json()
    assert [(p["id"], p["rows"]) for p in found["parts"]] == [(3, 1)]
    assert commit(shared, sid, name).json()["rows_written"] == 1


def test_inspect_is_204_until_something_is_there(shared):
    sid = session(shared)
    answer = shared.request("GET", f"/v1/upload/{sid}/inspect")
    assert (answer.status, answer.body) == (204, b"")
    put(shared, sid, 1, b"id,extra\n1.5,\n3,x,y\n")
    put(shared, sid, 0)
    found = shared.request("GET", f"/v1/upload/{sid}/inspect").json()
    assert found["rows_estimate"] == 4
    assert found["schema"] == {"columns": [
        {"name": "id", "type": "FLOAT64"}, {"name": "name", "type": "VARCHAR"},
        {"name": "extra", "type": "VARCHAR"}]}
    assert [list(p) for p in found["parts"]] == [
        ["id", "rows", "bytes", "kind", "blob", "uploaded_at"]] * 2
    assert all(re.fullmatch("[0-9a-f]{64}", p["blob"]) for p in found["parts"])
    assert found["issues"] == [{"issue": "row 2 has 3 values for 2 columns", "part": 1}]


def test_types_that_disagree_between_parts_are_told(shared):
    sid = session(shared)
    put(shared, sid, 0, b"a\n1\n")
    put(shared, sid, 1, b"a\ntrue\n")
    found = shared.request("GET", f"/v1/upload/{sid}/inspect").json()
    assert found["schema"]["columns"] == [{"name": "a", "type": "VARCHAR"}]
    assert [list(i) for i in found["issues"]] == [["issue", "part"]]
    assert "INT64" in found["issues"][0]["issue"] and found["issues"][0]["part"] == 1


def test_a_deleted_part_is_gone(shared, name):
    sid = session(shared)
    put(shared, sid, 0)
    put(shared, sid, 1)
    answer = shared.request("DELETE", f"/v1/upload/{sid}/part/1")
    assert (answer.status, answer.json()) == (200, {"status": "deleted", "part": 1})
    again = shared.request("DELETE", f"/v1/upload/{sid}/part/1")
    assert (again.status, again.body) == (404, b'{"detail":"Part not found"}')
    assert commit(shared, sid, name).json()["files_created"] == 1


def test_the_kind_comes_from_name_type_or_content(shared):
    sid = session(shared)
    assert put(shared, sid, 0, headers={"x-file-name": "A.CSV"}).status == 201
    assert put(shared, sid, 1, headers={"Content-Type": "text/csv; charset=utf-8"}).status == 201
    assert put(shared, sid, 2, headers=(), query="&content_type=text/csv").status == 201
    assert put(shared, sid, 3, headers={"x-file-name": "données.csv"}).status == 201
    assert shared.sql(f"SELECT file_name FROM parts WHERE session = '{sid}' AND part = 3") == [
        {"file_name": "données.csv"}]
    for headers in ({"x-file-name": "x.xlsx"}, {"Content-Type": "image/png"}, {}):
        answer = put(shared, sid, 4, headers=headers)
        assert answer.status == 422 and detail(answer).startswith("unsupported file type")
    assert len(shared.request("GET", f"/v1/upload/{sid}/inspect").json()["parts"]) == 4


@pytest.mark.parametrize("data,headers,words", [
    (CSV, {"Content-Encoding": "gzip"}, "gzip"),
    (gzip.compress(CSV)[:-4], {"Content-Encoding": "gzip"}, "gzip"),
    (gzip.compress(CSV) + b"x", {"Content-Encoding": "gzip"}, "gzip"),
    (CSV, {"Content-Encoding": "lzma"}, "gzip"),
    (b"", {}, "CSV"),
    (b"a\nx\xff\n", {}, "byte 3"),
])
def test_content_that_is_not_what_it_says_is_refused(shared, data, headers, words):
    sid = session(shared)
    answer = put(shared, sid, 0, data, {"x-file-name": "a.csv"} | headers)
    assert answer.status == 422 and words in detail(answer), answer
    assert shared.request("GET", f"/v1/upload/{sid}/inspect").status == 204
    assert shared.leftovers() == []


def test_sizes_are_bounded(make_service):
    service = make_service(settings={"PART_WIRE_MAX": 4096, "PART_DECODED_MAX": 8192})
    sid = session(service)
    rows = b"a\n" + b"1234567\n" * 1500
    assert put(service, sid, 0, rows[:4096]).status == 201
    assert put(service, sid, 1, rows[:4097]).status == 413
    zipped = {"x-file-name": "a.csv", "Content-Encoding": "gzip"}
    assert put(service, sid, 2, gzip.compress(rows[:8192]), zipped).status == 201
    answer = put(service, sid, 3, gzip.compress(rows[:8193]), zipped)
    assert answer.status == 413 and isinstance(detail(answer), str)
    assert len(service.request("GET", f"/v1/upload/{sid}/inspect").json()["parts"]) == 2


# ---- commits ----


def committed(shared, name, mode=None, data=CSV):
    sid = session(shared)
    put(shared, sid, 0, data)
    return commit(shared, sid, name, mode)


def test_fail_wants_a_new_dataset(shared, name):
    assert committed(shared, name, "fail").status == 200
    answer = committed(shared, name, "fail")
    assert (answer.status, answer.body) == (
        409, b'{"detail":"Dataset already exists - FAIL on conflict selected"}')
    assert committed(shared, name).status == 409, "fail is the default"
    assert len(shared.sql(f"SELECT 1 FROM snapshots WHERE dataset = 'acme.tests.{name}'")) == 1


def test_overwrite_replaces_rows_and_structure(shared, name):
    first = committed(shared, name, "overwrite").json()
    second = committed(shared, name, "overwrite", b"other\n1.5\n").json()
    assert first["commit_id"] != second["commit_id"]
    row, = shared.sql(f"SELECT * FROM datasets WHERE dataset = 'acme.tests.{name}'")
    assert (row["rows"], row["files"]) == (1, 1)
    assert [(c["name"], c["type"]) for c in json.loads(row["columns"])] == [("other", "FLOAT64")]
    last = shared.sql(f"SELECT * FROM snapshots WHERE dataset = 'acme.tests.{name}'")[-1]
    assert (last["parent"], last["operation"], last["files_removed"]) == (
        first["commit_id"], "overwrite", 1)


def test_a_commit_asked_for_again_gets_the_first_answer(shared, name):
    sid = session(shared)
    put(shared, sid, 0)
    first = commit(shared, sid, name, "overwrite")
    assert commit(shared, sid, name, "overwrite").body == first.body
    committed(shared, name, "overwrite")
    assert commit(shared, sid, name, "overwrite", snapshot_message="x").body == first.body
    for other in (commit(shared, sid, name, "fail"), commit(shared, sid, name + "x", "overwrite")):
        assert (other.status, other.body) == (409, b'{"detail":"session already committed"}')


def test_a_committed_session_takes_no_parts(shared, name):
    sid = session(shared)
    put(shared, sid, 0)
    commit(shared, sid, name)
    for answer in (put(shared, sid, 1), shared.request("DELETE", f"/v1/upload/{sid}/part/0")):
        assert (answer.status, answer.body) == (409, b'{"detail":"session already committed"}')


def test_a_commit_keeps_to_the_target_of_its_session(shared, name):
    sid = session(shared, name)
    put(shared, sid, 0)
    assert commit(shared, sid, name + "_other").status == 409
    assert commit(shared, sid, name).status == 200


def test_a_commit_needs_parts(shared, name):
    answer = commit(shared, session(shared), name)
    assert (answer.status, answer.body) == (422, b'{"detail":"no parts have been uploaded"}')
    assert shared.sql(f"SELECT 1 FROM datasets WHERE dataset = 'acme.tests.{name}'") == []


def test_nothing_is_visible_before_the_commit(shared, name):
    put(shared, session(shared, name), 0)
    assert shared.sql(f"SELECT 1 FROM datasets WHERE dataset = 'acme.tests.{name}'") == []


# ---- who may ----


def test_the_order_of_refusals(make_service):
    """Path, query and body first, then the credential, the session, its state, the content."""
    service = make_service(auth="required")
    mine = {"Authorization": f"Bearer {service.token('mine', 'opteryx:write')}"}
    other = {"Authorization": f"Bearer {service.token('other', 'opteryx:write')}"}
    reader = {"Authorization": f"Bearer {service.token('reader', 'opteryx:read')}"}
    csv = {"x-file-name": "a.csv"}
    sid = session(service, headers=mine)

    assert service.request("PUT", f"/v1/upload/{sid}?part=x", CSV, csv).status == 422
    answer = service.request("PUT", f"/v1/upload/{sid}?part=0", CSV, csv)
    assert (answer.status, answer.body) == (401, b'{"detail":"Not authenticated"}')
    assert answer.header("WWW-Authenticate") == "Bearer"
    bad = {"Authorization": "Bearer test-token"}
    assert service.request("PUT", f"/v1/upload/{sid}?part=0", CSV, csv | bad).status == 401
    answer = service.request("PUT", f"/v1/upload/{sid}?part=0", CSV, csv | reader)
    assert (answer.status, detail(answer)) == (403, "authorization denied for action create")
    for method, path, body in (
            ("PUT", "?part=0", CSV), ("GET", "/inspect", None), ("DELETE", "/part/0", None),
            ("POST", "/commit", {"target": target("x")})):
        for who, where in ((other, sid), (mine, "20260101000000-nosuch")):
            answer = service.request(method, f"/v1/upload/{where}{path}", body, csv | who)
            assert (answer.status, answer.body) == (404, b'{"detail":"Session not found"}')
    assert service.request("PUT", f"/v1/upload/{sid}?part=0", b"", csv | mine).status == 422
    assert service.request("PUT", f"/v1/upload/{sid}?part=0", CSV, csv | mine).status == 201
    assert service.request("POST", f"/v1/upload/{sid}/commit", {}, other).status == 422


def test_a_scope_bounds_the_targets(make_service):
    service = make_service(auth="required")
    token = service.token("scoped", "opteryx:write", "--scope", "acme.tests.a*")
    who = {"Authorization": f"Bearer {token}"}
    assert service.request("POST", "/v1/upload/session", {"target": target("b")}, who).status == 403
    sid = session(service, "abc", who)
    service.request("PUT", f"/v1/upload/{sid}?part=0", CSV, who | {"x-file-name": "a.csv"})
    made = service.request("POST", f"/v1/upload/{sid}/commit", {"target": target("abc")}, who)
    assert made.status == 200


# ---- paths ----


def test_paths_that_nobody_owns_answer_as_this_surface(shared):
    for path in ("/", "/nope", "/v1/nope", "/v2/nope"):
        answer = shared.request("GET", path)
        assert (answer.status, answer.body) == (404, b'{"detail":"Not Found"}')
    answer = shared.request("PUT", "/v1/upload/x/inspect", b"")
    assert (answer.status, answer.body) == (405, b'{"detail":"Method Not Allowed"}')
    assert "GET" in answer.header("Allow")


def test_a_trailing_slash_is_redirected(shared):
    answer = shared.request("POST", "/v1/upload/s1/commit/?a=b", {"target": {}})
    assert answer.status == 307 and answer.body == b""
    assert answer.header("Location").endswith("/v1/upload/s1/commit?a=b")
    assert shared.request("GET", "/nope/").status == 404
