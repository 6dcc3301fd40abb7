"""A worker's life: it stops when told, never loses a signal, and is replaced in time."""

import os
import random
import signal
import socket
import statistics
import subprocess
import threading
import time

import pytest

from conftest import ECHO, HANG_S, STOP_S
from fastcgi import KEEP_CONN, STDIN, Peer, head, record, request, stream

STORM = 100


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_an_idle_worker_leaves_at_once(pool, number):
    code, took = pool.leave(pool.workers[0], number)
    assert code == 0 and took < HANG_S
    assert "because=stopped" in pool.log_path.read_text()


def test_a_worker_that_has_served_nothing_leaves_at_once(make_pool):
    pool = make_pool(count=0)
    for delay in (0, 0.001, 0.003, 0.01, 0.03, 0.1):
        worker = pool.start()
        time.sleep(delay)
        worker.terminate()
        assert worker.wait(HANG_S) in (0, -signal.SIGTERM)  # before it has its handlers, or after


def test_the_request_in_hand_is_finished_first(pool):
    with pool.peer() as peer:
        peer.send(request("GET", "/t/sleep/400"))
        time.sleep(0.1)
        code, took = pool.leave(pool.workers[0])
        answer = peer.answer()
    assert answer.status == 200 and answer.body == b"slept" and answer.ended
    assert code == 0 and took > 0.2


def test_a_body_in_hand_is_read_to_its_end(pool):
    body = b"x" * 100000
    with pool.peer() as peer:
        peer.send(head("POST", "/t/count", body) + stream(STDIN, body[:50000]))
        time.sleep(0.05)
        pool.workers[0].terminate()
        time.sleep(0.05)
        peer.send(stream(STDIN, body[50000:]) + record(STDIN))
        assert peer.answer().body.startswith(b"100000 ")
    assert pool.workers[0].wait(HANG_S) == 0


def test_a_kept_connection_does_not_hold_a_worker_that_should_leave(pool):
    with pool.peer() as peer:
        peer.send(request("GET", "/t/pid", flags=KEEP_CONN))
        assert peer.answer().status == 200
        code, _ = pool.leave(pool.workers[0])
        assert code == 0 and peer.is_closed()


def test_constant_load_does_not_put_a_stop_off(pool):
    """A full queue keeps the socket readable, so that ppoll alone would never let a signal in."""
    peers = [pool.peer() for _ in range(300)]
    try:
        peers[0].send(request("GET", "/t/sleep/200"))
        for peer in peers[1:]:
            peer.send(request("GET", "/t/sleep/20"))
        time.sleep(0.1)
        code, _ = pool.leave(pool.workers[0])
        assert code == 0
        assert peers[0].answer().body == b"slept"
        pool.start(4)  # what was queued is served by others
        assert peers[-1].answer().body == b"slept"
    finally:
        for peer in peers:
            peer.close()


def test_no_stop_is_lost_whenever_it_comes(make_pool):
    """Each try stops a worker at a random moment between and in short requests."""
    pool = make_pool(count=0)
    answered = 0
    stops = []
    for _ in range(STORM):
        worker = pool.start()
        pool.ready()
        done = threading.Event()
        results = []

        def load():
            while not done.is_set():
                try:
                    with Peer(pool.path, 0.5) as peer:
                        peer.send(request("GET", "/t/pid"))
                        results.append(peer.answer())
                except OSError:
                    return  # queued behind the worker that left

        thread = threading.Thread(target=load)
        thread.start()
        time.sleep(random.uniform(0, 0.02))
        begun = time.monotonic()
        worker.terminate()
        assert worker.wait(HANG_S) == 0
        stops.append(time.monotonic() - begun)
        done.set()
        drain(pool)
        thread.join()
        # whoever was accepted was answered whole
        assert all(answer.ended and answer.status == 200 for answer in results if answer.raw)
        answered += len(results)
    assert statistics.median(stops) < STOP_S
    print(f"{answered} requests answered, slowest stop {max(stops) * 1000:.0f} ms")


def drain(pool):
    """Takes what is queued off the socket, so that the next worker starts with an empty one."""
    pool.listener.setblocking(False)
    try:
        while True:
            pool.listener.accept()[0].close()
    except BlockingIOError:
        pass


def test_an_idle_worker_empties_the_write_ahead_log(pool):
    log = pool.state / "sluice.db-wal"
    assert pool.ask("POST", "/t/write/300", b"").status == 200
    assert log.stat().st_size > 1 << 20
    until = time.monotonic() + 5
    while log.stat().st_size > 0:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert pool.leave(pool.workers[0])[0] == 0


def test_a_worker_ends_after_its_requests(make_pool):
    pool = make_pool(count=0, RECYCLE_REQUESTS=3)
    worker = pool.start()
    for _ in range(3):
        assert pool.ask("GET", "/t/pid").status == 200
    assert worker.wait(HANG_S) == 0
    assert "because=recycled" in pool.log_path.read_text()


def test_the_ends_of_a_pool_s_workers_are_spread(make_pool):
    pool = make_pool(count=0, RECYCLE_REQUESTS=40)
    lives = []
    for _ in range(6):
        worker = pool.start()
        life = 0
        while worker.poll() is None and life < 50:
            with pool.peer(0.5) as peer:
                peer.send(request("GET", "/t/pid"))
                try:
                    life += peer.answer().status == 200
                except OSError:
                    pass  # queued behind the worker that ended
        drain(pool)
        lives.append(life)
    assert all(35 <= life <= 40 for life in lives) and len(set(lives)) > 1


def test_workers_that_share_a_socket_answer_every_request(make_pool):
    pool = make_pool(count=4)
    statuses = []

    def load():
        for i in range(100):
            uri = "/t/pid" if i % 10 else "/t/sleep/20"
            statuses.append(pool.ask("GET", uri).status)

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 800
    # whoever comes late must not block in accept, where no signal would reach it
    assert not os.get_blocking(pool.listener.fileno())
    assert {entry["pid"] for entry in pool.log()} == {str(w.pid) for w in pool.workers}
    for worker in pool.workers:
        assert pool.leave(worker)[0] == 0


def test_a_worker_without_a_listening_socket_says_so(make_pool):
    pool = make_pool(count=0)
    for stdin in (subprocess.DEVNULL, socket.socket(socket.AF_UNIX)):
        done = subprocess.run(
            [ECHO, "worker"], stdin=stdin, stderr=subprocess.PIPE, env=pool.environment, timeout=5
        )
        assert done.returncode == 1
        assert b"descriptor 0 is no listening socket" in done.stderr


def test_a_worker_without_a_database_says_what_to_do(make_pool, tmp_path):
    pool = make_pool(count=0)
    pool.environment["SLUICE_STATE"] = str(tmp_path / "none")
    done = subprocess.run(
        [ECHO, "worker"], stdin=pool.listener, stderr=subprocess.PIPE, env=pool.environment, timeout=5
    )
    assert done.returncode == 1 and done.stderr
