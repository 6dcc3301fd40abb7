"""What a repository holds, read over HTTP: a recorded push's revisions, entries, folders, files and
commits in the recorded shapes, and larger trees that no client pushed."""

import re

import pytest

from oxen_tree import dir_nodes
from sluice import GOLDEN, tar_gz
from test_oxen_push import COMMIT, PUSH, create, hash_of
from test_oxen_whole import archive, branch, commit_of, send

TINY = "/api/repos/ns/tiny"
ROOT = "66eaabfd6c9df72c0279e24e7039f073"
SUB = "b103d0363327080166f185d408cbfeeb"
RECORDED_COMMIT = {"id": COMMIT, "parent_ids": [], "message": "c", "author": "Ox",
                   "email": "ox@example.com", "timestamp": "2026-11-23T07:32:39.491848519Z"}


@pytest.fixture(scope="module")
def tiny(service):
    """The repository that a recorded push has filled."""
    for path in sorted(PUSH.glob("*.http")):
        service.replay(path, [(b"transfer-encoding: chunked\r\n", b"")])
    return service


def get(service, target, status=200):
    answer = service.request("GET", target)
    assert answer.status == status, answer
    return answer.json()


def resource(path, by_branch=True):
    version = "main" if by_branch else COMMIT
    return {"workspace": None, "commit": RECORDED_COMMIT,
            "branch": {"name": "main", "commit_id": COMMIT} if by_branch else None, "path": path,
            "version": version, "resource": f"{version}/{path}"}


TABLE = {"tabular": {"width": 2, "height": 1, "schema": {
    "hash": "1e41ca8fc2795421caa444fe6c8a7224",
    "fields": [{"name": "x", "dtype": "i64", "metadata": None, "changes": None},
               {"name": "y", "dtype": "i64", "metadata": None, "changes": None}],
    "metadata": None}}}


def entry(path, own, size, data_type, mime_type, metadata, **more):
    name = path.rsplit("/", 1)[-1]
    return {"filename": name, "hash": own, "is_dir": data_type == "dir",
            "latest_commit": RECORDED_COMMIT, "resource": resource(path), "size": size,
            "data_type": data_type, "mime_type": mime_type,
            "extension": name.rsplit(".", 1)[1] if "." in name else "", "metadata": metadata,
            "is_queryable": None} | more


CSV = entry("sub/c.csv", "92fcd34ad9355cf42d2c2a90515d6184", 8, "tabular", "text/plain", TABLE,
            is_queryable=False)
TEXT = entry("a.txt", "6bba86c7e069f56d5a10b435f1c8e49c", 6, "text", "text/plain",
             {"text": {"num_lines": 2, "num_chars": 6}})
BINARY = entry("b.bin", "f1f8a93f50849ac39408a4433b952d71", 256, "binary",
               "application/octet-stream", None)
FOLDER = entry("sub", SUB, 8, "dir", "inode/directory",
               {"dir": {"data_types": [{"count": 1, "data_type": "tabular"}]}})


def test_a_revision_is_a_branch_or_a_commit(tiny):
    assert get(tiny, f"{TINY}/revisions/main")["resource"] == resource("")
    assert get(tiny, f"{TINY}/revisions/{COMMIT}")["resource"] == resource("", False)
    assert get(tiny, f"{TINY}/revisions/main/sub/c.csv")["resource"] == resource("sub/c.csv")
    error = get(tiny, f"{TINY}/revisions/nosuch/x", 404)["error"]
    assert (error["title"], error["detail"]) == ("Path does not exist",
                                                 "Could not find path: nosuch/x")


@pytest.mark.parametrize("path, expected", [("sub/c.csv", CSV), ("a.txt", TEXT), ("b.bin", BINARY),
                                            ("sub", FOLDER), ("sub/", FOLDER), ("//sub/.", FOLDER)])
def test_an_entry_is_told_as_recorded(tiny, path, expected):
    answer = get(tiny, f"{TINY}/meta/main/{path}")["entry"]
    assert answer == expected
    assert list(answer) == list(expected)


def test_what_is_not_there_is_not_found(tiny):
    error = get(tiny, f"{TINY}/meta/main/sub/none", 404)["error"]
    assert (error["title"], error["detail"]) == ("Resource not found",
                                                 "Could not find path: sub/none")
    assert get(tiny, f"{TINY}/meta/main/a.txt/below", 404)["error"]["title"] == "Resource not found"
    assert get(tiny, f"{TINY}/dir/main/a.txt", 404)["error"]["title"] == "Resource not found"
    assert get(tiny, f"{TINY}/file/main/sub", 404)["error"]["title"] == "Path does not exist"
    assert "error" not in get(tiny, f"{TINY}/tree/nodes/resource/main/none", 404)
    assert get(tiny, f"{TINY}/commits/{'3' * 32}", 404)["error"]["title"] == "Revision not found"
    assert tiny.request("GET", f"{TINY}/meta/main/../x").status == 400


def test_a_folder_is_listed(tiny):
    answer = get(tiny, f"{TINY}/dir/main/?page=1&page_size=100")
    assert [e["filename"] for e in answer["entries"]] == ["sub", "a.txt", "b.bin", "dup.txt", "empty"]
    assert answer["entries"][:3] == [FOLDER, TEXT, BINARY]
    assert answer["dir"]["filename"] == "" and answer["dir"]["hash"] == ROOT
    assert answer["resource"] == {"path": "", "version": "main"}
    assert answer["metadata"] == answer["dir"]["metadata"]
    assert list(answer)[-4:] == ["page_size", "page_number", "total_pages", "total_entries"]
    assert [answer[k] for k in list(answer)[-4:]] == [100, 1, 1, 5]
    for page, names in ((1, ["sub", "a.txt"]), (2, ["b.bin", "dup.txt"]), (3, ["empty"]), (4, [])):
        answer = get(tiny, f"{TINY}/dir/{COMMIT}?page={page}&page_size=2")
        assert [e["filename"] for e in answer["entries"]] == names
        assert answer["total_pages"] == 3
    assert get(tiny, f"{TINY}/dir/main?page=0", 400)["status"] == "error"


def test_a_file_is_read(tiny):
    answer = tiny.request("GET", f"{TINY}/file/main/a.txt")
    assert (answer.status, len(answer.body)) == (200, 6)
    assert hash_of(answer.body) == TEXT["hash"]
    assert answer.header("Content-Type") == "text/plain"
    assert answer.header("oxen-revision-id") == COMMIT
    part = tiny.request("GET", f"{TINY}/file/main/a.txt", headers={"Range": "bytes=1-2"})
    assert (part.status, part.body) == (206, answer.body[1:3])
    again = tiny.request("GET", f"{TINY}/file/main/a.txt",
                         headers={"If-None-Match": answer.header("ETag")})
    assert again.status == 304
    known = tiny.request("HEAD", f"{TINY}/file/main/a.txt")
    assert (known.status, known.header("Content-Length")) == (200, "6")


def test_nodes_and_commits_are_found_by_name(tiny):
    assert get(tiny, f"{TINY}/tree/nodes/resource/{COMMIT}/")["hash"] == ROOT
    assert get(tiny, f"{TINY}/tree/nodes/resource/main/sub")["hash"] == SUB
    assert get(tiny, f"{TINY}/commits/{COMMIT}")["commit"] == RECORDED_COMMIT
    assert get(tiny, f"{TINY}/commits/main")["commit"] == RECORDED_COMMIT


def test_the_recorded_push_is_cloned(tiny):
    """The steps of a recorded clone, in order (clone_traces/02)."""
    trace = (GOLDEN / "oxen" / "clone.txt").read_text()
    heads = re.findall(r"^> ([A-Z]+) (\S+) HTTP/1.1.*?^< HTTP/1.1 (\d+)", trace, re.S | re.M)
    assert len(heads) == 12
    for method, target, status in heads:
        target = target.replace("d2162c17fe9ad4dd45a6c73aaec478b", COMMIT)
        if method == "QUERY":
            continue  # its list is another one; test_oxen_edges.py
        if "/chunk/" in target:
            target = re.sub(r"big.bin.*", "b.bin?chunk_start=0&chunk_size=256", target)
        assert tiny.request(method, target).status == int(status), target
    nodes = archive(tiny, f"{TINY}/tree/download/{COMMIT}")
    assert len(nodes) == 10 and all(name.startswith("tree/nodes/") for name in nodes)
    names = archive(tiny, f"{TINY}/commits/{COMMIT}/download_dir_hashes_db")
    assert f"history/{COMMIT}/dir_hashes/CURRENT" in names


def test_an_empty_repository_has_an_empty_log_and_no_folder(service):
    repository = create(service, "hollow")
    answer = get(service, f"{repository}/commits/history/main?page=1&page_size=10")
    assert answer["commits"] == [] and (answer["total_pages"], answer["total_entries"]) == (1, 0)
    assert get(service, f"{repository}/dir/main/", 404)["error"]["title"] == "Path does not exist"
    assert get(service, f"{repository}/revisions/main", 404)["status"] == "error"


def test_the_log_is_the_newest_first_and_of_a_path_what_changed_it(service):
    repository = create(service, "log")
    a, b, c, d = (commit_of(f"log {i}") for i in range(4))
    one, two = {"x": b"1", "d": {"y": b"1"}}, {"x": b"2", "d": {"y": b"1"}}
    three = {"x": b"1", "d": {"y": b"1", "z": b"3"}}
    send(service, repository, a, one, second=1, last=a)
    send(service, repository, b, two, (a,), second=2, last=a)
    send(service, repository, c, three, (a,), second=3, last=a)
    send(service, repository, d, two | {"d": three["d"]}, (b, c), second=4, last=a)
    assert branch(service, repository, d).status == 200

    def log(target):
        answer = get(service, f"{repository}/commits/history/{target}")
        return [commit["id"] for commit in answer["commits"]], answer

    assert log("main")[0] == [d, c, b, a]
    assert log(f"{d}?page=2&page_size=3")[0] == [a]
    assert log(f"{b}..{d}")[0] == [d, c]
    ids, answer = log("main/x")
    assert ids == [b, a] and answer["has_more"] is False and answer["total_entries"] == 2
    assert log("main/d/z")[0] == [c]
    assert log("main/d?page_size=1")[1]["has_more"] is True
    assert log("main/d")[0] == [c, a]
    error = get(service, f"{repository}/commits/history/main/none", 404)["error"]
    assert error["title"] == "Path not in revision"
    assert error["detail"] == f"none does not exist in {d}."
    assert get(service, f"{repository}/commits/history/main?page_size=0", 400)["status"] == "error"


def test_a_large_folder_is_listed_and_searched(service):
    """25,000 files and 30 dirs in three vnodes."""
    repository = create(service, "large-folder")
    commit = commit_of("large folder")
    tree = {f"file {i:05d}": b"same" for i in range(25000)}
    tree |= {f"dir {i:02d}": {"inside": b"same"} for i in range(30)}
    send(service, repository, commit, {"big": tree})
    assert branch(service, repository, commit).status == 200
    ordered = sorted(n for n in tree if n.startswith("d")) + sorted(n for n in tree if n[0] == "f")
    for page in (1, 2, 251):
        answer = get(service, f"{repository}/dir/main/big?page={page}")
        names = [e["filename"] for e in answer["entries"]]
        assert names == ordered[100 * (page - 1) : 100 * page]
        assert (answer["total_pages"], answer["total_entries"]) == (251, 25030)
    for name in ("file 00000", "file 24999", "file 12345"):
        assert get(service, f"{repository}/meta/main/big/{name.replace(' ', '%20')}")["entry"]["size"] == 4
    assert get(service, f"{repository}/meta/main/big/dir%2007/inside")["entry"]["filename"] == "inside"
    get(service, f"{repository}/meta/main/big/file%2025000", 404)


def test_a_damaged_tree_is_told_and_harms_nobody(service):
    repository = create(service, "odd-metadata")
    commit = commit_of("odd metadata")
    _, own, _ = dir_nodes("", {"a": b"a"}, commit)
    send(service, repository, commit, {"a": b"a"})
    assert branch(service, repository, commit).status == 200
    bad = {f"{own[:3]}/{own[3:]}/node": b"\x01" * 60}
    assert service.request("POST", f"{repository}/tree/nodes", tar_gz(bad)).status == 200
    answer = service.request("GET", f"{repository}/meta/main/a")
    assert answer.status == 500 and answer.json()["error"]["type"] == "content_damaged"
    service.await_log(own)  # written when the answer has gone
