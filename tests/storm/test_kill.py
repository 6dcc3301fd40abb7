"""Workers are killed with -9 at random moments under mixed load from all three surfaces.

KILLS (default 40; the long form is 300) workers are killed.  Afterwards no acknowledged upload is
missing, the database is sound, no row is without its bytes, and killed workers are still replaced.
"""

import os
import random
import signal
import threading
import time

import uploads
from uploads import Refused

KILLS = int(os.environ.get("KILLS", "40"))
PAUSE_S = 0.08
CLIENTS_A_SURFACE = 3
HASH_DIGITS = 32
WORKER_DIED = b"the service ended before it had answered"  # lighttpd says it with 500


class Load:
    """Clients that push until told to stop, and what was acknowledged to them."""

    def __init__(self, port):
        self.port = port
        self.stop = threading.Event()
        self.guard = threading.Lock()
        self.segments = {}  # segment -> highest acknowledged CRC
        self.commits = []  # (dataset, commit_id)
        self.versions = {}  # hash -> size
        self.broken = 0
        self.unexpected = []
        self.threads = [
            threading.Thread(target=self.run, args=(work, i))
            for work in (self.pinot, self.opteryx, self.oxen)
            for i in range(CLIENTS_A_SURFACE)
        ]

    def run(self, work, client):
        turn = 0
        while not self.stop.is_set():
            turn += 1
            try:
                work(client, turn)
            except Refused as refused:
                if refused.status not in (502, 503, 504) and WORKER_DIED not in refused.body:
                    self.unexpected.append(str(refused))
                self.broken += 1
            except (OSError, ValueError, uploads.http.client.HTTPException):
                self.broken += 1

    def pinot(self, client, turn):
        names = {f"kill_{client}_{turn % 7}_{i}": turn for i in range(20)}
        protection = "true" if turn % 2 else "false"
        uploads.pinot_push(self.port, "kill", names, f"&enableParallelPushProtection={protection}")
        with self.guard:
            self.segments.update(names)

    def opteryx(self, client, turn):
        name = f"kill.c.d{client}"
        rows = [(turn, f"word{i}") for i in range(50)]
        answer = uploads.opteryx_push(self.port, name, rows, "overwrite")
        with self.guard:
            self.commits.append((name, answer["commit_id"]))

    def oxen(self, client, turn):
        contents = [f"{client} {turn} {i} ".encode() * (1 + i * 3) for i in range(50)]
        contents.append(os.urandom(300_000))
        taken = set(uploads.oxen_push(self.port, "kill/repo", contents, zipped=turn % 2 == 0))
        with self.guard:
            for data in contents:
                if uploads.oxen_hash(data) in taken:
                    self.versions[uploads.oxen_hash(data)] = len(data)


def kill_one(sluice):
    pids = sluice.worker_pids()
    if pids:
        try:
            os.kill(random.choice(pids), signal.SIGKILL)
            return 1
        except ProcessLookupError:
            pass
    return 0


def check_acknowledged(sluice, load):
    held = uploads.pinot_crcs(sluice.port, "kill")
    missing = [name for name in load.segments if name not in held]
    older = [name for name, crc in load.segments.items() if held.get(name, 0) < crc]
    assert not missing and not older, (missing[:3], older[:3])
    commits = {row[0] for row in sluice.rows("SELECT commit_id FROM snapshots")}
    assert not [c for _, c in load.commits if str(c) not in {str(x) for x in commits}]
    name, size = next(iter(load.versions.items()))
    assert uploads.oxen_size(sluice.port, "kill/repo", name) == size
    content = {
        row[0]: row[1:]
        for row in sluice.rows(
            "SELECT lower(hex(v.hash)), b.file, b.start, b.bytes"
            " FROM oxen_version AS v JOIN blob AS b ON b.blob = v.blob"
        )
    }
    for name, size in load.versions.items():
        data = sluice.stored(*content[name.rjust(HASH_DIGITS, "0")])
        assert len(data) == size
        assert uploads.oxen_hash(data) == name, "the stored bytes differ"


def check_sound(sluice):
    assert sluice.rows("PRAGMA integrity_check") == [("ok",)]
    assert sluice.rows("PRAGMA foreign_key_check") == []
    for file, end in sluice.rows("SELECT file, max(start + bytes) FROM blob GROUP BY file"):
        assert sluice.blob_path(file).stat().st_size >= end, "a row without its bytes"


def test_no_acknowledged_upload_is_lost_when_workers_are_killed(sluice):
    uploads.pinot_table(sluice.port, "kill")
    uploads.oxen_repository(sluice.port, "kill", "repo")
    load = Load(sluice.port)
    for thread in load.threads:
        thread.start()
    killed = 0
    try:
        while killed < KILLS:
            time.sleep(random.uniform(0, 2 * PAUSE_S))
            killed += kill_one(sluice)
    finally:
        load.stop.set()
        for thread in load.threads:
            thread.join()
    assert not load.unexpected, load.unexpected[:3]
    assert load.segments and load.commits and load.versions, "the load did nothing"
    print(
        f"{killed} kills; acknowledged: {len(load.segments)} segments, {len(load.commits)} commits,"
        f" {len(load.versions)} versions; {load.broken} requests broken"
    )
    check_acknowledged(sluice, load)
    check_sound(sluice)
    before = set(sluice.worker_pids())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    sluice.wait_for(lambda: len(set(sluice.worker_pids()) - before) == len(before))
    assert uploads.ask(sluice.port, "GET", "/health") == {"status": "ok"}
