"""Starts workers of the echo program on a socket of their own and stops them."""

import os
import signal
import socket
import subprocess
import time

import pytest

import fastcgi

ECHO = os.environ.get("SLUICE_ECHO", "")
STOP_S = 1.0  # within which a worker leaves
HANG_S = 5.0  # a bound for one that hangs: the machine may be busy
START_S = 10


def catches(pid, number):
    """Whether a process has a handler for a signal."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


class Pool:
    """Workers that share one listening socket, as their supervisor hands it out."""

    def __init__(self, folder, settings):
        self.path = str(folder / "socket")
        self.log_path = folder / "log"
        self.state = folder / "state"
        self.environment = {
            "PATH": os.environ["PATH"],
            "SLUICE_STATE": str(self.state),
            "SLUICE_AUTH": "open",
            **settings,
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        self.state.mkdir()
        subprocess.run([ECHO, "migrate"], env=self.environment, check=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1024)
        self.workers = []

    def start(self, count=1):
        with open(self.log_path, "ab") as log:
            for _ in range(count):
                self.workers.append(
                    subprocess.Popen(
                        [ECHO, "worker"], stdin=self.listener, stderr=log, env=self.environment
                    )
                )
        return self.workers[-1]

    def peer(self, timeout=10):
        return fastcgi.Peer(self.path, timeout)

    def ask(self, method, uri, body=None, **more):
        """One request on a connection of its own."""
        with self.peer() as peer:
            peer.send(fastcgi.request(method, uri, body, **more))
            return peer.answer()

    def ready(self):
        """Waits until every worker has its handlers and one of them serves."""
        until = time.monotonic() + START_S
        for worker in self.workers:
            while worker.poll() is None and not catches(worker.pid, signal.SIGTERM):
                assert time.monotonic() < until
                time.sleep(0.002)
        assert self.ask("GET", "/t/pid").status == 200

    def leave(self, worker, number=signal.SIGTERM, within=HANG_S):
        """Stops a worker; returns its exit code and how long it took."""
        begun = time.monotonic()
        worker.send_signal(number)
        code = worker.wait(within)
        return code, time.monotonic() - begun

    def log(self):
        """The requests that were logged, each a dictionary of its values."""
        out = []
        for line in self.log_path.read_text(errors="replace").splitlines():
            words = line.split(" ")
            if len(words) > 2 and words[2] == "request":
                out.append(dict(word.split("=", 1) for word in words[3:] if "=" in word))
        return out

    def logged(self, **values):
        """Waits for a request that was logged with these values."""
        until = time.monotonic() + 5
        while time.monotonic() < until:
            for entry in self.log():
                if all(entry.get(name) == value for name, value in values.items()):
                    return entry
            time.sleep(0.01)
        raise AssertionError(f"no request with {values} in {self.log_path.read_text()}")

    def stop(self):
        self.listener.close()
        for worker in self.workers:
            if worker.poll() is None:
                worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(10)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


@pytest.fixture
def make_pool(tmp_path):
    pools = []

    def make(count=1, **settings):
        folder = tmp_path / str(len(pools))
        folder.mkdir()
        pool = Pool(folder, {"SLUICE_" + name: str(value) for name, value in settings.items()})
        pools.append(pool)
        if count:
            pool.start(count)
            pool.ready()
        return pool

    yield make
    for pool in pools:
        pool.stop()


@pytest.fixture
def pool(make_pool):
    return make_pool()
