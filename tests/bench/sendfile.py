#!/usr/bin/env python3
"""sendfile.py - reading one content of 1 GiB through both web servers, with and without
SLUICE_SENDFILE: MB/s on one connection, and the processor's seconds that it took.

Needs a release build of Sluice (PROGRAM, default build/run/sluice) and installed web servers.
"""

import argparse
import contextlib
import os
import pathlib
import socket
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "http"))
from sluice import Service, head  # noqa: E402
from server import LARGE, make_large, upload  # noqa: E402

WORDS = {"lighttpd": "x-sendfile", "nginx": "x-accel-redirect"}
REPOSITORY = "bench/sendfile"
ROUNDS = 3
MB = 1e6


def processor_s(pids):
    """Seconds of user and system time of these processes."""
    ticks = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def server_pids(service):
    """The web server's processes: deploy/run's child of that name, and its children."""
    found, parents = [], {service.process.pid}
    while parents:
        born = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rsplit(")", 1)
                if fields[0].endswith(f"({service.server}") and int(fields[1].split()[1]) in parents:
                    born.append(int(entry.name))
        found += born
        parents = set(born)
    return found


def download(port, path):
    """Reads all of it and throws it away; seconds."""
    buffer = bytearray(1 << 20)
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head("GET", path, [("Connection", "close")]))
        got = 0
        while count := connection.recv_into(buffer):
            got += count
    took = time.monotonic() - begun
    if got < LARGE:
        sys.exit(f"the answer broke off after {got} bytes")
    return took


def measure(service, path):
    workers, servers = service.worker_pids(), server_pids(service)
    rounds = []
    for _ in range(ROUNDS):
        before = processor_s(workers), processor_s(servers)
        took = download(service.port, path)
        after = processor_s(workers), processor_s(servers)
        rounds.append((took, after[0] - before[0], after[1] - before[1]))
    return [statistics.median(column) for column in zip(*rounds)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", default="build/bench", help="on the disk that is meant")
    options = parser.parse_args()
    pathlib.Path(options.folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        folder = pathlib.Path(folder).resolve()
        make_large(folder / "large")
        salt = b"sixteen bytes ok"
        with Service(folder, "lighttpd") as service:
            service.request("POST", "/api/repos", {"namespace": "bench", "name": "sendfile"})
            upload(service.port, REPOSITORY, folder / "large", salt)
            version = service.sql("SELECT hash FROM versions")[0]["hash"]
        os.unlink(folder / "large")
        for server, word in WORDS.items():
            base = None
            for mode in ("off", word):
                with Service(folder, server, settings={"SENDFILE": mode}) as service:
                    took, worker, web = measure(service, f"/api/repos/{REPOSITORY}/versions/{version}/content")
                base = base or took
                print(f"= download of 1 GiB, {server}, sendfile {mode} | {LARGE / MB / took:.0f} MB/s | time "
                      f"{took / base:.2f} of that without; worker {worker:.2f} s, server {web:.2f} s",
                      flush=True)


if __name__ == "__main__":
    main()
