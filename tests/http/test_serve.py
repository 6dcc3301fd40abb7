"""sluice serve keeps workers running, replaces them beside each other, and says what it does."""

import os
import re
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from sluice import Service, head

CLIENTS = 24
RELOADS = 3
PROMPT_S = 1.0
WAIT_S = 30


def supervisor(service):
    """The process number of sluice serve."""
    for line in (service.state / "sluice.serving").read_text().splitlines():
        if line.startswith("pid="):
            return int(line[4:])
    raise AssertionError("no pid")


def wait_for(condition, seconds=WAIT_S):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Clients:
    """Small requests of many kinds, each timed."""

    def __init__(self, service):
        self.service = service
        self.stop = threading.Event()
        self.took = []
        self.failed = []
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(CLIENTS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def run(self, client):
        turn = 0
        while not self.stop.is_set():
            turn += 1
            begun = time.monotonic()
            try:
                answer = self.ask(client, turn)
                good = answer.status in (200, 201)
            except (OSError, ValueError) as error:
                answer, good = error, False
            self.took.append(time.monotonic() - begun)
            if not good:
                self.failed.append(answer)
            time.sleep(0.05)

    def ask(self, client, turn):
        if client % 3 == 0:
            return self.service.request("GET", "/health")
        if client % 3 == 1:
            return self.service.request("POST", "/v1/upload/session", {})
        name = {"namespace": "reload", "name": f"repo-{client}-{turn}"}
        return self.service.request("POST", "/api/repos", name)


def slow_upload(service):
    """A part whose body has begun; returns the connection and what is missing of the body."""
    session = service.request("POST", "/v1/upload/session", {}).json()["session_id"]
    body = b"a,b\n" + b"1,2\n" * 5000
    connection = service.connect()
    headers = [("Content-Type", "text/csv"), ("x-file-name", "a.csv")]
    connection.send(head("PUT", f"/v1/upload/{session}?part=0", headers, len(body)) + body[:9000])
    return connection, body[9000:]


def test_reloads_under_load_fail_nothing_and_hold_nobody_up(tmp_path):
    with Service(tmp_path) as service:
        connection, rest = slow_upload(service)
        first = set(service.worker_pids())
        time.sleep(0.3)
        with Clients(service) as clients:
            time.sleep(1)
            usual = max(clients.took)  # what the machine has to do besides counts in both
            for i in range(RELOADS):
                time.sleep(0.5)
                service.verb("reload")
                connection.send(rest[i * 100:(i + 1) * 100])
            time.sleep(0.5)
        assert len(clients.took) > CLIENTS
        assert not clients.failed, clients.failed[:3]
        assert max(clients.took) < max(PROMPT_S, 3 * usual), (usual, sorted(clients.took)[-3:])
        # The one worker of the first generation that is left is the one that holds the upload.
        wait_for(lambda: len(first & set(service.worker_pids())) <= 1)
        assert len(first & set(service.worker_pids())) == 1
        connection.send(rest[RELOADS * 100:])
        answer = connection.answer("PUT")
        assert answer.status == 201, answer
        connection.close()
        wait_for(lambda: not first & set(service.worker_pids()))
        assert len(service.worker_pids("bulk")) == 4


def test_a_reload_takes_new_settings_and_check_tells_what_runs(tmp_path):
    conf = tmp_path / "sluice.conf"
    conf.write_text("SLUICE_SESSION_HOURS=6\n")
    service = Service(tmp_path)
    program = tmp_path / "program"
    program.write_text(f'#!/bin/bash\n[[ $1 != serve || $2 = --config ]] || set -- serve --config {conf} "${{@:2}}"\n'
                       f'exec -a "$0" {os.path.realpath(service.program())} "$@"\n')
    program.chmod(0o755)
    line = service.command()
    if "--program" in line:
        line[line.index("--program") + 1] = str(program)
    else:
        line += ["--program", str(program)]
    service.command = lambda: line
    with service:
        conf.write_text("SLUICE_SESSION_HOURS=2\n")
        shown = service.verb("check", "--config", str(conf)).stdout
        assert "SLUICE_SESSION_HOURS=2" in shown.splitlines()
        assert re.search(r"^running +SLUICE_SESSION_HOURS=6, until a reload$", shown, re.M)
        service.verb("reload")
        shown = service.verb("check", "--config", str(conf)).stdout
        assert not re.search(r"^running +SLUICE_SESSION_HOURS", shown, re.M)
        # A file that is wrong changes nothing, and the reload says so.
        wait_for(lambda: len(service.worker_pids()) == 9)  # the old ones have ended
        before = set(service.worker_pids())
        conf.write_text("SLUICE_SESSION_HOURS=often\n")
        refused = service.verb("reload", check=False)
        assert refused.returncode == 1 and "nothing was changed" in refused.stderr
        assert set(service.worker_pids()) == before
        assert "SLUICE_SESSION_HOURS must be a number" in service.log_text()
        conf.write_text("SLUICE_SESSION_HOURS=3\nSLUICE_BULK_WORKERS=2\n")
        assert service.request("GET", "/health").status == 200


def test_workers_that_cannot_start_are_tried_ever_more_rarely_and_then_given_up(tmp_path):
    service = Service(tmp_path, workers=2).start()
    (service.state / "sluice.seq").unlink()
    pids = service.worker_pids()
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    time.sleep(8)
    log = service.log_text()
    tries = re.findall(r"worker_died .*pool=bulk retry_ms=(\d+)", log)
    assert 3 <= len(tries) <= 6, tries
    waits = sorted({round(int(wait) / 1000) for wait in tries})
    assert waits in ([1, 2, 4], [1, 2, 4, 8]), tries
    assert len(log.splitlines()) < 100
    assert "run `sluice migrate`" in log
    service.stop()


def test_shared_files_that_are_gone_are_made_anew_only_when_nobody_has_the_old_ones(tmp_path):
    service = Service(tmp_path).start()
    for name in ("sluice.seq", "sluice.lock"):
        (service.state / name).unlink()
        done = service.verb("migrate", check=False)
        assert done.returncode == 1 and "still open elsewhere" in done.stderr
        assert not (service.state / name).exists()
        assert service.request("POST", "/v1/upload/session", {}).status == 201
        # A reload ends the workers first, and so may make it.
        service.verb("reload")
        assert (service.state / name).exists()
        assert service.request("POST", "/v1/upload/session", {}).status == 201
    assert service.stop() == 0


def test_a_failed_sync_is_ended_by_a_reload(tmp_path):
    with Service(tmp_path) as service:
        (service.state / "sluice.poison").touch()
        assert service.request("POST", "/v1/upload/session", {}).status == 503
        assert service.verb("check", check=False).returncode == 1
        service.verb("reload")
        assert service.request("POST", "/v1/upload/session", {}).status == 201
        assert service.verb("check").returncode == 0


def test_a_death_is_logged_with_its_signal(tmp_path):
    with Service(tmp_path) as service:
        pid = service.worker_pids("control")[0]
        os.kill(pid, signal.SIGABRT)  # sanitizers take SIGSEGV for themselves
        service.await_log("worker_died")
        assert re.search(rf"error worker_died pid=\d+ worker={pid} pool=control signal=ABRT",
                         service.log_text())


def test_a_foreign_writer_does_not_hold_up_health(tmp_path):
    """Somebody's transaction in sqlite3 makes every writer of the control pool wait."""
    with Service(tmp_path) as service:
        foreign = sqlite3.connect(service.state / "sluice.db", isolation_level=None)
        foreign.execute("BEGIN IMMEDIATE")
        took, stop = [], threading.Event()

        def write():
            while not stop.is_set():
                service.request("POST", "/v1/upload/session", {})

        writers = [threading.Thread(target=write) for _ in range(8)]
        for writer in writers:
            writer.start()
        time.sleep(1)
        for _ in range(20):
            begun = time.monotonic()
            assert service.request("GET", "/health").status == 200
            took.append(time.monotonic() - begun)
            time.sleep(0.1)
        foreign.execute("ROLLBACK")
        stop.set()
        for writer in writers:
            writer.join()
        # 0.5 s are what a writer waits for the lock; a busy machine takes a little by itself.
        assert sorted(took)[len(took) // 2] < 0.1 and max(took) < 0.4, sorted(took)[-5:]


def test_nothing_is_left_when_the_supervisor_dies(tmp_path):
    service = Service(tmp_path).start()
    os.kill(supervisor(service), signal.SIGKILL)
    assert service.process.wait(60) == 1
    wait_for(lambda: not service.worker_pids())
    assert "sluice serve has ended by itself" in service.log_text()


def test_two_supervisors_of_one_state_are_refused(tmp_path):
    with Service(tmp_path) as service:
        (tmp_path / "sockets").mkdir()
        env = service.environment() | {"SLUICE_STATE": str(service.state)}
        done = subprocess.run([service.program(), "serve", "--sockets", str(tmp_path / "sockets")],
                              env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "another sluice serve is using the state" in done.stderr
        assert list((tmp_path / "sockets").iterdir()) == []
        done = subprocess.run([service.program(), "serve", "--sockets", str(service.state / "run")],
                              env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "somebody else listens on" in done.stderr
        assert service.request("GET", "/health").status == 200


@pytest.mark.parametrize("given", ["sluice.db is missing", "sluice.db is junk"])
def test_a_state_that_cannot_be_served_ends_at_once_with_a_clear_line(tmp_path, given):
    state = tmp_path / "state"
    state.mkdir()
    if "junk" in given:
        (state / "sluice.db").write_text("junk" * 4096)
    (tmp_path / "sockets").mkdir()
    service = Service(tmp_path)
    env = service.environment() | {"SLUICE_STATE": str(state)}
    done = subprocess.run([service.program(), "serve", "--sockets", str(tmp_path / "sockets")],
                          env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "the state cannot be served" in done.stderr
