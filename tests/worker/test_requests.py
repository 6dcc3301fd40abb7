"""Requests, bodies and answers over FastCGI."""

import os
import re
import select
import time

import pytest

import fastcgi
from fastcgi import ABORT, KEEP_CONN, PARAMS, STDIN, head, pairs, record, request, stream

MIB = 1 << 20
RESIDENT_MAX_KIB = 24 * 1024
LONG_S = 8  # far below the default timeout of 60 s, far above what it takes


def assert_small(pool):
    status = open(f"/proc/{pool.workers[0].pid}/status").read()
    resident = int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))
    print(f"resident at most {resident} KiB")
    if os.environ.get("BUILD_TYPE") == "RelWithDebInfo":  # others have shadows, counters, bare code
        assert resident < RESIDENT_MAX_KIB


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def test_a_request_is_answered_and_its_connection_closed(pool):
    with pool.peer() as peer:
        peer.send(request("POST", "/t/echo", b"hello"))
        answer = peer.answer()
        assert answer.ended and peer.is_closed()
    assert answer.status == 200
    assert answer.body == b"hello"
    assert answer.headers["Content-Length"] == "5"
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])


def test_every_request_has_an_id_of_its_own_that_the_log_has_too(pool):
    one = pool.ask("GET", "/t/pid")
    two = pool.ask("GET", "/t/none")
    ids = {answer.headers["X-Request-Id"] for answer in (one, two)}
    assert len(ids) == 2
    entry = pool.logged(id=one.headers["X-Request-Id"])
    assert entry["status"] == "200" and entry["path"] == "/t/pid" and entry["surface"] == "test"
    entry = pool.logged(id=two.headers["X-Request-Id"])
    assert entry["status"] == "400" and entry["fault"] == "missing"


@pytest.mark.parametrize("own", ["1", "req-7.a_B:9", "x" * 64])
def test_a_client_s_own_id_names_the_request(pool, own):
    answer = pool.ask("GET", "/t/pid", headers={"HTTP_X_REQUEST_ID": own})
    assert answer.headers["X-Request-Id"] == own
    assert pool.logged(id=own)["status"] == "200"


@pytest.mark.parametrize("own", ["", "x" * 65, "two words", "a=b", 'say "x"', "caf\u00e9", "a\tb"])
def test_an_id_that_could_not_stand_in_a_log_is_replaced(pool, own):
    answer = pool.ask("GET", "/t/pid", headers={"HTTP_X_REQUEST_ID": own})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])


def test_the_log_names_the_client_s_address(pool):
    pool.ask("GET", "/t/none", headers={"REMOTE_ADDR": "192.0.2.7"})
    assert pool.logged(path="/t/none")["client"] == "192.0.2.7"


def test_the_log_holds_no_query_and_no_credential(pool):
    pool.ask("GET", "/t/pid?token=hidden1", headers={"HTTP_AUTHORIZATION": "Bearer hidden2"})
    pool.ask("GET", "/t/%zz?hidden3")
    pool.logged(path="/t/%zz", fault="malformed")
    assert "hidden" not in pool.log_path.read_text()


def test_the_body_may_come_in_any_pieces(pool):
    body = b"the body of a request"
    whole = request("POST", "/t/echo", body)
    for cut in range(0, len(whole), 7):
        with pool.peer() as peer:
            peer.send(whole[:cut])
            time.sleep(0.001)
            peer.send(whole[cut:])
            assert peer.answer().body == body
    with pool.peer() as peer:
        peer.send(head("POST", "/t/echo", body))
        for byte in body:
            peer.send(record(STDIN, bytes([byte])))
        peer.send(record(STDIN))
        assert peer.answer().body == body


def test_a_body_without_a_length_is_read_to_its_end(pool):
    with pool.peer() as peer:
        peer.send(head("POST", "/t/echo") + stream(STDIN, b"x" * 70000) + record(STDIN))
        assert peer.answer().body == b"x" * 70000


@pytest.mark.parametrize("value", ["-1", "1e3", "+5", "5, 5", " 5", "0x5", "9" * 30])
def test_an_odd_content_length_is_refused(pool, value):
    answer = pool.ask("POST", "/t/echo", b"hello", headers={"CONTENT_LENGTH": value})
    assert answer.status == 400 and answer.body == b"malformed Content-Length"


def test_two_framings_are_refused(pool):
    answer = pool.ask("POST", "/t/echo", b"", headers={"HTTP_TRANSFER_ENCODING": "chunked"})
    assert answer.status == 400


def test_a_header_past_its_limit_is_refused(pool):
    assert pool.ask("GET", "/t/pid", headers={"HTTP_X_LONG": "a" * 16384}).status == 200
    assert pool.ask("GET", "/t/pid", headers={"HTTP_X_LONG": "a" * 16385}).status == 400


@pytest.mark.parametrize("body, length", [(b"hell", "5"), (b"hello!", "5"), (b"", "5")])
def test_a_body_of_another_length_is_no_success(pool, body, length):
    answer = pool.ask("POST", "/t/count", body, headers={"CONTENT_LENGTH": length})
    assert answer.status == 400
    pool.logged(path="/t/count", fault="malformed")


def test_a_body_that_the_web_server_takes_back_is_aborted(pool):
    with pool.peer() as peer:
        peer.send(head("POST", "/t/count", b"hello") + stream(STDIN, b"he") + record(ABORT))
        answer = peer.answer()
        assert answer.raw == b"" and answer.ended
    pool.logged(path="/t/count", fault="aborted", status="0")
    pool.ready()


def test_a_connection_that_is_cut_in_the_body_is_aborted(pool):
    with pool.peer() as peer:
        peer.send(head("POST", "/t/count", b"hello") + stream(STDIN, b"he"))
    pool.logged(path="/t/count", fault="aborted", status="0")
    with pool.peer() as peer:  # in the middle of a record
        peer.send(head("POST", "/t/count", b"hello") + record(STDIN, b"hello")[:-2])
    pool.ready()


def test_a_connection_that_is_cut_in_the_head_harms_nobody(pool):
    whole = request("POST", "/t/echo", b"hello")
    for cut in range(0, len(whole) - 8, 11):
        with pool.peer() as peer:
            peer.send(whole[:cut])
    pool.ready()
    assert pool.workers[0].poll() is None


def test_a_head_that_breaks_off_between_two_parameters_is_no_request(pool):
    """libfcgi takes what has come for all there is; without its last parameters it is another."""
    with pool.peer() as peer:
        params = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/t/cut"}
        peer.send(fastcgi.begin() + stream(PARAMS, pairs(params)))
    pool.ready()
    assert all(entry["path"] != "/t/cut" for entry in pool.log())


def test_what_is_not_fastcgi_harms_nobody(pool):
    for junk in (b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 4096, b"\x01\x01" + b"\x00" * 30):
        with pool.peer() as peer:
            peer.send(junk)
            assert peer.is_closed()
    with pool.peer() as peer:
        peer.send(request("GET", "/t/pid", role=fastcgi.FILTER))
        assert peer.is_closed()
    pool.ready()


def test_a_server_that_asks_gets_the_answer_of_a_refusal_or_an_empty_one(pool):
    allowed = pool.ask("GET", "/t/pid", role=fastcgi.AUTHORIZER)
    assert allowed.ended and allowed.status == 200 and allowed.body == b""
    refused = pool.ask("GET", "/t/none", role=fastcgi.AUTHORIZER)
    assert refused.status == 400 and refused.body
    pool.logged(path="/t/none", fault="missing")
    assert all(entry["path"] != "/t/pid" or entry["out"] != "0" for entry in pool.log())


def test_a_body_that_drips_is_given_up_and_one_that_pauses_is_not(make_pool):
    pool = make_pool(LEAST_RATE=10000, LEAST_RATE_WINDOW_S=1)
    with pool.peer() as peer:  # progress all the time, at some 500 bytes a second
        peer.send(head("POST", "/t/count", b"x" * 100000))
        begun = time.monotonic()
        while time.monotonic() - begun < LONG_S and not select.select([peer.socket], [], [], 0)[0]:
            peer.send(stream(STDIN, b"x" * 25))
            time.sleep(0.05)
        assert peer.answer().status == 408
        assert time.monotonic() - begun < 4
    assert pool.logged(path="/t/count")["fault"] == "stalled"
    with pool.peer() as peer:  # faster than that, though it waits now and then
        peer.send(head("POST", "/t/count", b"x" * 90000))
        for _ in range(3):
            peer.send(stream(STDIN, b"x" * 30000))
            time.sleep(0.7)
        peer.send(record(STDIN))
        assert peer.answer().status == 200


def test_an_answer_that_is_read_in_drips_is_broken_off(make_pool):
    pool = make_pool(LEAST_RATE=100000, LEAST_RATE_WINDOW_S=1)
    with pool.peer() as peer:
        peer.send(request("GET", "/t/bytes/50000000"))
        begun = time.monotonic()
        while not pool.log()[1:] and time.monotonic() - begun < LONG_S:
            assert peer.socket.recv(4096)
            time.sleep(0.2)
        assert pool.logged(path="/t/bytes/50000000")["sent"] == "no"


def test_a_stalled_body_is_given_up(make_pool):
    pool = make_pool(BODY_TIMEOUT_S=1)
    with pool.peer() as peer:
        begun = time.monotonic()
        peer.send(head("POST", "/t/count", b"x" * 100) + stream(STDIN, b"x" * 50))
        answer = peer.answer()
        took = time.monotonic() - begun
        assert answer.status == 408 and 0.9 < took < LONG_S
        assert peer.is_closed()
    pool.logged(path="/t/count", fault="stalled")
    pool.ready()


def test_a_slow_body_that_makes_progress_is_not_given_up(make_pool):
    pool = make_pool(BODY_TIMEOUT_S=2)
    with pool.peer() as peer:
        peer.send(head("POST", "/t/echo", b"abcd"))
        for byte in b"abcd":
            time.sleep(0.7)
            peer.send(record(STDIN, bytes([byte])))
        peer.send(record(STDIN))
        assert peer.answer().body == b"abcd"


def test_a_stalled_head_is_given_up(make_pool):
    pool = make_pool(BODY_TIMEOUT_S=1)
    with pool.peer() as silent, pool.peer() as slow:
        slow.send(fastcgi.begin() + stream(PARAMS, pairs({"REQUEST_METHOD": "GET"})))
        begun = time.monotonic()
        pool.ready()
        assert time.monotonic() - begun < LONG_S
        assert silent.is_closed() and slow.is_closed()


def test_a_reader_that_takes_nothing_is_given_up(make_pool):
    pool = make_pool(BODY_TIMEOUT_S=1)
    with pool.peer() as peer:
        peer.send(request("GET", "/t/stream/100000000"))
        pool.ready()
        entry = pool.logged(path="/t/stream/100000000", fault="aborted")
        assert entry["sent"] == "no"
        assert not peer.answer().ended


def test_an_early_answer_arrives_and_closes(pool):
    with pool.peer() as peer:
        peer.send(head("POST", "/t/early", b"x" * MIB, flags=KEEP_CONN) + stream(STDIN, b"x" * 4096))
        answer = peer.answer()
        assert answer.status == 413 and answer.body == b"early" and answer.ended
        assert peer.is_closed()


def test_a_length_over_the_limit_is_refused_at_once(pool):
    with pool.peer() as peer:
        peer.send(head("POST", "/t/small", b"x" * 20000, flags=KEEP_CONN))
        assert peer.answer().status == 413
        assert peer.is_closed()
    with pool.peer() as peer:  # the same while it streams
        peer.send(head("POST", "/t/small") + stream(STDIN, b"x" * 16385))
        assert peer.answer().status == 413


def test_left_over_body_bytes_are_never_a_request(pool):
    """The body holds records that would be one; it is still coming when the answer is out."""
    inner = request("GET", "/t/pid", flags=KEEP_CONN)
    for path in ("/t/early", "/t/small"):
        with pool.peer() as peer:
            peer.send(head("POST", path, b"x" * 65536, flags=KEEP_CONN))
            if path == "/t/small":
                peer.send(stream(STDIN, b"x" * 20000))
            assert peer.answer().status == 413
            try:
                peer.send(inner)
            except OSError:
                pass
            assert peer.answer().raw == b""
            assert peer.is_closed()
    assert [entry for entry in pool.log() if entry["path"] == "/t/pid"][1:] == []


def test_a_kept_connection_carries_the_next_request(pool):
    with pool.peer() as peer:
        for i in range(3):
            body = b"body %d" % i
            peer.send(request("POST", "/t/echo", body, flags=KEEP_CONN, request_id=i + 1))
            assert peer.answer(i + 1).body == body
        peer.send(request("GET", "/t/pid", flags=KEEP_CONN))  # no body to read
        assert peer.answer().status == 200
        peer.send(request("GET", "/t/pid"))
        assert peer.answer().status == 200
        assert peer.is_closed()


def test_a_kept_connection_does_not_hold_the_worker(pool):
    with pool.peer() as kept:
        kept.send(request("GET", "/t/pid", flags=KEEP_CONN))
        assert kept.answer().status == 200
        begun = time.monotonic()
        pool.ready()
        assert time.monotonic() - begun < LONG_S
        assert kept.is_closed()


def test_large_bodies_pass_both_ways_in_little_memory(pool):
    piece = bytes(range(256)) * 256
    body = piece * 1024
    answer = pool.ask("POST", "/t/count", body)
    assert answer.body.startswith(b"%d " % len(body))
    answer = pool.ask("POST", "/t/count", piece + b"tail")
    assert answer.body == b"%d %016x" % (len(piece) + 4, fnv1a(piece + b"tail"))
    for path in ("/t/bytes/67108863", "/t/stream/67108863"):
        answer = pool.ask("GET", path)
        assert answer.ended and answer.body == (b"0123456789abcdef" * (4 * MIB))[:-1]
        assert ("Content-Length" in answer.headers) == path.startswith("/t/bytes")
    assert pool.ask("GET", "/t/stream/1000").headers["Content-Length"] == "1000"
    assert_small(pool)


def test_json_that_would_swell_is_refused_in_little_memory(pool):
    for piece, count in ((b"{},", 1000000), (b"[],", 1000000), (b"1,", 2000000), (b'{"a":{}},', 400000)):
        answer = pool.ask("POST", "/t/json", b"[" + piece * count + b"1]")
        assert answer.status == 413
    strings = b"[" + b'"0123456789abcdef0123456789abcdef",' * 75000 + b"1]"
    assert pool.ask("POST", "/t/json", strings).body == b"json"
    assert pool.ask("POST", "/t/json", b'["' + b"x" * 4000000 + b'"]').body == b"json"
    assert_small(pool)


def test_an_answer_that_breaks_off_looks_broken(pool):
    with pool.peer() as peer:
        peer.send(request("GET", "/t/break/100000", flags=KEEP_CONN))
        answer = peer.answer()
        assert answer.bad and not answer.ended
        assert answer.status == 200 and answer.body == b"x" * 100000
        assert peer.is_closed()
    entry = pool.logged(path="/t/break/100000", fault="internal")
    assert entry["sent"] == "no"
    pool.ready()


def test_an_answer_shorter_than_announced_looks_broken(pool):
    with pool.peer() as peer:
        peer.send(request("GET", "/t/short/10"))
        answer = peer.answer()
        assert answer.bad and not answer.ended
        assert answer.headers["Content-Length"] == "11" and answer.body == b"x" * 10


def test_an_answer_that_breaks_off_early_is_an_error_answer(pool):
    answer = pool.ask("GET", "/t/break/10")
    assert answer.ended and answer.status == 500 and answer.body == b"internal error"


def test_a_success_that_nobody_authorised_is_a_logged_defect(pool):
    answer = pool.ask("GET", "/t/bold")
    assert answer.status == 500 and b"secret" not in answer.raw
    pool.logged(path="/t/bold", status="500", fault="internal")
    assert "unauthorised success" in pool.log_path.read_text()
