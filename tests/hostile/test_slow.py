"""Clients that dawdle hold what they hold for a while, and nobody else for long."""

import contextlib
import statistics
import threading
import time

from sluice import head
from test_disk import large_content

WORKERS = 4
RATE = 16 * 1024
WINDOW_S = 4       # the setting, so that the test need not wait for 30 s
DRIP_S = 0.1       # between pieces of DRIP bytes: 1 kB/s
DRIP = b"1,abcdef\n" * 11
ANSWER_S = 1.0     # the budget of another client's small request and of a download
READ_FREED_S = 24.0 # two readers in turn on each worker, each for two stalls, and a busy machine
FREED_S = 15.0     # until another client's upload is served: window, drips on their way, a busy machine


def session(service):
    return service.request("POST", "/v1/upload/session", {}).json()["session_id"]


def drip(service, path, stop, statuses):
    """An upload at 1 kB/s, until it is refused or stop is set."""
    with service.connect() as connection:
        connection.send(head("PUT", path, [("Content-Type", "text/csv"), ("x-file-name", "a.csv")],
                             10_000_000) + b"id,word\n")
        connection.socket.settimeout(0.001)
        while not stop.wait(DRIP_S):
            try:
                connection.send(DRIP)
                if connection.socket.recv(1 << 16, 2):  # MSG_PEEK
                    connection.socket.settimeout(5)
                    statuses.append(connection.answer("PUT").status)
                    return
            except TimeoutError:
                continue
            except OSError:
                statuses.append(0)
                return


@contextlib.contextmanager
def dripping(service, count):
    stop, statuses = threading.Event(), []
    made = session(service)
    threads = [threading.Thread(target=drip, args=(service, f"/v1/upload/{made}?part={i}", stop,
                                                   statuses)) for i in range(count)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        yield statuses
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def timed(service, method, path, body=None, headers=(), timeout=60):
    begun = time.monotonic()
    answer = service.request(method, path, body, headers, timeout, source="127.0.0.2")
    assert answer.status in (200, 201), answer
    return time.monotonic() - begun


def test_uploads_at_a_kilobyte_a_second_are_cut_off_and_stop_nobody_else(make_attacked):
    service = make_attacked(workers=WORKERS, settings={"LEAST_RATE": RATE,
                                                       "LEAST_RATE_WINDOW_S": WINDOW_S})
    content = large_content(service, 1 << 20)
    other = session(service)
    with dripping(service, 2 * WORKERS) as statuses:
        small = [timed(service, "GET", "/health") for _ in range(10)]
        reads = [timed(service, "GET", content) for _ in range(10)]
        upload = timed(service, "PUT", f"/v1/upload/{other}?part=0", b"a\n1\n",
                       [("Content-Type", "text/csv"), ("x-file-name", "a.csv")])
        print(f"health {max(small) * 1000:.0f} ms, download of 1 MiB {max(reads) * 1000:.0f} ms at "
              f"most, an upload {upload:.1f} s; slow ones got {statuses}")
        assert max(small) < ANSWER_S and max(reads) < ANSWER_S
        assert upload < FREED_S
        assert statuses and set(statuses) <= {0, 408}


def test_a_full_pool_is_told_with_who_holds_it(make_attacked):
    service = make_attacked(workers=WORKERS)
    with dripping(service, 2 * WORKERS):
        service.await_log("pool_full")
        end = time.monotonic() + ANSWER_S
        while service.log_text().count("pool_full") < WORKERS and time.monotonic() < end:
            time.sleep(0.1)
    told = [line for line in service.log_text().splitlines() if "pool_full" in line]
    assert len(told) == WORKERS, told  # each worker's request, once
    for line in told:
        assert "client=127.0.0.1" in line and "who=anonymous" in line and "/v1/upload/" in line


def test_readers_that_do_not_read_are_cut_off_and_stop_nobody_else(make_attacked):
    service = make_attacked(workers=WORKERS, settings={"BODY_TIMEOUT_S": 4})
    content = large_content(service, 16 << 20)
    with contextlib.ExitStack() as held:
        for _ in range(WORKERS):  # twice what the pool of downloads has
            reader = held.enter_context(service.connect())
            reader.send(head("GET", content))
        time.sleep(0.5)
        small = [timed(service, "GET", "/health") for _ in range(10)]
        upload = timed(service, "PUT", f"/v1/upload/{session(service)}?part=0", b"a\n1\n",
                       [("Content-Type", "text/csv"), ("x-file-name", "a.csv")])
        download = timed(service, "GET", content)
        print(f"health {statistics.median(small) * 1000:.0f} ms, upload {upload * 1000:.0f} ms, a "
              f"download {download:.1f} s")
        assert max(small) < ANSWER_S and upload < ANSWER_S and download < READ_FREED_S
