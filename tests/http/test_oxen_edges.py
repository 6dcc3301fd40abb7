"""Rows of Oxen's API that no recording shows whole: the multipart parser's, limits, expiry, what
gc takes back, archives of any size, names of any kind."""

import gzip
import io
import random
import subprocess
import tarfile
import time

import pytest
import xxhash

from oxen_tree import commit_nodes
from sluice import head, multipart

BOUNDARY = "b7f3a"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"
PART = 10 * 1024 * 1024
UPLOADED = {
    "status": "success",
    "status_message": "resource_created",
    "oxen_version": "0.65.2",
    "err_files": [],
}


def hash_of(data):
    return format(xxhash.xxh3_128_intdigest(data), "x")


def create(service, name, namespace="edges"):
    service.request("POST", "/api/repos", {"namespace": namespace, "name": name})
    return f"/api/repos/{namespace}/{name}"


def bad_request(detail):
    return {
        "error": {"detail": detail, "title": "Bad Request", "type": "bad_request"},
        "status": "error",
        "status_message": "bad_request",
    }


def archive(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def change(service, statement):
    """Alters the state of a service that is stopped for it."""
    service.stop()
    subprocess.run(["sqlite3", str(service.state / "sluice.db"), statement], check=True)
    service.start()


# ---- the multipart parser, row by row (section 3) ----

HELLO = b"hello"
NAME = hash_of(HELLO)
FIELD = f'Content-Disposition: form-data; name="file[]"; filename="{NAME}"'.encode()


def part(*headers, data=HELLO):
    return b"--b7f3a\r\n" + b"".join(h + b"\r\n" for h in headers) + b"\r\n" + data + b"\r\n"


END = b"--b7f3a--\r\n"
INCOMPLETE = "Multipart stream is incomplete"
NO_BOUNDARY = "Multipart boundary is not found"
NO_FIELD = 'Content-Disposition header was not found when parsing a "form-data" field'
NO_NAME = "Content-Disposition 'name' parameter was not found when parsing a \"form-data\" field"
NO_HASH = "Missing hash in multipart request"

# label: (Content-Type, body, status, detail or None for a success, whether HELLO is stored)
ROWS = {
    "ok": (TYPE, part(FIELD) + END, 200, None, True),
    "final boundary without a line end": (TYPE, part(FIELD) + END[:-2], 200, None, True),
    "no final boundary": (TYPE, part(FIELD), 400, INCOMPLETE, False),
    "cut in the line end": (TYPE, part(FIELD)[:-1], 400, INCOMPLETE, False),
    "cut in the headers": (TYPE, part(FIELD)[:60], 400, INCOMPLETE, False),
    "empty body": (TYPE, b"", 400, INCOMPLETE, False),
    "only the end": (TYPE, END, 200, None, False),
    "another type": ("application/json", part(FIELD) + END, 415,
                     "Parsed Content-Type did not have 'multipart' top-level media type", False),
    "no type": (None, part(FIELD) + END, 400, "Could not find Content-Type header", False),
    "a bad type": ("multipart", part(FIELD) + END, 400, "Could not parse Content-Type header",
                   False),
    "no boundary": ("multipart/form-data", part(FIELD) + END, 400, NO_BOUNDARY, False),
    "an empty boundary": ("multipart/form-data; boundary=", part(FIELD) + END, 400, NO_BOUNDARY,
                          False),
    "another boundary": ("multipart/form-data; boundary=other", part(FIELD) + END, 400, INCOMPLETE,
                         False),
    "a quoted boundary": (f'multipart/form-data; boundary="{BOUNDARY}"', part(FIELD) + END, 200,
                          None, True),
    "mixed": (f"multipart/mixed; boundary={BOUNDARY}", part(FIELD) + END, 200, None, True),
    "mixed without a disposition": (f"multipart/mixed; boundary={BOUNDARY}",
                                    part(b"Content-Type: text/plain") + END, 200, None, False),
    "no disposition": (TYPE, part(b"Content-Type: text/plain") + END, 400, NO_FIELD, False),
    "an attachment": (TYPE, part(FIELD.replace(b"form-data", b"attachment")) + END, 400, NO_FIELD,
                      False),
    "no name": (TYPE, part(FIELD.replace(b'name="file[]"; ', b"")) + END, 400, NO_NAME, False),
    "filename* only": (TYPE, part(FIELD.partition(b"; filename")[0] + b"; filename*=UTF-8''abc")
                       + END, 400, NO_HASH, False),
    "filename and filename*": (TYPE, part(FIELD + b"; filename*=UTF-8''abc") + END, 200, None,
                               True),
    "no filename": (TYPE, part(FIELD.partition(b"; filename")[0]) + END, 400, NO_HASH, False),
    "an unquoted filename": (TYPE, part(FIELD.replace(b'"%s"' % NAME.encode(), NAME.encode())) + END,
                             200, None, True),
    "another field first": (TYPE, part(b'Content-Disposition: form-data; name="x"', data=b"y")
                            + part(FIELD) + END, 200, None, True),
    "32 headers": (TYPE, part(FIELD, *(b"X-H-%d: v" % i for i in range(31))) + END, 200, None,
                   True),
    "33 headers": (TYPE, part(FIELD, *(b"X-H-%d: v" % i for i in range(32))) + END, 400,
                   "Error during field parsing", False),
    "a header that is none": (TYPE, part(FIELD, b"no colon here") + END, 400,
                              "Error during field parsing", False),
    "70 KiB of headers": (TYPE, part(FIELD, b"X-H: " + b"v" * 70000) + END, 400, "Payload error",
                          False),
    "line feeds alone": (TYPE, (part(FIELD) + END).replace(b"\r\n", b"\n"), 400, INCOMPLETE, False),
    "a preamble": (TYPE, b"before\r\n" + part(FIELD) + END, 200, None, True),
    "an epilogue": (TYPE, part(FIELD) + END + b"after", 200, None, True),
    "other bytes after a boundary": (TYPE, part(FIELD) + b"--b7f3ax\r\n" + END, 400, NO_BOUNDARY,
                                     False),
    "a boundary in the data": (TYPE, part(FIELD, data=b"a\r\n--b7f3axyz") + END, 400, NO_BOUNDARY,
                               False),
    "one dash behind the last": (TYPE, part(FIELD) + b"--b7f3a-\r\n", 400, NO_BOUNDARY, False),
    "nested": (TYPE, part(FIELD, b"Content-Type: multipart/mixed; boundary=inner") + END, 400,
               "Nested multipart is not supported", False),
    "a part's length": (TYPE, part(FIELD, b"Content-Length: 5") + END, 200, None, True),
    "a part's bad length": (TYPE, part(FIELD, b"Content-Length: x") + END, 200, None, True),
    "a part longer than it says": (TYPE, part(FIELD, b"Content-Length: 3") + END, 200, None, True),
    "a part shorter than it says": (TYPE, part(FIELD, b"Content-Length: 9") + END, 200, None, True),
    "20 KiB of headers": (TYPE, part(FIELD, b"X-H: " + b"v" * 20000) + END, 400, "Payload error",
                          False),
}

NO_LENGTH = (
    "RFC 7578 section 4.8: other headers of a part are to be ignored; the boundary ends a part and "
    "its hash proves that it is whole"
)
# Where the recorded parser answers otherwise: why, and what it answers.
DIFFERENCES = {
    "a part's bad length": (NO_LENGTH, 400, "Payload error"),
    "a part longer than it says": (NO_LENGTH, 200, "a mismatch: only the first 3 bytes are read"),
    "a part shorter than it says": (NO_LENGTH, 400, INCOMPLETE),
    "20 KiB of headers": ("a part's headers have a bound of 16 KiB, not 64", 200, None),
}


@pytest.mark.parametrize("label", DIFFERENCES)
def test_a_difference_of_the_parser_is_one(label):
    assert ROWS[label][2:4] != DIFFERENCES[label][1:]


@pytest.mark.parametrize("label", ROWS)
def test_each_row_of_the_parser(service, label):
    content_type, body, status, detail, stored = ROWS[label]
    repository = create(service, f"row-{list(ROWS).index(label)}")
    headers = [("Content-Type", content_type)] if content_type else []
    answer = service.request("POST", f"{repository}/versions", body, headers)
    assert answer.status == status, answer
    assert answer.json() == (bad_request(detail) if detail else UPLOADED)
    found = service.request("GET", f"{repository}/versions/{NAME}/metadata")
    assert found.status == (200 if stored else 404)


# ---- early answers (section 1): before the body has come ----

EARLY = {
    "another type": ("gold", [("Content-Type", "application/json")], 415),
    "an unknown repository": ("nonsuch", [("Content-Type", TYPE)], 404),
    "an old client": ("gold", [("Content-Type", TYPE), ("User-Agent", "Oxen/0.35.0")], 426),
}


@pytest.mark.parametrize("sent", [5 << 20, 0], ids=["5 MiB", "the head alone"])
@pytest.mark.parametrize("label", EARLY)
def test_what_the_head_decides_is_answered_whatever_the_body(service, label, sent):
    name, headers, status = EARLY[label]
    create(service, "gold")
    target = f"/api/repos/edges/{name}/versions"
    with service.connect() as connection:
        connection.send(head("POST", target, headers, 5 << 20))
        try:
            connection.send(bytes(sent))
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = connection.answer("POST")
    assert answer.status == status
    assert answer.header("oxen-version") == "0.65.2"


def test_two_batches_follow_each_other_on_one_connection(service):
    repository = create(service, "gold")
    with service.connect() as connection:
        for data in (b"first", b"second"):
            field = FIELD.replace(NAME.encode(), hash_of(data).encode())
            body = part(field, data=data) + END
            connection.send(head("POST", f"{repository}/versions", [("Content-Type", TYPE)],
                                 len(body)) + body)
            assert connection.answer("POST").json() == UPLOADED


# ---- credentials (section 1; the words are section 0's) ----


def test_no_good_credential_is_401_in_the_words_that_the_client_shows(make_service):
    service = make_service(auth="required", workers=1)
    for value in (None, "", "Bearer", "Bearer ", "bearer nonsense", "Bearer nonsense", "Basic eDp5"):
        headers = [] if value is None else [("Authorization", value)]
        answer = service.request("POST", "/api/repos/ns/any/versions", b"x", headers)
        assert answer.status == 401, value
        assert answer.header("WWW-Authenticate") == "Bearer"
        assert answer.json() == {
            "status": "error",
            "status_message": "unauthenticated",
            "status_description": "unauthenticated",
        }
        assert service.request("GET", "/api/nonsuch", headers=headers).status == 404


# ---- repositories (section 5) ----

BAD_NAMESPACE = "Invalid namespace name '%s'. Must match [a-zA-Z0-9][a-zA-Z0-9_-]{1,49}"
BAD_NAME = "Invalid repository name '%s'. Must match [a-zA-Z0-9][a-zA-Z0-9_.-]+"


@pytest.mark.parametrize(
    "namespace, name, text",
    [
        ("a.b", "fine", BAD_NAMESPACE % "a.b"),
        ("-a", "fine", BAD_NAMESPACE % "-a"),
        ("a", "fine", BAD_NAMESPACE % "a"),
        ("", "fine", BAD_NAMESPACE % ""),
        ("n" * 51, "fine", BAD_NAMESPACE % ("n" * 51)),
        ("a b", "fine", BAD_NAMESPACE % "a b"),
        ("grüße", "fine", BAD_NAMESPACE % "grüße"),
        ("fine", "-x", BAD_NAME % "-x"),
        ("fine", "x", BAD_NAME % "x"),
        ("fine", "", BAD_NAME % ""),
        ("fine", "..", BAD_NAME % ".."),
        ("fine", "a/b", BAD_NAME % "a/b"),
        ("fine", "a\u0000b", None),
        ("fine", "日本", BAD_NAME % "日本"),
        ("fine", "é" * 300, None),
    ],
)
def test_names_that_no_repository_can_have(service, namespace, name, text):
    answer = service.request("POST", "/api/repos", {"namespace": namespace, "name": name})
    assert answer.status == 400
    body = answer.json()  # whatever was cut, it is JSON in UTF-8
    assert body["status"] == "error"
    if text:
        assert body["status_message"] == text


@pytest.mark.parametrize("namespace, name", [("ab", "xy"), ("n" * 50, "a_.-9"), ("0_-", "A.git")])
def test_names_that_are_fine_and_nulls_beside_them(service, namespace, name):
    fields = ("root_commit", "description", "files", "storage_kind", "repo_uuid", "is_public",
              "host", "scheme", "namespace_name", "repo_name")
    body = {"namespace": namespace, "name": name} | dict.fromkeys(fields)
    made = service.request("POST", "/api/repos", body)
    assert made.status == 200, made
    shown = service.request("GET", f"/api/repos/{namespace}/{name}").json()["repository"]
    assert shown == {
        "namespace": namespace,
        "name": name,
        "min_version": "0.36.0",
        "is_empty": True,
        "storage_kind": "local",
        "repo_uuid": made.json()["repository"]["repo_uuid"],
        "size": 0,
        "data_types": [],
        "branch_count": 0,
    }
    again = service.request("POST", "/api/repos", body)
    assert (again.status, again.json()["status_message"]) == (409, "Repo already exists.")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"1", b'{"namespace":"ab"}', b'{"namespace":1,"name":"xy"}',
     b'{"namespace":"ab","name":null}', b'\xff{"namespace":"ab","name":"xy"}'],
)
def test_a_creation_that_cannot_be_read(service, body):
    answer = service.request("POST", "/api/repos", body, [("Content-Type", "application/json")])
    assert (answer.status, answer.json()) == (400, bad_request("Invalid JSON"))


@pytest.mark.parametrize("name", ["%ff", "a%00b", "%2e%2e", "a%2Fb", "%0a", "é" * 200, "x" * 600])
def test_whatever_a_path_says_the_answer_is_readable(service, name):
    path = "".join(f"%{byte:02x}" if byte > 126 else chr(byte) for byte in name.encode())
    for target in (f"/api/repos/edges/{path}", f"/api/repos/{path}/x/branches/{path}"):
        answer = service.request("GET", target)
        assert answer.status in (400, 404)
        # web servers refuse some of them before they come here
        assert answer.json().get("status") == "error" or answer.json().keys() == {"detail"}


# ---- lists of hashes (section 4) ----


@pytest.mark.parametrize(
    "method, route", [("QUERY", "versions"), ("POST", "versions/batch-download")]
)
def test_lists_are_read_leniently_and_answered_in_order(service, method, route):
    repository = create(service, "lists")
    contents = {hash_of(c): c for c in (b"", b"one", b"two" * 1000)}
    body, content_type = multipart([("file[]", name, None, c) for name, c in contents.items()])
    service.request("POST", f"{repository}/versions", body, [("Content-Type", content_type)])
    _, one, two = contents

    def ask(text):
        return service.request(method, f"{repository}/{route}", gzip.compress(text.encode()))

    for text, names in (
        (f"{two}\n{one}", [two, one]),
        (f"  {one} \r\n\r\n\n\t{two}\t\n", [one, two]),
        (f"zz\n{one}\nno hash at all\n{'0' * 70}", [one]),
        (f"{one.upper()}\n+{two}", [one.upper(), "+" + two]),
        ("", []),
    ):
        answer = ask(text)
        assert answer.status == 200, (text, answer)
        with tarfile.open(fileobj=io.BytesIO(answer.body), mode="r:gz") as tar:
            got = [(entry.name, tar.extractfile(entry).read()) for entry in tar]
        assert got == [(name, contents[name.lstrip("+").lower()]) for name in names]

    answer = ask(f"{one}\nabc\n{two}\nABD")
    assert answer.status == 404
    assert answer.json()["error"]["missing_hashes"] == ["abc", "ABD"]
    assert "missing 2 content blob(s)" in answer.json()["error"]["detail"]


def test_a_list_has_a_bound(service):
    repository = create(service, "bounded")
    distinct = "\n".join(format(i, "x") for i in range(400001))
    for text in (distinct, "0" * 32 + "\n" + "zz\n" * 6000000):
        answer = service.request("QUERY", f"{repository}/versions", gzip.compress(text.encode()))
        assert answer.status == 413
        assert answer.json()["error"]["type"] == "payload_too_large"
    names = [format(i + (1 << 124), "x") for i in range(20000)]
    answer = service.request(
        "QUERY", f"{repository}/versions", gzip.compress("\n".join(names).encode())
    )
    assert answer.json()["error"]["missing_hashes"] == names


# ---- archives ----


def test_a_large_archive_completes_its_commit_whatever_came_first(service):
    """40,000 tree nodes, the commit's own the last of them."""
    repository = create(service, "large-tree")
    names = [hash_of(b"node %d" % i).rjust(32, "1") for i in range(40000)]
    commit = names[-1]
    hashes = archive([(f"history/{commit}/dir_hashes/CURRENT", b"x")])
    assert service.request("POST", f"{repository}/commits/upload", hashes).status == 200
    others = [(f"{n[:3]}/{n[3:]}/node", b"n") for n in names[:-1]]
    nodes = archive(others + list(commit_nodes(commit).items()))
    assert service.request("POST", f"{repository}/tree/nodes", nodes).status == 200
    made = service.request("POST", f"{repository}/branches",
                           {"new_name": "main", "commit_id": commit})
    assert made.status == 200, made
    asked = {"hashes": [names[0], "f" * 32, names[7], "not a hash"]}
    answer = service.request("POST", f"{repository}/tree/nodes/missing_node_hashes", asked)
    assert answer.json()["hashes"] == ["f" * 32, "not a hash"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_an_archive_holds_files_and_folders_only(service, kind):
    repository = create(service, "kinds")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        entry = tarfile.TarInfo("943/4f0f/node")
        entry.type, entry.linkname = kind, "/etc/passwd"
        tar.addfile(entry)
    answer = service.request("POST", f"{repository}/tree/nodes", out.getvalue())
    assert answer.status == 400
    assert answer.json() == bad_request("the archive holds what is neither file nor folder")


def test_an_archive_that_grows_without_bound_is_refused(make_service):
    service = make_service(settings={"VERSION_DECODED_MAX": 1 << 20})
    repository = create(service, "bomb")
    answer = service.request("POST", f"{repository}/tree/nodes",
                             archive([("943/4f0f/node", bytes(8 << 20))]))
    assert answer.status == 413
    assert answer.json()["error"]["type"] == "payload_too_large"
    assert service.sql("SELECT count(*) AS n FROM oxen_object") == [{"n": 0}]


def test_bytes_that_are_lost_are_the_servers_failure_until_clean_forgets_them(fresh):
    repository = create(fresh, "lost")
    kept, data = random.Random(1).randbytes(400000), random.Random(2).randbytes(300000)
    body, content_type = multipart([("file[]", hash_of(c), None, c) for c in (kept, data)])
    fresh.request("POST", f"{repository}/versions", body, [("Content-Type", content_type)])
    for path in (fresh.state / "blobs").rglob("*"):
        if path.is_file() and path.stat().st_size == len(data):
            path.unlink()
    target = f"{repository}/versions/{hash_of(data)}/content"
    query = gzip.compress(hash_of(data).encode())
    assert fresh.request("GET", target).status == 500
    assert fresh.request("QUERY", f"{repository}/versions", query).status == 500
    both = gzip.compress(f"{hash_of(kept)}\n{hash_of(data)}".encode())
    with pytest.raises((ConnectionError, EOFError)):  # it breaks off, and does not look whole
        gzip.decompress(fresh.request("QUERY", f"{repository}/versions", both).body)
    cleaned = fresh.request("DELETE", f"{repository}/versions").json()["result"]
    assert (cleaned["scanned"], cleaned["corrupted"], cleaned["cleaned"]) == (2, 1, 1)
    assert fresh.request("GET", target).status == 404
    assert fresh.request("QUERY", f"{repository}/versions", query).status == 404


# ---- parts (section 4) ----


def test_a_part_that_is_on_its_way_is_deferred_and_others_are_not(fresh):
    repository = create(fresh, "deferred")
    data = random.Random(3).randbytes(PART + 1000)
    begun = fresh.request("POST", f"{repository}/versions/uploads",
                          {"hash": hash_of(data), "size": len(data)}).json()
    target = f"{repository}/versions/uploads/{begun['upload_id']}/parts"
    with fresh.connect() as slow:
        slow.send(head("PUT", f"{target}/1", (), PART) + data[: PART // 2])
        end = time.monotonic() + 20
        while not fresh.sql("SELECT part FROM oxen_upload_part"):
            assert time.monotonic() < end
            time.sleep(0.02)
        answer = fresh.request("PUT", f"{target}/1", data[:PART])
        assert (answer.status, answer.header("Retry-After")) == (429, "1")
        assert answer.json() == {
            "error": {
                "detail": "the part is being written",
                "title": "Upload part deferred",
                "type": "upload_part_deferred",
            },
            "status": "error",
            "status_message": "too_many_requests",
        }
        assert fresh.request("PUT", f"{target}/2", data[PART:]).json()["completed"] is False
        slow.send(data[PART // 2 : PART])
        assert slow.answer("PUT").json()["completed"] is True
    got = fresh.request("GET", f"{repository}/versions/{hash_of(data)}/content")
    assert got.body == data


# ---- what is left alone is taken back ----


def test_an_upload_that_is_left_alone_expires_and_gc_takes_its_bytes(fresh):
    repository = create(fresh, "idle")
    data = random.Random(1).randbytes(PART + 10)
    begin = {"hash": hash_of(data), "size": len(data)}
    made = fresh.request("POST", f"{repository}/versions/uploads", begin).json()["upload_id"]
    target = f"{repository}/versions/uploads/{made}/parts"
    assert fresh.request("PUT", f"{target}/2", data[PART:]).json()["completed"] is False
    assert "0 expired uploads" in fresh.verb("gc").stdout
    change(fresh, "UPDATE oxen_upload SET touched_at = touched_at - 25 * 3600 * 1000")
    answer = fresh.request("PUT", f"{target}/1", data[:PART])
    assert answer.status == 404
    assert answer.json()["status_description"] == f"Version upload {made} not found"
    assert "1 expired uploads" in fresh.verb("gc", "--dry-run").stdout
    assert fresh.sql("SELECT count(*) AS n FROM oxen_upload") == [{"n": 1}]
    assert "1 expired uploads" in fresh.verb("gc").stdout
    for table in ("oxen_upload", "oxen_upload_part", "blob"):
        assert fresh.sql(f"SELECT count(*) AS n FROM {table}") == [{"n": 0}]
    again = fresh.request("POST", f"{repository}/versions/uploads", begin).json()
    assert again["file"] == "awaiting_parts" and again["upload_id"] != made


def test_gc_ends_a_deletion_that_a_crash_has_cut_off(fresh):
    repository = create(fresh, "half-gone")
    contents = [b"content %d" % i for i in range(1500)]
    body, content_type = multipart([("file[]", hash_of(c), None, c) for c in contents])
    answer = fresh.request("POST", f"{repository}/versions", body, [("Content-Type", content_type)])
    assert answer.json() == UPLOADED
    change(fresh, "UPDATE oxen_repository SET namespace = NULL, name = NULL")
    assert fresh.request("GET", repository).status == 404
    assert "1500 contents that nothing names" in fresh.verb("gc").stdout
    for table in ("oxen_repository", "oxen_version", "blob"):
        assert fresh.sql(f"SELECT count(*) AS n FROM {table}") == [{"n": 0}]
