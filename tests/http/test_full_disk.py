"""A disk that is full or read-only, for real: a small file system of the test's own.

Root alone may mount one; without it these tests are skipped.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import pytest

from sluice import Service, multipart

MIB = 1 << 20
DISK = 96 * MIB
FLOOR = DISK // 4  # what the default comes to on so small a disk


def mounted(folder, *options):
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small(tmp_path):
    """A service whose state lies on a disk of its own, which the web server's spool shares."""
    service = Service(tmp_path)
    mounted(service.state, "-t", "tmpfs", "-o", f"size={DISK},mode=0750", "tmpfs")
    try:
        yield service
    finally:
        service.stop()
        subprocess.run(["umount", "-l", str(service.state)], check=True)


def free(service):
    disk = os.statvfs(service.state)
    return disk.f_bavail * disk.f_frsize


def fill(service, leave):
    """Takes all but so many bytes; returns the file that does."""
    ballast = service.state / "ballast"
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, free(service) - leave)
    return ballast


def push(service, name):
    """One upload to each surface: their statuses."""
    body, kind = multipart([("file[]", "abc", None, b"never that hash")])
    session = service.request("POST", "/v1/upload/session", {})
    segment, segment_kind = multipart([("x", "x", None, b"no segment")])
    return {
        "session": session.status,
        "repository": service.request("POST", "/api/repos",
                                      {"namespace": "disk", "name": name}).status,
        "versions": service.request("POST", "/api/repos/disk/kept/versions", body,
                                    [("Content-Type", kind)]).status,
        "schema": service.request("POST", "/schemas", schema(name)).status,
        "segments": service.request("POST", "/segments/batchUpload?tableName=kept", segment,
                                    [("Content-Type", segment_kind)]).status,
    }


def schema(name):
    return {"schemaName": name, "dimensionFieldSpecs": [{"name": "a", "dataType": "STRING"}]}


def prepare(service):
    made = service.request("POST", "/api/repos", {"namespace": "disk", "name": "kept"})
    assert made.status in (200, 201), made
    for name in ("kept", "gone"):
        assert service.request("POST", "/schemas", schema(name)).status == 200
    session = service.request("POST", "/v1/upload/session", {}).json()["session_id"]
    put = service.request("PUT", f"/v1/upload/{session}?part=0", b"a,b\n1,2\n",
                          [("Content-Type", "text/csv"), ("x-file-name", "a.csv")])
    assert put.status == 201, put
    target = {"workspace": "disk", "collection": "c", "dataset": "d"}
    done = service.request("POST", f"/v1/upload/{session}/commit",
                           {"target": target, "conflict_resolution": "fail"})
    assert done.status in (200, 201), done


def assert_reads(service):
    assert service.request("GET", "/health").status == 200
    assert service.request("GET", "/api/repos/disk/kept").status == 200
    assert service.request("GET", "/schemas/kept").status == 200
    assert service.request("GET", "/v1/datasets/disk.c.d").status == 200


def test_below_the_floor_uploads_are_507_and_room_can_be_made(small):
    service = small.start()
    prepare(service)
    ballast = fill(service, FLOOR - MIB)
    assert set(push(service, "a").values()) == {507}
    assert_reads(service)
    checked = service.verb("check", check=False)
    assert checked.returncode == 1 and "uploads are refused below" in checked.stdout
    # What makes room, or lets somebody in to make it, may use the floor.
    assert service.request("DELETE", "/schemas/gone").status == 200
    assert service.request("DELETE", "/api/repos/disk/kept").status in (200, 204)
    assert service.token("room").startswith("slc_")
    service.verb("dataset", "drop", "disk.c.d")
    service.verb("gc")
    service.verb("migrate")
    ballast.unlink()
    assert service.request("POST", "/api/repos", {"namespace": "disk", "name": "again"}).status < 300
    assert service.verb("check", check=False).returncode == 0


def test_uploads_that_stream_stop_at_the_floor(small):
    service = small.start()
    prepare(service)
    body, kind = multipart([("file[]", "0abc", None, os.urandom(24 * MIB))])
    least = [free(service)]
    done = threading.Event()

    def watch():
        while not done.is_set():
            stored = sum(p.stat().st_blocks * 512 for p in (service.state / "blobs").rglob("*"))
            least[0] = min(least[0], DISK - stored)
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    fill(service, FLOOR + 16 * MIB)
    answer = service.request("POST", "/api/repos/disk/kept/versions", body,
                             [("Content-Type", kind)])
    done.set()
    watcher.join()
    assert answer.status == 507, answer
    assert_reads(service)
    assert DISK - least[0] <= 20 * MIB, "the contents themselves went below the floor"


def killed(service):
    """Ends it as a power cut does, with a log that nobody has emptied."""
    for pid in service.worker_pids():
        os.kill(pid, signal.SIGSTOP)
    service.process.kill()
    service.process.wait(20)
    service.process = None
    end = time.monotonic() + 20
    while pids := service.worker_pids():
        assert time.monotonic() < end
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def unlink_once(service, words, path):
    end = time.monotonic() + 60
    while words not in service.log_text() and time.monotonic() < end:
        time.sleep(0.01)
    if words in service.log_text():
        path.unlink()


def test_a_start_on_a_full_disk_serves_reads_and_writes_once_there_is_room(small):
    service = small.start()
    prepare(service)
    wal = service.state / "sluice.db-wal"
    turn = 0
    while wal.stat().st_size < 12 * MIB:
        turn += 1
        wide = {"schemaName": f"s{turn}", "dimensionFieldSpecs": [
            {"name": f"column_{turn}_{i}_{'x' * 60}", "dataType": "STRING"} for i in range(2000)]}
        assert service.request("POST", "/schemas", wide).status == 200
    killed(service)
    assert wal.stat().st_size >= 12 * MIB
    shutil.rmtree(service.state / "run", ignore_errors=True)
    crumbs = service.state / "crumbs"
    crumbs.write_bytes(bytes(MIB // 4))
    ballast = fill(service, 3 * MIB)
    # The checkpoint takes what is left; the web server needs a little for its own files.
    watcher = threading.Thread(target=unlink_once, args=(service, "the disk is full", crumbs))
    watcher.start()
    service.start()
    watcher.join()
    assert not crumbs.exists()
    assert_reads(service)
    assert set(push(service, "a").values()) == {507}
    assert service.request("DELETE", "/schemas/gone").status == 507
    assert service.verb("check", check=False).returncode == 1
    ballast.unlink()
    assert service.request("DELETE", "/schemas/gone").status == 200
    assert service.request("GET", f"/schemas/s{turn}").status == 200
    assert service.verb("check").returncode == 0
    assert service.sql("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_a_disk_that_became_read_only_is_read(tmp_path):
    """What ext4 does after an error of its own: it still calls itself writable."""
    service = Service(tmp_path)
    image = tmp_path / "image"
    with open(image, "wb") as file:
        file.truncate(DISK)
    if not shutil.which("mkfs.ext4"):
        pytest.skip("no mkfs.ext4 here")
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    mounted(service.state, "-o", "loop", str(image))
    try:
        service.start()
        prepare(service)
        assert service.verb("check").returncode == 0
        subprocess.run(["mount", "-o", "remount,abort", str(service.state)], check=True)
        # Behind lighttpd a body that is taken whole has no spool any more: its own answer.
        refused = {503} if service.server == "nginx" else {500, 503}
        for answer in (service.request("DELETE", "/schemas/gone"),
                       service.request("POST", "/v1/upload/session", {})):
            assert answer.status in refused, answer
            assert "read-only" in answer.text or "written" in answer.text, answer
        assert_reads(service)
        checked = service.verb("check", check=False)
        assert checked.returncode == 1 and "Read-only file system" in checked.stdout
    finally:
        service.stop()
        subprocess.run(["umount", "-l", str(service.state)], check=True)
    assert pathlib.Path(image).exists()
