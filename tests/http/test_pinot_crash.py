"""Workers are killed in the middle of batches and copies: what was answered is there, what was not
is there as a whole or not at all, and a retry of the same batch succeeds at once."""

import os
import random
import signal
import threading
import time

import pytest

import pinot_push
from pinot_push import Segment

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SEGMENTS = 1500
COPIES = 12
FILE_BYTES = 4_000_000
AT_ONCE_S = 20  # for a retry, which pushes the whole batch again
PROTECT = "&enableParallelPushProtection=true"


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    from sluice import Service

    folder = tmp_path_factory.mktemp("files")
    service = Service(tmp_path_factory.mktemp("victim"), workers=4,
                      settings={"DEEP_STORE_ROOTS": folder})
    try:
        service.start()
        service.files = folder
        pinot_push.table(service, "crash")
        yield service
    finally:
        service.stop()


def kill_workers(service):
    for pid in service.worker_pids():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def push_while_killed(service, segments, headers, delay):
    """Pushes with the workers killed after delay; the answer, or None when there was none."""
    answers = []

    def send():
        try:
            answers.append(pinot_push.push(service, "crash", segments, PROTECT, headers))
        except (ConnectionError, TimeoutError):
            pass

    thread = threading.Thread(target=send)
    thread.start()
    time.sleep(delay)
    kill_workers(service)
    thread.join()
    return answers[0] if answers else None


def retry(service, segments, headers):
    """A client's retry: at once, and again while the workers come back."""
    end = time.monotonic() + AT_ONCE_S
    while True:
        try:
            answer = pinot_push.push(service, "crash", segments, PROTECT, headers)
            if answer.status == 200:
                return answer
            assert answer.status in (502, 503, 504), answer  # 409 would be a lock that stayed
        except ConnectionError:
            pass
        assert time.monotonic() < end, "no retry succeeded"
        time.sleep(0.05)


def check_round(service, prefix, segments, headers, delay):
    answer = push_while_killed(service, segments, headers, delay)
    there = pinot_push.rows(service, "crash", f"{prefix}[_]*")
    assert len(there) in (0, len(segments))
    if answer is not None and answer.status == 200:
        assert len(there) == len(segments)
    retry(service, segments, headers)
    assert len(pinot_push.rows(service, "crash", f"{prefix}[_]*")) == len(segments)
    assert pinot_push.locks(service) == 0
    return answer is not None and answer.status == 200


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_batch_that_was_cut_off_is_whole_or_not_there_and_a_retry_succeeds(victim, number):
    rng = random.Random(number)
    segments = [Segment(f"b{number}_{i}") for i in range(SEGMENTS)]
    check_round(victim, f"b{number}", segments, [], rng.uniform(0.0, 0.15))


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_copy_that_was_cut_off_leaves_no_lock_that_holds(victim, number):
    rng = random.Random(100 + number)
    segments = []
    for i in range(COPIES):
        segment = Segment(f"c{number}_{i}")
        path = victim.files / f"{segment.name}.tar.gz"
        path.write_bytes(segment.whole(rng.randbytes(FILE_BYTES), "crash"))
        segment.uri = f"file://{path}"
        segments.append(segment)
    headers = [("COPY_SEGMENT_TO_DEEP_STORE", "true")]
    check_round(victim, f"c{number}", segments, headers, rng.uniform(0.0, 0.6))
    for segment in segments[:2]:
        answer = victim.request("GET", f"/segments/crash/{segment.name}")
        assert answer.body == (victim.files / f"{segment.name}.tar.gz").read_bytes()


def test_the_database_is_whole_and_every_row_has_its_bytes(victim):
    assert victim.sql("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    for name, row in pinot_push.rows(victim, "crash", "c[0-9]*").items():
        answer = victim.request("HEAD", f"/segments/crash/{name}")
        assert answer.status == 200 and int(answer.header("Content-Length")) == row["bytes"]
