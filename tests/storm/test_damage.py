"""Damage to a served state: random flips, cuts and removals over packs, large files and the database.

After each handful every content is read, and sent again: an answer 200 has the right bytes to the
last one, and what was acknowledged is there afterwards.  gc takes no file that a row of the sound
database names.  DAMAGE_SEED repeats a run, DAMAGE (default 1000) is how often something is harmed.
"""

import contextlib
import os
import random
import shutil
import subprocess
import time

import pinot_push
import test_contents
import uploads
from conftest import Sluice
from sluice import free_port, multipart

SEED = int(os.environ.get("DAMAGE_SEED", time.time_ns() % 1_000_000))
HARMED = int(os.environ.get("DAMAGE", "1000"))
A_ROUND = 40  # of which some hit the same file
DATABASES = 8  # of the rounds harm the database
SIZES = (300, 2_000, 9_000, 60_000, 200_000, 280_000, 500_000)
OXEN = test_contents.OXEN


class State:
    """What clients have stored and may ask for."""

    def __init__(self, service, rng):
        self.service, self.rng = service, rng
        self.oxen = [rng.randbytes(size + i) for i in range(4) for size in SIZES]
        self.tables = [self.csv(size + i) for i in range(2) for size in SIZES]
        self.segments = [pinot_push.Segment(f"s{i}").whole(rng.randbytes(size))
                         for i, size in enumerate(SIZES)]
        self.file = 0  # the newest file's number in the dataset
        pinot_push.table(service, "harmed")
        self.paths = {}
        self.send()

    def csv(self, size):
        rows = (b"%d,%x\n" % (i, self.rng.getrandbits(40)) for i in range(size // 14))
        return b"a,b\n" + b"".join(rows)

    def send(self):
        """Everything again, as clients do that were told of damage."""
        self.paths = test_contents.push_oxen(self.service, self.oxen)
        test_contents.push_opteryx(self.service, self.tables,
                                   "overwrite" if self.file else "fail")
        for content in self.tables:
            self.file += 1
            self.paths[f"/v1/datasets/keep.all.csv/files/{self.file}"] = content
        for i, content in enumerate(self.segments):
            body, kind = multipart([("f", "s.tar.gz", "application/octet-stream", content)])
            put = self.service.request(
                "POST", "/v2/segments?tableName=harmed&tableType=OFFLINE", body,
                [("Content-Type", kind), ("UPLOAD_TYPE", "SEGMENT")])
            assert put.status == 200, put
            self.paths[f"/segments/harmed/s{i}"] = content

    def read(self, sound):
        """Reads everything; sound: nothing may be damaged.  Returns how many were not given out."""
        refused = 0
        for path, content in self.paths.items():
            try:
                answer = self.service.request("GET", path)
            except ConnectionError:  # a large one breaks off
                assert not sound and len(content) >= 256 * 1024, path
                refused += 1
                continue
            if answer.status == 200:
                assert answer.body == content, f"seed {SEED}: wrong bytes of {path}"
            else:
                assert not sound, (SEED, path, answer)
                assert answer.status in (404, 500, 503), (SEED, path, answer)
                refused += 1
        return refused


def harm(rng, path):
    """One flip, cut or removal."""
    with contextlib.suppress(FileNotFoundError):
        size = path.stat().st_size
        kind = rng.choice(("flip", "flip", "cut", "remove"))
        if kind == "remove":
            path.unlink()
        elif kind == "cut" and size > 0:
            os.truncate(path, rng.randrange(size))
        elif size > 0:
            flip(rng, path, size)


def flip(rng, path, size):
    with open(path, "r+b") as file:
        at = rng.randrange(size)
        file.seek(at)
        byte = file.read(1)[0] ^ (1 << rng.randrange(8))
        file.seek(at)
        file.write(bytes([byte]))


def named_files(service):
    return {service.blob_path(file) for (file,) in service.rows("SELECT DISTINCT file FROM blob"
                                                                " WHERE bytes > 0")}


def restart(service):
    service.port = free_port()
    service.start()


def collect(service):
    """gc; what it could not read it says, perhaps in bytes that are no text."""
    env = service.environment() | {"SLUICE_STATE": str(service.state)}
    subprocess.run([service.program(), "gc"], env=env, capture_output=True, timeout=120)


def database_round(state, rng):
    """Harms the database: served, gc run, and the sound one put back."""
    service = state.service
    database = service.state / "sluice.db"
    service.stop()
    subprocess.run(["sqlite3", str(database), "PRAGMA wal_checkpoint(TRUNCATE)"], check=True,
                   stdout=subprocess.DEVNULL)
    sound = service.folder / "sound.db"
    shutil.copy(database, sound)
    before = {path for path in named_files(service) if path.exists()}
    for _ in range(rng.randrange(1, 4)):
        flip(rng, database, database.stat().st_size)
    collect(service)
    service.port = free_port()
    with contextlib.suppress(AssertionError):  # a start may refuse
        service.start()
        state.read(sound=False)
    service.stop()
    for name in ("sluice.db-wal", "sluice.db-shm"):
        (service.state / name).unlink(missing_ok=True)
    shutil.copy(sound, database)
    restart(service)  # gives back what the quarantine took by the harmed one
    assert not {path for path in before if not path.exists()}, SEED


def test_nothing_wrong_goes_out_and_nothing_acknowledged_is_lost(tmp_path):
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    service = Sluice(tmp_path, workers=2, settings={"RECYCLE_REQUESTS": 200})
    service.start()
    done, refused, rounds = 0, 0, 0
    try:
        state = State(service, rng)
        while done < HARMED:
            files = sorted(named_files(service))
            for _ in range(min(A_ROUND, HARMED - done)):
                harm(rng, rng.choice(files))
                done += 1
            refused += state.read(sound=False)
            named = {path for path in named_files(service) if path.exists()}
            if rounds % 2:
                collect(service)
                assert not {path for path in named & named_files(service) if not path.exists()}
            state.send()
            state.read(sound=True)
            if rounds % 2 and rounds // 2 < DATABASES:
                database_round(state, rng)
                state.read(sound=True)
            rounds += 1
    finally:
        service.stop()
    print(f"{done} times harmed in {rounds} rounds, {refused} reads refused, none wrong")
    assert refused > 0
