"""Connections that somebody opens and does not use keep nobody else out."""

import contextlib
import resource
import select
import socket
import time

import pytest

from sluice import SERVER, head

HALVES = 1400  # half-sent heads; each was enough to stop a server that had room for 1,024
IDLE = 5000
SPARE = 500       # descriptors of this process for everything else
ANSWER_S = 1.0    # the budget of another client's request, while they are held
HEAD_S = 10       # deploy/*.conf: seconds for a head
GRACE_S = 8       # until both servers have looked at all of them
PER_ADDRESS = 256  # deploy/fill: requests of one address at a time


@pytest.fixture
def descriptors():
    """How many connections this process may hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard - SPARE
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def open_many(service, count, data):
    """As many connections, each with data sent; those that could not be opened are left out."""
    held = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            connection = socket.create_connection(("127.0.0.1", service.port), 5, ("127.0.0.1", 0))
            held.append(connection)
            connection.sendall(data)
    return held


def another_s(service):
    """How long another client waits for an answer."""
    begun = time.monotonic()
    assert service.request("GET", "/health", timeout=10, source="127.0.0.2").status == 200
    return time.monotonic() - begun


def closed(connections):
    """How many the server has closed."""
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLIN | select.POLLHUP)
    return len(poll.poll(0))


def test_half_sent_heads_and_idle_connections_keep_nobody_out(make_attacked, descriptors):
    service = make_attacked(workers=2)
    halves = open_many(service, min(HALVES, descriptors // 2),
                       b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Half: ")
    idle = open_many(service, min(IDLE, descriptors - len(halves)), b"")
    try:
        took = [another_s(service) for _ in range(20)]
        print(f"{SERVER}: {len(halves)} half-sent heads and {len(idle)} idle ones held; another "
              f"client waits {max(took) * 1000:.0f} ms at most")
        assert max(took) < ANSWER_S
        end = time.monotonic() + HEAD_S + GRACE_S
        while closed(halves) < len(halves) and time.monotonic() < end:
            time.sleep(0.2)
        assert closed(halves) == len(halves), "half-sent heads are held for longer than they may"
        assert another_s(service) < ANSWER_S
    finally:
        for connection in halves + idle:
            connection.close()


def test_many_slow_bodies_of_one_address_keep_nobody_out(make_attacked, descriptors):
    """Slow bodies of small requests, which the web server itself waits for."""
    service = make_attacked(workers=2)
    count = min(PER_ADDRESS + 100, descriptors)
    slow = open_many(service, count, head("POST", "/v1/upload/session",
                                          [("Content-Type", "application/json")], 100) + b"{")
    try:
        time.sleep(1)
        refused = closed(slow)
        print(f"{SERVER}: {refused} of {count} refused")
        if SERVER == "nginx":  # Debian's lighttpd cannot count the requests of an address
            assert count - PER_ADDRESS - 20 <= refused <= count - PER_ADDRESS + 20
        assert another_s(service) < ANSWER_S
    finally:
        for connection in slow:
            connection.close()
