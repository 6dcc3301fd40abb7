"""What one client may take or leave: short requests with long answers, bombs, announcements."""

import gzip
import io
import tarfile

from sluice import multipart
from test_oxen_push import create, hash_of, upload

MIB = 1 << 20


def query(service, repository, text, **options):
    return service.request("QUERY", f"{repository}/versions", gzip.compress(text.encode()), **options)


def test_a_hash_that_is_asked_for_again_and_again_is_answered_once(service):
    repository = create(service, "again")
    content = b"x" * 4096
    upload(service, repository, content)
    name = hash_of(content)
    answer = query(service, repository, f"{name}\n" * 100000 + f"{name.upper()}\n")
    assert answer.status == 200
    with tarfile.open(fileobj=io.BytesIO(answer.body), mode="r:gz") as tar:
        assert [entry.name for entry in tar] == [name]


def test_an_answer_has_a_bound(make_service):
    service = make_service(settings={"DOWNLOAD_BYTES_MAX": MIB}, workers=2)
    repository = create(service, "answer")
    contents = [bytes([i]) * (MIB // 4) for i in range(5)]
    upload(service, repository, *contents)
    names = [hash_of(content) for content in contents]
    assert query(service, repository, "\n".join(names[:4])).status == 200
    answer = query(service, repository, "\n".join(names))
    assert answer.status == 413
    assert "1310720 bytes in one batch download, which takes 1048576" in answer.text


def test_as_many_small_contents_as_a_large_repository_has_are_one_answer(service):
    repository = create(service, "many")
    names = []
    for at in range(0, 60000, 20000):
        contents = [b"%d" % i for i in range(at, at + 20000)]
        upload(service, repository, *contents)
        names += [hash_of(content) for content in contents]
    answer = query(service, repository, "\n".join(names * 3))
    with tarfile.open(fileobj=io.BytesIO(answer.body), mode="r:gz") as tar:
        assert [entry.name for entry in tar] == names


def stored_bytes(service, repository):
    return service.request("GET", repository).json()["repository"]


def test_a_short_request_does_not_become_a_large_content(service):
    """Of a gzip a short request becomes a large one."""
    repository = create(service, "bombs")
    size = 64 * MIB
    content = bytes(size)
    body, content_type = multipart([("file[]", hash_of(content), "application/gzip",
                                     gzip.compress(content, 9))])
    answer = service.request("POST", f"{repository}/versions", body,
                             [("Content-Type", content_type)])
    assert answer.status == 200
    [error] = answer.json()["err_files"]
    assert "the request becomes more than 100 times its" in error["error"]
    parts = []
    for i in range(10):
        content = bytes([i]) * (8 * MIB)
        parts.append(("file[]", hash_of(content), "application/gzip", gzip.compress(content, 9)))
    body, content_type = multipart(parts)
    answer = service.request("POST", f"{repository}/versions", body,
                             [("Content-Type", content_type)])
    assert answer.status == 200 and len(answer.json()["err_files"]) == 6
    rows = service.sql("SELECT sum(bytes) AS n FROM versions WHERE repository = 'bombs'")
    assert rows == [{"n": 4 * 8 * MIB}]


def test_a_content_that_packs_well_is_taken(service):
    """The client zips what has up to 10 MiB."""
    repository = create(service, "packs-well")
    content = bytes(10 * MIB)
    body, content_type = multipart([("file[]", hash_of(content), "application/gzip",
                                     gzip.compress(content, 9))])
    answer = service.request("POST", f"{repository}/versions", body,
                             [("Content-Type", content_type)])
    assert answer.json()["err_files"] == []


def begin(service, repository, number, size):
    return service.request("POST", f"{repository}/versions/uploads",
                           {"hash": hash_of(b"%d" % number), "size": size, "destination": None})


def test_unfinished_uploads_reserve_no_more_than_is_allowed(make_service):
    service = make_service(settings={"UPLOAD_RESERVED_MAX": 100 * MIB}, workers=2)
    repository = create(service, "reserved")
    other = create(service, "other")
    assert begin(service, repository, 1, 60 * MIB).status == 200
    refused = begin(service, other, 2, 60 * MIB)
    assert refused.status == 507
    assert "announced 62914560 bytes" in refused.text
    assert begin(service, repository, 1, 60 * MIB).status == 200  # the same again
    assert begin(service, other, 2, 40 * MIB).status == 200
    rows = service.sql("SELECT count(*) AS n, sum(bytes) AS bytes FROM oxen_upload")
    assert rows == [{"n": 2, "bytes": 100 * MIB}]
    files = [p for p in (service.state / "blobs").glob("*/*") if p.stat().st_size >= 40 * MIB]
    assert len(files) == 2


def test_a_repository_has_so_many_unfinished_uploads_and_no_more(service):
    repository = create(service, "open-uploads")
    for number in range(1000):
        assert begin(service, repository, number, 11 * MIB).status == 200
    refused = begin(service, repository, 1000, 11 * MIB)
    assert refused.status == 503 and refused.header("Retry-After") == "5"
    assert begin(service, repository, 999, 11 * MIB).status == 200


def names_of(service, secret, namespace):
    answer = service.request("GET", f"/api/repos/{namespace}",
                             headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 200, answer
    return [r["name"] for r in answer.json()["repositories"]]


def test_a_list_of_repositories_holds_those_that_the_scope_covers(make_service):
    service = make_service(auth="required", workers=2)
    owner = {"Authorization": "Bearer " + service.token("owner")}
    for name in ("pub1", "pub2", "secret1"):
        assert service.request("POST", "/api/repos", {"namespace": "team", "name": name},
                               headers=owner).status == 200
    for number, (scope, expected) in enumerate((
        ("*", ["pub1", "pub2", "secret1"]),
        ("team/*", ["pub1", "pub2", "secret1"]),
        ("team/[!s]*", ["pub1", "pub2"]),
        ("team/pub*", ["pub1", "pub2"]),
        ("team/pub2,other/*", ["pub2"]),
        ("other/*", []),
    )):
        secret = service.token(f"reader{number}", "oxen:read", "--scope", scope)
        assert names_of(service, secret, "team") == expected, scope
    stranger = service.token("stranger", "pinot:read")
    answer = service.request("GET", "/api/repos/team",
                             headers={"Authorization": f"Bearer {stranger}"})
    assert answer.status == 403


def test_a_form_is_not_taken_for_a_content(service):
    repository = create(service, "form")
    begun = service.request("POST", f"{repository}/versions/uploads",
                            {"hash": "0" * 32, "size": 10}).json()["upload_id"]
    form = [("Content-Type", "multipart/form-data; boundary=b")]
    for method, path in (("PUT", f"/versions/uploads/{begun}/parts/1"), ("POST", "/tree/nodes"),
                         ("POST", "/commits/upload"), ("QUERY", "/versions")):
        answer = service.request(method, repository + path, b"0123456789", form)
        assert answer.status == 415 and "not a form" in answer.text, (path, answer)
