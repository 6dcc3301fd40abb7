"""The real client against Sluice: creates, pushes, is killed in mid-push, pushes again, and every
content of its local repository is then stored and identical.

The client is the Python package oxenai, which requirements.txt pins.
"""

import gzip
import http.client
import io
import os
import pathlib
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
COMMITS, FILES = 3, 10000 + 8
PUSH_S = 300


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A local repository of three commits, made by the client."""
    folder = tmp_path_factory.mktemp("local")
    run("make", folder, 1, "none")
    return folder


@pytest.fixture
def service(tmp_path):
    with Service(tmp_path, workers=4) as made:
        yield made


def command(verb, folder, port, name):
    return [PYTHON, str(CLIENT), verb, str(folder), str(port), name]


def run(verb, folder, port, name):
    done = subprocess.run(command(verb, folder, port, name), cwd=folder, timeout=PUSH_S,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


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


def check_stored(service, folder, name):
    """All of them come back through QUERY, identical, each stored once."""
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
    rows = service.sql(f"SELECT hash FROM versions WHERE repository = '{name}'")
    assert sorted(row["hash"] for row in rows) == names


def test_three_commits_are_pushed_whole_and_again_with_nothing_to_do(service, local):
    assert sum(1 for p in (local / "data").rglob("*")
               if p.is_file() and ".oxen" not in p.parts) == FILES
    run("push", local, service.port, "whole")
    check_stored(service, local, "whole")
    state = service.sql("SELECT count(*) AS n FROM oxen_commit")
    assert state == [{"n": COMMITS}]
    before = service.log_text().count("path=/api/repos/ns/whole/versions")
    run("push", local, service.port, "whole")
    assert service.log_text().count("path=/api/repos/ns/whole/versions") == before
    assert "status=5" not in service.log_text()


@pytest.mark.parametrize("after_s", [0.3, 0.8, 1.5])
def test_a_push_that_is_killed_is_simply_run_again(service, local, after_s):
    name = f"killed-{after_s}"
    pushing = subprocess.Popen(command("push", local, service.port, name), cwd=local,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    service.await_log(f"path=/api/repos/ns/{name}/commits/missing", PUSH_S)
    time.sleep(after_s)
    os.killpg(pushing.pid, signal.SIGKILL)
    pushing.wait(30)
    run("push", local, service.port, name)
    check_stored(service, local, name)
