"""What the API page promises about single uploads: tables of cases, one a promise."""

import concurrent.futures
import datetime
import gzip
import zlib

import brotli
import pytest
import zstandard

from test_opteryx import CSV, commit, detail, name, put, session  # noqa: F401
from test_opteryx_datasets import files, get, publish


def inspected(shared, sid):
    return shared.request("GET", f"/v1/upload/{sid}/inspect").json()


# ---- sessions ----


def lifetime(service, hours):
    before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    made = service.request("POST", "/v1/upload/session").json()
    expires = datetime.datetime.fromisoformat(made["expires_at"].replace("Z", "+00:00"))
    opened = datetime.datetime.strptime(made["session_id"][:14], "%Y%m%d%H%M%S")
    opened = opened.replace(tzinfo=datetime.timezone.utc)
    assert before <= opened <= before + datetime.timedelta(seconds=30)
    assert opened + datetime.timedelta(hours=hours) == expires


def test_a_session_lives_for_six_hours_at_the_host_that_was_asked(shared):
    lifetime(shared, 6)
    forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https",
                 "Forwarded": "host=evil.example;proto=https"}
    for host, base in (("localhost", "http://localhost"), ("127.0.0.2:81", "http://127.0.0.2:81")):
        made = shared.request("POST", "/v1/upload/session", None, {"Host": host} | forwarded).json()
        assert made["url"] == f"{base}/v1/upload/{made['session_id']}"


def test_settings_move_a_session_s_hours_and_its_address(make_service, name):
    service = make_service(settings={"SESSION_HOURS": 2, "PUBLIC_URL": "https://up.example:8443"})
    lifetime(service, 2)
    made = service.request("POST", "/v1/upload/session").json()
    assert made["url"] == f"https://up.example:8443/v1/upload/{made['session_id']}"
    first = publish(service, name).json()["commit_id"]
    assert files(service, name, first)[0]["url"] == (
        f"https://up.example:8443/v1/datasets/acme.tests.{name}/files/1")


@pytest.mark.parametrize("body,headers,status", ids=range(17), argvalues=[
    (b"null", {}, 201),
    (b"{}", {"Content-Type": "application/json; charset=utf-8"}, 201),
    (b"{}", {"Content-Type": "application/vnd.api+json"}, 201),
    (b'{"target":{"workspace":"w","collection":"c","dataset":"d","more":1},"more":[]}', {}, 201),
    (b'{"target":{"workspace":"w","collection":"c","dataset":"%s"}}' % (b"n" * 128), {}, 201),
    (b'{"target":{"workspace":"w","collection":"c","dataset":"%s"}}' % (b"n" * 129), {}, 422),
    (b'{"target":{"workspace":"w","collection":"c","dataset":""}}', {}, 422),
    (b'{"target":{"workspace":"w","collection":"c","dataset":"a.b"}}', {}, 422),
    (b'{"target":{"workspace":"w","collection":"c","dataset":"a\\u0000"}}', {}, 422),
    (b'{"target":{"workspace":"w","collection":"c","dataset":"\\ud800"}}', {}, 422),
    (b"[]", {}, 422), (b'"x"', {}, 422), (b" ", {}, 422), (b'{"target":[]}', {}, 422),
    (b'{"target":{"workspace":"\xe9"}}', {}, 400),
    (b'{"target":{"workspace":"\xe9"}}', {"Content-Type": "application/json; charset=latin-1"}, 400),
    (b" " * (256 * 1024 + 1), {}, 413),
])
def test_session_bodies(shared, body, headers, status):
    answer = shared.request("POST", "/v1/upload/session", body,
                            {"Content-Type": "application/json"} | headers)
    assert answer.status == status, answer
    if status == 201 and "target" in answer.json():
        assert list(answer.json()["target"]) == ["workspace", "collection", "dataset"]


def test_a_length_beside_chunks_is_refused_at_once(shared):
    with shared.connect() as connection:
        connection.send(b"POST /v1/upload/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
                        b"Transfer-Encoding: chunked\r\n\r\n")
        assert connection.answer("POST").status == 400
        assert connection.closed()


# ---- parts ----


def zstd(data, size):
    return zstandard.ZstdCompressor(write_content_size=size).compress(data)


@pytest.mark.parametrize("coding,data,status", ids=range(17), argvalues=[
    ("GZIP", gzip.compress(CSV), 201), ("x-gzip", gzip.compress(CSV), 201),
    ("Identity", CSV, 201), ("", CSV, 201), ("deflate", zlib.compress(CSV), 201),
    ("deflate", zlib.compress(CSV)[2:-4], 201), ("br", brotli.compress(CSV), 201),
    ("zstd", zstd(CSV, True), 201), ("ZStd", zstd(CSV, False), 201),
    ("br", CSV, 422), ("zstd", CSV, 422), ("zstd", zstd(CSV, True)[:-3], 422), ("gzip", b"", 422),
    ("gzip, identity", gzip.compress(CSV), 422), ("gzip, gzip", gzip.compress(CSV), 422),
    ("deflate, gzip", gzip.compress(zlib.compress(CSV)), 422), ("compress", CSV, 422),
])
def test_content_codings(shared, coding, data, status):
    sid = session(shared)
    answer = put(shared, sid, 0, data, {"x-file-name": "a.csv", "Content-Encoding": coding})
    assert answer.status == status, answer
    if status == 201:
        part, = inspected(shared, sid)["parts"]
        assert (part["rows"], part["bytes"]) == (2, len(CSV)), "of the decoded content"
    else:
        assert shared.request("GET", f"/v1/upload/{sid}/inspect").status == 204


@pytest.mark.parametrize("data,headers", ids=["plain", "gzip"], argvalues=[
    (b"", {}), (gzip.compress(b""), {"Content-Encoding": "gzip"})])
def test_an_empty_ndjson_part_has_no_rows(shared, name, data, headers):
    sid = session(shared)
    answer = put(shared, sid, 0, data, {"x-file-name": "a.ndjson"} | headers)
    assert (answer.status, answer.json()["rows"]) == (201, 0)
    assert inspected(shared, sid)["rows_estimate"] == 0
    made = commit(shared, sid, name).json()
    assert (made["rows_written"], made["files_created"]) == (0, 1)
    assert get(shared, name, "/files/1").body == b""


def test_file_names_are_latin_1_and_shown_as_they_were(shared, name):
    names = ["donn\xe9es.csv", 'a"b.csv', "a b.CSV", "../up/a.csv", "n" * 300 + ".csv", None]
    sid = session(shared)
    for part, given in enumerate(names):
        headers = {"Content-Type": "text/csv"} | ({"x-file-name": given} if given else {})
        assert put(shared, sid, part, headers=headers).status == 201
    made = commit(shared, sid, name).json()
    assert [f["name"] for f in files(shared, name, made["commit_id"])] == names


@pytest.mark.parametrize("headers,query,status", [
    ({"x-file-name": "a.csv", "Content-Type": "image/png"}, "", 201),
    ({"x-file-name": "a", "Content-Type": "text/csv"}, "", 201),
    ({"Content-Type": "application/octet-stream"}, "&content_type=text%2Fcsv", 201),
    ({"Content-Type": "application/octet-stream"}, "&content_type=TEXT/CSV;charset=utf-8", 201),
    ({"Content-Type": "text/csv"}, "&content_type=application/x-ndjson", 422),
    ({"Content-Type": "text/csv"}, "&content_type=", 201),
    ({"x-file-name": "a.csv.gz"}, "", 422), ({"x-file-name": "a."}, "", 422),
    ({"x-file-name": "a.parquet"}, "", 422), ({"x-file-name": "a.pq"}, "", 422),
])
def test_the_kind_is_of_the_name_then_the_query_then_the_header(shared, headers, query, status):
    assert put(shared, session(shared), 0, headers=headers, query=query).status == status


def test_a_refused_part_leaves_the_earlier_one_in_its_place(shared):
    sid = session(shared)
    put(shared, sid, 0)
    before = inspected(shared, sid)
    for data, headers in ((b"", {}), (CSV, {"Content-Encoding": "gzip"}), (b"a\n\xff\n", {}),
                          (b"x", {"x-file-name": "a.parquet"}), (b"x", {"x-file-name": "a.doc"})):
        assert put(shared, sid, 0, data, {"x-file-name": "a.csv"} | headers).status == 422
    cut = b"PUT /v1/upload/%s?part=0 HTTP/1.1\r\nHost: localhost\r\nx-file-name: a.csv\r\nContent-Length: 99\r\n\r\n"
    with shared.connect() as connection:
        connection.send(cut % sid.encode() + b"a\n1\n")
    assert inspected(shared, sid) == before


def test_inspect_tells_a_bounded_number_of_issues(shared):
    sid = session(shared)
    columns = ",".join(f"c{i}" for i in range(600))
    for number, value in enumerate(("1", "x", "true")):
        row = ",".join([value] * 600)
        assert put(shared, sid, number, f"{columns}\n{row}\n".encode()).status == 201
    issues = inspected(shared, sid)["issues"]
    assert len(issues) == 1001 and all(list(i) == ["issue", "part"] for i in issues)
    assert issues[-1] == {"issue": "200 more issues are not listed", "part": None}
    assert issues[0]["part"] == 1 and issues[-2]["part"] == 2


# ---- commits ----


def test_a_message_is_kept_as_it_was_sent(shared, name):
    half = "a\ud800b"  # UTF-8 cannot hold it
    for given in ("\u00e9 \U0001f600 \u202e \u007f\t\r\n\"\\", "", None, "x" * 100000, half):
        made = publish(shared, name, snapshot_message=given)
        assert made.status == 200, made
        for shown in (get(shared, name).json()["snapshot"],
                      get(shared, name, "/snapshots?limit=1").json()["snapshots"][0]):
            assert shown["message"] == ("a\ufffdb" if given == half else given)


def test_a_message_with_a_nul_is_refused(shared, name):
    answer = publish(shared, name, snapshot_message="a\0b")
    assert answer.status == 422 and detail(answer) == [{
        "type": "value_error", "loc": ["body", "snapshot_message"], "input": "a\0b",
        "msg": "Value error, a NUL character cannot be kept"}]


def test_if_match_takes_the_commit_in_quotes_or_not_and_the_star(shared, name):
    assert publish(shared, name + "_none", headers={"If-Match": "*"}).status == 412
    current = publish(shared, name).json()["commit_id"]
    for wanted, status in ((f'"{current}"', 200), ("*", 200), ('"*"', 412), (current, 412),
                           ('"nonsense"', 412), ('W/"%s"', 412), ('"', 412), ("", 200)):
        wanted = wanted % current if "%" in wanted else wanted
        answer = publish(shared, name, headers={"If-Match": wanted})
        assert answer.status == status, (wanted, answer)
        if status == 412:
            assert current in detail(answer), "it says where the dataset is"
        current = get(shared, name).json()["snapshot"]["commit_id"]
    path = f"/v1/datasets/acme.tests.{name}/rollback"
    for wanted, status in (('"x"', 412), ("*", 200)):
        back = shared.request("POST", path, {"snapshot": current}, {"If-Match": wanted})
        assert back.status == status


def test_the_same_commit_at_once_is_made_once(shared, name):
    sid = session(shared)
    put(shared, sid, 0)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: commit(shared, sid, name, "append"), range(8)))
    assert {a.status for a in answers} == {200} and len({a.body for a in answers}) == 1
    assert get(shared, name).json()["totals"]["files"] == 1


def test_an_inspect_after_the_commit_still_shows_the_parts(shared, name):
    sid = session(shared)
    put(shared, sid, 0)
    before = inspected(shared, sid)
    commit(shared, sid, name)
    assert inspected(shared, sid) == before


def test_a_part_comes_and_goes_until_the_commit_that_counts_it(shared, name):
    """Parts are put while commits of their session run: each is counted or refused, never lost."""
    for attempt in range(5):
        sid = session(shared)
        put(shared, sid, 0)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            puts = [pool.submit(put, shared, sid, n) for n in (1, 2, 3)]
            made = pool.submit(commit, shared, sid, f"{name}{attempt}").result()
            stored = [p.result().status for p in puts]
        assert made.status == 200 and set(stored) <= {201, 409}
        assert made.json()["files_created"] == 1 + stored.count(201)


def test_a_client_that_stops_sending_is_cut_off_and_leaves_nothing(make_service):
    service = make_service(settings={"BODY_TIMEOUT_S": 1})
    sid = session(service)
    with service.connect() as connection:
        connection.send(f"PUT /v1/upload/{sid}?part=0 HTTP/1.1\r\nHost: localhost\r\nx-file-name: a.csv\r\n"
                        "Content-Length: 99\r\n\r\na\n1\n".encode())
        assert connection.answer("PUT").status == 408
        assert connection.closed()
    assert service.request("GET", f"/v1/upload/{sid}/inspect").status == 204
    assert service.leftovers() == []
