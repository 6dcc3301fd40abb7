"""SLUICE_SENDFILE: the web server sends large files by itself, and a client cannot tell."""

import os

import pytest
import xxhash

import pinot_push
from sluice import SERVER, Service, multipart

WORD = {"lighttpd": "x-sendfile", "nginx": "x-accel-redirect"}[SERVER]
BYTES = bytes(os.urandom(64)) * 8000  # above the 256 KiB from which a content has its own file
HASH = xxhash.xxh3_128_hexdigest(BYTES)
CSV = b"a,b\n" + b"north,21.5\n" * 40000
ROUTES = ("oxen", "opteryx", "pinot")
REQUESTS = [  # method, headers; {etag} is the content's own
    ("GET", ()),
    ("HEAD", ()),
    ("GET", [("Range", "bytes=0-9")]),
    ("GET", [("Range", "bytes=-7")]),
    ("GET", [("Range", "bytes=300000-")]),
    ("GET", [("Range", "bytes=0-1,5-6")]),
    ("GET", [("Range", "bytes=99999999-")]),
    ("GET", [("Range", "lines=1-2")]),
    ("GET", [("Range", "bytes=0-9"), ("If-Range", "{etag}")]),
    ("GET", [("Range", "bytes=0-9"), ("If-Range", '"other"')]),
    ("GET", [("If-None-Match", "{etag}")]),
    ("GET", [("If-None-Match", 'W/{etag}, "other"')]),
    ("GET", [("If-None-Match", "*")]),
    ("GET", [("If-None-Match", '"other"')]),
    ("GET", [("If-Match", '"other"')]),
    ("GET", [("If-Match", "{etag}")]),
    ("GET", [("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")]),
    ("GET", [("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:01 GMT")]),
    ("GET", [("If-None-Match", '"other"'), ("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")]),
    ("GET", [("Accept-Encoding", "gzip, br")]),
    ("GET", [("SLUICE_SENDFILE", "off"), ("X-Sendfile", "/etc/passwd"),
             ("X-Accel-Redirect", "/sluice-blobs/")]),
]
OF_ONE_ANSWER = ("date", "x-request-id", "x-oxen-request-id")


def fill(service):
    """Stores a large content through each surface; where each is read."""
    assert service.request("POST", "/api/repos", {"namespace": "send", "name": "file"}).status == 200
    body, content_type = multipart([("file[]", HASH, "application/octet-stream", BYTES)])
    put = service.request("POST", "/api/repos/send/file/versions", body,
                          [("Content-Type", content_type)])
    assert put.json()["err_files"] == [], put

    target = {"workspace": "send", "collection": "file", "dataset": "csv"}
    made = service.request("POST", "/v1/upload/session", {"target": target}).json()["session_id"]
    put = service.request("PUT", f"/v1/upload/{made}?part=0", CSV,
                          [("Content-Type", "text/csv"), ("x-file-name", "a.csv")])
    assert put.status == 201, put
    snapshot = service.request("POST", f"/v1/upload/{made}/commit",
                               {"target": target, "conflict_resolution": "fail"})
    assert snapshot.status == 200, snapshot

    pinot_push.table(service, "sendfile")
    tar = pinot_push.Segment("large").whole(BYTES[:64] + os.urandom(600000))
    body, content_type = multipart([("f", "large.tar.gz", "application/octet-stream", tar)])
    put = service.request("POST", "/v2/segments?tableName=sendfile&tableType=OFFLINE", body,
                          [("Content-Type", content_type), ("UPLOAD_TYPE", "SEGMENT")])
    assert put.status == 200, put
    return {"oxen": (f"/api/repos/send/file/versions/{HASH}/content", BYTES),
            "opteryx": ("/v1/datasets/send.file.csv/files/1", CSV),
            "pinot": ("/segments/sendfile/large", tar)}


def ask(service, places):
    """Every request to every place."""
    answers = {}
    for route, (path, _) in places.items():
        etag = service.request("HEAD", path).header("ETag")
        for i, (method, headers) in enumerate(REQUESTS):
            filled = [(name, value.replace("{etag}", etag)) for name, value in headers]
            answers[route, i] = service.request(method, path, headers=filled)
    return answers


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The answers to all requests without and with it, from one state; the second service runs."""
    folder = tmp_path_factory.mktemp("send file")  # a path that has to be quoted
    with Service(folder) as service:
        places = fill(service)
        without = ask(service, places)
    with Service(folder, settings={"SENDFILE": WORD}) as service:
        yield service, places, without, ask(service, places)


def shown(answer):
    """Headers, without what belongs to one answer alone, in an order of their own."""
    return sorted((k.lower(), v) for k, v in answer.headers if k.lower() not in OF_ONE_ANSWER)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("which", range(len(REQUESTS)),
                         ids=[f"{m}-{'-'.join(n for n, _ in h)}" for m, h in REQUESTS])
def test_an_answer_is_the_same_with_and_without(both, route, which):
    _, places, without, by_server = both
    old, new = without[route, which], by_server[route, which]
    assert new.status == old.status
    assert new.body == old.body
    assert shown(new) == shown(old)
    assert {k.lower() for k, _ in new.headers} == {k.lower() for k, _ in old.headers}
    if which == 0:
        assert old.status == 200 and old.body == places[route][1]


@pytest.mark.parametrize("route", ROUTES)
def test_the_worker_sends_none_of_a_whole_content(both, route):
    service, _, _, by_server = both
    name = f"id={by_server[route, 0].header('X-Request-Id')} "
    service.await_log(name)
    line = next(l for l in service.log_text().splitlines() if name in l)
    assert " status=200 " in line and " out=0 " in line, line


def test_a_client_reaches_neither_the_internal_place_nor_a_file(both):
    service, _, _, _ = both
    files = [p.relative_to(service.state / "blobs") for p in (service.state / "blobs").rglob("*")]
    assert files
    for path in ["/sluice-blobs/", "/sluice-blobs", "/sluice-blobs/../sluice.db",
                 "/x/../sluice-blobs/", *(f"/sluice-blobs/{f}" for f in files),
                 *(f"/{f}" for f in files)]:
        answer = service.request("GET", path)
        assert answer.status == 404, (path, answer)
        assert answer.json() == {"detail": "Not Found"}


def test_a_token_is_asked_for_before_the_server_sends(make_service):
    service = make_service(auth="required", settings={"SENDFILE": WORD})
    secret = service.token("writer")
    none, full = [], [("Authorization", f"Bearer {secret}")]
    made = service.request("POST", "/api/repos", {"namespace": "send", "name": "file"}, full)
    assert made.status == 200, made
    body, content_type = multipart([("file[]", HASH, "application/octet-stream", BYTES)])
    put = service.request("POST", "/api/repos/send/file/versions", body,
                          [("Content-Type", content_type), *full])
    assert put.json()["err_files"] == [], put
    path = f"/api/repos/send/file/versions/{HASH}/content"
    assert service.request("GET", path, headers=none).status == 401
    narrow = service.token("other", "oxen:read", "--scope", "elsewhere/*")
    answer = service.request("GET", path, headers=[("Authorization", f"Bearer {narrow}")])
    assert answer.status in (403, 404), answer
    assert service.request("GET", path, headers=full).body == BYTES


def test_a_content_whose_file_is_gone_is_a_refusal_in_the_surface_s_dialect(both):
    service, places, _, _ = both
    path, data = places["oxen"]
    file = next(p for p in (service.state / "blobs").rglob("*")
                if p.is_file() and p.stat().st_size == len(data))
    kept = file.rename(service.folder / "kept")
    try:
        answer = service.request("GET", path)
        assert answer.status >= 400, answer
        assert answer.json()["status"] == "error"
    finally:
        kept.rename(file)
