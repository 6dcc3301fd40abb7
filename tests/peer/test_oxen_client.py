"""The real client against Sluice: creates, pushes, is killed in mid-push, pushes again, and every
content of its local repository is then stored and identical; and what its users do besides.

The client is the Python package oxenai, which requirements.txt pins.  PEER_KILLS (default 2; the long
form is 20) is how many times a push is killed at random before it is left to end.
"""

import gzip
import http.client
import io
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time

import pytest
import xxhash

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))
from sluice import ROOT, Service  # noqa: E402

PYTHON = os.environ.get("PEER_PYTHON", str(ROOT / "build" / "peer" / "bin" / "python3"))
CLIENT = pathlib.Path(__file__).with_name("oxen_client.py")
KILLS = int(os.environ.get("PEER_KILLS", "2"))
COMMITS, FILES = 3, 10000 + 8
# small files and MiB of the large one, of the two local repositories
SIZES = {"local": (10000, 200), "lesser": (500, 25)}
PUSH_S = 300


def command(folder, port, steps, token="no-token-needed"):
    return [PYTHON, str(CLIENT), str(folder), str(port), token, *steps]


def said(folder, port, *steps, token="no-token-needed", release=None):
    """What the client says, and whether it went well."""
    env = os.environ | ({"PYTHONPATH": str(release)} if release else {})
    done = subprocess.run(command(folder, port, steps, token), cwd=folder, timeout=PUSH_S,
                          capture_output=True, text=True, check=False, env=env)
    return done.stdout + done.stderr, done.returncode == 0


def run(folder, port, *steps, **options):
    text, well = said(folder, port, *steps, **options)
    assert well, text[-3000:]
    return text


def made(tmp_path_factory, which):
    """A local repository of three commits, made by the client."""
    folder = tmp_path_factory.mktemp(which)
    files, mebibytes = SIZES[which]
    run(folder, 1, f"make:{files}:{mebibytes}")
    return folder


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    return made(tmp_path_factory, "local")


@pytest.fixture(scope="module")
def lesser(tmp_path_factory):
    return made(tmp_path_factory, "lesser")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with Service(tmp_path_factory.mktemp("service"), workers=4) as made:
        yield made


def contents_of(folder):
    """Every content of the local repository's files, by hash."""
    found = {}
    for path in (folder / "data").rglob("*"):
        if path.is_file() and ".oxen" not in path.parts:
            data = path.read_bytes()
            found[format(xxhash.xxh3_128_intdigest(data), "x")] = data
    return found


def query(service, name, asked):
    """A batch download of hundreds of MiB, which the tests' own client is too simple for."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PUSH_S)
    try:
        connection.request("QUERY", f"/api/repos/ns/{name}/versions",
                           gzip.compress("\n".join(asked).encode()))
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body[:400]
        return body
    finally:
        connection.close()


def check_contents(service, folder, name):
    """All of them come back through QUERY, identical; returns their names."""
    contents = contents_of(folder)
    names = sorted(contents)
    for at in range(0, len(names), 2000):
        asked = names[at : at + 2000]
        body = query(service, name, asked)
        with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as archive:
            got = {entry.name: archive.extractfile(entry).read() for entry in archive}
        assert sorted(got) == asked
        for key in asked:
            assert got[key] == contents[key], key
    return names


def check_stored(service, folder, name):
    """And each is stored once, and nothing else."""
    names = check_contents(service, folder, name)
    rows = service.sql(f"SELECT hash FROM versions WHERE repository = '{name}'")
    assert sorted(row["hash"] for row in rows) == names


# ---- pushes ----


def test_three_commits_are_pushed_whole_and_again_with_nothing_to_do(service, local):
    assert sum(1 for p in (local / "data").rglob("*")
               if p.is_file() and ".oxen" not in p.parts) == FILES
    run(local, service.port, "create:whole", "push:whole")
    check_stored(service, local, "whole")
    state = service.sql("SELECT count(*) AS n, sum(pushed) AS pushed FROM oxen_commit")
    assert state == [{"n": COMMITS, "pushed": COMMITS}]
    before = service.log_text().count("path=/api/repos/ns/whole/versions")
    assert "up to date" in run(local, service.port, "push:whole")
    assert service.log_text().count("path=/api/repos/ns/whole/versions") == before
    assert "status=5" not in service.log_text()


def push_and_kill(service, local, name, when, after_s):
    """Kills the client once the log says so, and a little later."""
    with subprocess.Popen(command(local, service.port, [f"push:{name}"]), cwd=local,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          start_new_session=True) as pushing:
        service.await_log(f"path=/api/repos/ns/{name}/{when}", PUSH_S)
        time.sleep(after_s)
        os.killpg(pushing.pid, signal.SIGKILL)


# what the log says of the stage in which the client is killed, and how much later
STAGES = {
    "before anything is sent": ("commits/missing", 0),
    "in the batches": ("versions surface", 0),
    "in the parts": ("versions/uploads/", 0.05),
    "in the archives": ("tree/nodes", 0),
    "before the branch": ("commits/upload", 0),
}


def check_killed(service, folder, stage):
    name = f"killed-{list(STAGES).index(stage)}-{folder.name}"
    run(folder, service.port, f"create:{name}")
    push_and_kill(service, folder, name, *STAGES[stage])
    run(folder, service.port, f"push:{name}")
    check_stored(service, folder, name)


@pytest.mark.parametrize("stage", ["in the batches", "in the parts"])
def test_a_push_that_is_killed_is_simply_run_again(service, local, stage):
    check_killed(service, local, stage)


@pytest.mark.parametrize("stage", STAGES)
def test_a_smaller_push_may_be_killed_anywhere(service, lesser, stage):
    check_killed(service, lesser, stage)


def test_a_push_that_is_killed_again_and_again_ends_whole(service, lesser):
    rng = random.Random(KILLS)
    run(lesser, service.port, "create:often")
    for _ in range(KILLS):
        push_and_kill(service, lesser, "often", "action/started", rng.uniform(0, 0.6))
    run(lesser, service.port, "push:often")
    check_stored(service, lesser, "often")


def test_a_push_over_a_restart_of_the_server_is_run_again(lesser, tmp_path):
    with Service(tmp_path, workers=4) as service:
        run(lesser, service.port, "create:restart")
        with subprocess.Popen(command(lesser, service.port, ["push:restart"]), cwd=lesser,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as pushing:
            service.await_log("path=/api/repos/ns/restart/versions", PUSH_S)
            service.stop()
            service.start()
            pushing.communicate(timeout=PUSH_S)
        run(lesser, service.port, "push:restart")
        check_stored(service, lesser, "restart")


def test_a_branch_in_the_middle_of_a_push_that_failed_is_whole(tmp_path):
    """The client sends a content of two commits with one of them, here the later one, whose failure
    does not keep the earlier one from being complete for all that the client knows."""
    folder = tmp_path / "client"
    folder.mkdir()
    service = Service(tmp_path, workers=2, settings={"VERSION_DECODED_MAX": 100000})
    try:
        service.start()
        run(folder, service.port, "init", "commit:base", "create:middle", "push:middle",
            "commit:too-large:200000", "branch:side", "commit:last")
        text, well = said(folder, service.port, "push:middle")
        assert not well and "exceeds the 100000 byte limit" in text
        service.stop()
        service.settings = {}
        service.start()
        run(folder, service.port, "checkout:side", "push:middle:side")
        check_contents(service, folder, "middle")
    finally:
        service.stop()


# ---- what users do besides ----


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    run(folder, 1, "init", "commit:one")
    return folder


def test_repositories_come_and_go(service, small):
    port = service.port
    assert "exists False" in run(small, port, "exists:coming")
    text, well = said(small, port, "push:coming")
    assert not well and "Remote repository not found" in text
    run(small, port, "create:coming")
    text = run(small, port, "exists:coming", "storage:coming")
    assert "exists True" in text and "storage local" in text.lower()
    text, well = said(small, port, "create:coming")
    assert not well and "Repo already exists." in text
    text, well = said(small, port, "create:filled:with files")
    assert not well and "a repository is created empty; push its files afterwards" in text
    text, well = said(small, port, "create:-bad")
    assert not well and "Invalid repository name '-bad'" in text
    run(small, port, "push:coming", "delete:coming")
    assert "exists False" in run(small, port, "exists:coming")
    text, well = said(small, port, "delete:coming")
    assert not well and "does not exist" in text


def test_branches_and_later_commits_are_pushed(service, tmp_path):
    port = service.port
    run(tmp_path, port, "init", "commit:one", "create:branches", "push:branches", "commit:two",
        "push:branches", "branch:feature/x", "checkout:feature/x", "commit:three",
        "push:branches:feature/x", "checkout:main", "commit:four", "push:branches")
    rows = service.sql("SELECT branch FROM branches WHERE repository = 'branches' ORDER BY branch")
    assert [row["branch"] for row in rows] == ["feature/x", "main"]
    stored = service.sql("SELECT count(*) AS n FROM versions WHERE repository = 'branches'")
    assert stored == [{"n": 4}]


def test_of_two_working_copies_the_later_one_is_told(service, tmp_path):
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.mkdir()
    run(mine, service.port, "init", "commit:one", "create:copies", "push:copies")
    shutil.copytree(mine, theirs)
    run(mine, service.port, "commit:two", "push:copies")
    text, well = said(theirs, service.port, "commit:other", "push:copies")
    assert not well and "is behind remote commit" in text
    before = service.sql("SELECT \"commit\" FROM branches WHERE repository = 'copies'")
    run(mine, service.port, "push:copies")
    assert service.sql("SELECT \"commit\" FROM branches WHERE repository = 'copies'") == before


def test_refusals_are_shown_as_they_are_meant(make_service, small):
    service = make_service(auth="required", workers=2)
    owner = service.token("owner")
    run(small, service.port, "create:guarded", token=owner)
    for token, steps, words in (
        ("wrong", ["push:guarded"], "You are unauthenticated"),
        ("wrong", ["create:another"], "You are unauthenticated"),
        (service.token("reader", "oxen:read"), ["push:guarded"], "does not hold this right"),
        (service.token("stranger", "oxen:write", "--scope", "other/*"), ["push:guarded"],
         "the token's scope does not cover ns/guarded"),
    ):
        text, well = said(small, service.port, *steps, token=token)
        assert not well and words in text, text
    run(small, service.port, "push:guarded", token=owner)


@pytest.fixture(scope="module")
def old_release():
    """The folder of a release whose large files went another way; installed when it is not there."""
    folder = ROOT / "build" / "peer" / "oxenai-0.53.4"
    if not (folder / "ready").exists():
        subprocess.run([PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder),
                        "oxenai==0.53.4"], check=True, timeout=300)
        (folder / "ready").touch()
    return folder


def test_an_old_client_pushes_small_files_and_is_told_of_large_ones(service, old_release, tmp_path):
    run(tmp_path, service.port, "init", "commit:one", "create:old", "push:old", "commit:two",
        "push:old", release=old_release)
    check_stored(service, tmp_path, "old")
    text, well = said(tmp_path, service.port, "commit:large:11000000", "push:old",
                      release=old_release)
    assert not well and "426 Upgrade Required" in text
    run(tmp_path, service.port, "push:old")  # a newer one goes on where it stopped
    check_stored(service, tmp_path, "old")
