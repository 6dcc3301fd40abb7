"""Recorded cases beyond those of test_oxen_recorded.py: uploads in parts, odd transports, and what
this server does not serve, each with its reason."""

import base64
import gzip
import io
import json
import random
import re
import socket
import tarfile

import pytest
import xxhash

from oxen_tree import commit_nodes
from sluice import GOLDEN, SERVER, head, multipart, tar_gz

CASES = json.loads((GOLDEN / "oxen" / "more.json").read_text())
BY_NAME = {case["name"]: case for case in CASES}
PART = 10 * 1024 * 1024
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
STATUS = '{"status":"error","status_message":"%s","oxen_version":"0.65.2"}'

CHUNKS = "how clients before 0.64 send large files; 426 says so, which is all that they would show"
COMMITTED = "committed files by path need the Merkle tree, which is kept opaque"
OUTDATED = re.compile(r"/versions/[^/]+/(create|chunks|complete)(\?|$)")
# how names begin: why this server does not serve them
UNSERVED = {
    "ch_": CHUNKS,
    "dl_get_versions_root": "a download of clients before 0.37.2; QUERY replaces it",
    "bd_get_versions": "a download of clients before 0.37.2; QUERY replaces it",
    "dl_": COMMITTED,
    "missing_files_": COMMITTED,
    "namespace": "a namespace is only what its repositories are called",
    "health": "the state of the disk is the operator's business; /health answers for all surfaces",
}

# name: (reason, status, body)
DIFFERENCES = {
    "unknown_route": ("an address outside /api/ is not Oxen's", 404, '{"detail":"Not Found"}'),
    "repo_create_with_user": (
        "a first commit needs the Merkle tree",
        400,
        '{"error":{"detail":"a repository is created empty; push its files afterwards",'
        '"title":"Bad Request","type":"bad_request"},"status":"error",'
        '"status_message":"bad_request"}',
    ),
    "pu_begin_bad_json": (
        "what is wrong with a JSON text is said in the words of the reader that is used here",
        400,
        "Json deserialize error: Expecting property name enclosed in double quotes"
        " at line 1 column 1",
    ),
    "up_gzip_10MiB_plus1": (
        "what a gzipped part may grow to is a setting, by default 1 GiB",
        200,
        '{"status":"success","status_message":"resource_created","oxen_version":"0.65.2",'
        '"err_files":[]}',
    ),
}

# Too large to be sent here, or no single request; each is shown elsewhere.
ELSEWHERE = {
    "up_200MiB_plain": "tests/peer: the client's 200 MiB file; tests/storm: memory",
    "meta_200MiB": "the same",
}

# On the wire in another way than request() sends.
TRANSPORT = {"rq_truncated_half_close", "rq_chunked_te", "rq_http10"}


def hash_of(data):
    return format(xxhash.xxh3_128_intdigest(data), "x")


def unserved(name):
    return next((why for start, why in UNSERVED.items() if name.startswith(start)), None)


SERVED = [
    case
    for case in CASES
    if not unserved(case["name"]) and case["name"] not in ELSEWHERE.keys() | TRANSPORT
]
LARGE = random.Random(5).randbytes(PART + 1234)
# Bodies that the recording only has the beginning of.
REMADE = {
    "pu_part_2": LARGE[PART:],
    "pu_part_2_again": LARGE[PART:],
    "pu_part_1_completes": LARGE[:PART],
    "up_gzip_10MiB_exact": (bytes(PART), "application/gzip"),
    "up_gzip_10MiB_plus1": (bytes(PART + 1), "application/gzip"),
}


def batch(data, part_type=None):
    content = gzip.compress(data) if part_type else data
    return multipart([("file[]", hash_of(data), part_type, content)], "goldboundary7f3a")[0]


class Replay:
    """Sends cases in their order; the ids and the hash that the recording made are ours here."""

    def __init__(self, service):
        self.service = service
        self.ours = {"1585775039eef1e4fba849be89774802": hash_of(LARGE)}

    def mapped(self, text):
        for theirs, ours in self.ours.items():
            text = text.replace(theirs, ours)
        return text

    def body(self, case):
        made = REMADE.get(case["name"])
        if isinstance(made, tuple):
            return batch(*made)
        if made is not None:
            return made
        if "base64" in case:
            return base64.b64decode(case["base64"])
        return self.mapped(case.get("text", "")).encode()

    def send(self, case):
        answer = self.service.request(
            case["method"], self.mapped(case["path"]), self.body(case) or None, case["headers"]
        )
        if answer.status == 200 and '"upload_id"' in case.get("answer", ""):
            self.ours[UUID.search(case["answer"]).group()] = answer.json()["upload_id"]
        return answer


@pytest.fixture(scope="module")
def answers(service):
    for name in ("gold", "withfile"):
        service.request("POST", "/api/repos", {"namespace": "goldns", "name": name})
    replay = Replay(service)
    given = {case["name"]: replay.send(case) for case in SERVED}
    return given, replay


@pytest.mark.parametrize("case", SERVED, ids=lambda case: case["name"])
def test_each_recorded_request_gets_the_recorded_answer(answers, case):
    given, replay = answers
    answer = given[case["name"]]
    status, body = case["status"], replay.mapped(case.get("answer", ""))
    if case["name"] in DIFFERENCES:
        _, status, body = DIFFERENCES[case["name"]]
        assert (status, body) != (case["status"], case.get("answer"))
    else:
        assert answer.header("Content-Type").split(";")[0] == case["type"].split(";")[0]
    assert answer.status == status
    assert answer.text == body


@pytest.mark.parametrize(
    "case", [case for case in CASES if unserved(case["name"])], ids=lambda case: case["name"]
)
def test_what_is_not_served_is_not_found_or_another_method(answers, case):
    _, replay = answers
    answer = replay.service.request(
        case["method"], case["path"], case.get("text", "").encode(), case["headers"]
    )
    if OUTDATED.search(case["path"]):
        unknown = "/nonsuch/" in case["path"]
        assert answer.status == (404 if unknown else 426)
        assert unknown or answer.json()["error"] == {
            "detail": "Oxen CLI out of date. Pushing files above 10 MiB requires version >= 0.64.0.",
            "title": "Update Required",
            "type": "update_required",
        }
        return
    assert answer.status in (404, 405)
    word = "resource_not_found" if answer.status == 404 else "method_not_allowed"
    assert answer.text == STATUS % word
    assert bool(answer.header("Allow")) == (answer.status == 405)


def test_every_recorded_case_is_replayed_or_has_its_reason():
    for case in CASES:
        name = case["name"]
        ways = [unserved(name), name in TRANSPORT, name in ELSEWHERE, case in SERVED]
        assert sum(map(bool, ways)) == 1, name
    assert DIFFERENCES.keys() <= {case["name"] for case in SERVED}


def test_a_client_before_0_60_may_say_that_commits_are_whole(answers):
    _, replay = answers
    target = "/api/repos/goldns/gold/commits/mark_commits_as_synced"
    answer = replay.service.request("POST", target, {"hashes": ["abc"]})
    assert (answer.status, answer.json()["hashes"]) == (200, ["abc"])


# ---- transports ----

UPLOADED = BY_NAME["rq_http10"]["answer"]
TYPE = ("Content-Type", "multipart/form-data; boundary=goldboundary7f3a")


@pytest.fixture(scope="module")
def target(service):
    service.request("POST", "/api/repos", {"namespace": "goldns", "name": "gold"})
    return "/api/repos/goldns/gold/versions"


def test_a_body_that_ends_before_its_length_is_a_payload_error(service, target):
    body = batch(b"half")
    with service.connect() as connection:
        connection.send(head("POST", target, [TYPE], len(body) + 1000) + body)
        connection.socket.shutdown(socket.SHUT_WR)
        # A web server may close without an answer; one that answers says what was recorded.
        try:
            answer = connection.answer("POST")
        except (ConnectionError, socket.timeout):
            answer = None
    assert answer is None or answer.status == 400
    if answer and answer.header("Content-Type") == "application/json":
        assert answer.text == BY_NAME["rq_truncated_half_close"]["answer"]
    stored = service.request("GET", f"{target}/{hash_of(b'half')}/metadata")
    assert stored.status in (200, 404)  # whole parts may stay, halves never


def test_a_chunked_batch_is_taken(service, target):
    body = batch(b"chunked")
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (body[:50], body[50:])) + b"0\r\n\r\n"
    request = head("POST", target, [TYPE, ("Transfer-Encoding", "chunked")])
    answer = service.raw(request + chunks, "POST")
    # lighttpd streams this route and takes no chunks there that come later than the head: README.md
    if answer.status != 411 or SERVER != "lighttpd":
        assert (answer.status, answer.text) == (200, UPLOADED)


def test_http_1_0_is_answered(service, target):
    body = batch(b"old")
    request = head("POST", target, [TYPE], len(body)).replace(b"HTTP/1.1", b"HTTP/1.0")
    answer = service.raw(request + body, "POST")
    assert (answer.status, answer.text) == (200, UPLOADED)


# ---- a recorded session: a push, a second one, a clone ----

TRACE = json.loads((GOLDEN / "oxen" / "trace.json").read_text())
# Of trees that the recording does not have: the archives of a clone, and files by their paths.
OTHER_TREE = re.compile(r"/(tree/download|commits/[0-9a-f]+/download_dir_hashes_db)")
# Members of a shown repository that tell of what is in its Merkle tree.
OF_TREE = {"size", "data_types", "default_resource"}
WHOLE = random.Random(6).randbytes(26214400)
SMALL = [random.Random(i).randbytes(3000) for i in range(21)]


def archives(commit):
    """What stands in the two bodies that the recording has only the length of."""
    return tar_gz(commit_nodes(commit)), tar_gz({f"history/{commit}/dir_hashes/CURRENT": b"h"})


def remade(request, commit):
    """A body that the recording does not have, of the same kind."""
    path = request["path"]
    if path.endswith("/tree/nodes"):
        return archives(commit)[0]
    if path.endswith("/commits/upload"):
        return archives(commit)[1]
    if request["method"] == "QUERY":
        return gzip.compress("\n".join(map(hash_of, SMALL)).encode())
    if "/parts/" in path:
        number = int(path.rsplit("/", 1)[1])
        return WHOLE[(number - 1) * PART : number * PART]
    boundary = dict(request["headers"])["content-type"].partition("boundary=")[2]
    files = [("file[]", hash_of(c), "application/gzip", gzip.compress(c)) for c in SMALL]
    return multipart(files, boundary)[0]


def without_tree(answer):
    body = json.loads(answer)
    for name in OF_TREE & body.get("repository", {}).keys():
        del body["repository"][name]
    return body


def test_a_recorded_session_gets_every_answer_that_its_client_reads(fresh):
    ours = {}

    def mapped(text):
        for old, new in ours.items():
            text = text.replace(old, new)
        return text

    ours["8d438a3721815f0a418acf6a9cb805ba"] = hash_of(WHOLE)
    commit, completed = None, []
    for request in TRACE:
        if request["path"].endswith("/commits/missing"):
            commit = json.loads(request["text"])["hashes"][0]
        text = mapped(request.get("text", "")).encode()
        body = remade(request, commit) if "bytes" in request else text or None
        answer = fresh.request(request["method"], mapped(request["path"]), body, request["headers"])
        if OTHER_TREE.search(request["path"]):
            assert answer.status == 200 and gzip.decompress(answer.body), request
            continue
        if "/chunk/" in request["path"]:
            assert answer.status == 404, request
            continue
        assert answer.status == request["status"], (request, answer)
        if request["method"] == "QUERY":
            with tarfile.open(fileobj=io.BytesIO(answer.body), mode="r:gz") as tar:
                assert [tar.extractfile(entry).read() for entry in tar] == SMALL
            continue
        for theirs, mine in zip(UUID.findall(request["answer"]), UUID.findall(answer.text)):
            ours[theirs] = mine
        if "/parts/" in request["path"]:  # they came at once: the last of them completes
            completed.append(answer.json().pop("completed"))
            assert answer.json().keys() == json.loads(request["answer"]).keys()
        else:
            assert without_tree(answer.text) == without_tree(mapped(request["answer"])), request
    assert completed == [False, False, True]
    shown = fresh.sql("SELECT * FROM repositories")[0]
    assert (shown["versions"], shown["bytes"]) == (22, len(WHOLE) + 21 * 3000)
