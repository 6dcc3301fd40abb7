"""opteryx-upload, the real client: every release of the session API, the first and the last in full."""

import fcntl
import sqlite3

import pytest

RELEASES = ["0.2.0", "0.6.0"]
BETWEEN = {"0.2.1": "none", "0.2.2": "zstd", "0.3.0": "gzip", "0.4.0": "zstd", "0.5.0": "gzip"}
EVERY = sorted([*RELEASES, *BETWEEN])


def run(peer, service, release, scenario, *words, token="open"):
    url = f"http://127.0.0.1:{service.port}"
    return peer("opteryx_client.py", url, token, scenario, *words, release=release).strip()


@pytest.mark.parametrize("release,kind,codec,chunk", [
    (release, kind, codec, chunk)
    for release in RELEASES
    for kind in ("csv", "ndjson", "parquet")
    for codec in (("none",) if release == "0.2.0" else
                  ("none", "auto") if kind == "parquet" else ("none", "gzip", "zstd"))
    for chunk in ((0,) if kind == "parquet" else (0, 20000))] +
    [(release, "csv", codec, 20000) for release, codec in BETWEEN.items()])
def test_uploads_of_every_kind(peer, shared, release, kind, codec, chunk):
    name = f"{kind}_{codec}_{chunk}_{release.replace('.', '_')}"
    parts = int(run(peer, shared, release, "upload_and_commit", kind, codec, str(chunk), name))
    assert (parts > 1) == (chunk > 0)
    row, = shared.sql(f"SELECT rows, files FROM datasets WHERE dataset = 'peer.client.{name}'")
    assert row == {"rows": 5000, "files": parts}


@pytest.mark.parametrize("release", EVERY)
def test_several_files_of_one_session(peer, shared, release):
    name = f"several_{release.replace('.', '_')}"
    run(peer, shared, release, "several_files", name)
    row, = shared.sql(f"SELECT rows, files FROM datasets WHERE dataset = 'peer.client.{name}'")
    assert row == {"rows": 20000, "files": 4}


@pytest.mark.parametrize("release", EVERY)
def test_conflict_modes_and_a_repeated_commit(peer, shared, release):
    run(peer, shared, release, "conflict_modes", f"modes_{release.replace('.', '_')}")


@pytest.mark.parametrize("release", EVERY)
def test_what_the_content_and_the_session_are_refused_for(peer, shared, release):
    run(peer, shared, release, "refusals")


@pytest.mark.parametrize("release", ["0.4.0", "0.5.0", "0.6.0"])
def test_contracts_by_library_and_by_command_line(peer, shared, release):
    name = f"contracts_{release.replace('.', '_')}"
    run(peer, shared, release, "contracts", name)
    row, = shared.sql(f"SELECT rows, files FROM datasets WHERE dataset = 'peer.client.{name}'")
    assert row == {"rows": 5000, "files": 1}, "the last push replaced what was there"


@pytest.mark.parametrize("release", RELEASES)
def test_who_is_refused(peer, make_service, release):
    service = make_service(auth="required")
    reader = service.token("reader", "opteryx:read")
    run(peer, service, release, "denied", "authentication", token="nonsense")
    run(peer, service, release, "denied", "authorization", token=reader)


@pytest.mark.parametrize("release", RELEASES)
def test_an_expired_session(peer, make_service, release):
    service = make_service()
    session = run(peer, service, release, "open_only")
    with sqlite3.connect(service.state / "sluice.db") as db:
        db.execute("UPDATE opteryx_session SET expires_at = 1")
    run(peer, service, release, "expired", session)


@pytest.mark.parametrize("release", RELEASES)
def test_a_busy_service_is_tried_again_and_named(peer, make_service, release):
    service = make_service(settings={"LOCK_WAIT_MS": 100})
    with open(service.state / "sluice.lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run(peer, service, release, "busy")
    assert service.log_text().count("status=504") == 2
