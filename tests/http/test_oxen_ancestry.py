"""Which commits a push has brought whole once it has ended: those that its branch descends from."""

from oxen_tree import commit_nodes
from sluice import tar_gz
from test_oxen_push import create, hash_of


def send_commit(service, repository, commit, *parents):
    """Both archives of a commit."""
    nodes = tar_gz(commit_nodes(commit, parents))
    hashes = tar_gz({f"history/{commit}/dir_hashes/CURRENT": b"MANIFEST\n"})
    assert service.request("POST", f"{repository}/tree/nodes", nodes).status == 200
    assert service.request("POST", f"{repository}/commits/upload", hashes).status == 200


def missing_of(service, repository, commits):
    answer = service.request("POST", f"{repository}/commits/missing", {"hashes": commits})
    assert answer.status == 200, answer
    return answer.json()["hashes"]


def test_a_branch_ends_the_push_that_brought_it_and_no_other(service):
    """Another client's push may be cut off after its archives, its contents still missing."""
    repository = create(service, "ancestry")
    first, second, merged, theirs, tip = (hash_of(b"commit %d" % i) for i in range(5))
    send_commit(service, repository, first)
    send_commit(service, repository, second, first)
    send_commit(service, repository, theirs, first)
    send_commit(service, repository, merged, first)
    send_commit(service, repository, tip, second, merged)
    everything = [first, second, merged, theirs, tip]
    assert missing_of(service, repository, everything) == everything
    branch = {"new_name": "main", "commit_id": second}
    assert service.request("POST", f"{repository}/branches", branch).status == 200
    assert missing_of(service, repository, everything) == [merged, theirs, tip]
    moved = service.request("PUT", f"{repository}/branches/main", {"commit_id": tip})
    assert moved.status == 200
    assert missing_of(service, repository, everything) == [theirs]
    refused = service.request("POST", f"{repository}/branches", dict(branch, commit_id=theirs))
    assert refused.status == 409
    assert missing_of(service, repository, everything) == [theirs]


def test_a_push_of_many_commits_ends_whole(service):
    repository = create(service, "long")
    commits = [hash_of(b"link %d" % i) for i in range(600)]
    parents = [(), *((h,) for h in commits)]
    nodes = {}
    for commit, of_commit in zip(commits, parents):
        nodes |= commit_nodes(commit, of_commit)
    hashes = {f"history/{h}/dir_hashes/CURRENT": b"MANIFEST\n" for h in commits}
    assert service.request("POST", f"{repository}/commits/upload", tar_gz(hashes)).status == 200
    assert service.request("POST", f"{repository}/tree/nodes", tar_gz(nodes)).status == 200
    assert missing_of(service, repository, commits) == commits
    branch = {"new_name": "main", "commit_id": commits[-1]}
    assert service.request("POST", f"{repository}/branches", branch).status == 200
    assert missing_of(service, repository, commits) == []
