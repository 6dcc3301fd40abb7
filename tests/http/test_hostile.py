"""Requests of the real clients, broken at random: none of them breaks the service, and what is
refused leaves nothing behind.  HOSTILE_REQUESTS says how many, HOSTILE_SEED repeats a run."""

import os
import random
import re

import hostile
from test_servers import reached_the_program

REQUESTS = int(os.environ.get("HOSTILE_REQUESTS", "800"))
SEED = int(os.environ.get("HOSTILE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
RESIDENT_MIB = 48  # of a worker: a body may be coded by br and zstd


def check_workers(service, workers):
    assert sorted(service.worker_pids()) == workers, "a worker has died"
    odd = [line for line in service.log_text().splitlines()
           if re.search(r" (error|warn) | status=50\d| fault=internal", line)]
    assert not odd, odd[:5]
    service.assert_small(RESIDENT_MIB)


def check_blobs(service):
    """With no worker left, every file of the store is one that a row names, and no row's bytes are
    missing."""
    service.verb("migrate", "--create")
    service.verb("gc")
    again = service.verb("gc").stdout
    assert " 0 contents that nothing names" in again and " 0 of " in again, again
    rows = service.sql("SELECT file, max(start + bytes) AS past FROM blob WHERE bytes > 0 GROUP BY 1")
    names = {f"{r['file'] >> 24:010x}/{r['file'] & 0xFFFFFF:06x}": r["past"] for r in rows}
    blobs = service.state / "blobs"
    sizes = {str(p.relative_to(blobs)): p.stat().st_size for p in blobs.glob("*/*")
             if re.fullmatch(r"[0-9a-f]{6}", p.name)}
    assert sizes.keys() == names.keys()
    assert all(sizes[name] >= past for name, past in names.items())


def test_broken_requests_break_nothing_and_leave_nothing(make_service):
    service = make_service(settings={"RECYCLE_REQUESTS": 1000000000, "BODY_TIMEOUT_S": 5})
    workers = sorted(service.worker_pids())
    attack = hostile.Attack(service, random.Random(SEED))
    try:
        attack.run(REQUESTS)
        assert reached_the_program(service.request("GET", "/health"))
        check_workers(service, workers)
        service.stop()
        check_blobs(service)
    except AssertionError as wrong:
        raise AssertionError(f"HOSTILE_SEED={SEED}: {wrong}") from None
    print(f"HOSTILE_SEED={SEED}", dict(sorted(attack.answers.items(), key=str)))
