"""A branch stands only where everything can be cloned, and what can be cloned comes whole."""

import gzip
import io
import tarfile

import pytest

from oxen_tree import COMMIT, DIR, FILE, VNODE, commit_nodes, commit_payload, dir_nodes, file_payload
from oxen_tree import node, payload
from sluice import tar_gz
from test_oxen_push import create, hash_of, upload

TREE = {"a.txt": b"a", "empty": b"", "d": {"e": {"f.bin": b"deep"}, "g": b"g"}}


def commit_of(name):
    return hash_of(name.encode())


def send_nodes(service, repository, files):
    assert service.request("POST", f"{repository}/tree/nodes", tar_gz(files)).status == 200


def send_index(service, repository, commit):
    files = {f"history/{commit}/dir_hashes/CURRENT": b"MANIFEST-000005\n"}
    assert service.request("POST", f"{repository}/commits/upload", tar_gz(files)).status == 200


def contents_of(tree):
    for value in tree.values():
        if isinstance(value, dict):
            yield from contents_of(value)
        else:
            yield value


def send(service, repository, commit, tree, parents=(), **more):
    upload(service, repository, *set(contents_of(tree)))
    send_nodes(service, repository, commit_nodes(commit, parents, tree, **more))
    send_index(service, repository, commit)


def branch(service, repository, commit, name="main"):
    return service.request("POST", f"{repository}/branches", {"new_name": name, "commit_id": commit})


def move(service, repository, commit, name="main"):
    return service.request("PUT", f"{repository}/branches/{name}", {"commit_id": commit})


def archive(service, target):
    """The files of an answer that is an archive."""
    answer = service.request("GET", target)
    assert answer.status == 200, answer
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(answer.body))) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}


def stored(nodes):
    return {f"tree/nodes/{name}": data for name, data in nodes.items()}


def test_a_branch_stands_where_everything_is_stored(service):
    repository = create(service, "stored")
    commit = commit_of("stored")
    send(service, repository, commit, TREE)
    assert branch(service, repository, commit).status == 200
    rows = service.sql("SELECT whole, pushed FROM oxen_commit JOIN oxen_repository"
                       " USING (repository) WHERE name = 'stored'")
    assert rows == [{"whole": 1, "pushed": 1}]


def test_a_branch_does_not_stand_where_something_is_missing(service):
    repository = create(service, "missing-things")
    commit = commit_of("missing things")
    nodes = commit_nodes(commit, (), TREE)
    own, deep = f"{commit[:3]}/{commit[3:]}", [n for n in nodes if n.endswith("/node")]
    send_nodes(service, repository, {n: d for n, d in nodes.items() if n.startswith(own)})
    send_index(service, repository, commit)
    refused = branch(service, repository, commit)
    assert refused.status == 400
    assert refused.json() == {
        "error": {
            "detail": "The commit reaches tree nodes or contents that have not been received.",
            "missing_node_count": 1,
            "missing_version_count": 0,
            "title": "Reachable objects missing on server",
            "type": "reachable_objects_missing",
        },
        "status": "error",
        "status_message": "bad_request",
    }
    send_nodes(service, repository, nodes)
    error = branch(service, repository, commit).json()["error"]
    assert (error["missing_node_count"], error["missing_version_count"]) == (0, 4)
    upload(service, repository, b"a", b"", b"g")
    assert branch(service, repository, commit).json()["error"]["missing_version_count"] == 1
    assert service.request("GET", f"{repository}/branches/main").status == 404
    upload(service, repository, b"deep")
    assert branch(service, repository, commit).status == 200
    assert len(deep) == 7


def test_a_commit_needs_its_parents_and_their_directory_hashes(service):
    repository = create(service, "parents")
    first, second = commit_of("first"), commit_of("second")
    send(service, repository, second, TREE, (first,))
    error = branch(service, repository, second).json()["error"]
    assert error["type"] == "reachable_objects_missing" and error["missing_node_count"] == 1
    send_nodes(service, repository, commit_nodes(first, (), TREE))
    error = branch(service, repository, second).json()["error"]
    assert error["type"] == "dir_hash_index_missing" and error["commit"] == first
    send_index(service, repository, first)
    assert branch(service, repository, second).status == 200


def test_a_content_that_is_taken_out_puts_commits_in_doubt(service):
    repository = create(service, "doubt")
    one, two = commit_of("doubt one"), commit_of("doubt two")
    send(service, repository, one, TREE)
    assert branch(service, repository, one).status == 200
    where = service.sql("SELECT b.file, b.start, b.bytes FROM blob b JOIN oxen_version v USING (blob)"
                        f" WHERE v.hash = x'{hash_of(b'deep').rjust(32, '0')}' AND v.repository ="
                        " (SELECT repository FROM oxen_repository WHERE name = 'doubt')")[0]
    path = service.state / "blobs" / f"{where['file'] >> 24:010x}" / f"{where['file'] & 0xFFFFFF:06x}"
    with open(path, "r+b") as pack:
        pack.seek(where["start"])
        pack.write(b"DEEP")
    cleaned = service.request("DELETE", f"{repository}/versions").json()["result"]
    assert cleaned["cleaned"] == 1
    send(service, repository, two, TREE | {"new": b"new"}, (one,))
    assert move(service, repository, two).status == 200  # its client has sent the content again
    service.request("DELETE", f"{repository}/branches/main")
    assert branch(service, repository, one).status == 200


def broken(commit):
    """Commits that no client makes, and what is said of them."""
    files, own, data = dir_nodes("", TREE, commit)

    def with_root(kind, root, root_data, more=None):
        root_node = node(COMMIT, commit, commit_payload(commit, (), "c", 0), [(kind, root, root_data)])
        return files | (more or {}) | root_node

    def with_entry(kind, content, entry):
        vnode_data = payload(("hash", "77"), "VNode", 1)
        more = node(VNODE, "7" * 32, vnode_data, [(kind, content, entry)])
        more |= node(DIR, "8" * 32, data, [(VNODE, "7" * 32, vnode_data)])
        return with_root(DIR, "8" * 32, data, more)

    cut = dict(commit_nodes(commit, (), TREE))
    cut[f"{own[:3]}/{own[3:]}/node"] = cut[f"{own[:3]}/{own[3:]}/node"][:-1]
    lying = dict(commit_nodes(commit, (), TREE))
    lying[f"{own[:3]}/{own[3:]}/children"] = b""
    a = hash_of(b"a")
    yield "cut", cut, "table of children is cut"
    yield "lying", lying, "a child outside of its children"
    yield "root", with_root(FILE, a, file_payload("a", a, 1, commit)), "its root is no dir"
    yield "no-pack", {f"{commit[:3]}/{commit[3:]}/{n}": b"n" * 40 for n in ("node", "children")}, \
        "unknown kind"
    yield "other-hash", node(COMMIT, commit, commit_payload("1" * 32, (), "c", 0), []), \
        "another commit's hash"
    for number, name in enumerate(("", ".", "..", "a/b", "a\0b", "x" * 1025)):
        entry = file_payload(name, a, 1, commit)
        yield f"name-{number}", with_entry(FILE, a, entry), "whose name is none"
    yield "two-hashes", with_entry(FILE, a, file_payload("b", hash_of(b"b"), 1, commit)), \
        "names an entry by two hashes"
    yield "commit-below", with_entry(COMMIT, commit, commit_payload(commit, (), "c", 0)), \
        "a child of the wrong kind"
    # a dir that holds itself
    entry = dir_nodes("", {}, commit)[2].replace(b"\xa3Dir\xa0", b"\xa3Dir\xa1s")
    at = entry.index(b"\xc4\x10") + 2
    entry = entry[:at] + b"\x88" * 16 + entry[at + 16:]
    yield "cycle", with_entry(DIR, "8" * 32, entry), "more than 256 dirs in each other"


BROKEN = {name: (files, words) for name, files, words in broken(commit_of("broken"))}


@pytest.mark.parametrize("name", BROKEN)
def test_trees_that_no_client_makes_are_refused(service, name):
    repository = create(service, f"broken-{name}")
    commit = commit_of("broken")
    files, words = BROKEN[name]
    upload(service, repository, *contents_of(TREE))
    send_nodes(service, repository, files)
    send_index(service, repository, commit)
    refused = branch(service, repository, commit)
    assert refused.status == 400 and words in refused.text, refused
    assert service.request("GET", f"{repository}/branches").json()["branches"] == []
    # nor does anybody who asks for it get a part of it
    answer = service.request("GET", f"{repository}/tree/download/{commit}?subtrees=d")
    assert answer.status in (400, 500), answer


def test_a_node_of_another_kind_than_it_is_reached_as_is_missing(service):
    repository = create(service, "kind")
    commit = commit_of("kind")
    nodes = commit_nodes(commit, (), TREE)
    _, own, data = dir_nodes("", TREE, commit)
    nodes |= node(VNODE, own, data, [])
    upload(service, repository, *contents_of(TREE))
    send_nodes(service, repository, nodes)
    send_index(service, repository, commit)
    assert branch(service, repository, commit).json()["error"]["missing_node_count"] == 1


# ---- archives ----


def test_a_commit_is_answered_with_all_nodes_and_all_directory_hashes(service):
    repository = create(service, "archives")
    one, two = commit_of("archives one"), commit_of("archives two")
    later = TREE | {"d": TREE["d"] | {"h": b"h"}}
    send(service, repository, one, TREE)
    send(service, repository, two, later, (one,), second=1)
    assert branch(service, repository, two).status == 200
    nodes = commit_nodes(one, (), TREE) | commit_nodes(two, (one,), later, second=1)
    for target in (f"tree/download/{two}", "tree/download"):
        assert archive(service, f"{repository}/{target}") == stored(nodes)
    indexes = {f"history/{c}/dir_hashes/CURRENT": b"MANIFEST-000005\n" for c in (one, two)}
    for revision in (two, "main", f"{one}..{two}"):
        got = archive(service, f"{repository}/commits/{revision}/download_dir_hashes_db")
        assert got == indexes
    got = archive(service, f"{repository}/commits/{two}/commit_db")
    assert list(got) == [f"history/{two}/dir_hashes/CURRENT"]
    assert service.request("GET", f"{repository}/tree/nodes/hash/{one}").status == 200
    assert service.request("GET", f"{repository}/tree/nodes/hash/{'3' * 32}").status == 404


def test_a_range_is_answered_with_what_changed(service):
    repository = create(service, "range")
    one, two = commit_of("range one"), commit_of("range two")
    later = TREE | {"d": TREE["d"] | {"h": b"h"}}
    send(service, repository, one, TREE)
    send(service, repository, two, later, (one,), second=1, last=one)
    assert branch(service, repository, two).status == 200
    before = commit_nodes(one, (), TREE)
    after = commit_nodes(two, (one,), later, second=1, last=one)
    changed = {name: data for name, data in after.items() if name not in before}
    assert len(changed) == 2 * 5  # the commit, root and vnode, d and vnode
    assert archive(service, f"{repository}/tree/download/{one}..{two}") == stored(changed)
    assert archive(service, f"{repository}/tree/download/{two}..{two}") == {}
    for revision, title in ((f"{'3' * 32}..{two}", "Revision not found"),
                            (f"{one}..{'3' * 32}", "Resource not found"),
                            ("3" * 32, "Resource not found")):
        answer = service.request("GET", f"{repository}/tree/download/{revision}")
        assert answer.status == 404 and answer.json()["error"]["title"] == title
    assert service.request("GET", f"{repository}/tree/download/{one}...{two}").status == 400


def test_subtrees_come_with_the_way_to_them(service):
    repository = create(service, "subtrees")
    commit = commit_of("subtrees")
    send(service, repository, commit, TREE)
    assert branch(service, repository, commit).status == 200
    target = f"{repository}/tree/download/{commit}"
    everything = stored(commit_nodes(commit, (), TREE))
    own = {n for n in everything if commit[3:] in n}
    deep = {f"tree/nodes/{n}" for n in dir_nodes("d/e", TREE["d"]["e"], commit)[0]}
    below = {f"tree/nodes/{n}" for n in dir_nodes("d", TREE["d"], commit)[0]}
    for query, expected in (
        ("?subtrees=", set(everything)),
        ("?subtrees=d", set(everything)),
        ("?subtrees=d%2Fe&is_download=true", own | deep),
        ("?depth=-1&is_download=true&subtrees=d", own | below),
        ("?depth=0&is_download=true&subtrees=d", own | (below - deep)),
        ("?depth=1&is_download=true&subtrees=d", own | below),
        ("?subtrees=nosuch,/d//e/&is_download=true", own | deep),
        ("?subtrees=a.txt&is_download=true", own),
    ):
        got = archive(service, target + query)
        assert set(got) == expected, query
        assert all(data == everything[name] for name, data in got.items())
    assert service.request("GET", target + "?depth=x").status == 400


def test_pieces_of_files_by_commit_and_by_branch(service):
    repository = create(service, "chunks")
    commit = commit_of("chunks")
    data = bytes(range(256)) * 40
    tree = {"d": {"d": {"big file%.bin": data}}, "50%": b"half", "+&;=": b"odd"}
    send(service, repository, commit, tree)
    assert branch(service, repository, commit, "feature/x").status == 200
    chunk = f"{repository}/chunk"
    for target, expected in (
        (f"{commit}/d/d/big%20file%25.bin", data),
        (f"{commit}//d/./d/big%20file%.bin?chunk_start=256&chunk_size=3", b"\0\1\2"),
        ("feature/x/d/d/big%20file%.bin?chunk_start=10239&chunk_size=1", b"\xff"),
        ("feature/x/d/d/d/big%20file%.bin?chunk_start=10240&chunk_size=0", b""),
        (f"{commit}/50%?chunk_size=4", b"half"),
        (f"{commit}/+&;=?chunk_size=3", b"odd"),
    ):
        if "chunk_size" not in target:
            target += f"?chunk_size={len(expected)}"
        answer = service.request("GET", f"{chunk}/{target}")
        refused_by_server = service.server == "nginx" and "%" in target.replace("%20", "").replace("%25", "")
        if refused_by_server:
            assert answer.status == 400
        else:
            assert (answer.status, answer.body) == (200, expected), target
    for target, status in ((f"{commit}/none", 404), ("nosuch/d", 404), (f"{commit}/d", 404),
                           (f"{commit}/50%25?chunk_start=3&chunk_size=2", 400),
                           (f"{commit}/50%25?chunk_start=x", 400), (f"{commit}/../x", 400)):
        assert service.request("GET", f"{chunk}/{target}").status == status, target


def test_a_branch_is_made_from_another(service):
    repository = create(service, "from-name")
    commit = commit_of("from name")
    send(service, repository, commit, TREE)
    assert branch(service, repository, commit).status == 200
    made = service.request("POST", f"{repository}/branches", {"new_name": "b", "from_name": "main"})
    assert (made.status, made.json()["branch"]) == (200, {"name": "b", "commit_id": commit})
    assert made.json()["status_message"] == "resource_created"
    again = service.request("POST", f"{repository}/branches", {"new_name": "b", "from_name": "main"})
    assert (again.status, again.json()["status_message"]) == (200, "resource_found")
    none = service.request("POST", f"{repository}/branches", {"new_name": "c", "from_name": "no"})
    assert none.status == 404
