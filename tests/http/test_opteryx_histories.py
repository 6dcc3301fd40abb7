"""Random histories of sessions against a model of what the page promises.

HISTORIES (300) says how many; each has its own datasets, so that they do not meet.
"""

import concurrent.futures
import hashlib
import http.client
import itertools
import json
import os
import random
import sqlite3

import pytest

HISTORIES = int(os.environ.get("HISTORIES", "300"))
STEPS = 14
CONTENTS = [  # content, its columns
    (b"a\n%d\n", {"a": "INT64"}),
    (b"a\nx%d\n", {"a": "VARCHAR"}),
    (b"a,b\n%d,y\n", {"a": "INT64", "b": "VARCHAR"}),
    (b"b,a\ny,%d\ny,2\n", {"a": "INT64", "b": "VARCHAR"}),
]


class Client:
    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None, headers=()):
        headers = dict(headers)
        if body is not None and not isinstance(body, bytes):
            body, headers["Content-Type"] = json.dumps(body), "application/json"
        headers.setdefault("Content-Length", str(len(body or b"")))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class Session:
    def __init__(self, sid, target):
        self.sid, self.target = sid, target
        self.parts, self.expired, self.done = {}, False, None


def merged(parts):
    columns = {}
    for number in sorted(parts):
        for name, kind in parts[number][1].items():
            columns[name] = kind if columns.get(name, kind) == kind else "VARCHAR"
    return columns


class Model:
    """Datasets: name -> (columns, [digest of each file])."""

    def __init__(self, datasets=None):
        self.datasets = datasets or {}

    def commit(self, session, name, mode):
        """The status, and what the dataset is afterwards."""
        if session.done:
            return 200 if session.done == (name, mode) else 409
        if session.expired:
            return 410
        if session.target and session.target != name:
            return 409
        known = self.datasets.get(name)
        if known and mode == "fail":
            return 409
        if not session.parts:
            return 422
        columns = merged(session.parts)
        files = [digest for _, (digest, _) in sorted(session.parts.items())]
        if known and mode == "append":
            if any(known[0].get(c) != kind for c, kind in columns.items()):
                return 409
            columns, files = known[0], known[1] + files
        self.datasets[name] = (columns, files)
        return 200


def put_step(choose, client, session):
    number = choose.choice([0, 1, 2, 999])
    content, columns = choose.choice(CONTENTS)
    data = content % choose.randrange(10 ** 9)
    status, _ = client.ask("PUT", f"/v1/upload/{session.sid}?part={number}", data,
                           {"x-file-name": "x.csv"})
    wanted = 409 if session.done else 410 if session.expired else 201
    assert status == wanted
    if status == 201:
        session.parts[number] = (hashlib.sha256(data).hexdigest(), columns)


def drop_step(choose, client, session):
    number = choose.choice([0, 1, 2, 999])
    status, _ = client.ask("DELETE", f"/v1/upload/{session.sid}/part/{number}")
    wanted = (409 if session.done else 410 if session.expired
              else 200 if number in session.parts else 404)
    assert status == wanted
    if status == 200:
        del session.parts[number]


def inspect_step(client, session):
    status, body = client.ask("GET", f"/v1/upload/{session.sid}/inspect")
    if session.expired and not session.done:
        assert status == 410
    elif not session.parts:
        assert status == 204
    else:
        found = json.loads(body)
        assert [p["id"] for p in found["parts"]] == sorted(session.parts)
        assert [p["blob"] for p in found["parts"]] == [
            session.parts[n][0] for n in sorted(session.parts)]
        assert {c["name"]: c["type"] for c in found["schema"]["columns"]} == merged(session.parts)


def commit_ask(client, session, name, mode):
    workspace, collection, dataset = name.split(".")
    return client.ask("POST", f"/v1/upload/{session.sid}/commit", {
        "target": {"workspace": workspace, "collection": collection, "dataset": dataset},
        "conflict_resolution": mode})


def commit_step(choose, client, model, session, names):
    name, mode = session.target or choose.choice(names), choose.choice(["fail", "append", "overwrite"])
    if choose.random() < 0.1:
        name = choose.choice(names)
    if session.done and choose.random() < 0.7:
        name, mode = session.done
    wanted = model.commit(session, name, mode)
    status, body = commit_ask(client, session, name, mode)
    assert status == wanted, (name, mode, body)
    if status == 200:
        if session.done:
            assert body == session.answer
        session.done, session.answer = (name, mode), body


def race_step(choose, clients, model, sessions, names):
    """Several sessions at once onto one dataset: as some order of them one by one."""
    racing = [s for s in sessions if not s.done and not s.expired and not s.target][:3]
    name = choose.choice(names)
    modes = [choose.choice(["fail", "append", "overwrite"]) for _ in racing]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda i: commit_ask(clients[i], racing[i], name, modes[i]),
                                range(len(racing))))
    statuses = [status for status, _ in answers]
    found = state_of(clients[0], name)
    for order in itertools.permutations(range(len(racing))):
        trial = Model(dict(model.datasets))
        got = {i: trial.commit(racing[i], name, modes[i]) for i in order}
        if [got[i] for i in range(len(racing))] == statuses and trial.datasets.get(name) == found:
            break
    else:
        raise AssertionError(f"no order gives {statuses} and {found}")
    model.datasets = trial.datasets
    for session, mode, (status, body) in zip(racing, modes, answers):
        if status == 200:
            session.done, session.answer = (name, mode), body


def state_of(client, name):
    status, body = client.ask("GET", f"/v1/datasets/{name}")
    if status == 404:
        return None
    shown = json.loads(body)
    commit_id = shown["snapshot"]["commit_id"]
    _, body = client.ask("GET", f"/v1/datasets/{name}/snapshots/{commit_id}?limit=1000")
    files = [f["sha256"] for f in json.loads(body)["files"]]
    assert shown["totals"]["files"] == len(files)
    return {c["name"]: c["type"] for c in shown["schema"]["columns"]}, files


def expire_step(service, session):
    with sqlite3.connect(service.state / "sluice.db", timeout=30) as db:
        db.execute("UPDATE opteryx_session SET expires_at = 1 WHERE session = ?", (session.sid,))
    session.expired = True


def history(service, clients, number):
    choose = random.Random(number)
    names = [f"h{number}.c.d{i}" for i in range(2)]
    model, sessions, client = Model(), [], clients[0]
    for _ in range(STEPS):
        step = choose.random()
        if step < 0.2 or not sessions:
            name = choose.choice(names) if choose.random() < 0.3 else None
            parts = name.split(".") if name else None
            body = {"target": dict(zip(("workspace", "collection", "dataset"), parts))} if name else {}
            status, made = client.ask("POST", "/v1/upload/session", body)
            assert status == 201
            sessions.append(Session(json.loads(made)["session_id"], name))
            continue
        session = choose.choice(sessions)
        if step < 0.5:
            put_step(choose, client, session)
        elif step < 0.57:
            drop_step(choose, client, session)
        elif step < 0.65:
            inspect_step(client, session)
        elif step < 0.9:
            commit_step(choose, client, model, session, names)
        elif step < 0.98:
            race_step(choose, clients, model, sessions, names)
        else:
            expire_step(service, session)
    for name in names:
        assert state_of(client, name) == model.datasets.get(name), name


@pytest.mark.parametrize("share", range(2))
def test_histories_are_as_the_model_says(service, share):
    clients = [Client(service.port) for _ in range(3)]
    for number in range(share, HISTORIES, 2):
        try:
            history(service, clients, number)
        except Exception as error:
            raise AssertionError(f"history {number}: {error!r}") from error
