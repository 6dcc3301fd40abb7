"""What `sluice gc` and a start take, and what they must not: on a sound database, on an older one, and
on one that is damaged."""

import os
import re
import shutil
import subprocess

import pytest

from sluice import free_port
from test_contents import LARGE, OXEN, SMALL, csv, fill, push_oxen


def files_of(service):
    """Files of the store that are neither locks nor in the quarantine."""
    blobs = service.state / "blobs"
    return {p for p in blobs.glob("[0-9a-f]*/[0-9a-f]*") if p.is_file()}


def quarantined(service):
    return sorted((service.state / "blobs" / "quarantine").glob("*/*"))


def begin(service):
    """Starts it again, on another port: somebody may have taken the former one meanwhile."""
    service.port = free_port()
    service.start()


def check(service, contents):
    for path, content in contents.items():
        answer = service.request("GET", path)
        assert answer.body == content, (path, answer)


def counts(said):
    return re.sub("^(would take|took) back: ", "", said.splitlines()[0])


def test_a_dry_run_says_exactly_what_the_run_takes(make_service):
    service = make_service(workers=1, settings={"SESSION_HOURS": 1})
    contents = fill(service, each=6) | push_oxen(service, [os.urandom(LARGE) for _ in range(3)])
    gone = push_oxen(service, [os.urandom(LARGE) for _ in range(4)])
    uploads = [service.request("POST", f"{OXEN}/versions/uploads",
                               {"hash": f"{i:x}00", "size": LARGE}).json()["upload_id"]
               for i in range(1, 3)]
    session = service.request("POST", "/v1/upload/session", {}).json()["session_id"]
    for part in range(3):
        put = service.request("PUT", f"/v1/upload/{session}?part={part}", csv(LARGE),
                              [("Content-Type", "text/csv"), ("x-file-name", "a.csv")])
        assert put.status == 201, put
    service.stop()  # nobody else writes
    database = service.state / "sluice.db"
    sql = f"""UPDATE opteryx_session SET expires_at = 1 WHERE session = '{session}';
        UPDATE oxen_upload SET touched_at = 1 WHERE upload = '{uploads[0]}';"""
    for path in gone:
        sql += f"""DELETE FROM oxen_version WHERE hash = X'{int(path.split("/")[-2], 16):032X}';"""
    sql += "UPDATE oxen_repository SET versions = versions - 4;"
    subprocess.run(["sqlite3", str(database), sql], check=True)
    before = files_of(service)
    dry = [service.verb("gc", "--dry-run").stdout for _ in range(2)]
    assert files_of(service) == before and dry[0] == dry[1]
    real = service.verb("gc").stdout
    assert counts(dry[0]) == counts(real)
    assert re.match(r"took back: 1 expired sessions, 20 contents that nothing names, 1 expired "
                    r"uploads, 8 of \d+ files removed, [1-9]", real), real
    assert re.match(r"took back: 0 .* 0 contents .* 0 expired uploads, 0 of .* 0 packs compacted, "
                    r"0 bytes quarantined, 0 bytes freed", service.verb("gc").stdout)
    begin(service)
    check(service, contents)


def lose_entries(service, index, columns, condition):
    """Takes entries out of an index that stay in its table."""
    script = f""".imposter {index} imposter\nDELETE FROM imposter WHERE {condition};"""
    out = subprocess.run(["sqlite3", str(service.state / "sluice.db")], input=script, text=True,
                         capture_output=True)
    assert "imposter" not in out.stderr.lower() or out.returncode == 0, out


@pytest.mark.parametrize("index, column", [("blob_by_file", "file"),
                                           ("opteryx_file_by_blob", "blob")])
def test_an_index_that_has_lost_entries_costs_no_content(make_service, index, column):
    service = make_service(workers=1)
    contents = fill(service, each=4) | push_opteryx_large(service)
    service.stop()
    lose_entries(service, index, column, "1")
    table = "blob" if column == "file" else "opteryx_file"
    found = service.sql(f"SELECT count({column}) AS n FROM {table} INDEXED BY {index}"
                        f" WHERE {column} > 0")
    assert found == [{"n": 0}]  # else nothing is tried
    done = service.verb("gc", check=False)
    if column == "file":
        assert done.returncode == 1 and re.search("REINDEX|damaged", done.stderr), done
    service.verb("gc", check=False)
    assert not [p for p in quarantined(service) if p.stat().st_size == LARGE]
    subprocess.run(["sqlite3", str(service.state / "sluice.db"), "REINDEX"], check=True)
    begin(service)
    check(service, contents)


def push_opteryx_large(service):
    target = {"workspace": "keep", "collection": "all", "dataset": "large"}
    made = service.request("POST", "/v1/upload/session", {"target": target}).json()["session_id"]
    content = csv(LARGE)
    put = service.request("PUT", f"/v1/upload/{made}?part=0", content,
                          [("Content-Type", "text/csv"), ("x-file-name", "a.csv")])
    assert put.status == 201, put
    done = service.request("POST", f"/v1/upload/{made}/commit",
                           {"target": target, "conflict_resolution": "fail"})
    assert done.status == 200, done
    return {"/v1/datasets/keep.all.large/files/1": content}


def test_an_older_database_beside_newer_contents_loses_none(make_service, tmp_path):
    service = make_service(workers=1)
    old = fill(service, each=3)
    subprocess.run(["sqlite3", "-readonly", str(service.state / "sluice.db"),
                    f"VACUUM INTO '{tmp_path}/old.db'"], check=True)
    new = push_oxen(service, [os.urandom(size) for size in (SMALL, LARGE, 2 * LARGE) * 3])
    for pid in service.worker_pids():
        os.kill(pid, 9)  # as a crash leaves them: locks of the dead
    service.stop()
    subprocess.run(["sqlite3", "-readonly", str(service.state / "sluice.db"),
                    f"VACUUM INTO '{tmp_path}/new.db'"], check=True)

    def start_on(database):
        for name in ("sluice.db", "sluice.db-wal", "sluice.db-shm"):
            (service.state / name).unlink(missing_ok=True)
        shutil.copy(tmp_path / database, service.state / "sluice.db")
        begin(service)

    start_on("old.db")
    check(service, old)
    for path in new:
        assert service.request("GET", path).status == 404
    service.verb("gc")
    assert quarantined(service)
    service.stop()
    start_on("new.db")
    assert "came back from the quarantine" in service.log_text()
    check(service, old | new)


def test_the_quarantine_is_emptied_when_its_time_is_over_or_when_asked(make_service):
    service = make_service(workers=1)
    kept = push_oxen(service, [os.urandom(LARGE)])

    def leave_some():
        push_oxen(service, [os.urandom(LARGE) for _ in range(2)])
        service.stop()
        subprocess.run(["sqlite3", str(service.state / "sluice.db"),
                        "DELETE FROM oxen_version WHERE blob > 1"], check=True)
        return service.verb("gc").stdout

    said = leave_some()
    assert f", {2 * LARGE} bytes quarantined, 0 bytes freed" in said, said
    assert f"the quarantine holds 2 files of {2 * LARGE} bytes" in said
    assert len(quarantined(service)) == 2
    [day] = (service.state / "blobs" / "quarantine").iterdir()
    day.rename(day.parent / "2020-02-29")
    dry = service.verb("gc", "--dry-run").stdout
    assert f", {2 * LARGE} bytes freed" in dry and len(quarantined(service)) == 2
    assert f", {2 * LARGE} bytes freed" in service.verb("gc").stdout
    assert quarantined(service) == []
    begin(service)
    leave_some()
    assert len(quarantined(service)) == 2
    assert f", {2 * LARGE} bytes freed" in service.verb("gc", "--empty-quarantine").stdout
    assert quarantined(service) == []
    begin(service)
    check(service, kept)


def test_without_a_quarantine_bytes_are_freed_at_once(make_service):
    service = make_service(workers=1, settings={"QUARANTINE_DAYS": 0})
    push_oxen(service, [os.urandom(LARGE)])
    service.stop()
    subprocess.run(["sqlite3", str(service.state / "sluice.db"), "DELETE FROM oxen_version"],
                   check=True)
    assert f", 0 bytes quarantined, {LARGE} bytes freed" in service.verb("gc").stdout
    assert not (service.state / "blobs" / "quarantine").exists()
    begin(service)


def test_gc_takes_nothing_by_a_damaged_database(make_service):
    service = make_service(workers=1)
    push_oxen(service, [os.urandom(LARGE) for _ in range(3)])
    service.stop()
    before = files_of(service)
    subprocess.run(["sqlite3", str(service.state / "sluice.db"),
                    "DELETE FROM oxen_version WHERE blob = 1;"
                    "PRAGMA foreign_keys = OFF; DELETE FROM blob WHERE blob = 2"], check=True)
    done = service.verb("gc", check=False)
    assert done.returncode == 1 and "the database is damaged" in done.stderr, done
    assert files_of(service) == before and quarantined(service) == []
    begin(service)
