"""The disk fails: nothing acknowledged is lost, the answers blame the right side, and after the
cause is gone a restart serves.

faulty.c is preloaded into the workers and fails the calls that the command file names.
"""

import pathlib
import subprocess

import pytest
import uploads
from uploads import Refused

HERE = pathlib.Path(__file__).parent


@pytest.fixture
def faulty(start_preloaded, tmp_path):
    """A service with an upload on each surface, and the file that makes its disk fail."""
    library = tmp_path / "faulty.so"
    subprocess.run(
        ["cc", "-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1"]
        + ["-o", str(library), str(HERE / "faulty.c")],
        check=True,
    )
    command = tmp_path / "command"
    command.write_text("", encoding="ascii")
    sluice = start_preloaded(
        {
            "LD_PRELOAD": library,
            "FAULTY_COMMAND": command,
            "FAULTY_FOLDER": tmp_path / "state",
        }
    )
    uploads.pinot_table(sluice.port, "faulty")
    uploads.oxen_repository(sluice.port, "faulty", "repo")
    uploads.pinot_push(sluice.port, "faulty", {"before": 1})
    uploads.oxen_push(sluice.port, "faulty/repo", [b"before"])
    uploads.opteryx_push(sluice.port, "faulty.c.before", [(1, "a"), (2, "b")])
    return sluice, command


def refusal(work):
    with pytest.raises(Refused) as caught:
        work()
    return caught.value.status, caught.value.body


def pushes(port, mark):
    """One upload a surface; each returns normally or raises Refused."""
    return {
        "pinot": lambda: uploads.pinot_push(port, "faulty", {f"during_{mark}": 1}),
        "opteryx": lambda: uploads.opteryx_session(port, "faulty.c.d"),
        "oxen": lambda: uploads.oxen_repository(port, "faulty", f"r{mark}"),
    }


def check_before_is_there(port):
    assert "before" in uploads.pinot_crcs(port, "faulty")
    assert uploads.oxen_size(port, "faulty/repo", uploads.oxen_hash(b"before")) == 6


def check_serves(port, mark):
    for work in pushes(port, mark).values():
        work()
    assert uploads.oxen_push(port, "faulty/repo", [b"after " + mark.encode()])


def no_server_text(body):
    for word in (b"sqlite", b"SELECT", b"/state", b"sluice.db", b"EIO", b"errno"):
        assert word not in body, body


def test_a_failed_sync_stops_all_writing_until_the_operator_starts_anew(faulty):
    sluice, command = faulty
    command.write_text("sync-wal", encoding="ascii")
    status, body = refusal(pushes(sluice.port, "a")["pinot"])
    assert status == 503
    no_server_text(body)
    command.write_text("", encoding="ascii")
    for name, work in pushes(sluice.port, "b").items():
        status, body = refusal(work)
        assert status == 503, name
        no_server_text(body)
    sluice.restart()
    check_before_is_there(sluice.port)
    check_serves(sluice.port, "c")
    assert sluice.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_full_disk_is_507_and_nothing_is_lost(faulty):
    sluice, command = faulty
    command.write_text("full", encoding="ascii")
    for name, work in pushes(sluice.port, "a").items():
        status, body = refusal(work)
        assert status == 507, name
        no_server_text(body)
    check_before_is_there(sluice.port)
    command.write_text("", encoding="ascii")
    check_before_is_there(sluice.port)
    check_serves(sluice.port, "b")
    sluice.restart()
    check_before_is_there(sluice.port)
    check_serves(sluice.port, "c")
    assert sluice.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_read_only_state_folder_is_read_refuses_writes_and_loses_nothing(faulty):
    sluice, command = faulty
    command.write_text("read-only", encoding="ascii")
    for name, work in pushes(sluice.port, "a").items():
        status, body = refusal(work)
        assert status == 503, name
        no_server_text(body)
    check_before_is_there(sluice.port)
    command.write_text("", encoding="ascii")
    sluice.restart()
    check_before_is_there(sluice.port)
    check_serves(sluice.port, "b")
    assert sluice.rows("PRAGMA integrity_check") == [("ok",)]
