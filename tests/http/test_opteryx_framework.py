"""The 73 requests that were put to a FastAPI application with the published signatures
(tests/golden/opteryx/fastapi_422.json), put to Sluice: the same status and, for errors, the same
bytes, but for what DIFFERENCES names with its reason.

The application did nothing but check its arguments; of its successes only the status is the
framework's, so their bodies are not compared.
"""

import json

import pytest

from sluice import GOLDEN

CASES = {case["name"]: case for case in json.loads(
    (GOLDEN / "opteryx" / "fastapi_422.json").read_text())["cases"]}


def bound(where, number, limit):
    kind, words = {"le": ("less_than_equal", "less"), "ge": ("greater_than_equal", "greater")}[limit]
    most = {"le": 999, "ge": 0}[limit]
    return 422, {"detail": [{
        "type": kind, "loc": [where, "part"], "msg": f"Input should be {words} than or equal to {most}",
        "input": number, "ctx": {limit: most}}]}


def json_invalid(at):
    return 422, {"detail": [{"type": "json_invalid", "loc": ["body", at], "msg": "JSON decode error",
                             "input": {}, "ctx": {"error": "Expecting value"}}]}


PARTS = "parts are numbered from 0 to 999, which the recorded signature does not say"
DIFFERENCES = {  # name -> what Sluice answers (status, JSON or None), why
    "put_part_underscore": (bound("query", "1_000", "le"), PARTS),
    "put_part_negative_ok_for_type": (bound("query", "-1", "ge"), PARTS),
    "put_part_huge": (bound("query", "99999999999999999999999", "le"), PARTS),
    "delete_part_negative_ok_for_type": (bound("path", "-1", "ge"), PARTS),
    "commit_json_nan": (json_invalid(11), "NaN is no JSON; the framework fails with 500 to quote it"),
    "session_any_body_ignored_when_no_model": (
        json_invalid(0), "sessions may name a target, so their body is read"),
    "session_with_required_target_model_no_body": (
        (404, {"detail": "Not Found"}), "a route that only the recorded application had"),
    "session_with_required_target_model_empty_object": (
        (404, {"detail": "Not Found"}), "a route that only the recorded application had"),
    "head_health": ((200, None), "HEAD works wherever GET does"),
}


@pytest.fixture(scope="module")
def session(service):
    """A session with a part, which stands for the recordings' s1."""

    def opened():
        sid = service.request("POST", "/v1/upload/session").json()["session_id"]
        assert service.request("PUT", f"/v1/upload/{sid}?part=3", b"a\n1\n",
                               {"x-file-name": "a.csv"}).status == 201
        return sid

    return opened


def asked(name, sid):
    """The recorded request as bytes: method, path, body, headers."""
    request = CASES[name]["request"]
    path = request["path"].replace("/upload/s1", f"/upload/{sid}")
    headers = dict(request["headers"] or {})
    body = request["body"]
    if name == "put_part_4301_digits":  # the recording is abridged
        path = f"/v1/upload/{sid}?part={'9' * 4301}"
    if isinstance(body, str):  # bytes as characters below 256
        body = body.encode("latin-1")
    elif body is not None:
        body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    if request["method"] == "PUT":
        headers["x-file-name"] = "x.csv"  # the recorded application took any content
    return request["method"], path, renamed(name, body), headers


def renamed(name, data):
    """A dataset of its own for each case, so that commits do not meet."""
    if data is None:
        return None
    return data.replace(b"findings", name.encode())


def recorded_body(name):
    case = CASES[name]
    text = case["raw_body"]
    if name == "put_part_4301_digits":
        text = text.split('"999')[0] + f'"{"9" * 4301}"}}]}}'
        assert len(text) == int(case["response_headers"]["content-length"])
    return renamed(name, text.encode())


@pytest.mark.parametrize("name", [name for name in CASES if name not in DIFFERENCES])
def test_a_recorded_request_gets_the_recorded_answer(service, session, name):
    case, sid = CASES[name], session()
    answer = service.request(*asked(name, sid))
    assert answer.status == case["status"], answer
    recorded = case["response_headers"]
    if answer.status >= 400:
        assert answer.body == recorded_body(name)
        assert answer.header("Content-Type") == recorded["content-type"]
    if "allow" in recorded:
        assert recorded["allow"] in answer.header("Allow").split(", ")
    if "location" in recorded:
        path = recorded["location"].split("testserver")[1].replace("/s1/", f"/{sid}/")
        assert answer.header("Location") == f"http://localhost{path}" and answer.body == b""


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_difference_is_as_it_is_told(service, session, name):
    (status, body), reason = DIFFERENCES[name]
    answer = service.request(*asked(name, session()))
    assert answer.status == status and reason
    assert (answer.json() if body else answer.body) == (body or b"")
    case = CASES[name]
    assert status != case["status"] or (body is not None and body != case["body"]), "no difference"


def test_each_of_the_73_recordings_is_compared_or_explained():
    assert len(CASES) == 73 and set(DIFFERENCES) < set(CASES)
    assert len(CASES) - len(DIFFERENCES) == 64
