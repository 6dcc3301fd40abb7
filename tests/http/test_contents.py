"""Stored contents on their way out: while `sluice gc` moves them, and when they are damaged."""

import concurrent.futures
import os
import re
import threading
import time

import pytest
import xxhash

import pinot_push
from sluice import multipart

SMALL = 5000  # bytes; such contents share packs
LARGE = 300 * 1024  # has a file of its own
EACH = 24  # contents of a surface
OXEN = "/api/repos/keep/all"


def push_oxen(service, contents):
    if service.request("GET", OXEN).status == 404:
        made = service.request("POST", "/api/repos", {"namespace": "keep", "name": "all"})
        assert made.status == 200, made
    parts = [("file[]", xxhash.xxh3_128_hexdigest(content), "application/octet-stream", content)
             for content in contents]
    body, content_type = multipart(parts)
    put = service.request("POST", f"{OXEN}/versions", body, [("Content-Type", content_type)])
    assert put.status == 200 and put.json()["err_files"] == [], put
    return {f"{OXEN}/versions/{xxhash.xxh3_128_hexdigest(c)}/content": c for c in contents}


def push_opteryx(service, contents, mode="fail"):
    target = {"workspace": "keep", "collection": "all", "dataset": "csv"}
    made = service.request("POST", "/v1/upload/session", {"target": target}).json()["session_id"]
    for i, content in enumerate(contents):
        put = service.request("PUT", f"/v1/upload/{made}?part={i}", content,
                              [("Content-Type", "text/csv"), ("x-file-name", f"{i}.csv")])
        assert put.status == 201, put
    done = service.request("POST", f"/v1/upload/{made}/commit",
                           {"target": target, "conflict_resolution": mode})
    assert done.status == 200, done
    return {f"/v1/datasets/keep.all.csv/files/{i + 1}": c for i, c in enumerate(contents)}


def push_pinot(service, contents, table="keep"):
    pinot_push.table(service, table)
    for i, content in enumerate(contents):
        body, content_type = multipart([("f", "s.tar.gz", "application/octet-stream", content)])
        put = service.request("POST", f"/v2/segments?tableName={table}&tableType=OFFLINE", body,
                              [("Content-Type", content_type), ("UPLOAD_TYPE", "SEGMENT")])
        assert put.status == 200, put
    return {f"/segments/{table}/s{i}": c for i, c in enumerate(contents)}


def csv(size):
    rows = (b"%d,%s\n" % (i, os.urandom(8).hex().encode()) for i in range(size // 20))
    return b"a,b\n" + b"".join(rows)


def fill(service, size=SMALL, each=EACH):
    """Contents of all three surfaces: {path: bytes}.  Between them lie contents that nothing names
    any more, so that their packs are worth compacting."""
    push_oxen(service, [os.urandom(4 * size) for _ in range(each)])
    assert service.request("DELETE", OXEN).status == 200
    segments = [pinot_push.Segment(f"s{i}").whole(os.urandom(size)) for i in range(each)]
    wide = [pinot_push.Segment(f"s{i}").whole(os.urandom(4 * size)) for i in range(each)]
    gone = push_pinot(service, wide, "gone")
    for path in gone:
        assert service.request("DELETE", f"{path}?retention=0d").status == 200
    return (push_oxen(service, [os.urandom(size) for _ in range(each)])
            | push_opteryx(service, [csv(size) for _ in range(each)])
            | push_pinot(service, segments))


def renew_workers(service):
    """Has every worker replaced, so that gc looks at the files of the former ones."""
    before = set(service.worker_pids())
    for pid in before:
        os.kill(pid, 15)
    while before & set(service.worker_pids()) or not service.worker_pids():
        pass


@pytest.fixture
def filled(make_service):
    """One worker of each pool, so that what is kept and what is not lie in the same packs."""
    service = make_service(workers=1)
    contents = fill(service)
    renew_workers(service)
    return service, contents


def test_downloads_do_not_notice_that_gc_compacts(filled):
    service, contents = filled
    etags = {path: service.request("HEAD", path).header("ETag") for path in contents}
    assert all(etags.values()) and len(set(etags.values())) == len(contents)
    places = "SELECT DISTINCT file FROM blob"
    before = {row["file"] for row in service.sql(places)}
    stop = threading.Event()

    def read(path):
        content, rounds = contents[path], 0
        while not stop.is_set() or rounds == 0:
            whole = service.request("GET", path)
            assert (whole.status, whole.body) == (200, content), (path, whole)
            part = service.request("GET", path, headers=[("Range", "bytes=7-1006")])
            assert (part.status, part.body) == (206, content[7:1007]), (path, part)
            assert whole.header("ETag") == part.header("ETag") == etags[path]
            rounds += 1

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        reads = [pool.submit(read, path) for path in sorted(contents)[::9]]
        said = [service.verb("gc").stdout for _ in range(3)]
        stop.set()
        for one in reads:
            one.result()
    assert re.search(r" [1-9]\d* packs compacted", said[0]), said
    after = {row["file"] for row in service.sql(places)}
    assert not before & after
    for path, content in contents.items():
        assert service.request("GET", path).body == content
        again = service.request("GET", path, headers=[("If-None-Match", etags[path])])
        assert again.status == 304, (path, again)


def blob_file(service, number):
    return service.state / "blobs" / f"{number >> 24:010x}" / f"{number & 0xffffff:06x}"


def damage(service, start, size):
    """Flips a bit of every content of that size or more."""
    for row in service.sql(f"SELECT file, start, bytes FROM blob WHERE bytes >= {size}"):
        with open(blob_file(service, row["file"]), "r+b") as file:
            file.seek(row["start"] + start)
            byte = file.read(1)
            file.seek(row["start"] + start)
            file.write(bytes([byte[0] ^ 4]))


def await_damage(service, count):
    """A request's line is written after its answer."""
    end = time.monotonic() + 60
    while len(re.findall(" error request .*fault=content_damaged", service.log_text())) != count:
        assert time.monotonic() < end, service.log_text()[-4000:]
        time.sleep(0.02)


def test_wrong_bytes_are_answered_as_damage(fresh):
    contents = fill(fresh, each=2)
    damage(fresh, 100, 1)
    for path in contents:
        for headers in ((), [("Range", "bytes=0-9")]):
            answer = fresh.request("GET", path, headers=headers)
            assert answer.status == 500 and b"content_damaged" in answer.body, (path, answer)
    await_damage(fresh, 2 * len(contents))


def test_a_large_content_breaks_off_before_its_last_bytes_when_they_are_wrong(fresh):
    contents = fill(fresh, LARGE, each=1)
    damage(fresh, LARGE // 2, LARGE // 2)
    for path in contents:
        with pytest.raises(ConnectionError):
            fresh.request("GET", path)
        part = fresh.request("GET", path, headers=[("Range", "bytes=0-9")])
        assert part.status == 206, part  # a part of a large content cannot be compared
    await_damage(fresh, len(contents))


def test_a_content_whose_file_is_cut_or_gone_is_damage(fresh):
    contents = fill(fresh, LARGE, each=1)
    for row in fresh.sql("SELECT file, bytes FROM blob"):
        os.truncate(blob_file(fresh, row["file"]), row["bytes"] // 2)
    for path in contents:
        answer = fresh.request("GET", path)
        assert answer.status == 500 and b"content_damaged" in answer.body, (path, answer)
    for row in fresh.sql("SELECT file FROM blob"):
        blob_file(fresh, row["file"]).unlink(missing_ok=True)
    for path in contents:
        answer = fresh.request("GET", path)
        assert answer.status == 500 and b"content_damaged" in answer.body, (path, answer)
        assert fresh.request("HEAD", path).status == 500


def flip(path, start, size):
    with open(path, "r+b") as file:
        file.seek(start + size // 2)
        byte = file.read(1)
        file.seek(start + size // 2)
        file.write(bytes([byte[0] ^ 4]))


def cut(path, start, size):
    os.truncate(path, start + size // 2)


def remove(path, start, size):
    path.unlink(missing_ok=True)


@pytest.mark.parametrize("harm", [flip, cut, remove])
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_version_whose_bytes_are_not_there_is_not_known_and_is_healed(service, harm, size):
    content = os.urandom(size)
    name = xxhash.xxh3_128_hexdigest(content)
    upload = {"hash": name, "size": size}
    [path] = push_oxen(service, [content])

    def missing():
        asked = {"hashes": [name]}
        return service.request("POST", f"{OXEN}/versions/missing", asked).json()["hashes"]

    assert missing() == []
    assert service.request("GET", f"{OXEN}/versions/{name}/metadata").status == 200
    begun = service.request("POST", f"{OXEN}/versions/uploads", upload)
    assert begun.json()["file"] == "already_stored", begun
    digits = f"X'{int(name, 16):032X}'"
    [row] = service.sql("SELECT file, start, bytes FROM blob JOIN oxen_version USING (blob)"
                        f" WHERE hash = {digits}")
    harm(blob_file(service, row["file"]), row["start"], row["bytes"])
    if harm is not flip:  # a look at the length does not see it
        assert missing() == [name]
        assert service.request("GET", f"{OXEN}/versions/{name}/metadata").status == 404
        begun = service.request("POST", f"{OXEN}/versions/uploads", upload)
        assert begun.json()["file"] == "awaiting_parts", begun
    counts = "SELECT versions, bytes FROM oxen_repository"
    before = service.sql(counts)
    push_oxen(service, [content])
    assert service.request("GET", path).body == content
    assert service.sql(counts) == before
    assert missing() == []


@pytest.mark.parametrize("harm", [flip, cut, remove])
def test_clean_takes_out_what_is_not_there(fresh, harm):
    good, bad = os.urandom(LARGE), os.urandom(LARGE)
    push_oxen(fresh, [good])
    [path] = push_oxen(fresh, [bad])
    row = fresh.sql("SELECT file, start, bytes FROM blob ORDER BY blob DESC LIMIT 1")[0]
    harm(blob_file(fresh, row["file"]), row["start"], row["bytes"])
    result = fresh.request("DELETE", f"{OXEN}/versions").json()["result"]
    counts = {word: result[word] for word in ("scanned", "corrupted", "cleaned", "errors")}
    assert counts == {"scanned": 2, "corrupted": 1, "cleaned": 1, "errors": 0}
    assert fresh.request("GET", path).status == 404


def test_an_upload_in_parts_whose_file_is_gone_begins_anew(service):
    content = os.urandom(LARGE)
    name = xxhash.xxh3_128_hexdigest(content)
    upload = {"hash": name, "size": LARGE}

    def begin():
        return service.request("POST", f"{OXEN}/versions/uploads", upload).json()["upload_id"]

    push_oxen(service, [b"makes the repository"])
    first = begin()
    assert begin() == first
    [row] = service.sql("SELECT file FROM blob JOIN oxen_upload USING (blob)"
                        f" WHERE upload = '{first}'")
    blob_file(service, row["file"]).unlink()
    second = begin()
    assert second != first
    put = service.request("PUT", f"{OXEN}/versions/uploads/{second}/parts/1", content)
    assert put.status == 200 and put.json()["completed"] is True, put
    path = f"{OXEN}/versions/{name}/content"
    assert service.request("GET", path).body == content
    [row] = service.sql("SELECT file FROM blob JOIN oxen_version USING (blob)"
                        f" WHERE hash = X'{int(name, 16):032X}'")
    flip(blob_file(service, row["file"]), 0, LARGE)
    with pytest.raises(ConnectionError):  # it has a digest, although it came in parts
        service.request("GET", path)


def test_a_commit_names_no_part_whose_bytes_are_gone(service):
    target = {"workspace": "keep", "collection": "parts", "dataset": "csv"}
    made = service.request("POST", "/v1/upload/session", {"target": target}).json()["session_id"]
    headers = [("Content-Type", "text/csv"), ("x-file-name", "a.csv")]
    commit = {"target": target, "conflict_resolution": "fail"}
    contents = [csv(LARGE), csv(LARGE)]
    for part, content in enumerate(contents):
        put = service.request("PUT", f"/v1/upload/{made}?part={part}", content, headers)
        assert put.status == 201, put
    [row] = service.sql("SELECT file FROM blob JOIN opteryx_part USING (blob)"
                        f" WHERE session = '{made}' AND part = 1")
    blob_file(service, row["file"]).unlink()
    refused = service.request("POST", f"/v1/upload/{made}/commit", commit)
    assert refused.status == 500 and b"part 1 are gone" in refused.body, refused
    assert service.request("GET", "/v1/datasets/keep.parts.csv").status == 404
    put = service.request("PUT", f"/v1/upload/{made}?part=1", contents[1], headers)
    assert put.status == 201, put
    assert service.request("POST", f"/v1/upload/{made}/commit", commit).status == 200
    for i, content in enumerate(contents):
        path = f"/v1/datasets/keep.parts.csv/files/{i + 1}"
        assert service.request("GET", path).body == content


def test_a_push_of_metadata_names_no_copy_that_is_gone(service):
    segment = pinot_push.Segment("s0")
    [path] = push_pinot(service, [segment.whole(os.urandom(LARGE))], "named")
    url = service.request("GET", f"{path}/metadata").json()["segment.download.url"]
    address = "/v2/segments?tableName=named&tableType=OFFLINE"
    body, content_type = multipart([("f", "s0.tar.gz", "application/octet-stream",
                                     segment.whole())])
    headers = [("Content-Type", content_type), ("UPLOAD_TYPE", "METADATA"), ("DOWNLOAD_URI", url)]
    assert service.request("POST", address, body, headers).status == 200
    [row] = service.sql("SELECT file FROM blob JOIN pinot_segment USING (blob)"
                        f" WHERE url = '{url}'")
    blob_file(service, row["file"]).unlink()
    refused = service.request("POST", address, body, headers)
    assert refused.status == 500 and b"the copy of segment: s0 is gone" in refused.body, refused
