"""While slow uploads hold every worker that takes bulk bodies, the small requests still answer."""

import socket
import statistics
import time

import uploads

ROUNDS = 30
STILL_PROMPT_S = 2  # a bound for hanging, not a measurement: the median is printed


def hold(port, path, content_type):
    """Begins an upload and leaves it in the middle of its body."""
    held = socket.create_connection((uploads.HOST, port))
    held.sendall(
        f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
        f"x-file-name: part.csv\r\nContent-Length: 10000000\r\n\r\n".encode()
        + b"id,word\n"
        + b"1,abcdefgh\n" * 20000
    )
    return held


def test_small_requests_answer_while_slow_uploads_hold_the_bulk_workers(sluice):
    session = uploads.opteryx_session(sluice.port, "pools.c.held")
    held = [
        hold(sluice.port, f"/v1/upload/{session}?part={i}", "text/csv")
        for i in range(2 * len(sluice.worker_pids()))
    ]
    try:
        time.sleep(1)
        took = {"health": [], "session": [], "inspect": [], "commit": []}
        for i in range(ROUNDS):
            ready = uploads.opteryx_session(sluice.port, f"pools.c.d{i}")

            def timed(name, work):
                begun = time.monotonic()
                work()
                took[name].append(time.monotonic() - begun)

            timed("health", lambda: uploads.ask(sluice.port, "GET", "/health"))
            timed("session", lambda: uploads.opteryx_session(sluice.port))
            timed("inspect", lambda: uploads.ask(sluice.port, "GET", f"/v1/upload/{ready}/inspect"))
            timed("commit", lambda: commit_nothing(sluice.port, ready, f"pools.c.d{i}"))
        for name, times in took.items():
            print(f"{name}: median {statistics.median(times) * 1000:.1f} ms")
            assert max(times) < STILL_PROMPT_S, name
    finally:
        for connection in held:
            connection.close()


def commit_nothing(port, session, name):
    """A commit that is decided in a transaction and refused: the session has no parts."""
    try:
        uploads.opteryx_commit(port, session, name, "fail")
    except uploads.Refused as refused:
        assert refused.status == 422
