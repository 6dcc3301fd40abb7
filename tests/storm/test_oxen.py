"""Sixteen clients upload overlapping batches and move one branch, with workers killed in between:
no lost update, each content stored once and whole, nothing half-published.
"""

import concurrent.futures
import contextlib
import gzip
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time

import xxhash

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))
from oxen_tree import commit_nodes
from sluice import Service, multipart, tar_gz  # noqa: E402

CLIENTS, BATCHES, A_BATCH, POOL = 16, 6, 60, 300
MOVES = 10
KILL_EVERY_S = 0.15
TRIES = 20


def hash_of(data):
    return format(xxhash.xxh3_128_intdigest(data), "x")


def content(i):
    return random.Random(i).randbytes(200 + i * 7)


def send(service, repository, files):
    """Uploads until every file is acknowledged, as the client does; a killed worker breaks the
    connection or is a 502."""
    left = {hash_of(data): data for data in files}
    for _ in range(TRIES):
        body, content_type = multipart(
            [("file[]", name, "application/gzip", gzip.compress(data, 1))
             for name, data in left.items()]
        )
        with contextlib.suppress(OSError):
            answer = service.request(
                "POST", f"{repository}/versions", body, [("Content-Type", content_type)]
            )
            if answer.status == 200:
                failed = {entry["hash"] for entry in answer.json()["err_files"]}
                left = {name: data for name, data in left.items() if name in failed}
        if not left:
            return
    raise AssertionError(f"{len(left)} files were never taken")


def upload_all(service, repository, client):
    rng = random.Random(client)
    for _ in range(BATCHES):
        send(service, repository, [content(i) for i in rng.sample(range(POOL), A_BATCH)])


def ask(service, method, target, body, headers=()):
    """Until it is answered by the program itself."""
    for _ in range(TRIES):
        with contextlib.suppress(OSError):
            answer = service.request(method, target, body, headers)
            if answer.status not in (502, 503, 504):
                return answer
        time.sleep(0.05)
    raise AssertionError(f"{method} {target} was never answered")


def commit(service, repository, name):
    nodes = tar_gz(commit_nodes(name))
    hashes = tar_gz({f"history/{name}/dir_hashes/CURRENT": name.encode()})
    assert ask(service, "POST", f"{repository}/tree/nodes", nodes).status == 200
    assert ask(service, "POST", f"{repository}/commits/upload", hashes).status == 200


@contextlib.contextmanager
def killer(service):
    """Kills a worker every now and then; the supervisor replaces it."""
    over = threading.Event()

    def kill():
        rng = random.Random(0)
        while not over.wait(KILL_EVERY_S):
            pids = service.worker_pids()
            if pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(rng.choice(pids), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def check(service, repository):
    rows = service.sql("SELECT hash, bytes FROM versions")
    stored = {row["hash"]: row["bytes"] for row in rows}
    assert len(stored) == len(rows)
    for i in range(POOL):
        data = content(i)
        if hash_of(data) in stored:
            answer = service.request("GET", f"{repository}/versions/{hash_of(data)}/content")
            assert answer.status == 200 and answer.body == data
    counted = service.sql("SELECT versions, bytes FROM repositories")[0]
    assert counted == {"versions": len(stored), "bytes": sum(stored.values())}
    assert service.sql("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert service.sql("PRAGMA foreign_key_check") == []
    return stored


def storm(service, kill):
    service.request("POST", "/api/repos", {"namespace": "ns", "name": "storm"})
    repository = "/api/repos/ns/storm"
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        with killer(service) if kill else contextlib.nullcontext():
            list(pool.map(lambda c: upload_all(service, repository, c), range(CLIENTS)))
    stored = check(service, repository)
    wanted = set()
    for client in range(CLIENTS):
        rng = random.Random(client)
        for _ in range(BATCHES):
            wanted |= {hash_of(content(i)) for i in rng.sample(range(POOL), A_BATCH)}
    assert set(stored) == wanted


def test_overlapping_batches_store_each_content_once(tmp_path):
    with Service(tmp_path, workers=4) as service:
        storm(service, kill=False)


def test_killed_workers_lose_nothing_that_was_acknowledged(tmp_path):
    with Service(tmp_path, workers=4) as service:
        storm(service, kill=True)


def test_one_branch_moved_by_all_takes_every_move_in_turn(tmp_path):
    """Compare and set: each success rests on what the one before it has set."""
    with Service(tmp_path, workers=4) as service:
        service.request("POST", "/api/repos", {"namespace": "ns", "name": "moves"})
        repository = "/api/repos/ns/moves"
        commits = [hash_of(b"commit %d" % i) for i in range(CLIENTS * MOVES + 1)]
        commits = [name for name in commits if len(name) == 32]
        for name in commits:
            commit(service, repository, name)
        first = {"new_name": "main", "commit_id": commits[0]}
        assert service.request("POST", f"{repository}/branches", first).status == 200
        moves, lock = {}, threading.Lock()

        def move(mine):
            for name in mine:
                while True:
                    shown = ask(service, "GET", f"{repository}/branches/main", None)
                    old = shown.json()["branch"]["commit_id"]
                    body = json.dumps({"commit_id": name}).encode()
                    answer = ask(service, "PUT", f"{repository}/branches/main", body,
                                 [("If-Match", f'"{old}"')])
                    if answer.status == 200:
                        with lock:
                            assert old not in moves, "two moves from one commit"
                            moves[old] = name
                        break
                    assert answer.status == 412

        shares = [commits[1 + c :: CLIENTS] for c in range(CLIENTS)]
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(move, shares))
        at, seen = commits[0], 0
        while at in moves:  # one chain through all of them: no update was lost
            at, seen = moves[at], seen + 1
        assert seen == len(commits) - 1
        shown = service.request("GET", f"{repository}/branches/main").json()
        assert shown["branch"]["commit_id"] == at
