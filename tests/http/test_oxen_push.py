"""The rest of a push: the recorded one as a whole, uploads in parts, branches, downloads, taking
out."""

import concurrent.futures
import gzip
import io
import json
import random
import tarfile

import pytest
import xxhash

from oxen_tree import commit_nodes
from sluice import GOLDEN, head, multipart, tar_gz

PUSH = GOLDEN / "oxen" / "push"
PART = 10 * 1024 * 1024
COMMIT = "9434f0f65e4753540e7cce92e6babc6c"  # of the recorded push
OTHER_COMMIT = "5bcbf4a2f7fcc540581c75192adfe049"


def hash_of(data):
    return format(xxhash.xxh3_128_intdigest(data), "x")


def create(service, name, namespace="ns"):
    answer = service.request("POST", "/api/repos", {"namespace": namespace, "name": name})
    assert answer.status == 200, answer
    return f"/api/repos/{namespace}/{name}"


def upload(service, repository, *contents):
    body, content_type = multipart([("file[]", hash_of(c), None, c) for c in contents])
    answer = service.request(
        "POST", f"{repository}/versions", body, [("Content-Type", content_type)]
    )
    assert answer.status == 200 and answer.json()["err_files"] == [], answer


def send_commit(service, repository, commit):
    """Both archives of an empty commit that no client has made."""
    nodes = tar_gz(commit_nodes(commit))
    hashes = tar_gz({f"history/{commit}/dir_hashes/CURRENT": b"MANIFEST\n"})
    assert service.request("POST", f"{repository}/tree/nodes", nodes).status == 200
    assert service.request("POST", f"{repository}/commits/upload", hashes).status == 200


def content_of(service, repository, name):
    return service.request("GET", f"{repository}/versions/{name}/content")


# ---- the recorded push ----


def test_the_recorded_push_gets_every_answer_that_its_client_reads(fresh):
    expected = [
        (404, {"status": "error", "status_message": "resource_not_found"}),
        (200, {"status": "success"}),
        (200, {"status": "success"}),
        (200, {"status": "success"}),
        (200, {"action": "push", "status": "success", "state": "started"}),
        (404, {"status_message": "resource_not_found"}),
        (200, {"status_message": "resource_found", "branches": []}),
        (200, {"status_message": "resource_found", "hashes": [COMMIT]}),
        (200, {"status_message": "resource_created", "err_files": []}),
        (200, {"status_message": "resource_found", "oxen_version": "0.65.2"}),
        (200, {"status_message": "resource_created", "oxen_version": "0.65.2"}),
        (
            200,
            {
                "status_message": "resource_created",
                "branch": {"name": "main", "commit_id": COMMIT},
            },
        ),
        (200, {"action": "push", "status": "success", "state": "completed"}),
    ]
    requests = sorted(PUSH.glob("*.http"))
    assert len(requests) == len(expected)
    for path, (status, members) in zip(requests, expected):
        # the recording has taken the chunks of a chunked body apart
        answer = fresh.replay(path, [(b"transfer-encoding: chunked\r\n", b"")])
        assert answer.status == status, (path.name, answer)
        body = answer.json()
        assert {name: body.get(name) for name in members} == members, path.name

    shown = fresh.request("GET", "/api/repos/ns/tiny").json()["repository"]
    assert shown["is_empty"] is False
    assert shown["branch_count"] == 1
    assert fresh.sql('SELECT branch, "commit" FROM branches') == [
        {"branch": "main", "commit": COMMIT}
    ]
    again = fresh.request("POST", "/api/repos/ns/tiny/commits/missing", {"hashes": [COMMIT]})
    assert again.json()["hashes"] == []


def test_tree_nodes_come_in_chunks_of_any_size(service):
    """The client sends this body chunked, as it packs it."""
    repository = create(service, "chunked")
    body = tar_gz({f"{COMMIT[:3]}/{COMMIT[3:]}/node": random.Random(9).randbytes(3000)})
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in
                      (body[at : at + 700] for at in range(0, len(body), 700)))
    request = head("POST", f"{repository}/tree/nodes", [("Transfer-Encoding", "chunked")])
    answer = service.raw(request + chunks + b"0\r\n\r\n", "POST")
    assert answer.status == 200, answer


def test_a_branch_stands_only_at_commits_of_which_both_archives_have_come(service):
    repository = create(service, "halves")
    branch = {"new_name": "main", "commit_id": COMMIT}
    nodes = tar_gz(commit_nodes(COMMIT))
    hashes = tar_gz({f"history/{COMMIT}/dir_hashes/CURRENT": b"c"})
    assert service.request("POST", f"{repository}/branches", branch).status == 404
    assert service.request("POST", f"{repository}/commits/upload", hashes).status == 200
    assert service.request("POST", f"{repository}/branches", branch).status == 404
    missing = service.request("POST", f"{repository}/commits/missing", {"hashes": [COMMIT]})
    assert missing.json()["hashes"] == [COMMIT]
    assert service.request("POST", f"{repository}/tree/nodes", nodes).status == 200
    # its contents may still be on their way, with another commit of the push
    missing = service.request("POST", f"{repository}/commits/missing", {"hashes": [COMMIT]})
    assert missing.json()["hashes"] == [COMMIT]
    assert service.request("POST", f"{repository}/branches", branch).status == 200
    missing = service.request("POST", f"{repository}/commits/missing", {"hashes": [COMMIT]})
    assert missing.json()["hashes"] == []
    target = {"commit_id": OTHER_COMMIT}
    assert service.request("PUT", f"{repository}/branches/main", target).status == 404
    shown = service.request("GET", f"{repository}/branches/main").json()
    assert shown["branch"] == {"name": "main", "commit_id": COMMIT}


def test_branches_are_listed_moved_by_comparison_and_deleted(service):
    repository = create(service, "branches")
    for commit in (COMMIT, OTHER_COMMIT):
        send_commit(service, repository, commit)
    for name in ("main", "feature/one"):
        answer = service.request(
            "POST", f"{repository}/branches", {"new_name": name, "commit_id": COMMIT}
        )
        assert answer.json()["branch"] == {"name": name, "commit_id": COMMIT}
    again = service.request(
        "POST", f"{repository}/branches", {"new_name": "main", "commit_id": OTHER_COMMIT}
    )
    assert again.status == 409
    listed = service.request("GET", f"{repository}/branches").json()["branches"]
    assert [branch["name"] for branch in listed] == ["feature/one", "main"]

    body = json.dumps({"commit_id": OTHER_COMMIT}).encode()
    for expected, status in ((OTHER_COMMIT, 412), (COMMIT, 200), (COMMIT, 412)):
        answer = service.request(
            "PUT", f"{repository}/branches/main", body, [("If-Match", f'"{expected}"')]
        )
        assert answer.status == status, answer
    assert service.request("PUT", f"{repository}/branches/nonsuch", body).status == 404
    assert service.request("DELETE", f"{repository}/branches/feature/one").status == 200
    assert service.request("DELETE", f"{repository}/branches/feature/one").status == 404
    assert service.request("GET", f"{repository}/branches/feature/one").status == 404


@pytest.mark.parametrize(
    "files",
    [{"../up": b"x"}, {"/abs": b"x"}, {"a//b": b"x"}, {"a/./b": b"x"}, {"a/\x01": b"x"}],
    ids=["up", "absolute", "empty", "dot", "control"],
)
def test_names_in_archives_are_relative_paths(service, files):
    repository = f"/api/repos/ns/names-{abs(hash(str(files)))}"
    create(service, repository.rsplit("/", 1)[1])
    answer = service.request("POST", f"{repository}/tree/nodes", tar_gz(files))
    assert answer.status == 400
    assert answer.json()["status_message"] == "bad_request"


def test_an_archive_that_is_cut_short_leaves_nothing(service):
    repository = create(service, "cut-archive")
    whole = tar_gz({f"{COMMIT[:3]}/{COMMIT[3:]}/node": random.Random(1).randbytes(5000)})
    for cut in (b"", whole[:-1], whole[: len(whole) // 2], b"no gzip"):
        assert service.request("POST", f"{repository}/tree/nodes", cut).status == 400
    rows = service.sql(
        "SELECT count(*) AS n FROM oxen_object JOIN oxen_repository USING (repository)"
        " WHERE oxen_repository.name = 'cut-archive'"
    )
    assert rows == [{"n": 0}]


# ---- uploads in parts ----


def begin(service, repository, data, name=None):
    return service.request(
        "POST",
        f"{repository}/versions/uploads",
        {"hash": name or hash_of(data), "size": len(data), "destination": None},
    )


def put(service, repository, upload_id, number, data):
    return service.request(
        "PUT", f"{repository}/versions/uploads/{upload_id}/parts/{number}", data
    )


@pytest.fixture(scope="module")
def large():
    return random.Random(3).randbytes(2 * PART + 1234)


def parts_of(data):
    return [data[at : at + PART] for at in range(0, len(data), PART)]


def test_parts_in_any_order_make_one_version(service, large):
    repository = create(service, "parts")
    begun = begin(service, repository, large).json()
    upload_id = begun["upload_id"]
    assert begun == {
        "status": "success",
        "status_message": "resource_created",
        "oxen_version": "0.65.2",
        "file": "awaiting_parts",
        "upload_id": upload_id,
        "part_size": PART,
        "num_parts": 3,
        "part_window": 102,
    }
    parts = parts_of(large)
    for number, completed in ((3, False), (1, False), (1, False), (2, True)):
        answer = put(service, repository, upload_id, number, parts[number - 1])
        assert answer.status == 200, answer
        assert answer.json() == {
            "status": "success",
            "status_message": "resource_created",
            "oxen_version": "0.65.2",
            "completed": completed,
        }
        if not completed:
            assert content_of(service, repository, hash_of(large)).status == 404
    assert content_of(service, repository, hash_of(large)).body == large
    after = put(service, repository, upload_id, 1, b"x")
    assert after.status == 404
    assert after.json()["status_description"] == f"Version upload {upload_id} not found"
    assert begin(service, repository, large).json()["file"] == "already_stored"


def refused(reason):
    return {
        "status": "error",
        "status_message": "bad_request",
        "oxen_version": "0.65.2",
        "status_description": f"Version upload refused: {reason}",
    }


def test_bad_parts_are_refused_in_the_recorded_words_and_change_nothing(service, large):
    repository = create(service, "bad-parts")
    elsewhere = create(service, "elsewhere")
    upload_id = begin(service, repository, large).json()["upload_id"]
    last = parts_of(large)[2]
    for number, data, reason in (
        (0, b"x", "part 0 is not between 1 and 3"),
        (4, b"x", "part 4 is not between 1 and 3"),
        (3, last[:-1], "part 3 is 1233 bytes, not 1234"),
        (3, last + b"x", "part 3 is longer than 1234 bytes"),
    ):
        answer = put(service, repository, upload_id, number, data)
        assert answer.status == 400
        assert answer.json() == refused(f"{reason} (upload {upload_id})")
    answer = put(service, repository, upload_id, "x", b"x")
    assert answer.json()["error"]["detail"] == "Invalid part number"
    assert put(service, elsewhere, upload_id, 1, b"x").status == 404
    assert put(service, repository, "nope", 1, b"x").status == 404
    for number, part in enumerate(parts_of(large), 1):
        assert put(service, repository, upload_id, number, part).status == 200
    assert content_of(service, repository, hash_of(large)).body == large


def test_a_whole_that_does_not_fit_its_name_is_refused_and_gone(service):
    repository = create(service, "wrong-whole")
    name = "deadbeefdeadbeefdeadbeefdeadbeef"
    upload_id = begin(service, repository, b"12345", name).json()["upload_id"]
    answer = put(service, repository, upload_id, 1, b"12345")
    assert answer.status == 400
    assert answer.json() == refused(
        f"the file's 5 bytes hash to {hash_of(b'12345')}, not {name} (upload {upload_id})"
    )
    assert put(service, repository, upload_id, 1, b"12345").status == 404
    assert content_of(service, repository, name).status == 404


@pytest.mark.parametrize(
    "body, status, text",
    [
        ({"hash": "ab", "size": 0}, 400, "a file of zero bytes has no parts"),
        (
            {"hash": "ab", "size": 1 << 50},
            400,
            "a file of 1125899906842624 bytes is larger than the 1099511627776 bytes an upload "
            "takes",
        ),
        ({"hash": "zz", "size": 5}, 400, "'zz' is not a version file hash"),
    ],
)
def test_uploads_that_cannot_be_are_refused(service, body, status, text):
    repository = "/api/repos/ns/refusals"
    service.request("POST", "/api/repos", {"namespace": "ns", "name": "refusals"})
    answer = service.request("POST", f"{repository}/versions/uploads", body)
    assert answer.status == status
    assert answer.json() == refused(text)


@pytest.mark.parametrize(
    "body, headers, text",
    [
        (b'{"hash":"ab"}', [("Content-Type", "application/json")],
         "Json deserialize error: missing field `size` at line 1 column 13"),
        (b'{"hash": "ab", "size": 5}', [], "Content type error"),
        (b"{", [("Content-Type", "application/json")], "Json deserialize error: "),
    ],
)
def test_unreadable_beginnings_are_plain_text(service, body, headers, text):
    service.request("POST", "/api/repos", {"namespace": "ns", "name": "refusals"})
    answer = service.request("POST", "/api/repos/ns/refusals/versions/uploads", body, headers)
    assert answer.status == 400
    assert answer.header("Content-Type").startswith("text/plain")
    assert answer.text.startswith(text)


def test_there_are_no_workspaces(service):
    service.request("POST", "/api/repos", {"namespace": "ns", "name": "refusals"})
    body = {"hash": "ab", "size": 5, "destination": {"workspace_id": "nope", "path": "x"}}
    answer = service.request("POST", "/api/repos/ns/refusals/versions/uploads", body)
    assert answer.status == 404
    assert answer.json()["error"] == {
        "detail": "Could not find workspace: nope",
        "title": "Workspace does not exist",
        "type": "resource_not_found",
    }


def test_an_upload_goes_on_after_a_restart(fresh, large):
    repository = create(fresh, "resumed")
    upload_id = begin(fresh, repository, large).json()["upload_id"]
    parts = parts_of(large)
    assert put(fresh, repository, upload_id, 2, parts[1]).status == 200
    fresh.stop()
    fresh.start()
    assert begin(fresh, repository, large).json()["upload_id"] == upload_id
    assert put(fresh, repository, upload_id, 1, parts[0]).json()["completed"] is False
    assert put(fresh, repository, upload_id, 3, parts[2]).json()["completed"] is True
    assert content_of(fresh, repository, hash_of(large)).body == large


def test_parts_that_come_at_once_make_one_version(service, large):
    repository = create(service, "at-once")
    upload_id = begin(service, repository, large).json()["upload_id"]
    jobs = [(number, part) for number, part in enumerate(parts_of(large), 1)] * 3
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        answers = list(
            pool.map(lambda job: put(service, repository, upload_id, *job), jobs)
        )
    assert {answer.status for answer in answers} <= {200, 404, 429}
    for answer in answers:
        if answer.status == 429:
            assert answer.header("Retry-After") == "1"
            assert answer.json()["error"]["type"] == "upload_part_deferred"
    for number, part in enumerate(parts_of(large), 1):  # what was deferred comes again
        put(service, repository, upload_id, number, part)
    assert content_of(service, repository, hash_of(large)).body == large
    rows = service.sql("SELECT bytes FROM versions WHERE repository = 'at-once'")
    assert rows == [{"bytes": len(large)}]


# ---- contents out ----


def test_a_content_is_read_whole_in_part_and_only_when_it_has_changed(service):
    repository = create(service, "reading")
    data = random.Random(4).randbytes(300000)
    upload(service, repository, data)
    target = f"{repository}/versions/{hash_of(data)}/content"
    whole = service.request("GET", target)
    assert whole.body == data
    assert whole.header("ETag") == f'"{hash_of(data)}"'
    part = service.request("GET", target, headers=[("Range", "bytes=1000-1999")])
    assert (part.status, part.body) == (206, data[1000:2000])
    none = service.request("GET", target, headers=[("If-None-Match", whole.header("ETag"))])
    assert none.status == 304
    only_head = service.request("HEAD", target)
    assert (only_head.status, only_head.header("Content-Length")) == (200, "300000")
    assert content_of(service, repository, hash_of(data).upper()).body == data
    assert content_of(service, repository, "zz").status == 404


def test_a_batch_download_gives_many_contents_in_order(service):
    repository = create(service, "downloads")
    contents = [random.Random(i).randbytes(i * 700) for i in range(1, 200)] + [b""]
    upload(service, repository, *contents)
    body = gzip.compress("\n".join(hash_of(c) for c in contents).encode())
    for method, target in (("QUERY", "versions"), ("POST", "versions/batch-download")):
        answer = service.request(method, f"{repository}/{target}", body)
        assert answer.status == 200
        with tarfile.open(fileobj=io.BytesIO(answer.body), mode="r:gz") as tar:
            got = [(entry.name, tar.extractfile(entry).read()) for entry in tar]
        assert got == [(hash_of(c), c) for c in contents]


def test_missing_lists_what_is_not_stored(service):
    repository = create(service, "missing")
    upload(service, repository, b"here")
    cut = hash_of(b"here") + "\0 and more"
    asked = [hash_of(b"here"), hash_of(b"not here"), "zz", hash_of(b"here").upper(), cut, ""]
    answer = service.request("POST", f"{repository}/versions/missing", {"hashes": asked})
    assert answer.json()["hashes"] == [hash_of(b"not here"), "zz", cut, ""]
    for body in (b"[", b"[]", b'{"hashes":1}', b'{"hashes":[1]}'):
        answer = service.request("POST", f"{repository}/versions/missing", body)
        assert (answer.status, answer.json()["status_message"]) == (400, "Invalid JSON")


# ---- taking out ----


def test_clean_takes_out_what_is_damaged_and_nothing_else(fresh):
    repository = create(fresh, "damaged")
    good, bad = random.Random(1).randbytes(400000), random.Random(2).randbytes(500000)
    upload(fresh, repository, good, bad, b"small")
    row = fresh.sql("SELECT file FROM blob WHERE bytes = 500000")[0]
    path = fresh.state / "blobs" / f"{row['file'] >> 24:010x}" / f"{row['file'] & 0xFFFFFF:06x}"
    with open(path, "r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    result = fresh.request("DELETE", f"{repository}/versions").json()["result"]
    assert (result["scanned"], result["corrupted"], result["cleaned"]) == (3, 1, 1)
    assert content_of(fresh, repository, hash_of(good)).body == good
    assert content_of(fresh, repository, hash_of(b"small")).body == b"small"
    assert content_of(fresh, repository, hash_of(bad)).status == 404
    upload(fresh, repository, bad)
    assert content_of(fresh, repository, hash_of(bad)).body == bad
    assert fresh.sql("SELECT versions, bytes FROM repositories") == [
        {"versions": 3, "bytes": 900005}
    ]


def test_a_deleted_repository_is_gone_with_all_it_held(fresh):
    repository = create(fresh, "doomed")
    kept = create(fresh, "kept")
    upload(fresh, repository, *(b"doomed %d" % i for i in range(2500)))
    upload(fresh, kept, b"doomed 1")
    send_commit(fresh, repository, COMMIT)
    begin(fresh, repository, b"unfinished")
    fresh.request("POST", f"{repository}/branches", {"new_name": "main", "commit_id": COMMIT})
    answer = fresh.request("DELETE", repository)
    assert answer.json() == {
        "status": "success",
        "status_message": "resource_deleted",
        "oxen_version": "0.65.2",
    }
    assert fresh.request("GET", repository).status == 404
    assert fresh.request("DELETE", repository).status == 404
    for table in ("repository", "version"):
        assert fresh.sql(f"SELECT count(*) AS n FROM oxen_{table}") == [{"n": 1}]
    for table in ("upload", "upload_part", "object", "commit", "branch"):
        assert fresh.sql(f"SELECT count(*) AS n FROM oxen_{table}") == [{"n": 0}]
    assert content_of(fresh, kept, hash_of(b"doomed 1")).body == b"doomed 1"
    create(fresh, "doomed")
    assert content_of(fresh, repository, hash_of(b"doomed 1")).status == 404
