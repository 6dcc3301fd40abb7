"""What the recordings do not show of Oxen's batch upload: whole pushes, cut bodies, credentials."""

import gzip
import json

import pytest
import xxhash

from sluice import GOLDEN, head, multipart, recorded

PUSH = GOLDEN / "oxen" / "push"
AGENT = ("User-Agent", "Oxen/0.65.1 (Linux; Python 3.11.7)")
FAILED = "Failed to decompress version: Failed to decompress gzipped data: "


def hash_of(data):
    return format(xxhash.xxh3_128_intdigest(data), "x")


def batch(contents, zipped=True):
    """A body as the client sends it, and its Content-Type."""
    if zipped:
        parts = [("file[]", hash_of(c), "application/gzip", gzip.compress(c)) for c in contents]
    else:
        parts = [("file[]", hash_of(c), "application/octet-stream", c) for c in contents]
    return multipart(parts)


def create(service, name, namespace="ns"):
    answer = service.request("POST", "/api/repos", {"namespace": namespace, "name": name})
    assert answer.status == 200, answer
    return f"/api/repos/{namespace}/{name}"


def upload(service, repository, contents, zipped=True, headers=()):
    body, content_type = batch(contents, zipped)
    headers = [("Content-Type", content_type), AGENT, *headers]
    return service.request("POST", f"{repository}/versions", body, headers)


def size_of(service, repository, name):
    answer = service.request("GET", f"{repository}/versions/{name}/metadata")
    return answer.json()["version"]["size"] if answer.status == 200 else None


def test_the_real_clients_batch_is_stored_and_named(fresh):
    """Creation and batch of a push by the Python package, byte for byte."""
    assert fresh.replay(PUSH / "0001_GET_api_repos_ns_tiny.http").status == 404
    made = fresh.replay(PUSH / "0002_POST_api_repos.http").json()
    shown = fresh.replay(PUSH / "0003_GET_api_repos_ns_tiny.http").json()
    assert made["repository"]["repo_uuid"] == shown["repository"]["repo_uuid"]
    assert shown["repository"]["storage_kind"] == "local"

    path = PUSH / "0009_POST_api_repos_ns_tiny_versions.http"
    for _ in range(2):  # sending it again changes nothing
        answer = fresh.replay(path)
        assert answer.status == 200
        assert answer.json()["err_files"] == []
    body = recorded(path).partition(b"\r\n\r\n")[2]
    parts = body.split(b'filename="')[1:]
    names = [part.split(b'"', 1)[0].decode() for part in parts]
    assert len(names) >= 4
    for name, part in zip(names, parts):
        data = gzip.decompress(part.split(b"\r\n\r\n", 1)[1].rpartition(b"\r\n--")[0])
        assert hash_of(data) == name
        assert size_of(fresh, "/api/repos/ns/tiny", name) == len(data)
    rows = fresh.sql("SELECT hash FROM versions WHERE repository = 'tiny'")
    assert sorted(row["hash"] for row in rows) == sorted(names)


def test_people_can_read_what_is_stored(fresh):
    repository = create(fresh, "readable")
    contents = [b"a" * 10, b"b" * 20, b""]
    assert upload(fresh, repository, contents).json()["err_files"] == []
    assert fresh.sql("SELECT namespace, name, versions, bytes, branches FROM repositories") == [
        {"namespace": "ns", "name": "readable", "versions": 3, "bytes": 30, "branches": 0}
    ]
    rows = fresh.sql("SELECT hash, bytes FROM versions")
    assert {row["hash"]: row["bytes"] for row in rows} == {hash_of(c): len(c) for c in contents}


@pytest.mark.parametrize("zipped", [True, False], ids=["gzip", "plain"])
def test_a_batch_of_thousands_is_stored_whole(service, zipped):
    repository = create(service, f"thousands-{zipped}")
    contents = [b"%d of many " % i * 100 for i in range(2500)]
    assert upload(service, repository, contents, zipped).json()["err_files"] == []
    rows = service.sql(f"SELECT hash FROM versions WHERE repository = 'thousands-{zipped}'")
    assert {row["hash"] for row in rows} == {hash_of(c) for c in contents}


def test_good_files_of_a_batch_are_stored_while_bad_ones_are_named(service):
    repository = create(service, "mixed")
    good = [b"good %d" % i for i in range(5)]
    zipped = gzip.compress(b"cut short")
    wrong = hash_of(b"something else")
    body, content_type = multipart(
        [
            ("file[]", hash_of(good[0]), "application/gzip", gzip.compress(good[0])),
            ("file[]", wrong, "application/gzip", gzip.compress(b"wrong")),
            ("file[]", hash_of(good[1]), None, good[1]),
            ("file[]", hash_of(b"cut short"), "application/gzip", zipped[:-4]),
            ("file", hash_of(good[2]), "text/plain", good[2]),
            ("file[]", "no-hash", None, b"x"),
            ("file[]", hash_of(good[3]), "APPLICATION/GZIP; q=1", gzip.compress(good[3])),
            ("other", "ignored", None, b"x"),
            ("file[]", hash_of(b"no gzip"), "application/gzip", b"no gzip"),
            ("file[]", hash_of(good[4]), None, good[4]),
        ]
    )
    answer = service.request(
        "POST", f"{repository}/versions", body, [("Content-Type", content_type)]
    ).json()
    assert answer["status"] == "success"
    assert answer["err_files"] == [
        {
            "hash": wrong,
            "path": None,
            "error": "Failed to store version: Hash mismatch: "
            f"expected {wrong}, got {hash_of(b'wrong')}",
        },
        {
            "hash": hash_of(b"cut short"),
            "path": None,
            "error": FAILED + "unexpected end of file",
        },
        {
            "hash": "no-hash",
            "path": None,
            "error": "Failed to store version: Invalid integer: invalid digit found in string",
        },
        {"hash": hash_of(b"no gzip"), "path": None, "error": FAILED + "invalid gzip header"},
    ]
    assert [size_of(service, repository, hash_of(c)) for c in good] == [len(c) for c in good]
    assert size_of(service, repository, wrong) is None


def test_a_gunzipped_part_past_the_limit_is_that_files_error(make_service):
    limit = 1 << 20
    service = make_service(settings={"VERSION_DECODED_MAX": limit})
    repository = create(service, "limited")
    exact, over = b"\0" * limit, b"\0" * (limit + 1)
    answer = upload(service, repository, [exact, over, b"after"]).json()
    assert answer["err_files"] == [
        {
            "hash": hash_of(over),
            "path": None,
            "error": "Failed to decompress version: "
            f"Decompressed size {limit + 1} exceeds the {limit} byte limit",
        }
    ]
    assert upload(service, repository, [over], zipped=False).json()["err_files"] == []
    assert size_of(service, repository, hash_of(exact)) == limit
    assert size_of(service, repository, hash_of(over)) == limit + 1
    assert size_of(service, repository, hash_of(b"after")) == 5


def test_what_was_complete_before_a_body_broke_off_is_stored(service):
    repository = create(service, "broken-off")
    contents = [b"part %d " % i * 50 for i in range(6)]
    body, content_type = batch(contents, zipped=False)
    cut = body.index(contents[4]) + 20
    request = head("POST", f"{repository}/versions", [("Content-Type", content_type)], len(body))
    with service.connect() as connection:
        connection.send(request + body[:cut])
    stored = [size_of(service, repository, hash_of(c)) is not None for c in contents]
    assert stored[4:] == [False, False]
    again = upload(service, repository, contents).json()
    assert again["err_files"] == []
    assert all(size_of(service, repository, hash_of(c)) == len(c) for c in contents)


def test_a_body_without_its_end_is_refused_and_its_whole_parts_stay(service):
    repository = create(service, "no-end")
    contents = [b"part %d " % i * 50 for i in range(4)]
    body, content_type = batch(contents)
    answer = service.request(
        "POST", f"{repository}/versions", body[:-4], [("Content-Type", content_type)]
    )
    assert answer.status == 400
    assert answer.json()["error"]["detail"] == "Multipart stream is incomplete"
    stored = [size_of(service, repository, hash_of(c)) for c in contents]
    assert stored[:3] == [len(c) for c in contents[:3]]


def test_contents_are_not_shared_between_repositories(service):
    first, second = create(service, "first"), create(service, "second")
    assert upload(service, first, [b"mine"]).json()["err_files"] == []
    assert size_of(service, first, hash_of(b"mine")) == 4
    assert size_of(service, second, hash_of(b"mine")) is None


def blob_bytes(service):
    return sum(p.stat().st_size for p in (service.state / "blobs").rglob("*") if p.is_file())


@pytest.mark.parametrize("zipped", [True, False])
def test_what_is_stored_already_is_verified_and_not_written_again(fresh, zipped):
    repository = create(fresh, "again")
    pack_below = 256 << 10
    sizes = [0, 1, pack_below - 1, pack_below, pack_below + 1, 1 << 20]
    first = [bytes([i]) * size for i, size in enumerate(sizes)]
    first += [b"%4096d" % i for i in range(300)]
    more = [b"%5000d" % i for i in range(300)] + [b"another large one " * 30000]
    assert upload(fresh, repository, first, zipped).json()["err_files"] == []
    stored = blob_bytes(fresh)
    assert stored == sum(len(c) for c in first)

    mixed = [c for pair in zip(more, first) for c in pair] + first[len(more) :]
    assert upload(fresh, repository, mixed, zipped).json()["err_files"] == []
    assert blob_bytes(fresh) == stored + sum(len(c) for c in more)
    for content in first + more:
        got = fresh.request("GET", f"{repository}/versions/{hash_of(content)}/content")
        assert (got.status, got.body) == (200, content)


def test_a_known_name_over_other_bytes_is_refused(service):
    repository = create(service, "liar")
    names = [hash_of(b"truth"), hash_of(b"truth " * 100000)]
    assert upload(service, repository, [b"truth", b"truth " * 100000]).json()["err_files"] == []
    lies = [("file[]", name, None, lie) for name, lie in zip(names, [b"lie", b"lie " * 150000])]
    body, content_type = multipart(lies)
    headers = [("Content-Type", content_type)]
    answer = service.request("POST", f"{repository}/versions", body, headers)
    assert [error["hash"] for error in answer.json()["err_files"]] == names


def test_one_content_twice_in_a_batch_is_stored_once(service):
    repository = create(service, "twice")
    big = b"large enough for a file of its own " * 20000
    assert upload(service, repository, [b"x", b"x", big, big], zipped=False).json()["err_files"] == []
    rows = service.sql("SELECT bytes FROM versions WHERE repository = 'twice'")
    assert sorted(row["bytes"] for row in rows) == [1, len(big)]


# ---- credentials ----


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    from sluice import Service

    service = Service(tmp_path_factory.mktemp("guarded"), auth="required")
    try:
        yield service.start()
    finally:
        service.stop()


def bearer(token):
    return [("Authorization", f"Bearer {token}")]


@pytest.mark.parametrize(
    "method, target",
    [
        ("GET", "/api/repos/ns/any"),
        ("GET", "/api/repos/ns"),
        ("POST", "/api/repos"),
        ("POST", "/api/repos/ns/any/versions"),
        ("GET", "/api/repos/ns/any/versions/ab/metadata"),
    ],
)
def test_without_a_credential_nobody_learns_what_there_is(guarded, method, target):
    answer = guarded.request(method, target)
    assert answer.status == 401
    assert answer.header("WWW-Authenticate") == "Bearer"
    assert answer.json() == {
        "status": "error",
        "status_message": "unauthenticated",
        "status_description": "unauthenticated",
    }


def test_the_agent_is_looked_at_before_the_credential(guarded):
    answer = guarded.request("GET", "/api/repos/ns/any", headers=[("User-Agent", "Oxen/0.1.0")])
    assert answer.status == 426


def test_rights_and_scope_bind_a_token(guarded):
    admin = guarded.token("admin")
    reader = guarded.token("reader", "oxen:read")
    other = guarded.token("other", "oxen:write", "--scope", "elsewhere/*")
    body = json.dumps({"namespace": "ns", "name": "kept"}).encode()
    json_type = [("Content-Type", "application/json")]
    for token in (reader, other):
        answer = guarded.request("POST", "/api/repos", body, json_type + bearer(token))
        assert answer.status == 403
        assert answer.json()["status_message"] == "forbidden"
    assert guarded.request("POST", "/api/repos", body, json_type + bearer(admin)).status == 200

    data, content_type = batch([b"guarded"])
    for token, status in ((reader, 403), (other, 403), (admin, 200)):
        answer = guarded.request(
            "POST",
            "/api/repos/ns/kept/versions",
            data,
            [("Content-Type", content_type), *bearer(token)],
        )
        assert answer.status == status, answer
    for token, status in ((reader, 200), (other, 403), (admin, 200)):
        target = f"/api/repos/ns/kept/versions/{hash_of(b'guarded')}/metadata"
        assert guarded.request("GET", target, headers=bearer(token)).status == status
