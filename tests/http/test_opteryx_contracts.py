"""Contracts: negotiated with samples, accepted, written to and committed; by hand."""

import gzip
import json
import re
import zlib

import brotli
import pytest
import zstandard

from sluice import GOLDEN
from test_opteryx import CSV, commit, name, put, session, target  # noqa: F401
from test_opteryx_datasets import get, publish
from test_opteryx_read_api import raw_sql

MODES = ["declared", "infer", "dataset"]


def terms(dataset, schema=None, **more):
    body = {"target": target(dataset)} | more
    return body if schema is None else body | {"schema": schema}


def negotiate(service, body, samples=(("a.csv", b"a,b\n1,x\n"),), headers=()):
    """samples: (file name, bytes[, content coding])"""
    boundary = b"----contract"
    parts = [b'Content-Disposition: form-data; name="contract"\r\nContent-Type: application/json\r\n\r\n' +
             json.dumps(body).encode()]
    for sample, data, *coding in samples:
        head = f'Content-Disposition: form-data; name="sample"; filename="{sample}"\r\n'
        head += "Content-Type: application/octet-stream\r\n" + "".join(
            f"Content-Encoding: {c}\r\n" for c in coding)
        parts.append(head.encode() + b"\r\n" + data)
    sent = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"
    return service.request("POST", "/v2/contracts", sent,
                           [("Content-Type", f"multipart/form-data; boundary={boundary.decode()}"), *headers])


def made(service, dataset, schema, samples=(("a.csv", b"a,b\n1,x\n"),), **more):
    answer = negotiate(service, terms(dataset, schema, **more), samples)
    assert answer.status == 201, answer
    return answer.json()


def step(service, contract, method, what="", body=None):
    return service.request(method, f"/v2/contracts/{contract['contract_id']}{what}", body)


def accept(service, contract):
    answer = step(service, contract, "PUT", "/accept", {"schema_fingerprint": contract["schema_fingerprint"]})
    assert answer.status == 200, answer
    return answer.json()


def write(service, contract, data=b"a,b\n1,x\n2,y\n", file="a.csv", **headers):
    given = {"x-file-name": file} | {k.replace("_", "-"): v for k, v in headers.items()}
    return service.request("POST", f"/v2/contracts/{contract['contract_id']}/data", data, given)


def code(answer):
    return answer.status, answer.json()["error"]["code"]


def declared(**columns):
    return {"mode": "declared", "columns": [{"name": n, "type": t} for n, t in columns.items()]}


INFER = {"mode": "infer"}
DATASET = {"mode": "dataset", "write": "append"}
WHOLE = {"contract_id", "state", "mode", "target", "write", "schema", "plan", "issues", "schema_fingerprint",
         "writes", "rows_written", "snapshot", "expires_at"}


# ---- the whole way ----


def test_an_inferred_contract_goes_its_whole_way(shared, name):
    contract = made(shared, name, INFER)
    assert re.fullmatch(r"ct_\d{14}_[0-9a-f]{12}", contract["contract_id"])
    assert set(contract) == WHOLE | {"values"} and contract["state"] == "proposed"
    assert contract["values"] == {"a": "1", "b": "x"}
    assert contract["schema"] == [{"name": "a", "type": "INT64"}, {"name": "b", "type": "VARCHAR"}]
    assert [p["action"] for p in contract["plan"]] == ["undeclared"] * 2 and contract["issues"] == []
    assert code(write(shared, contract)) == (409, "contract_not_accepted")
    assert code(step(shared, contract, "POST", "/commit", {"message": None})) == (409, "contract_not_accepted")
    assert accept(shared, contract)["state"] == "accepted"
    answer = write(shared, contract)
    assert answer.status == 200, answer
    shown = answer.json()
    assert set(shown) == WHOLE | {"written"} and shown["state"] == "writing"
    assert shown["written"] == shown["writes"] and shown["rows_written"] == 2
    assert (shown["writes"][0]["source"], shown["writes"][0]["rows"]) == ("a.csv", 2)
    assert write(shared, contract, b"b,a\nz,3\n", "b.csv").json()["written"][0]["source"] == "b.csv"
    assert shared.request("GET", f"/v1/datasets/acme.tests.{name}").status == 404, "not visible yet"
    answer = step(shared, contract, "POST", "/commit", {"message": "first"})
    assert answer.status == 200 and answer.json()["state"] == "committed"
    again = shared.request("POST", f"/v2/contracts/{contract['contract_id']}/commit", {"message": "x"},
                           {"Idempotency-Key": "k"})
    assert again.body == answer.body, "the first answer, word for word"
    shown = get(shared, name).json()
    assert shown["snapshot"]["commit_id"] == answer.json()["snapshot"] and shown["totals"]["rows"] == 3
    assert shown["snapshot"]["message"] == "first"
    assert code(write(shared, contract)) == (409, "already_committed")
    assert code(step(shared, contract, "DELETE")) == (409, "already_committed")
    assert step(shared, contract, "GET").json()["snapshot"] == answer.json()["snapshot"]


def test_a_contract_onto_a_dataset_appends_or_replaces(shared, name):
    publish(shared, name, b"a,b\n1,x\n")
    contract = made(shared, name, {"mode": "auto", "write": "append"})
    assert (contract["mode"], contract["state"], contract["write"]) == ("dataset", "accepted", "append")
    assert [p["action"] for p in contract["plan"]] == ["keep", "keep"]
    write(shared, contract)
    step(shared, contract, "POST", "/commit", {})
    assert get(shared, name).json()["totals"]["rows"] == 3
    contract = made(shared, name, {"mode": "dataset", "write": "overwrite"})
    assert contract["write"] == "overwrite"
    write(shared, contract)
    assert step(shared, contract, "POST", "/commit", {}).status == 200
    assert get(shared, name).json()["totals"]["rows"] == 2


def test_a_commit_without_writes_makes_an_empty_dataset_with_its_columns(shared, name):
    contract = made(shared, name, declared(a="INT64", b="DECIMAL(10, 2)"), samples=())
    answer = step(shared, contract, "POST", "/commit", {})
    assert (answer.status, answer.json()["writes"]) == (200, [])
    shown = get(shared, name).json()
    assert shown["totals"]["files"] == 0
    assert {c["name"]: c["type"] for c in shown["schema"]["columns"]} == {"a": "INT64", "b": "DECIMAL(10, 2)"}
    contract = made(shared, name, DATASET, samples=[("a.csv", b"a\n1\n")])
    assert step(shared, contract, "POST", "/commit", {}).status == 200
    assert len(get(shared, name, "/snapshots").json()["snapshots"]) == 2


# ---- negotiations ----


def test_terms_that_are_none(shared, name):
    for body, wanted in ((terms(name), (400, "schema_source_required")),
                         (terms(name) | {"schema": None}, (400, "schema_source_required")),
                         (terms(name, DATASET), (409, "schema_source_required")),
                         (terms(name, declared(a="NUMERIC")), (422, "type_unknown")),
                         (terms(name, INFER, ignore=["zzz"]), (422, "column_missing"))):
        answer = negotiate(shared, body)
        assert code(answer) == wanted, answer
        if wanted[1] == "schema_source_required":
            assert answer.json()["error"]["modes"] == MODES
    bad = negotiate(shared, terms(name, declared(a="NUMERIC"))).json()["error"]
    assert (bad["column"], bad["declared"]) == ("a", "NUMERIC") and "TIMESTAMP[" in bad["message"]
    for mode in ("infer", "dataset", "auto"):
        assert code(negotiate(shared, terms(name, {"mode": mode}), samples=())) == (422, "format_unreadable")


@pytest.mark.parametrize("body, loc", [
    ({"schema": INFER}, ["body", "target"]),
    ({"target": {"workspace": "w", "collection": "c"}, "schema": INFER}, ["body", "target", "dataset"]),
    ([], ["body", "contract"]), ("x", ["body", "contract"]),
    (terms("d", {"mode": "guess"}), ["body", "schema", "mode"]),
    (terms("d", {"mode": "auto", "write": "merge"}), ["body", "schema", "write"]),
    (terms("d", {}), ["body", "schema", "mode"]), (terms("d", []), ["body", "schema"]),
    (terms("d", INFER, on_conflict="maybe"), ["body", "on_conflict"]),
    (terms("d", INFER, ignore="a"), ["body", "ignore"]), (terms("d", INFER, ignore=[1]), ["body", "ignore"]),
    (terms("d", {"mode": "declared"}), ["body", "schema", "columns"]),
    (terms("d", {"mode": "declared", "columns": []}), ["body", "schema", "columns"]),
    (terms("d", {"mode": "declared", "columns": [{"name": "a"}]}), ["body", "schema", "columns", "type"]),
    (terms("d", {"mode": "declared", "columns": [{"name": "a", "type": "INT8"}] * 2}),
     ["body", "schema", "columns", "name"]),
], ids=range(15))
def test_what_is_no_contract_gets_the_framework_s_refusal(shared, body, loc):
    answer = negotiate(shared, body)
    assert answer.status == 422 and answer.json()["detail"][0]["loc"] == loc, answer


def test_what_is_no_form_gets_it_too(shared):
    for body, headers in ((b"{}", {"Content-Type": "application/json"}), (b"", {}),
                          (b"x", {"Content-Type": "text/plain"})):
        answer = shared.request("POST", "/v2/contracts", body, headers)
        assert answer.status == 422 and answer.json()["detail"][0]["loc"] == ["body", "contract"], answer


def test_what_stands_in_the_way_of_a_dataset_that_exists(shared, name):
    publish(shared, name, b"a,b\n1,x\n")
    for schema, more in ((INFER, {}), (DATASET, {"on_conflict": "fail"}), (declared(a="INT64"), {"on_conflict": "fail"}),
                         (declared(a="VARCHAR", b="VARCHAR"), {}), (declared(a="INT64", b="VARCHAR", c="INT8"), {})):
        assert code(negotiate(shared, terms(name, schema, **more))) == (409, "dataset_exists"), schema
    assert made(shared, name, declared(a="FLOAT64", b="NVARCHAR"))["state"] == "accepted"
    replaced = made(shared, name, declared(c="INT64"), [("c.csv", b"c\n1\n")], on_conflict="overwrite")
    write(shared, replaced, b"c\n5\n", "c.csv")
    assert step(shared, replaced, "POST", "/commit", {}).status == 200
    assert [c["name"] for c in get(shared, name).json()["schema"]["columns"]] == ["c"]


def test_samples_are_read_as_clients_cut_and_pack_them(shared, name):
    rows = b"".join(b'{"id":%d,"name":"row %d"}\n' % (i, i) for i in range(20000))
    packed = zstandard.ZstdCompressor().compressobj()
    stream = packed.compress(rows) + packed.flush()
    raw = zlib.compressobj(wbits=-15)
    ways = [("a.ndjson", rows), ("a.ndjson.gz", gzip.compress(rows)), ("a.ndjson.gz", gzip.compress(rows), "gzip"),
            ("a.ndjson.zst", stream[:len(stream) // 2]), ("a.ndjson.zst", stream, "zstd"), ("a.ndjson.br", brotli.compress(rows), "br"),
            ("a.ndjson.br", brotli.compress(rows)), ("a.ndjson.zz", zlib.compress(rows)),
            ("a.ndjson.z", raw.compress(rows) + raw.flush(), "deflate"), ("a.bin", rows, "identity"),
            ("a", gzip.compress(rows)[:20000]), ("a.jsonl", rows * 7 + b'{"id":1,"na')]
    for i, way in enumerate(ways):
        if way[0] == "a.bin":
            way = ("a", *way[1:])
        contract = made(shared, f"{name}{i}", INFER, [way])
        assert {c["name"]: c["type"] for c in contract["schema"]} == {"id": "INT64", "name": "VARCHAR"}, way[0]
    both = made(shared, f"{name}_both", INFER, [("a.csv", b"a,b\n1,x\n"), ("b.csv", b"b,a\n1.5,1.5\n")])
    assert {c["name"]: c["type"] for c in both["schema"]} == {"a": "FLOAT64", "b": "VARCHAR"}
    quoted = made(shared, f"{name}_quoted", INFER, [("a.csv", b'a,b\n1,x\n2,"cut here\n')])
    assert len(quoted["schema"]) == 2


def test_a_parquet_sample_is_a_footer_without_pages(shared, name):
    file = (GOLDEN / "opteryx" / "files" / "findings.parquet").read_bytes()
    length = int.from_bytes(file[-8:-4], "little")
    sample = b"PAR1" + file[-8 - length:]
    contract = made(shared, name, INFER, [("findings.parquet", sample)])
    accept(shared, contract)
    answer = write(shared, contract, file, "findings.parquet")
    assert answer.status == 200 and answer.json()["rows_written"] > 0, answer
    assert step(shared, contract, "POST", "/commit", {}).status == 200
    assert get(shared, name, "/files/1").body == file, "its pages stay as they were sent"
    column = contract["schema"][0]
    other = "INT8" if column["type"] != "INT8" else "BOOL"
    blocked = made(shared, name + "2", declared(**{c["name"]: c["type"] for c in contract["schema"]} |
                                                {column["name"]: other}), [("f.parquet", sample)])
    assert [(i["code"], i["severity"]) for i in blocked["issues"]] == [("cast_unsupported", "blocking")]
    assert code(write(shared, blocked, file, "f.parquet")) == (409, "cast_unsupported")


@pytest.mark.parametrize("samples, wanted, said", [
    ([("a.csv", b"a,b\n1,2\n"), ("b.csv", b"a,c\n1,2\n")], (409, "sources_disagree"), "same columns"),
    ([("a.ndjson", b"[1]\n")], (422, "format_unreadable"), "a.ndjson: "),
    ([("a.xlsx", b"PK")], (422, "format_unreadable"), ".xlsx"),
    ([("a.csv", b"")], (422, "format_unreadable"), "a.csv: "),
    ([("a.parquet", b"PAR1PAR1PAR1")], (422, "format_unreadable"), "a.parquet: "),
    ([("a.csv", b"\x1f\x8bnot gzip at all", "gzip")], (422, "format_unreadable"), "a.csv: "),
    ([("a.csv", b"a\n1\n", "lzma")], (422, "format_unreadable"), "a.csv: "),
], ids=range(7))
def test_samples_that_cannot_be_read_say_which_and_why(shared, name, samples, wanted, said):
    answer = negotiate(shared, terms(name, INFER), samples)
    assert code(answer) == wanted and said in answer.json()["error"]["message"], answer
    assert shared.request("GET", f"/v1/datasets/acme.tests.{name}").status == 404


def test_samples_are_bounded(shared, name):
    assert negotiate(shared, terms(name, INFER), [("a.csv", b"a\n" + b"1" * (8 << 20))]).status == 413
    assert negotiate(shared, terms(name, INFER), [("a.csv", b"a\n1\n")] * 257).status == 413


# ---- plans ----


def test_a_plan_says_what_becomes_of_each_column(shared, name):
    sample = [("a.csv", b"keep,wide,cast,also,gone,extra\n1,2,1.1.1.1,x,5,6\n")]
    contract = made(shared, name, declared(keep="INT64", wide="FLOAT64", cast="IPV4", also="NVARCHAR", more="DATE"),
                    sample, ignore=["gone"])
    assert {p["column"]: (p["from"], p["to"], p["action"]) for p in contract["plan"]} == {
        "keep": ("INT64", "INT64", "keep"), "wide": ("INT64", "FLOAT64", "widen"), "cast": ("VARCHAR", "IPV4", "cast"),
        "also": ("VARCHAR", "NVARCHAR", "retag"), "gone": ("INT64", "INT64", "ignored"),
        "extra": ("INT64", "INT64", "undeclared")}
    assert [(i["code"], i["column"], i["severity"]) for i in contract["issues"]] == [
        ("column_undeclared", "extra", "blocking"), ("column_missing", "more", "warning")]
    assert contract["state"] == "accepted"
    assert code(write(shared, contract)) == (409, "column_undeclared")
    assert code(step(shared, contract, "POST", "/commit", {})) == (409, "column_undeclared")
    amended = step(shared, contract, "PATCH", "", {"ignore": ["gone", "extra"]}).json()
    assert [i["code"] for i in amended["issues"]] == ["column_missing"] and amended["state"] == "proposed"


def test_a_column_that_may_not_be_null_blocks_when_it_is_missing(make_service, name):
    service = make_service()
    publish(service, name, b"a,b\n1,x\n")
    raw_sql(service, "UPDATE opteryx_structure SET columns = replace(columns, 'true', 'false')")
    contract = made(service, name, DATASET, [("a.csv", b"a\n1\n")])
    assert [(i["code"], i["column"], i["severity"]) for i in contract["issues"]] == [
        ("column_missing", "b", "blocking")]


def test_amendments_change_types_and_what_is_ignored(shared, name):
    contract = made(shared, name, INFER, [("a.csv", b"a,b,c\n1,1.1.1.1,2026-08-01\n")])
    prints = {contract["schema_fingerprint"]}
    for body, types in (({"columns": {"b": "ipv4", "c": "TIMESTAMP"}}, {"a": "INT64", "b": "IPV4", "c": "TIMESTAMP[us]"}),
                        ({"ignore": ["a"]}, {"b": "IPV4", "c": "TIMESTAMP[us]"}),
                        ({"ignore": ["c"]}, {"a": "INT64", "b": "IPV4"}),
                        ({"ignore": []}, {"a": "INT64", "b": "IPV4", "c": "TIMESTAMP[us]"}),
                        ({"columns": {"a": "BIGINT", "c": "VARCHAR"}, "ignore": ["b"]}, {"a": "INT64", "c": "VARCHAR"})):
        answer = step(shared, contract, "PATCH", "", body)
        assert answer.status == 200, answer
        shown = answer.json()
        assert {c["name"]: c["type"] for c in shown["schema"]} == types and shown["state"] == "proposed"
        prints.add(shown["schema_fingerprint"])
    assert len(prints) == 5, "the third amendment's opposite is what was there before"
    old = contract["schema_fingerprint"]
    assert code(step(shared, contract, "PUT", "/accept", {"schema_fingerprint": old})) == (409, "proposal_changed")
    assert step(shared, contract, "PUT", "/accept", {}).status == 422
    for body, wanted in (({"columns": {"z": "INT8"}}, "column_missing"), ({"columns": {"a": "X"}}, "type_unknown"),
                         ({"ignore": ["z"]}, "column_missing")):
        assert code(step(shared, contract, "PATCH", "", body)) == (422, wanted)
    for body in ({"columns": []}, {"columns": {"a": 1}}, {"ignore": "a"}, [], "x"):
        assert step(shared, contract, "PATCH", "", body).status == 422


# ---- what cannot be ----


def test_steps_that_a_state_does_not_allow(shared, name):
    contract = made(shared, name, declared(a="INT64", b="VARCHAR"))
    assert write(shared, contract).status == 200
    assert code(step(shared, contract, "PATCH", "", {"columns": {"a": "INT32"}})) == (409, "proposal_changed")
    assert step(shared, contract, "DELETE").status == 204 == step(shared, contract, "DELETE").status
    shown = step(shared, contract, "GET").json()
    assert (shown["state"], shown["writes"]) == ("abandoned", [])
    for answer in (write(shared, contract), step(shared, contract, "POST", "/commit", {})):
        assert code(answer) == (409, "contract_not_accepted")
    for known in ("ct_nope", "ct_20260101000000_000000000000", session(shared)):
        for method, what, body in (("GET", "", None), ("PATCH", "", {}), ("DELETE", "", None), ("POST", "/data", b"a\n1\n"),
                                   ("PUT", "/accept", {"schema_fingerprint": "x"}), ("POST", "/commit", {})):
            answer = shared.request(method, f"/v2/contracts/{known}{what}", body)
            assert code(answer) == (404, "contract_not_found"), (known, method, answer)
    sid = contract["contract_id"]
    assert put(shared, sid, 0).status == 404 == shared.request("GET", f"/v1/upload/{sid}/inspect").status
    assert commit(shared, sid, name).status == 404


def test_data_that_does_not_fit_leaves_nothing(make_service, name):
    service = make_service()
    contract = made(service, name, declared(a="INT64", b="VARCHAR"))
    before = service.sql("SELECT count(*) AS n FROM blob")
    for data, file, wanted in ((b"a,b,c\n1,x,2\n", "a.csv", (409, "column_undeclared")),
                               (b"a,b\n1,x\nx,y\n", "a.csv", (409, "value_not_castable")),
                               (b"[]", "a.ndjson", (422, "format_unreadable")), (b"", "a.csv", (422, "format_unreadable"))):
        answer = write(service, contract, data, file)
        assert code(answer) == wanted, answer
    assert service.sql("SELECT count(*) AS n FROM blob") == before
    assert step(service, contract, "GET").json()["writes"] == []


def test_a_dataset_that_has_moved_makes_a_contract_stale(shared, name):
    publish(shared, name, b"a,b\n1,x\n")
    contract = made(shared, name, DATASET)
    over = made(shared, name, {"mode": "dataset", "write": "overwrite"})
    for one in (contract, over):
        assert write(shared, one).status == 200
    publish(shared, name, b"a,b\n5,y\n")
    answer = step(shared, over, "POST", "/commit", {})
    assert code(answer) == (409, "contract_stale") and answer.json()["error"]["diff"] == []
    assert step(shared, contract, "POST", "/commit", {}).status == 200, "rows alone were added"
    contract = made(shared, name, DATASET)
    write(shared, contract)
    publish(shared, name, b"a,c\n1.5,y\n", mode="overwrite")
    answer = step(shared, contract, "POST", "/commit", {})
    assert code(answer) == (409, "contract_stale")
    error = answer.json()["error"]
    assert error["diff"] == [{"op": "retype", "column": "a", "type": "FLOAT64"}, {"op": "add", "column": "c", "type": "VARCHAR"},
                             {"op": "drop", "column": "b", "type": "VARCHAR"}]
    assert (error["written_rows"], error["written_discarded"]) == (2, True)
    assert step(shared, contract, "GET").json()["state"] == "stale"
    assert code(step(shared, contract, "POST", "/commit", {})) == (409, "contract_stale")
    assert code(write(shared, contract)) == (409, "contract_stale")
    fresh = made(shared, name + "_new", INFER)
    accept(shared, fresh)
    publish(shared, name + "_new", b"z\n1\n")
    assert code(step(shared, fresh, "POST", "/commit", {})) == (409, "contract_stale")


def test_a_contract_is_its_token_s_alone_and_takes_its_right(make_service):
    service = make_service(auth="required")
    tokens = {who: {"Authorization": f"Bearer {service.token(who, rights, '--scope', scope)}"} for who, rights, scope in (
        ("writer", "opteryx:write", "acme.tests.*"), ("other", "opteryx:write", "*"), ("reader", "opteryx:read", "*"),
        ("elsewhere", "opteryx:write", "x.y.z"))}
    assert negotiate(service, terms("d", INFER)).json() == {"detail": "Not authenticated"}
    for who in ("reader", "elsewhere"):
        answer = negotiate(service, terms("d", INFER), headers=list(tokens[who].items()))
        assert code(answer) == (403, "not_authorized") and answer.json()["error"]["action"] == "create"
    contract = negotiate(service, terms("d", INFER), headers=list(tokens["writer"].items())).json()
    path = f"/v2/contracts/{contract['contract_id']}"
    assert service.request("GET", path, None, tokens["writer"]).status == 200
    assert code(service.request("GET", path, None, tokens["other"])) == (404, "contract_not_found")
    assert code(service.request("DELETE", path, None, tokens["other"])) == (404, "contract_not_found")


def test_contracts_expire_and_gc_takes_them(make_service, name):
    import sqlite3

    service = make_service()
    contract = made(service, name, declared(a="INT64", b="VARCHAR"))
    write(service, contract)
    assert service.sql("SELECT state, mode, write, writes, rows FROM contracts") == [
        {"state": "writing", "mode": "declared", "write": "append", "writes": 1, "rows": 2}]
    assert service.sql("SELECT * FROM sessions") == []
    with sqlite3.connect(service.state / "sluice.db", timeout=30) as db:
        db.execute("UPDATE opteryx_session SET expires_at = 1")
        db.execute("UPDATE opteryx_contract SET expires_at = 1")
    for method, what, body in (("GET", "", None), ("DELETE", "", None), ("POST", "/commit", {})):
        assert code(step(service, contract, method, what, body)) == (410, "contract_expired")
    assert "1 expired sessions" in service.verb("gc").stdout
    assert code(step(service, contract, "GET")) == (404, "contract_not_found")
    assert service.sql("SELECT (SELECT count(*) FROM opteryx_contract) + (SELECT count(*) FROM opteryx_part) + "
                       "(SELECT count(*) FROM blob) AS n") == [{"n": 0}]


def test_many_commits_of_one_contract_make_one_snapshot(shared, name):
    import concurrent.futures

    contract = made(shared, name, declared(a="INT64", b="VARCHAR"))
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        writes = list(pool.map(lambda i: write(shared, contract, b"a,b\n%d,x\n" % i, f"{i}.csv").status, range(6)))
        answers = list(pool.map(lambda _: step(shared, contract, "POST", "/commit", {}), range(6)))
    assert writes == [200] * 6 and {a.status for a in answers} == {200} and len({a.body for a in answers}) == 1
    assert get(shared, name).json()["totals"] | {"bytes": 0} == {"files": 6, "rows": 6, "bytes": 0}
