#!/usr/bin/env python3
"""server.py - what Sluice costs behind a web server, as ratios to limits measured in the same run.

  large   one file of 1 GiB through POST .../versions, against dd conv=fsync of the same bytes
  small   GET /health, against a bare libfcgi echo behind the same web server

Needs a release build of Sluice (PROGRAM, default build/run/sluice) and installed web servers.
"""

import argparse
import http.client
import os
import pathlib
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import xxhash

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
CHUNK = 1 << 20
LARGE = 1 << 30
ROUNDS = 3
SMALL_REQUESTS = 3000
START_S = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """deploy/run in the background, with a program in the place of Sluice or Sluice itself."""

    def __init__(self, folder, server, program):
        self.port = free_port()
        self.log = open(folder / f"{server}.log", "wb")
        command = [TOP / "deploy/run", "--server", server, "--port", self.port, "--state"]
        command += [folder / f"state-{server}", "--workers", "4", "--program", program]
        self.process = subprocess.Popen(
            [str(word) for word in command], stdout=self.log, stderr=self.log
        )
        end = time.monotonic() + START_S
        while not self.answers():
            if time.monotonic() > end or self.process.poll() is not None:
                sys.exit(f"deploy/run does not start: see {self.log.name}")
            time.sleep(0.1)

    def answers(self):
        try:
            return self.get() == 200
        except OSError:
            return False

    def get(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", "/health")
        status = connection.getresponse().status
        connection.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        self.log.close()


def make_large(path):
    """Incompressible enough, and known by its hash."""
    hasher = xxhash.xxh3_128()
    with open(path, "wb") as out:
        block = os.urandom(CHUNK)
        for i in range(LARGE // CHUNK):
            piece = i.to_bytes(8, "big") + block[8:]
            hasher.update(piece)
            out.write(piece)
    return hasher


def copy_with_dd(source, target):
    begun = time.monotonic()
    subprocess.run(
        ["dd", f"if={source}", f"of={target}", "bs=1M", "conv=fsync", "status=none"], check=True
    )
    took = time.monotonic() - begun
    os.unlink(target)
    return took


def upload(port, repository, path, salt):
    """The file behind 16 bytes of salt, so that no upload is one that is stored already."""
    hasher = xxhash.xxh3_128(salt)
    with open(path, "rb") as source:
        while piece := source.read(CHUNK):
            hasher.update(piece)
    head = (
        '--b\r\nContent-Disposition: form-data; name="file[]"; '
        f'filename="{hasher.intdigest():x}"\r\n\r\n'
    ).encode() + salt
    tail = b"\r\n--b--\r\n"
    length = len(head) + LARGE + len(tail)
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as connection, open(path, "rb") as source:
        connection.sendall(
            f"POST /api/repos/{repository}/versions HTTP/1.1\r\nHost: localhost\r\n"
            "Connection: close\r\n"
            f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n"
            .encode() + head
        )
        connection.sendfile(source)
        connection.sendall(tail)
        answer = b""
        while piece := connection.recv(CHUNK):
            answer += piece
    if b'"err_files":[]' not in answer:
        sys.exit(f"the upload failed: {answer[:300]!r}")
    return time.monotonic() - begun


def bench_large(server, program):
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as name:
        folder = pathlib.Path(name)
        make_large(folder / "large")
        with Server(folder, server, program) as running:
            connection = http.client.HTTPConnection("127.0.0.1", running.port)
            connection.request("POST", "/api/repos", '{"namespace":"bench","name":"large"}',
                               {"Content-Type": "application/json"})
            connection.getresponse().read()
            ours, limit = [], []
            for _ in range(ROUNDS):
                limit.append(copy_with_dd(folder / "large", folder / "copy"))
                ours.append(upload(running.port, "bench/large", folder / "large", os.urandom(16)))
    mb = LARGE / 1e6
    print(
        f"= upload of 1 GiB, {server}, median of {ROUNDS} | {mb / statistics.median(ours):.0f} MB/s | "
        f"{statistics.median(limit) / statistics.median(ours):.2f} of dd conv=fsync"
    )


def time_small(port):
    times = []
    for _ in range(SMALL_REQUESTS):
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/health")
        connection.getresponse().read()
        connection.close()
        times.append(time.monotonic() - begun)
    return statistics.median(times)


def bench_small(server, program, echo):
    with tempfile.TemporaryDirectory() as name:
        took = {}
        for label, binary in (("sluice", program), ("echo", echo)):
            folder = pathlib.Path(name) / label
            folder.mkdir()
            with Server(folder, server, binary) as running:
                time_small(running.port)
                took[label] = time_small(running.port)
    print(
        f"= GET /health, {server}, median of {SMALL_REQUESTS} | {took['sluice'] * 1e6:.0f} us | time "
        f"{took['sluice'] / took['echo']:.2f} of a bare libfcgi echo's"
    )


def build_echo(folder):
    """The echo behind a script that, like Sluice, only serves when it is told to be a worker."""
    binary = folder / "echo"
    subprocess.run(["cc", "-O2", "-o", binary, HERE / "echo.c", "-lfcgi"], check=True)
    script = folder / "program"
    script.write_text(f'#!/bin/sh\n[ "$1" = worker ] && exec {binary}\nexit 0\n', encoding="ascii")
    script.chmod(0o755)
    return script


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=os.environ.get("PROGRAM", TOP / "build/run/sluice"))
    parser.add_argument("--server", choices=["lighttpd", "nginx"], action="append")
    parser.add_argument("parts", nargs="*", default=["large", "small"])
    wanted = parser.parse_args()
    print(f"machine: {os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}")
    print(f"command: tests/bench/server.py {' '.join(sys.argv[1:])}")
    with tempfile.TemporaryDirectory() as name:
        echo = build_echo(pathlib.Path(name))
        for server in wanted.server or ["lighttpd", "nginx"]:
            if "large" in wanted.parts:
                bench_large(server, wanted.program)
            if "small" in wanted.parts:
                bench_small(server, wanted.program, echo)


if __name__ == "__main__":
    main()
