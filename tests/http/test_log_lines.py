"""Every request leaves a line that says who asked, from where and for what."""

import re

import pytest

from sluice import Service


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("guarded"), auth="required", workers=2) as service:
        yield service


def line_of(service, answer):
    """The log's line of an answer, as a dictionary."""
    name = f"id={answer.header('X-Request-Id')} "
    service.await_log(name)  # written when the answer has gone
    line = next(l for l in service.log_text().splitlines() if name in l)
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def bearer(token):
    return [("Authorization", f"Bearer {token}")]


CASES = [  # label, rights, scope, method, path, status, what the line holds
    ("granted", "all:admin", "*", "GET", "/segments/t", 404, {"who": "granted", "resource": "t"}),
    ("no-right", "pinot:read", "*", "POST", "/segments?tableName=t", 403, {"who": "no-right"}),
    ("no-scope", "pinot:write", "s", "POST", "/segments/batchUpload?tableName=t&tableType=OFFLINE",
     403, {"who": "no-scope", "resource": "t"}),
    ("no-repo", "oxen:write", "a/*", "GET", "/api/repos/b/c/branches", 403,
     {"who": "no-repo", "resource": "b/c"}),
]


@pytest.mark.parametrize(("label", "rights", "scope", "method", "path", "status", "holds"), CASES,
                         ids=[case[0] for case in CASES])
def test_a_line_names_caller_address_and_resource(guarded, label, rights, scope, method, path,
                                                  status, holds):
    secret = guarded.token(label, rights, "--scope", scope)
    answer = guarded.request(method, path, None if method == "GET" else b"", bearer(secret))
    assert answer.status == status, answer
    line = line_of(guarded, answer)
    assert line["client"] == "127.0.0.1"
    for key, value in holds.items():
        assert line[key] == value, line


def test_a_refused_credential_leaves_the_address_and_no_name(guarded):
    answer = guarded.request("GET", "/tables", headers=bearer("slc_0123456789abcdef_" + "0" * 64))
    line = line_of(guarded, answer)
    assert answer.status in (401, 403), answer
    assert line["client"] == "127.0.0.1" and "who" not in line


@pytest.mark.parametrize(("own", "kept"), [("req-7.a_B:9", True), ("a b", False), ("x" * 65, False)])
def test_a_client_s_own_request_id_is_kept_when_it_is_one(guarded, own, kept):
    answer = guarded.request("GET", "/health", headers=[("X-Request-Id", own)])
    given = answer.header("X-Request-Id")
    assert (given == own) is kept
    assert kept or re.fullmatch("[0-9a-f]{32}", given)
