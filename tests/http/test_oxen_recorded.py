"""The recorded conversation with the real oxen-server, case by case.

The recordings build on one another, so all of them are replayed once, in their order, and each is
compared in a test of its own.  Where Sluice answers otherwise on purpose, DIFFERENCES says how and
why; everything else must be the recorded answer to the byte, but for ids made at random.
"""

import base64
import gzip
import io
import json
import random
import re
import tarfile

import pytest
import xxhash

from sluice import GOLDEN, multipart

CASES = json.loads((GOLDEN / "oxen" / "cases.json").read_text())

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NOT_FOUND = '{"status":"error","status_message":"resource_not_found","oxen_version":"0.65.2"}'
NO_METHOD = '{"status":"error","status_message":"method_not_allowed","oxen_version":"0.65.2"}'
SEGMENT = (
    '{"status":"error","status_message":"bad_request","oxen_version":"0.65.2","status_description":'
    '"A namespace and a repository name must each be a single path segment"}'
)


def uploaded(*errors):
    """The answer to a batch in which these (hash, error) failed."""
    return json.dumps(
        {
            "status": "success",
            "status_message": "resource_created",
            "oxen_version": "0.65.2",
            "err_files": [{"hash": h, "path": None, "error": e} for h, e in errors],
        },
        separators=(",", ":"),
        ensure_ascii=False,
    )


def mismatch(expected, got, name=None):
    return (name or expected, f"Failed to store version: Hash mismatch: expected {expected}, got {got}")


def found(name, size):
    """The answer to a question about one version."""
    return (
        '{"status":"success","status_message":"resource_found","oxen_version":"0.65.2",'
        f'"version":{{"hash":"{name}","size":{size}}}}}'
    )


def bad_request(detail):
    return (
        f'{{"error":{{"detail":"{detail}","title":"Bad Request","type":"bad_request"}},'
        '"status":"error","status_message":"bad_request"}'
    )


def missing_blobs(name):
    return (
        '{"error":{"detail":"Server is missing 1 content blob(s) for this batch download. '
        f'Missing hashes: {name}","missing_hashes":["{name}"],'
        '"title":"Version blobs missing on server","type":"version_blobs_missing"},'
        '"status":"error","status_message":"resource_not_found"}'
    )


def entries(zipped):
    """Names and contents of a tar.gz, in order, with the looks that every entry must have."""
    with tarfile.open(fileobj=io.BytesIO(zipped), mode="r:gz") as archive:
        found = []
        for entry in archive:
            assert entry.isfile()
            assert (entry.mode, entry.uid, entry.gid, entry.mtime) == (0o644, 0, 0, 0)
            found.append((entry.name, archive.extractfile(entry).read()))
        return found


def without_path(case):
    """The recorded answer, but for the path of the server in its texts."""
    return re.sub(r'Hash mismatch writing \\"[^"]*\\": ', "Hash mismatch: ", case["answer"])


NO_HEX = "Failed to store version: Invalid integer: invalid digit found in string"
EMPTY = "Failed to store version: Invalid integer: cannot parse integer from empty string"
NO_PANIC = "a name of less than two bytes kills the recorded server's task"
BLAME = "what the client did wrong is not the server's failure"
METHODS = "a known path with another method is 405 with Allow, HEAD goes wherever GET does"

RNG = random.Random(20)
ONE, OTHER, THIRD = (RNG.randbytes(n) for n in (4096, 5000, 5000))


def hash_of(data):
    return format(xxhash.xxh3_128_intdigest(data), "x")


# Hashes of recorded contents whose bytes are lost: in their place stand ours.
STAND_INS = {
    "4af7ab1f253ed36ce0b3ff0fbc5c9df8": hash_of(ONE),
    "fe4912b3cb0b3f6bc92d130ef8785c00": hash_of(OTHER),
    "728c7f431c4802554a1f7870ea01119a": hash_of(THIRD),
}


def with_stand_ins(text):
    for old, new in STAND_INS.items():
        text = text.replace(old, new).replace(old.upper(), new.upper())
    return text


def part(data, name="file[]", zipped=False):
    if zipped:
        return (name, hash_of(data), "application/gzip", gzip.compress(data))
    return (name, hash_of(data), "application/octet-stream", data)


def batch(*parts):
    return multipart(parts, boundary="goldboundary7f3a")[0]


def small(i):
    return b"small %d " % i * (i + 1)


# name: (reason, status, body)
DIFFERENCES = {
    "up_same_hash_other_bytes_exists": (
        "every byte is hashed, also those of a name that is stored",
        200,
        uploaded(mismatch(hash_of(ONE), "f37b8d57539eff6a74bc0c533f6a97c2")),
    ),
    "up_gzip_two_members": ("all members of a gzip part are read", 200, uploaded()),
    "up_gzip_trailing_garbage": (
        "bytes behind the last member are the file's error",
        200,
        uploaded(
            (
                "409acaecb84604af6a8e297d5f4827db",
                "Failed to decompress version: Failed to decompress gzipped data: "
                "bytes after the end of the gzip stream",
            )
        ),
    ),
    "meta_uppercase_lower": (
        "any spelling of a hash finds the one entry",
        200,
        found("4b3044b7aba532d43b0b40428e5e0246", 5),
    ),
    "up_hash_len1_panic": (
        NO_PANIC,
        200,
        uploaded(mismatch("a", "5c7401c0ec22eeeeeaf06c6480b2cd11")),
    ),
    "up_hash_empty_filename": (NO_PANIC, 200, uploaded(("", EMPTY))),
    "meta_len1": (NO_PANIC, 404, NOT_FOUND),
    "up_existing_via_dotdot": (
        "a name that is no hash is never looked up as a path",
        200,
        uploaded(("..files/4a/f7ab1f253ed36ce0b3ff0fbc5c9df8", NO_HEX)),
    ),
    "meta_good_before_400": (
        "what was complete and verified before the request broke is stored",
        200,
        found("f01cced183a32bf8d48f1346ff801e2a", 3),
    ),
    "rq_slash_ns": ("%2F is decoded and refused as no single segment", 400, SEGMENT),
    "rq_patch": (METHODS, 405, NO_METHOD),
    "rq_put": (METHODS, 405, NO_METHOD),
    "rq_head": (METHODS, 405, ""),
    "rq_options": (METHODS, 204, ""),
    "meta_head": (METHODS, 200, ""),
    "bd_query_not_gzip": (BLAME, 400, bad_request("invalid gzip header")),
    "bd_query_empty_body": (BLAME, 400, bad_request("unexpected end of file")),
    "bd_query_len1": (NO_PANIC, 404, missing_blobs("a")),
    "bd_query_dup": (
        "a hash that is asked for twice is answered once",
        200,
        [("a07e69ebaf05047b9e9c8572f20ebb2c", 4096)],
    ),
    "bd_query_upper": (
        "any spelling of a hash finds the one entry",
        200,
        [(hash_of(ONE).upper(), ONE)],
    ),
    "bd_post_batch-download": (
        "the documented route works",
        200,
        [(hash_of(ONE), ONE), (hash_of(OTHER), OTHER)],
    ),
    "branch_create_missing_commit": (
        BLAME,
        404,
        '{"error":{"detail":"Could not find commit: deadbeefdeadbeefdeadbeefdeadbeef",'
        '"title":"Commit does not exist","type":"resource_not_found"},"status":"error",'
        '"status_message":"resource_not_found"}',
    ),
    "clean": (
        "nothing is damaged here, and no spelling of a name is",
        200,
        re.compile(
            r'\{"status":"success","status_message":"resource_found","oxen_version":"0.65.2",'
            r'"result":\{"scanned":\d+,"corrupted":0,"cleaned":0,"errors":0,'
            r'"elapsed":\{"secs":\d+,"nanos":\d+\}\}\}'
        ),
    ),
}


# Bodies that the recording only has the beginning of.
REMADE = {
    "up_1_plain_file[]": batch(part(ONE)),
    "up_1_again_idempotent": batch(part(ONE)),
    "up_1_plain_file": batch(part(OTHER, "file")),
    "up_1_gzip": batch(part(THIRD, zipped=True)),
    "up_50_mixed": batch(*(part(small(i), zipped=i % 2 == 0) for i in range(50))),
    "up_same_twice_in_one": batch(part(b"twice" * 20), part(b"twice" * 20)),
    "rq_filename_missing_after_20_good": batch(
        *(part(b"good %d" % i) for i in range(20)), ("file[]", None, None, b"bad")
    ),
    "rq_part_header_70k": batch(("file[]", "f" * 70000, None, b"x")),
}


def body_of(case):
    if case.get("cut"):
        return REMADE[case["name"]]
    if "base64" in case:
        data = base64.b64decode(case["base64"])
        if case["name"].startswith("bd_"):  # a zipped list of hashes
            return gzip.compress(with_stand_ins(gzip.decompress(data).decode()).encode())
        return data
    return with_stand_ins(case.get("text", "")).encode()


@pytest.fixture(scope="module")
def answers(service):
    """The answer to each case, by name."""
    given = {}
    for case in CASES:
        if case["name"] == "repo_show":  # the recording made it with a first commit
            service.request("POST", "/api/repos", {"namespace": "goldns", "name": "withfile"})
        given[case["name"]] = service.request(
            case["method"], with_stand_ins(case["path"]), body_of(case) or None, case["headers"]
        )
    return given


def check_archive(answer, want):
    """want: (name, content), or (name, size) where the recording has lost the content."""
    assert answer.header("Content-Type") == "application/gzip"
    got = entries(answer.body)
    assert [name for name, _ in got] == [name for name, _ in want]
    for (name, data), (_, expected) in zip(got, want):
        assert hash_of(data) == name.lower()
        assert data == expected or len(data) == expected


@pytest.mark.parametrize("name", sorted(DIFFERENCES))
def test_a_difference_is_one_from_the_recording(name):
    case = next(case for case in CASES if case["name"] == name)
    _, status, body = DIFFERENCES[name]
    assert (status, body) != (case["status"], case.get("answer"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_each_recorded_request_gets_the_recorded_answer(answers, case):
    answer = answers[case["name"]]
    status = case["status"]
    if case["name"] in DIFFERENCES:
        _, status, body = DIFFERENCES[case["name"]]
    elif "tar" in case:
        body = [(with_stand_ins(name), size) for name, size in case["tar"]]
    else:
        body = with_stand_ins(without_path(case))
        if case["method"] != "HEAD":
            assert answer.header("Content-Type") == case["type"]
    assert answer.status == status
    if isinstance(body, list):
        check_archive(answer, body)
    elif isinstance(body, re.Pattern):
        assert body.fullmatch(answer.text)
    else:
        assert UUID.sub("UUID", answer.text) == UUID.sub("UUID", body)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_every_answer_says_its_version_and_the_requests_id(answers, case):
    answer = answers[case["name"]]
    assert answer.header("oxen-version") == "0.65.2"
    assert answer.header("x-oxen-request-id")
    if case["name"] == "reqid_echo":
        assert answer.header("x-oxen-request-id") == "abc-123_X"
    else:
        assert answer.header("x-oxen-request-id") == answer.header("X-Request-Id")
    if answer.status == 405:
        assert answer.header("Allow")
