"""RFC 9110 section 13 for files of datasets; and bodies that are forms, names that hold a point."""

import pytest

from sluice import head
from test_opteryx import CSV, commit, detail, name, put, session  # noqa: F401
from test_opteryx_datasets import get, publish

ALWAYS = object()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers, status", [
    ({}, 200), ({"If-Match": "*"}, 200), ({"If-Match": "{tag}"}, 200), ({"If-Match": '"x", {tag}'}, 200),
    ({"If-Match": '"x"'}, 412), ({"If-Match": "W/{tag}"}, 412), ({"If-Match": "nonsense"}, 412),
    ({"If-None-Match": "*"}, 304), ({"If-None-Match": "{tag}"}, 304), ({"If-None-Match": "W/{tag}"}, 304),
    ({"If-None-Match": '"x"'}, 200), ({"If-Match": '"x"', "If-None-Match": "{tag}"}, 412),
    ({"If-Match": "{tag}", "If-None-Match": "{tag}"}, 304), ({"If-Match": '"x"', "Range": "bytes=0-1"}, 412),
    ({"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}, 200),
    ({"If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}, 200),
    ({"If-Match": "{tag}", "Range": "bytes=0-1"}, 206), ({"If-Range": "{tag}", "Range": "bytes=0-1"}, 206),
    ({"If-Range": '"x"', "Range": "bytes=0-1"}, 200), ({"If-None-Match": "{tag}", "Range": "bytes=0-1"}, 304),
], ids=range(20))
def test_conditions_hold_in_their_order(shared, method, headers, status):
    path = "/v1/datasets/acme.tests.conditions/files/1"
    if shared.request("GET", path).status == 404:
        publish(shared, "conditions", CSV)
    tag = shared.request("GET", path).header("ETag")
    sent = {n: v.replace("{tag}", tag) for n, v in headers.items()}
    if method == "HEAD" and status == 206:
        status = 200  # Range is for GET
    assert shared.request(method, path, None, sent).status == status


def test_a_form_is_not_taken_for_a_part(shared):
    form = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\na\n1\n\r\n--b--\r\n'
    sid = session(shared)
    answer = put(shared, sid, 0, form, {"x-file-name": "a.csv", "Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status == 415 and "not a form" in detail(answer)
    assert shared.request("GET", f"/v1/upload/{sid}/inspect").status == 204


def test_a_name_with_a_point_does_not_overrule_a_media_type(shared):
    headers = {"x-file-name": "export_2024.01", "Content-Type": "text/csv"}
    assert put(shared, session(shared), 0, headers=headers).status == 201
    headers["Content-Type"] = "application/octet-stream"
    assert put(shared, session(shared), 0, headers=headers).status == 422


def test_a_mismatch_names_both_types(shared, name):
    publish(shared, name, b"a\n1\n")
    answer = publish(shared, name, b"a\nx\n")
    assert answer.status == 409 and "VARCHAR where INT64 is declared in 'a'" in detail(answer)


def test_two_lines_of_content_encoding_are_refused_by_both_servers(shared):
    sid = session(shared)
    body = b"a\n1\n"
    with shared.connect() as connection:
        connection.send(head("PUT", f"/v1/upload/{sid}?part=0",
                             [("x-file-name", "a.csv"), ("Content-Encoding", "identity"),
                              ("Content-Encoding", "identity")], len(body)) + body)
        answer = connection.answer("PUT")
    assert answer.status == 422 and "content coding is not served" in detail(answer)
