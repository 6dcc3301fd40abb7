"""Sweeping beside uploads: `sluice gc` runs in a loop while 16 clients upload overlapping batches,
send again what is there, ask what is missing, download, upload in parts, create and delete
repositories, clean and push archives.

Whatever a client was told is there (by an upload, by `missing`, by `metadata`, by an upload in parts
that was not needed) is read back at once and at the end.  The second form kills workers and gc
while it goes on.  SWEEP_S (default 6; the long form is 300) is how long each form runs.
"""

import collections
import concurrent.futures
import gzip
import http.client
import io
import json
import os
import random
import signal
import subprocess
import tarfile
import threading
import time

import pytest
from oxen_tree import commit_nodes
import uploads
from conftest import Sluice
from sluice import tar_gz

SECONDS = float(os.environ.get("SWEEP_S", "6"))
CLIENTS = 16
POOL, LARGE, A_BATCH = 400, 8, 24
RECYCLE = 60  # requests: workers end often, and leave packs to be swept
TRIES = 40
HASH_DIGITS = 32
REPOSITORY = "/api/repos/storm/kept"


def content(i):
    """Small ones for packs, and some that get files of their own."""
    size = 270_000 + i if i < LARGE else 100 + i * 9
    return random.Random(i).randbytes(size)


CONTENTS = {uploads.oxen_hash(data): data for data in map(content, range(POOL))}
NAMES = list(CONTENTS)


class Client:
    """One of the sixteen; what it finds wrong goes to storm.wrong."""

    def __init__(self, storm, number):
        self.storm = storm
        self.rng = random.Random(number)
        self.number = number
        self.turn = 0

    def call(self, method, path, body=None, headers=None):
        """Until the program itself has answered; a killed worker is a broken connection, 500 in
        the web server's words, or 502."""
        for _ in range(TRIES):
            try:
                status, _, text = uploads.call(
                    self.storm.sluice.port, method, path, body, headers
                )
            except (OSError, http.client.HTTPException):
                self.storm.count("broken")
            else:
                if status < 500:
                    return status, text
                if not self.storm.kills:
                    self.storm.blame(f"{method} {path}: {status} {text[:200]!r}")
                self.storm.count("broken")
            time.sleep(0.02)
        raise AssertionError(f"{method} {path} was never answered")

    def json(self, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        status, text = self.call(method, path, json.dumps(body).encode() if body else None, headers)
        return status, json.loads(text)

    # ---- what must hold ----

    def read(self, name, repository=REPOSITORY, why=""):
        status, data = self.call("GET", f"{repository}/versions/{name}/content")
        expected = CONTENTS.get(name) or self.storm.others.get(name)
        if status != 200 or data != expected:
            self.storm.blame(f"{name} is {status}, {len(data)} bytes, after {why}")
        self.storm.count("read")

    def told(self, names, why):
        """The server has said that these are there: some are read at once."""
        self.storm.told(names)
        for name in self.rng.sample(names, min(3, len(names))):
            self.read(name, why=why)

    # ---- what it does ----

    def send(self, repository, names):
        left = list(names)
        for _ in range(TRIES):
            parts = [
                (f'name="file[]"; filename="{name}"', "application/gzip",
                 gzip.compress(CONTENTS[name], 1))
                for name in left
            ]
            body, content_type = uploads.multipart(parts)
            status, text = self.call(
                "POST", f"{repository}/versions", body, {"Content-Type": content_type}
            )
            if status != 200:
                self.storm.blame(f"a batch: {status} {text[:200]!r}")
                return
            left = [entry["hash"] for entry in json.loads(text)["err_files"]]
            if not left:
                self.storm.count("batch")
                return
        self.storm.blame(f"{len(left)} files were never taken")

    def batch(self):
        names = self.rng.sample(NAMES, A_BATCH)
        self.send(REPOSITORY, names)
        self.told(names, "a batch")

    def missing(self):
        names = self.rng.sample(NAMES, 60)
        status, answer = self.json("POST", f"{REPOSITORY}/versions/missing", {"hashes": names})
        assert status == 200, answer
        self.told([n for n in names if n not in set(answer["hashes"])], "missing")

    def metadata(self):
        name = self.rng.choice(NAMES)
        status, answer = self.json("GET", f"{REPOSITORY}/versions/{name}/metadata")
        if status == 200:
            assert answer["version"]["size"] == len(CONTENTS[name])
            self.told([name], "metadata")

    def query(self):
        names = self.storm.some_told(self.rng, 30)
        body = gzip.compress("\n".join(names).encode())
        for _ in range(TRIES):
            try:
                status, _, text = uploads.call(
                    self.storm.sluice.port, "QUERY", f"{REPOSITORY}/versions", body
                )
                if status == 200:
                    with tarfile.open(fileobj=io.BytesIO(text), mode="r:gz") as tar:
                        got = {entry.name: tar.extractfile(entry).read() for entry in tar}
                    break
            except (OSError, EOFError, tarfile.TarError, http.client.HTTPException):
                if not self.storm.kills:
                    raise
                continue
            if status < 500:
                self.storm.blame(f"QUERY: {status} {text[:300]!r}")
                return
        else:
            raise AssertionError("QUERY was never answered")
        for name in names:
            expected = CONTENTS.get(name) or self.storm.others[name]
            if got.get(name) != expected:
                self.storm.blame(f"{name} is not itself in an archive")
        self.storm.count("query")

    def parts(self):
        """An upload in one part, sent, sent twice or abandoned."""
        data = random.Random(self.rng.randrange(60) + 10_000).randbytes(150_000)
        name = uploads.oxen_hash(data)
        self.storm.others[name] = data
        begin = {"hash": name, "size": len(data)}
        status, answer = self.json("POST", f"{REPOSITORY}/versions/uploads", begin)
        assert status == 200, answer
        if answer["file"] == "already_stored":
            self.told([name], "already_stored")
            return
        if self.rng.random() < 0.2:
            return
        target = f"{REPOSITORY}/versions/uploads/{answer['upload_id']}/parts/1"
        status, text = self.call("PUT", target, data)
        if status == 200 and json.loads(text)["completed"]:
            self.told([name], "a part")
            self.storm.count("part")
        elif status not in (200, 404, 429):
            self.storm.blame(f"a part: {status} {text[:200]!r}")

    def churn(self):
        """A repository of its own that comes and goes."""
        self.turn += 1
        name = f"churn-{self.number}-{self.turn}"
        repository = f"/api/repos/storm/{name}"
        self.json("POST", "/api/repos", {"namespace": "storm", "name": name})
        names = self.rng.sample(NAMES, A_BATCH)
        self.send(repository, names)
        self.read(names[0], repository, "a batch that is deleted later")
        begin = {"hash": names[0][::-1], "size": 12345}
        self.json("POST", f"{repository}/versions/uploads", begin)
        status, _ = self.call("DELETE", repository)
        if status == 404 and not self.storm.kills:
            self.storm.blame("a repository was gone before it was deleted")
        status, _ = self.call("GET", f"{repository}/versions/{names[1]}/content")
        if status != 404:
            self.storm.blame(f"a deleted repository answers {status}")
        self.storm.count("churn")

    def clean(self):
        status, answer = self.json("DELETE", f"{REPOSITORY}/versions")
        result = answer.get("result", {})
        if status != 200 or result["corrupted"] or result["cleaned"] or result["errors"]:
            self.storm.blame(f"clean: {status} {answer}")
        self.storm.count("clean")

    def push(self):
        """A commit's two archives, and a branch at it."""
        commit = uploads.oxen_hash(b"commit %d" % self.rng.randrange(200)).rjust(32, "1")
        nodes = tar_gz(commit_nodes(commit, message=commit * 100))
        hashes = tar_gz({f"history/{commit}/dir_hashes/CURRENT": commit.encode()})
        assert self.call("POST", f"{REPOSITORY}/tree/nodes", nodes)[0] == 200
        assert self.call("POST", f"{REPOSITORY}/commits/upload", hashes)[0] == 200
        branch = {"new_name": f"b{commit}", "commit_id": commit}
        status, answer = self.json("POST", f"{REPOSITORY}/branches", branch)
        if status not in (200, 409):
            self.storm.blame(f"a branch: {status} {answer}")
        self.storm.count("push")

    def run(self):
        actions = [self.batch] * 6 + [self.missing] * 3 + [self.parts] * 3 + [self.churn] * 3
        actions += [self.metadata, self.metadata, self.query, self.query, self.push, self.clean]
        while not self.storm.over.is_set():
            self.rng.choice(actions)()


class Storm:
    def __init__(self, sluice, kills):
        self.sluice = sluice
        self.kills = kills
        self.over = threading.Event()
        self.guard = threading.Lock()
        self.there = set()  # what the server has said to hold
        self.others = {}
        self.wrong = []
        self.counts = collections.Counter()

    def count(self, what):
        with self.guard:
            self.counts[what] += 1

    def blame(self, what):
        with self.guard:
            self.wrong.append(what)

    def told(self, names):
        with self.guard:
            self.there.update(names)

    def some_told(self, rng, most):
        with self.guard:
            there = sorted(self.there)
        return rng.sample(there, min(most, len(there)))

    def gc(self):
        """Sweeps in a loop, every fourth time without changing anything."""
        rng = random.Random(1)
        env = self.sluice.environment() | {
            "SLUICE_STATE": str(self.sluice.state), "SLUICE_AUTH": "open",
        }
        turn = 0
        while not self.over.is_set():
            turn += 1
            command = [self.sluice.program(), "gc"] + ["--dry-run"] * (turn % 4 == 0)
            with subprocess.Popen(command, env=env, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) as gc:
                if self.kills and rng.random() < 0.4:
                    time.sleep(rng.uniform(0, 0.15))
                    gc.kill()
                out, err = gc.communicate()
            if gc.returncode == 0:
                self.count("gc")
                for word in ("compacted", "removed"):
                    if f"0 packs {word}" not in out and turn % 4:
                        self.count(f"gc that {word}")
            elif gc.returncode == -signal.SIGKILL:
                self.count("gc killed")
            else:
                self.blame(f"gc: {gc.returncode} {err[:300]}")

    def killer(self):
        rng = random.Random(2)
        while self.kills and not self.over.wait(rng.uniform(0.05, 0.4)):
            pids = self.sluice.worker_pids()
            if pids:
                try:
                    os.kill(rng.choice(pids), signal.SIGKILL)
                    self.count("worker killed")
                except ProcessLookupError:
                    pass

    def run(self):
        clients = [Client(self, number) for number in range(CLIENTS)]
        with concurrent.futures.ThreadPoolExecutor(CLIENTS + 2) as pool:
            jobs = [pool.submit(work) for work in (self.gc, self.killer)]
            jobs += [pool.submit(client.run) for client in clients]
            concurrent.futures.wait(jobs, SECONDS, concurrent.futures.FIRST_EXCEPTION)
            self.over.set()
        for job in jobs:
            job.result()
        return clients[0]


def check_rows(sluice):
    assert sluice.rows("PRAGMA integrity_check") == [("ok",)]
    assert sluice.rows("PRAGMA foreign_key_check") == []
    counted = sluice.rows(
        "SELECT r.repository, r.versions, r.bytes, count(v.blob), coalesce(sum(b.bytes), 0)"
        "  FROM oxen_repository AS r"
        "  LEFT JOIN oxen_version AS v USING (repository) LEFT JOIN blob AS b USING (blob)"
        " GROUP BY r.repository"
    )
    for repository, versions, size, rows, row_bytes in counted:
        assert (versions, size) == (rows, row_bytes), repository


def check_bytes(sluice):
    """Every content on the disk hashes to its name."""
    rows = sluice.rows(
        "SELECT lower(hex(v.hash)), b.file, b.start, b.bytes"
        "  FROM oxen_version AS v JOIN blob AS b USING (blob)"
    )
    for name, file, start, size in rows:
        data = sluice.stored(file, start, size)
        assert uploads.oxen_hash(data).rjust(HASH_DIGITS, "0") == name, (file, start, size)
    return len(rows)


def check_nothing_is_left(sluice):
    """Once all workers are gone, gc leaves packs of which most is named, and no other file."""
    sluice.restart()
    sluice.verb("gc")
    said = sluice.verb("gc").stdout
    assert ", 0 contents that nothing names" in said and ", 0 bytes freed" in said, said
    named = {row[0] for row in sluice.rows("SELECT DISTINCT file FROM blob")}
    paths = {sluice.blob_path(file) for file in named}
    # What no row names waits in the quarantine; everything else is what rows name.
    found = {p for p in (sluice.state / "blobs").rglob("*")
             if p.is_file() and p.name != "lock" and "quarantine" not in p.parts}
    assert found == paths


@pytest.mark.parametrize("kills", [False, True], ids=["sweeping", "sweeping and kills"])
def test_sweeping_never_takes_what_a_client_was_told_is_there(tmp_path, kills):
    with Sluice(tmp_path, workers=4, settings={"RECYCLE_REQUESTS": RECYCLE}) as sluice:
        uploads.oxen_repository(sluice.port, "storm", "kept")
        storm = Storm(sluice, kills)
        client = storm.run()
        assert not storm.wrong, (len(storm.wrong), storm.wrong[:5])
        for name in sorted(storm.there):
            client.read(name, why="all")
        assert not storm.wrong, (len(storm.wrong), storm.wrong[:5])
        check_rows(sluice)
        stored = check_bytes(sluice)
        check_nothing_is_left(sluice)
        for name in sorted(storm.there):
            client.read(name, why="a restart and two sweeps")
        check_rows(sluice)
        assert check_bytes(sluice) == stored
        assert not storm.wrong, (len(storm.wrong), storm.wrong[:5])
        print(f"{len(storm.there)} told to be there; " +
              ", ".join(f"{n} {what}" for what, n in sorted(storm.counts.items())))
        for what in ("gc", "gc that compacted", "churn", "clean", "query", "part", "push"):
            assert storm.counts[what], f"no {what}"
