"""Random histories of sessions against a model of what the page promises.

HISTORIES (200) says how many, HISTORIES_FROM (0) where to begin; each has its own datasets, so that
they do not meet.  At the end of each every snapshot that there was is read back, down to its bytes.
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

HISTORIES = int(os.environ.get("HISTORIES", "200"))
FIRST = int(os.environ.get("HISTORIES_FROM", "0"))
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


def digest(data):
    return hashlib.sha256(data).hexdigest()


def rows(data):
    return data.count(b"\n") - 1


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
    """Datasets: name -> (columns, [content of each file]).  Snapshots: commit id -> (name, those)."""

    def __init__(self, datasets=None):
        self.datasets = datasets or {}
        self.snapshots = {}

    def remember(self, name, answer):
        self.snapshots[json.loads(answer)["commit_id"]] = (name, self.datasets[name])

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
        files = [data for _, (data, _) in sorted(session.parts.items())]
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
        session.parts[number] = (data, columns)


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
            digest(session.parts[n][0]) for n in sorted(session.parts)]
        assert found["rows_estimate"] == sum(rows(data) for data, _ in session.parts.values())
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
        else:
            made = json.loads(body)
            assert (made["files_created"], made["rows_written"]) == (
                len(session.parts), sum(rows(data) for data, _ in session.parts.values()))
            model.remember(name, body)
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
    made = {i: json.loads(body)["commit_id"] for i, (status, body) in enumerate(answers) if status == 200}
    found = {i: state_of(clients[0], name, commit_id) for i, commit_id in made.items()}
    for order in itertools.permutations(range(len(racing))):
        trial, got, states = Model(dict(model.datasets)), {}, {}
        for i in order:
            got[i] = trial.commit(racing[i], name, modes[i])
            states[i] = trial.datasets.get(name)
        if [got[i] for i in range(len(racing))] == statuses and all(
                same(found[i], states[i]) for i in made) and same(
                state_of(clients[0], name), trial.datasets.get(name)):
            break
    else:
        raise AssertionError(f"no order gives {statuses} and {found}")
    model.datasets = trial.datasets
    for i, commit_id in made.items():
        model.snapshots[commit_id] = (name, states[i])
    for session, mode, (status, body) in zip(racing, modes, answers):
        if status == 200:
            session.done, session.answer = (name, mode), body


def rollback_step(choose, client, model):
    if not model.snapshots:
        return
    to = choose.choice(list(model.snapshots))
    name, state = model.snapshots[to]
    status, body = client.ask("POST", f"/v1/datasets/{name}/rollback", {"snapshot": to})
    assert status == 200, body
    model.datasets[name] = state
    model.remember(name, body)


def state_of(client, name, commit_id=None):
    """Columns and contents of a snapshot (None: the current one), by pages."""
    status, body = client.ask("GET", f"/v1/datasets/{name}")
    if status == 404:
        return None
    shown = json.loads(body)["snapshot"]
    commit_id, files, after = commit_id or shown["commit_id"], [], 0
    while after is not None:
        _, body = client.ask("GET", f"/v1/datasets/{name}/snapshots/{commit_id}?limit=3&after={after}")
        shown = json.loads(body)
        files, after = files + shown["files"], shown["next"]
    contents = []
    for file in files:
        status, data = client.ask("GET", f"/v1/datasets/{name}/files/{file['number']}")
        assert (status, digest(data), rows(data), len(data)) == (
            200, file["sha256"], file["rows"], file["bytes"])
        contents.append(data)
    assert shown["totals"] == {"files": len(files), "rows": sum(map(rows, contents)),
                               "bytes": sum(map(len, contents))}
    return {c["name"]: c["type"] for c in shown["schema"]["columns"]}, contents


def same(found, wanted):
    """A rollback gives files that come back new numbers, so their order is not the model's."""
    return (found is None) == (wanted is None) and (
        found is None or (found[0] == wanted[0] and sorted(found[1]) == sorted(wanted[1])))


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
        elif step < 0.95:
            race_step(choose, clients, model, sessions, names)
        elif step < 0.98:
            rollback_step(choose, client, model)
        else:
            expire_step(service, session)
    for name in names:
        assert same(state_of(client, name), model.datasets.get(name)), name
    for commit_id, (name, state) in model.snapshots.items():
        assert same(state_of(client, name, commit_id), state), (name, commit_id)


@pytest.mark.parametrize("share", range(2))
def test_histories_are_as_the_model_says(service, share):
    clients = [Client(service.port) for _ in range(3)]
    for number in range(FIRST + share, FIRST + HISTORIES, 2):
        try:
            history(service, clients, number)
        except Exception as error:
            raise AssertionError(f"history {number}: {error!r}") from error
