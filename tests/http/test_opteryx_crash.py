"""Workers killed with -9 in the middle of commits: the whole snapshot is there, or nothing."""

import contextlib
import http.client
import json
import os
import random
import signal
import threading
import time

ROUNDS = int(os.environ.get("KILL_ROUNDS", "40"))
WRITERS = 4


def ask(port, method, path, body=None, headers=()):
    headers = dict(headers)
    if body is not None and not isinstance(body, bytes):
        body, headers["Content-Type"] = json.dumps(body), "application/json"
    headers.setdefault("Content-Length", str(len(body or b"")))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def write(port, stop, number, acknowledged):
    """Appends parts to one dataset of all writers, as fast as it can."""
    choose = random.Random(number)
    target = {"workspace": "kill", "collection": "c", "dataset": "d"}
    while not stop.is_set():
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            status, body = ask(port, "POST", "/v1/upload/session", {"target": target})
            if status != 201:
                continue
            sid = json.loads(body)["session_id"]
            parts = choose.randint(1, 5)
            stored = sum(ask(port, "PUT", f"/v1/upload/{sid}?part={i}", b"a\n%d\n" % choose.randrange(9 ** 9),
                             {"x-file-name": "x.csv"})[0] == 201 for i in range(parts))
            status, body = ask(port, "POST", f"/v1/upload/{sid}/commit",
                               {"target": target, "conflict_resolution": "append"})
            if status == 200:
                made = json.loads(body)
                assert stored == parts <= made["files_created"] or stored < parts
                acknowledged.append((made["commit_id"], made["files_created"]))


def test_a_killed_commit_is_whole_or_nothing(make_service):
    service = make_service()
    stop, acknowledged, choose = threading.Event(), [], random.Random(1)
    writers = [threading.Thread(target=write, args=(service.port, stop, n, acknowledged))
               for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for _ in range(ROUNDS):
        time.sleep(choose.uniform(0.01, 0.2))
        for pid in choose.sample(service.worker_pids(), k=1):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    stop.set()
    for writer in writers:
        writer.join()

    assert len(acknowledged) > ROUNDS / 4, "the writers got through"
    known = {row["commit_id"]: row for row in service.sql("SELECT * FROM snapshots")}
    assert {i: known[i]["files_added"] for i, _ in acknowledged} == dict(acknowledged)
    in_order = sorted(known.values(), key=lambda row: row["sequence"])
    assert [row["sequence"] for row in in_order] == list(range(1, len(known) + 1))
    assert [row["parent"] for row in in_order] == [None] + [r["commit_id"] for r in in_order[:-1]]
    files = service.sql("SELECT added_in, count(*) AS n, sum(rows) AS rows FROM files GROUP BY 1")
    assert [f["n"] for f in files] == [row["files_added"] for row in in_order]
    total = sum(f["n"] for f in files)
    assert in_order[-1]["files"] == total and in_order[-1]["rows"] == sum(f["rows"] for f in files)
    assert service.sql("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    for number in range(1, total + 1, max(1, total // 200)):
        status, body = ask(service.port, "GET", f"/v1/datasets/kill.c.d/files/{number}")
        assert status == 200 and body.startswith(b"a\n"), (number, status)
