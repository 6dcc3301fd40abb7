"""Bodies that are forms, names that hold a point, and codings that are named twice."""

import pytest

from sluice import head
from test_opteryx import CSV, commit, detail, name, put, session  # noqa: F401
from test_opteryx_datasets import get, publish


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
