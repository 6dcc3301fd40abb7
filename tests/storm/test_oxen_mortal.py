"""A worker, or gc, is killed at the n-th call that changes a file, for n = 1, 2, ... until the work
goes through: of everything that Oxen's surface writes, no kill leaves a half.

mortal.c is preloaded and kills.  STEP (default 12; the long form is 1) is how far apart the kills
are; each kind of work begins at another one.
"""

import gzip
import http.client
import json
import os
import pathlib
import random
import struct
import subprocess
import time

import pytest
from oxen_tree import commit_nodes
import uploads
from conftest import Preloaded
from sluice import tar_gz

HERE = pathlib.Path(__file__).parent
STEP = int(os.environ.get("STEP", "12"))
CALLS_MAX = 400  # of one piece of work; more would mean that it never goes through
HASH_DIGITS = 32
PART = 10 * 1024 * 1024


class Mortal(Preloaded):
    """A service whose workers, and whose gc, can be told to die at a call."""

    def __init__(self, folder, library, **options):
        self.counter = folder / "counter"
        self.counter.write_bytes(struct.pack("=q", 0))
        self.mortal = {
            "LD_PRELOAD": library, "MORTAL_COUNTER": self.counter, "MORTAL_FOLDER": folder / "state"
        }
        super().__init__(folder, self.mortal, **options)

    def arm(self, calls):
        with open(self.counter, "r+b") as counter:
            counter.write(struct.pack("=q", calls))

    def disarm(self):
        """Whether nobody died."""
        left = struct.unpack("=q", self.counter.read_bytes())[0]
        self.arm(0)
        return left > 0

    def call(self, method, path, body=None, headers=None):
        """(status, bytes); status 0 when the worker died."""
        try:
            status, _, text = uploads.call(self.port, method, path, body, headers)
        except (OSError, http.client.HTTPException):
            return 0, b""
        return (status, text) if status < 500 else (0, text)

    def surely(self, method, path, body=None, headers=None):
        """Once nobody is killed any more: a worker may have to be replaced first."""
        end = time.monotonic() + 20
        while True:
            status, text = self.call(method, path, body, headers)
            if status:
                return status, text
            assert time.monotonic() < end, (method, path, text)
            time.sleep(0.02)

    def gc(self):
        """Its exit status."""
        env = self.environment() | {k: str(v) for k, v in self.mortal.items()}
        env |= {"SLUICE_STATE": str(self.state), "SLUICE_AUTH": "open"}
        return subprocess.run([self.program(), "gc"], env=env, check=False, timeout=60,
                              capture_output=True).returncode

    def check_rows(self):
        assert self.rows("PRAGMA integrity_check") == [("ok",)]
        assert self.rows("PRAGMA foreign_key_check") == []
        for row in self.rows(
            "SELECT r.versions, r.bytes, count(v.blob), coalesce(sum(b.bytes), 0)"
            "  FROM oxen_repository AS r LEFT JOIN oxen_version AS v USING (repository)"
            "  LEFT JOIN blob AS b USING (blob) GROUP BY r.repository"
        ):
            assert row[:2] == row[2:]

    def check_contents(self):
        """Every version on the disk hashes to its name, every other row has its bytes."""
        for name, file, start, size in self.rows(
            "SELECT lower(hex(v.hash)), b.file, b.start, b.bytes"
            "  FROM oxen_version AS v JOIN blob AS b USING (blob)"
        ):
            data = self.stored(file, start, size)
            assert uploads.oxen_hash(data).rjust(HASH_DIGITS, "0") == name
        for file, end in self.rows("SELECT file, max(start + bytes) FROM blob GROUP BY file"):
            assert self.blob_path(file).stat().st_size >= end


@pytest.fixture(scope="module")
def mortal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mortal")
    library = folder / "mortal.so"
    subprocess.run(
        ["cc", "-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1"]
        + ["-o", str(library), str(HERE / "mortal.c")],
        check=True,
    )
    with Mortal(folder, library, workers=1) as service:
        yield service


class Work:
    """One kind of work, done in a fresh repository for each kill."""

    def __init__(self, service, turn):
        self.service = service
        self.rng = random.Random(f"{type(self).__name__} {turn}")
        self.repository = f"/api/repos/mortal/{type(self).__name__}-{turn}"
        self.create(self.repository)

    def create(self, repository):
        name = repository.rsplit("/", 1)[1]
        body = json.dumps({"namespace": "mortal", "name": name}).encode()
        kind = {"Content-Type": "application/json"}
        assert self.service.surely("POST", "/api/repos", body, kind)[0] in (200, 409)

    def json(self, method, path, body):
        kind = {"Content-Type": "application/json"}
        return self.service.call(method, self.repository + path, json.dumps(body).encode(), kind)

    def send(self, contents, repository=None, call=None):
        parts = [
            (f'name="file[]"; filename="{uploads.oxen_hash(data)}"', "application/gzip",
             gzip.compress(data, 1))
            for data in contents
        ]
        body, content_type = uploads.multipart(parts)
        return (call or self.service.call)(
            "POST", f"{repository or self.repository}/versions", body,
            {"Content-Type": content_type}
        )

    def held(self, data, repository=None):
        """Whether a content is there; if it is, it is whole."""
        name = uploads.oxen_hash(data)
        target = f"{repository or self.repository}/versions/{name}/content"
        status, got = self.service.surely("GET", target)
        assert status == 404 or (status == 200 and got == data), (status, len(got))
        return status == 200

    def until_it_is_done(self):
        for _ in range(20):
            if self.do():
                return
            time.sleep(0.05)
        raise AssertionError("it was never done")


class Batch(Work):
    """Small contents, two large ones, one that is there already."""

    def prepare(self):
        self.contents = [self.rng.randbytes(n) for n in (0, 1, 5000, 300_000, 270_000, 70_000)]
        assert self.send(self.contents[2:3], call=self.service.surely)[0] == 200

    def do(self):
        status, text = self.send(self.contents)
        return status == 200 and json.loads(text)["err_files"] == []

    def check(self, done):
        held = [self.held(data) for data in self.contents]
        assert held[2]
        assert all(held) or not done


class Parts(Work):
    """An upload in two parts: begun, each part written, completed."""

    def prepare(self):
        self.data = self.rng.randbytes(PART + 5000)

    def do(self):
        begin = {"hash": uploads.oxen_hash(self.data), "size": len(self.data)}
        status, text = self.json("POST", "/versions/uploads", begin)
        answer = json.loads(text) if status == 200 else {}
        if answer.get("file") == "already_stored":
            return True
        target = f"{self.repository}/versions/uploads/{answer.get('upload_id')}/parts"
        for number in (2, 1) if answer else ():
            status, text = self.service.call(
                "PUT", f"{target}/{number}", self.data[(number - 1) * PART :][:PART]
            )
            if status != 200:
                return False
        return status == 200 and json.loads(text)["completed"]

    def check(self, done):
        assert self.held(self.data) or not done


class Push(Work):
    """Both archives of a commit, and a branch at it."""

    def prepare(self):
        self.commit = "%032x" % (self.rng.getrandbits(127) | 1 << 127)
        self.nodes = commit_nodes(self.commit, message="m" * 3000)
        self.hashes = {f"history/{self.commit}/dir_hashes/{i}": b"h" * i for i in range(1, 5)}

    def do(self):
        for path, files in (("/tree/nodes", self.nodes), ("/commits/upload", self.hashes)):
            status, _ = self.service.call("POST", self.repository + path, tar_gz(files))
            if status != 200:
                return False
        branch = {"new_name": "main", "commit_id": self.commit}
        return self.json("POST", "/branches", branch)[0] in (200, 409)

    def check(self, done):
        status, text = self.service.surely("GET", f"{self.repository}/branches/main")
        branch = status == 200
        assert branch or not done
        asked = json.dumps({"hashes": [self.commit]}).encode()
        _, text = self.service.surely("POST", f"{self.repository}/commits/missing", asked)
        assert (json.loads(text)["hashes"] == []) == branch
        received = self.service.rows(
            f"SELECT 1 FROM oxen_commit WHERE hash = x'{self.commit}'"
        ) != []
        assert received or not branch
        name = self.repository.rsplit("/", 1)[1]
        objects = {
            row[0]: row[1:]
            for row in self.service.rows(
                "SELECT o.name, b.file, b.start, b.bytes FROM oxen_object AS o"
                "  JOIN blob AS b USING (blob) JOIN oxen_repository AS r USING (repository)"
                f" WHERE r.name = '{name}'"
            )
        }
        files = self.nodes | self.hashes
        for key, place in objects.items():
            assert self.service.stored(*place) == files[key], key
        assert not received or objects.keys() == files.keys()


class Clean(Work):
    """One of three contents is damaged on the disk."""

    def prepare(self):
        self.good = [self.rng.randbytes(4000), self.rng.randbytes(280_000)]
        self.bad = self.rng.randbytes(290_000)
        self.service.surely("GET", self.repository)
        assert self.send([*self.good, self.bad], call=self.service.surely)[0] == 200
        ((file,),) = self.service.rows(
            "SELECT b.file FROM oxen_version AS v JOIN blob AS b USING (blob)"
            f" WHERE v.hash = x'{uploads.oxen_hash(self.bad).rjust(HASH_DIGITS, '0')}'"
        )
        with open(self.service.blob_path(file), "r+b") as stored:
            stored.write(b"damage")

    def do(self):
        return self.service.call("DELETE", f"{self.repository}/versions")[0] == 200

    def check(self, done):
        for data in self.good:
            assert self.held(data)
        target = f"{self.repository}/versions/{uploads.oxen_hash(self.bad)}/metadata"
        status, _ = self.service.surely("GET", target)
        assert status == 404 or not done


class Deletion(Work):
    """A repository with everything in it."""

    def prepare(self):
        self.contents = [self.rng.randbytes(2000) for _ in range(20)]
        assert self.send(self.contents, call=self.service.surely)[0] == 200
        begin = json.dumps({"hash": "abc", "size": 500}).encode()
        kind = {"Content-Type": "application/json"}
        assert self.service.surely("POST", f"{self.repository}/versions/uploads", begin, kind)

    def do(self):
        return self.service.call("DELETE", self.repository)[0] in (200, 404)

    def check(self, done):
        status, _ = self.service.surely("GET", self.repository)
        held = [self.held(data) for data in self.contents]
        assert all(held) if status == 200 else not any(held)
        assert status == 404 or not done


class Sweep(Work):
    """A dead worker's pack, most of which nothing names any more, and a large file."""

    def prepare(self):
        doomed = f"{self.repository}-doomed"
        self.create(doomed)
        self.contents = [self.rng.randbytes(3000) for _ in range(30)]
        large = self.rng.randbytes(280_000)
        for at in range(0, 30, 10):
            self.send(self.contents[at : at + 10], call=self.service.surely)
            more = [self.rng.randbytes(5000) for _ in range(10)] + [large]
            self.send(more, doomed, call=self.service.surely)
        before = set(self.service.worker_pids())
        for pid in before:
            os.kill(pid, 9)
        self.service.wait_for(lambda: len(set(self.service.worker_pids()) - before) == len(before))
        assert self.service.surely("DELETE", doomed)[0] == 200

    def do(self):
        return self.service.gc() == 0

    def check(self, _):
        for data in self.contents:
            assert self.held(data)


KINDS = [Batch, Parts, Push, Clean, Deletion, Sweep]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.lower())
def test_no_kill_leaves_a_half(mortal, kind):
    first = KINDS.index(kind) % STEP + 1
    for calls in range(first, CALLS_MAX, STEP):
        work = kind(mortal, calls)
        work.prepare()
        mortal.arm(calls)
        done = work.do()
        alive = mortal.disarm()
        mortal.check_rows()
        work.check(done)
        work.until_it_is_done()
        work.check(True)
        if alive:
            assert done
            break
    else:
        raise AssertionError(f"{kind.__name__} takes more than {CALLS_MAX} calls")
    mortal.check_rows()
    mortal.check_contents()
    print(f"{kind.__name__}: killed at {(calls - first) // STEP} of {calls} calls")
