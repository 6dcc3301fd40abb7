"""A system-call trace of the workers, and what it says about the order of things.

The workers are traced from outside (strace -p), so what is traced is what runs in production.
"""

import re
import signal
import subprocess
import time

CALLS = "fdatasync,fsync,syncfs,sync_file_range,flock,write,writev,pwrite64,sendto,sendmsg"
LINE = re.compile(r"^(\d+) +([\d.]+) (\w+)\(\d+<([^>]*)>(.*)$")
START_S = 10


class Event:
    """One call: kind is flush, wal_write, wal_sync, lock, unlock, reply or other."""

    def __init__(self, pid, at, call, target, rest):
        self.pid, self.at, self.call, self.target = int(pid), float(at), call, target
        self.kind = kind_of(call, target, rest)

    def __repr__(self):
        return f"{self.call}({self.target}) {self.kind}"


def kind_of(call, target, rest):
    flushes = call in ("fdatasync", "fsync", "syncfs")
    if target.endswith("-wal"):
        return "wal_sync" if flushes else "wal_write" if "write" in call else "other"
    if target.endswith("sluice.lock") and call == "flock":
        return "unlock" if "LOCK_UN" in rest else "lock"
    if flushes and "/blobs" in target:
        return "flush"
    if flushes:
        return "other_flush"
    if call in ("write", "writev", "sendto", "sendmsg") and re.match(r"(UNIX|socket)", target):
        return "reply"
    return "other"


class Trace:
    """with Trace(pids, path) as trace: ...; trace.events afterwards."""

    def __init__(self, pids, path):
        self.path = path
        self.events = []
        command = ["strace", "-f", "-ttt", "-y", "-qq", "-e", "trace=" + CALLS, "-o", str(path)]
        for pid in pids:
            command += ["-p", str(pid)]
        self.pids = pids
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)

    def attached(self):
        for pid in self.pids:
            with open(f"/proc/{pid}/status", encoding="ascii") as status:
                if "TracerPid:\t0\n" in status.read():
                    return False
        return True

    def __enter__(self):
        end = time.monotonic() + START_S
        while not self.attached():
            if time.monotonic() > end or self.process.poll() is not None:
                self.process.kill()
                raise RuntimeError("strace could not attach to the workers")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=START_S)
        with open(self.path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                found = LINE.match(line)
                if found:
                    self.events.append(Event(*found.groups()))

    def kinds(self):
        """The kinds of interest in the order of time, runs of the same folded to one."""
        folded = []
        for event in sorted(self.events, key=lambda e: e.at):
            if event.kind != "other" and (not folded or folded[-1] != event.kind):
                folded.append(event.kind)
        return folded

    def count(self, *kinds):
        return sum(event.kind in kinds for event in self.events)
