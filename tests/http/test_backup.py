"""The backup that README.md describes: taken while clients upload, restored elsewhere, whole."""

import shutil
import subprocess
import threading

import xxhash

from sluice import Service, multipart

PATH = "/api/repos/back/up/versions"
SMALL, LARGE = 200, 400000  # into a pack, and into a file of its own


def canonical(content):
    """Oxen's name of a content."""
    return f"{xxhash.xxh3_128_intdigest(content):x}"


def upload(service, contents):
    parts = [("file[]", canonical(c), "application/octet-stream", c)
             for c in contents]
    body, content_type = multipart(parts)
    answer = service.request("POST", PATH, body, [("Content-Type", content_type)])
    assert answer.json()["err_files"] == [], answer


def upload_until(service, done):
    number = 0
    while not done.is_set():
        upload(service, [b"%d-%d" % (number, i) for i in range(20)])
        number += 1


def backup(state, folder):
    """README.md, "Backup", word for word."""
    copy = f"VACUUM INTO '{folder}/sluice.db'"
    subprocess.run(["sqlite3", "-readonly", state / "sluice.db", copy], check=True, timeout=60)
    subprocess.run(["cp", "-a", state / "blobs", folder], check=True, timeout=60)


def test_a_backup_of_a_busy_service_is_whole(tmp_path):
    kept, restored = tmp_path / "backup", tmp_path / "elsewhere"
    kept.mkdir()
    (tmp_path / "live").mkdir()
    with Service(tmp_path / "live") as service:
        made = service.request("POST", "/api/repos", {"namespace": "back", "name": "up"})
        assert made.status == 200, made
        contents = [bytes([i]) * (LARGE if i % 10 == 0 else SMALL) for i in range(50)]
        upload(service, contents)
        done = threading.Event()
        client = threading.Thread(target=upload_until, args=(service, done))
        client.start()
        backup(service.state, kept)
        done.set()
        client.join()
        secret = service.token("after")

    shutil.copytree(kept, restored / "state")
    with Service(restored, auth="open") as service:
        hashes = {row["hash"] for row in service.sql("SELECT hash FROM versions")}
        assert {canonical(c) for c in contents} <= hashes
        for name in hashes:
            answer = service.request("GET", f"{PATH}/{name}/content")
            assert answer.status == 200, answer
            assert canonical(answer.body) == name
        assert service.verb("check").returncode == 0
        assert service.verb("gc").returncode == 0
        upload(service, [b"it goes on"])
        assert secret and service.sql("SELECT * FROM tokens") == []
