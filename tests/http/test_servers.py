"""What the web servers' configurations promise: they hand on what the client sent, bound what the
program cannot, and speak JSON where they answer by themselves."""

import contextlib
import os
import pathlib
import signal
import time

import pytest

from sluice import SERVER, head, multipart

KIB = 1024
HEADER_VALUE_MAX = 16 * KIB  # fcgi/base/limits.h
DIALECTS = [
    ("/segments/t", "error"),
    ("/tables", "error"),
    ("/segments/t/s", "error"),
    ("/v1/datasets/a.b.c/files/1", "detail"),
    ("/api/repos/a/b/versions/12/content", "status_description"),
    ("/v1/upload/session", "detail"),
    ("/elsewhere", "detail"),
    ("/api/repos/a/b", "status_description"),
]


def chunked(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def reached_the_program(answer):
    return answer.header("X-Request-Id") is not None


@pytest.fixture(scope="module")
def repository(service):
    made = service.request("POST", "/api/repos", {"namespace": "servers", "name": "repo"})
    assert made.status == 200, made
    return "/api/repos/servers/repo"


def test_the_server_does_not_tell_its_version(service):
    assert "/" not in service.request("GET", "/health").header("Server")


@pytest.mark.parametrize("path", ["/a%2Fb", "/a/../b", "//a//b", "/a%20b", "/a+b", "/%41", "/a;b=c",
                                  "/a%0Ab", "/a|b", "/a%7Eb"])
def test_odd_paths_reach_the_program_and_are_its_404(service, path):
    answer = service.request("GET", path)
    assert reached_the_program(answer), answer
    assert answer.status == 404
    assert answer.json() == {"detail": "Not Found"}


def test_an_escaped_slash_is_no_separator(service):
    # As one segment it is a table's name; as two it would be another route.
    answer = service.request("GET", "/tables/a%2Fschema")
    assert reached_the_program(answer)
    assert b"schema" in answer.body or answer.status in (400, 404), answer


def test_headers_with_underscores_and_latin_1_reach_the_program(service):
    session = service.request("POST", "/v1/upload/session", {}).json()["session_id"]
    answer = service.request("PUT", f"/v1/upload/{session}?part=0", b"a\n1\n",
                             [("Content-Type", "text/csv"), ("x-file-name", "donn\xe9es.csv")])
    assert answer.status == 201, answer
    # Without the header Pinot's surface says that there is none.
    body, content_type = multipart([("x", "x", "application/octet-stream", b"")])
    answer = service.request("POST", "/segments/batchUpload?tableName=t&tableType=OFFLINE", body,
                             [("Content-Type", content_type), ("UPLOAD_TYPE", "BOGUS")])
    assert "null" not in answer.text, answer


def test_a_header_of_the_program_s_limit_passes_and_a_larger_request_is_refused(service):
    answer = service.request("GET", "/health", headers=[("X-Long", "x" * (HEADER_VALUE_MAX - 1))])
    assert answer.status == 200, answer
    many = [(f"X-{i}", "x" * (20 * KIB)) for i in range(12)]
    answer = service.request("GET", "/health", headers=many)
    assert answer.status in (400, 431), answer
    assert set(answer.json()) & {"detail", "error"}


def test_a_request_line_of_the_program_s_limit_passes_and_a_longer_one_is_refused(service):
    answer = service.request("GET", "/health?" + "x" * (16 * KIB - 1))
    assert reached_the_program(answer), answer
    answer = service.request("GET", "/" + "x" * (80 * KIB))
    assert answer.status in (400, 414, 431), answer
    assert answer.json()


@pytest.mark.parametrize("path, _member", DIALECTS)
def test_a_transfer_coding_that_no_server_takes_is_what_is_told(service, path, _member):
    with service.connect() as connection:
        connection.send(head("PUT", path, [("Transfer-Encoding", "gzip, chunked")]) + b"0\r\n\r\n")
        answer = connection.answer("PUT")
    assert answer.status in (400, 411, 501), answer
    if answer.status == 501:
        assert "transfer coding other than chunked" in answer.text, answer


def test_what_is_not_http_is_refused_in_json_or_closed(service):
    with service.connect() as connection:
        connection.send(b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\nno colon\r\n\r\n")
        try:
            assert connection.answer().status == 400
        except ConnectionError:
            pass
        assert connection.closed()


def test_query_is_a_method_like_others(service, repository):
    for path in (f"{repository}/versions", "/health"):
        answer = service.request("QUERY", path, b"")
        assert reached_the_program(answer), answer


def test_a_get_with_a_body_is_answered(service):
    answer = service.request("GET", "/health", b"nobody reads this")
    assert answer.status == 200, answer


def test_expect_100_continue_is_answered(service):
    session = service.request("POST", "/v1/upload/session", {}).json()["session_id"]
    with service.connect() as connection:
        connection.send(head("PUT", f"/v1/upload/{session}?part=0",
                             [("Expect", "100-continue"), ("x-file-name", "a.csv")], 4))
        first = connection.socket.recv(100)
        assert first.startswith(b"HTTP/1.1 100"), first
        connection.send(b"a\n1\n")
        assert connection.answer("PUT").status == 201


def test_requests_on_one_connection_are_answered_in_turn(service):
    with service.connect() as connection:
        for _ in range(5):
            connection.send(head("GET", "/health"))
            assert connection.answer().json() == {"status": "ok"}
            connection.send(head("GET", "/nowhere"))
            assert connection.answer().status == 404


@pytest.mark.parametrize("path", ["/schemas", "/tables", "/v1/upload/session", "/api/repos"])
def test_a_chunked_body_is_taken_on_small_routes(service, path):
    data = head("POST", path, [("Transfer-Encoding", "chunked"),
                               ("Content-Type", "application/json")])
    answer = service.raw(data + chunked(b'{"target"', b": nul", b"l}"), "POST")
    assert reached_the_program(answer), answer
    assert answer.status != 411


def test_a_chunked_batch_and_a_chunked_tree_are_taken(service, repository):
    for path in ("/segments/batchUpload?tableName=t&tableType=OFFLINE", f"{repository}/tree/nodes"):
        body, content_type = multipart([("x", "x", "application/octet-stream", b"data")])
        data = head("POST", path, [("Transfer-Encoding", "chunked"), ("UPLOAD_TYPE", "METADATA"),
                                   ("Content-Type", content_type)])
        answer = service.raw(data + chunked(body[:10], body[10:]), "POST")
        assert reached_the_program(answer), answer
        assert answer.status != 411


def test_a_chunked_body_is_taken_from_whoever_has_the_right_and_from_nobody_else(make_service):
    service = make_service(auth="required", workers=2)
    path = "/segments/batchUpload?tableName=t&tableType=OFFLINE"
    body, content_type = multipart([("x", "x", "application/octet-stream", b"data")])
    for rights, status, passed in (("pinot:write", None, True), ("pinot:read", 403, False),
                                   ("oxen:write", 403, False), (None, 401, False)):
        headers = [("Transfer-Encoding", "chunked"), ("UPLOAD_TYPE", "METADATA"),
                   ("Content-Type", content_type)]
        if rights:
            secret = service.token(rights.replace(":", "-"), rights)
            headers.append(("Authorization", f"Bearer {secret}"))
        answer = service.raw(head("POST", path, headers) + chunked(body), "POST")
        assert reached_the_program(answer)
        assert (answer.status not in (401, 403, 411)) if passed else answer.status == status, answer


def test_a_chunked_body_on_a_streaming_route_is_streamed_by_nginx_and_411_by_lighttpd(
        service, repository):
    body, content_type = multipart([("file[]", "99aa06d3014798d86001c324468d497f", None, b"")])
    data = head("POST", f"{repository}/versions", [("Transfer-Encoding", "chunked"),
                                                   ("Content-Type", content_type)])
    with service.connect() as connection:
        connection.send(data)
        time.sleep(0.3)  # with the head in one piece lighttpd would know the length
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.send(chunked(body[:20], body[20:]))
        answer = connection.answer("POST")
    if SERVER == "nginx":
        assert answer.status == 200, answer
        assert answer.json()["err_files"] == []
    else:
        assert answer.status == 411, answer
        assert answer.json()["status"] == "error"


def test_a_body_shorter_than_it_said_stores_nothing(service, repository):
    body, content_type = multipart([("file[]", "1234", None, b"x" * 1000)])
    with service.connect() as connection:
        connection.send(head("POST", f"{repository}/versions", [("Content-Type", content_type)],
                             len(body) + 100) + body)
    time.sleep(0.5)
    assert service.request("GET", f"{repository}/versions/1234/metadata").status == 404
    assert service.leftovers() == []


@pytest.mark.parametrize(("path", "member"), DIALECTS)
def test_without_workers_the_answer_is_json_in_the_surface_s_dialect(make_service, path, member):
    service = make_service(workers=2)
    for pool in ("bulk", "read", "control"):
        (service.state / "run" / f"{pool}.sock").unlink()
    answer = service.request("GET", path)
    assert answer.status in (502, 503), answer
    assert answer.header("Content-Type") == "application/json"
    assert isinstance(answer.json()[member], str)
    assert "sluice" not in answer.text and "/" not in answer.text


def test_a_worker_that_dies_in_a_request_is_5xx_in_json(make_service):
    service = make_service(workers=2)
    session = service.request("POST", "/v1/upload/session", {}).json()["session_id"]
    with service.connect() as connection:
        connection.send(head("PUT", f"/v1/upload/{session}?part=0", [("x-file-name", "a.csv")],
                             1000) + b"a\n1\n")
        time.sleep(0.5)
        for pid in service.worker_pids("bulk"):
            os.kill(pid, signal.SIGKILL)
        answer = connection.answer("PUT")
    assert answer.status in (500, 502, 503), answer
    assert "detail" in answer.json()


def pool_of_next(service, method, path, body=None):
    """Which pool answers: only that pool's processes leave a line in the log with their pid."""
    name = f"id={service.request(method, path, body).header('X-Request-Id')}"
    service.await_log(name)  # the line is written when the answer has gone
    line = next(l for l in service.log_text().splitlines() if name in l)
    pid = int(next(w for w in line.split() if w.startswith("pid="))[4:])
    return next(pool for pool in ("bulk", "read", "control", "health") if pid in service.worker_pids(pool))


BULK = [
    ("PUT", "/v1/upload/x?part=0"),
    ("POST", "/api/repos/a/b/versions"),
    ("PUT", "/api/repos/a/b/versions/uploads/u/parts/1"),
    ("POST", "/api/repos/a/b/tree/nodes"),
    ("POST", "/api/repos/a/b/commits/upload"),
    ("POST", "/segments?tableName=t"),
    ("POST", "/segments/batchUpload?tableName=t"),
    ("POST", "/v2/segments"),
    ("DELETE", "/api/repos/a/b/versions"),
    ("DELETE", "/api/repos/a/b"),
]
READ = [
    ("POST", "/api/repos/a/b/versions/batch-download"),
    ("GET", "/segments/t/s"),
    ("GET", "/v1/datasets/a.b.c/snapshots/s/files/1"),
    ("GET", "/api/repos/a/b/versions/1234/content"),
    ("QUERY", "/api/repos/a/b/versions"),
]
CONTROL = [
    ("POST", "/health"),
    ("POST", "/v1/upload/session"),
    ("POST", "/v1/upload/x/commit"),
    ("GET", "/v1/upload/x/inspect"),
    ("DELETE", "/v1/upload/x/part/1"),
    ("POST", "/api/repos"),
    ("GET", "/api/repos/a/b/versions/1234/metadata"),
    ("POST", "/api/repos/a/b/versions/missing"),
    ("POST", "/api/repos/a/b/branches"),
    ("DELETE", "/api/repos/a/b/branches/main"),
    ("POST", "/tables"),
    ("GET", "/segments/t"),
    ("GET", "/segments/t/s/metadata"),
    ("GET", "/v1/datasets/a.b.c"),
]


@pytest.mark.parametrize(("method", "path", "pool"),
                         [(*r, "bulk") for r in BULK] + [(*r, "read") for r in READ] +
                         [(*r, "control") for r in CONTROL] + [("GET", "/health", "health")])
def test_large_bodies_and_downloads_have_pools_of_their_own(service, method, path, pool):
    body = b"" if method in ("PUT", "POST", "QUERY") else None
    assert pool_of_next(service, method, path, body) == pool


def test_slow_small_bodies_hold_no_worker(make_service):
    service = make_service(workers=2, auth="required")
    with contextlib.ExitStack() as slow:
        for path in ["/v1/upload/session", "/tables", "/api/repos", "/v1/upload/x/commit"] * 2:
            connection = slow.enter_context(service.connect())
            connection.send(head("POST", path, [("Content-Type", "application/json")], 100) + b"{")
        time.sleep(0.5)
        assert service.request("GET", "/health", timeout=5).status == 200


@pytest.mark.parametrize("path", ["/v1/upload/session", "/tables", "/api/repos", "/health"])
def test_a_body_that_no_small_route_takes_is_refused_before_it_is_stored(service, path):
    with service.connect(timeout=10) as connection:
        connection.send(head("POST", path, [("Content-Type", "application/json")], 1 << 30) + b"[")
        answer = connection.answer("POST")
    assert answer.status == 413, answer
    assert set(answer.json()) & {"detail", "error", "status"}


@pytest.mark.parametrize("path", ["/segments/t/s", "/segments/t"])
def test_a_refusal_of_the_server_is_its_own_answer(service, path):
    answer = service.request("TRACE", path)
    assert answer.status == 405 and answer.json()["code"] == 405, answer


def test_bodies_on_their_way_wait_inside_the_state_and_are_gone_after(service, repository):
    body = b"x" * (4 * 1024 * KIB)
    with service.connect() as connection:
        connection.send(head("POST", f"{repository}/tree/nodes", [], len(body)) + body[:-1])
        time.sleep(0.5)
        inside = service.leftovers()
        for path in inside:
            assert pathlib.Path(path).is_relative_to(service.state)
        connection.send(body[-1:])
        connection.answer("POST")
    end = time.monotonic() + 5
    while service.leftovers() and time.monotonic() < end:
        time.sleep(0.05)
    assert service.leftovers() == []
