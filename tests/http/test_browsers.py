"""A page that somebody has open in a browser can send requests to this machine, too.  It must not
reach a server that asks for no credential, nor use the credentials that a browser keeps for one
that does; nobody is told that another site's page may read answers, but by the operator's setting."""

import pytest

from sluice import Service, multipart

PATHS = [  # one of each surface: method, path, the member that holds the error's words
    ("GET", "/health", "detail"),
    ("GET", "/tables", "error"),
    ("POST", "/schemas", "error"),
    ("DELETE", "/tables/t", "error"),
    ("POST", "/segments?tableName=t", "error"),
    ("POST", "/v1/upload/session", "detail"),
    ("GET", "/v1/datasets", "detail"),
    ("GET", "/health/", "detail"),
    ("GET", "/v2/contracts", "detail"),
    ("POST", "/api/repos", "status_description"),
    ("DELETE", "/api/repos/a/b", "status_description"),
    ("GET", "/elsewhere", "detail"),
]
FOREIGN = [  # headers that only a page of another site brings
    [("Host", "evil.example")],
    [("Host", "evil.example:8080")],
    [("Host", "127.0.0.1.evil.example")],
    [("Host", "localhost.evil.example")],
    [("Host", "192.0.2.1:8080")],
    [("Host", "[2001:db8::1]:8080")],
    [("Origin", "http://evil.example")],
    [("Origin", "null")],
    [("Origin", "http://localhost:3000")],
    [("Host", "localhost:8080"), ("Origin", "http://localhost")],
    [("Sec-Fetch-Site", "cross-site")],
    [("Sec-Fetch-Site", "same-site")],
    [("Host", "localhost"), ("Origin", "http://localhost"), ("Sec-Fetch-Site", "cross-site")],
]
OWN = [  # what a program sends, and a page of this server's own
    [],
    [("Host", "127.0.0.1:8080")],
    [("Host", "127.9.8.7")],
    [("Host", "LocalHost:8080")],
    [("Host", "[::1]:8080")],
    [("Sec-Fetch-Site", "none")],
    [("Host", "localhost:8080"), ("Origin", "http://localhost:8080"),
     ("Sec-Fetch-Site", "same-origin")],
]
CORS = "Access-Control-"
LISTED = "https://ui.example"


def cors_headers(answer):
    return [name for name, _ in answer.headers if name.lower().startswith(CORS.lower())]


def body_of(method):
    return None if method in ("GET", "DELETE") else b'{"namespace": "a", "name": "b"}'


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_an_open_server_refuses_a_page_of_another_site(shared, headers):
    for method, path, member in PATHS:
        answer = shared.request(method, path, body_of(method), headers)
        assert answer.status == 403, (method, path, answer)
        assert isinstance(answer.json()[member], str)
        assert not cors_headers(answer)


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_an_open_server_serves_programs_and_its_own_pages(shared, headers):
    for method, path in (("GET", "/health"), ("GET", "/tables"), ("POST", "/v1/upload/session"),
                         ("GET", "/v1/datasets")):
        answer = shared.request(method, path, {} if method == "POST" else None, headers)
        assert answer.status in (200, 201), (method, path, answer)
        assert not cors_headers(answer)


def test_a_preflight_of_another_site_is_refused(shared):
    for _, path, _ in PATHS:
        answer = shared.request("OPTIONS", path, headers=[
            ("Origin", "http://evil.example"), ("Access-Control-Request-Method", "DELETE")])
        assert answer.status == 403 and not cors_headers(answer), (path, answer)


def test_what_a_page_was_refused_has_not_happened(shared):
    """A form may send these without a preflight."""
    body, content_type = multipart([("x", "x", "application/octet-stream", b"{}")])
    for headers in ([("Content-Type", "text/plain")], [("Content-Type", content_type)]):
        answer = shared.request("POST", "/api/repos", b'{"namespace": "evil", "name": "page"}',
                                headers + [("Origin", "http://evil.example")])
        assert answer.status == 403, answer
        answer = shared.request("POST", "/segments?tableName=t", body,
                                headers + [("Origin", "http://evil.example")])
        assert answer.status == 403, answer
    assert shared.request("GET", "/api/repos/evil/page").status == 404


def test_a_request_without_a_host_is_a_program_s(shared):
    assert shared.raw(b"GET /health HTTP/1.0\r\n\r\n").status == 200


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    settings = {"CORS_ORIGINS": f"{LISTED},http://127.0.0.1:3000"}
    with Service(tmp_path_factory.mktemp("guarded"), auth="required", workers=2,
                 settings=settings) as service:
        yield service


@pytest.fixture(scope="module")
def bearer(guarded):
    return ("Authorization", f"Bearer {guarded.token('page')}")


def test_with_credentials_any_host_is_served(guarded, bearer):
    answer = guarded.request("GET", "/tables", headers=[bearer, ("Host", "sluice.example")])
    assert answer.status == 200 and not cors_headers(answer)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://ui.example.evil.org",
                                    "http://ui.example", "https://ui.example:8443"])
def test_with_credentials_a_page_that_is_not_listed_is_refused(guarded, bearer, origin):
    for method, path, _ in PATHS:
        answer = guarded.request(method, path, body_of(method), [bearer, ("Origin", origin)])
        assert answer.status == 403 and not cors_headers(answer), (method, path, answer)


@pytest.mark.parametrize("origin", [LISTED, "http://127.0.0.1:3000"])
def test_a_listed_page_may_read_answers_and_refusals(guarded, bearer, origin):
    for path, status in (("/tables", 200), ("/tables/none", 404), ("/elsewhere", 404)):
        answer = guarded.request("GET", path, headers=[bearer, ("Origin", origin)])
        assert answer.status == status, answer
        assert answer.header("Access-Control-Allow-Origin") == origin
        assert "X-Request-Id" in answer.header("Access-Control-Expose-Headers")
        assert answer.header("Access-Control-Allow-Credentials") is None
        assert "Origin" in answer.header("Vary")


def test_a_listed_page_s_preflight_needs_no_credential(guarded):
    answer = guarded.request("OPTIONS", "/segments/t", headers=[
        ("Origin", LISTED), ("Access-Control-Request-Method", "DELETE"),
        ("Access-Control-Request-Headers", "authorization,upload_type")])
    assert answer.status == 204, answer
    assert answer.header("Access-Control-Allow-Origin") == LISTED
    assert "DELETE" in answer.header("Access-Control-Allow-Methods")
    assert answer.header("Access-Control-Allow-Headers") == "authorization,upload_type"


def test_a_page_of_the_server_s_own_name_is_served(guarded, bearer):
    answer = guarded.request("GET", "/tables", headers=[
        bearer, ("Host", "sluice.example:8443"), ("Origin", "https://sluice.example:8443")])
    assert answer.status == 200 and not cors_headers(answer)


def test_without_the_setting_nobody_is_listed(make_service):
    service = make_service(auth="required", workers=2)
    bearer = ("Authorization", f"Bearer {service.token('t')}")
    answer = service.request("GET", "/tables", headers=[bearer])
    assert answer.status == 200 and not cors_headers(answer)
    answer = service.request("GET", "/tables", headers=[bearer, ("Origin", LISTED)])
    assert answer.status == 403 and not cors_headers(answer)
