"""Sluice as the HTTP tests see it: a whole service in a folder of its own, and a client that says
exactly what it is told to say.

The service is started by deploy/run, so that every test is a test of it, too.  Two variables of
the environment choose what is tested: SERVER (lighttpd or nginx) and PROGRAM (a built sluice; when
absent deploy/run builds its own).
"""

import contextlib
import gzip
import io
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import tarfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
SERVER = os.environ.get("SERVER", "lighttpd")
START_S = 600  # the first start builds
ANSWER_S = 60
# What an Asan build says of the program, whatever its exit status.
SANITIZERS = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error:|\w+\.c:\d+: .*Assertion")


def free_port():
    """One that nobody listens on, outside of the range from which the kernel takes the ports of
    connections: one of those may be in use again when the service starts."""
    for port in random.SystemRandom().sample(range(10000, 32000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("100 ports are in use")


def own_signals():
    """The signals that tests send have their usual meaning for what is started from here, also where
    whoever runs the tests ignores them: in the background (SIGINT) or under nohup (SIGHUP)."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)  # its children have the default again


class Answer:
    """One HTTP response: status, headers (pairs, in order), body (chunks put together)."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def header(self, name, default=None):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else default

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


class Connection:
    """A TCP connection to the web server, byte by byte."""

    def __init__(self, port, timeout=ANSWER_S, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        data = self.socket.recv(65536)
        self.buffer += data
        return len(data) > 0

    def _line(self):
        while b"\r\n" not in self.buffer:
            if not self._more():
                raise ConnectionError(f"closed within a line: {self.buffer[:200]!r}")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def _exactly(self, count):
        pieces = [self.buffer[:count]]
        missing = count - len(pieces[0])
        self.buffer = self.buffer[count:]
        while missing > 0:
            data = self.socket.recv(min(missing, 1 << 20))
            if not data:
                raise ConnectionError(f"closed {missing} bytes before the end of the body")
            pieces.append(data)
            missing -= len(data)
        return b"".join(pieces)

    def _head(self):
        status_line = self._line()
        if not status_line.startswith(b"HTTP/1."):
            raise ConnectionError(f"no status line: {status_line[:200]!r}")
        headers = []
        while line := self._line():
            name, value = line.split(b":", 1)
            headers.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        return int(status_line.split()[1]), headers

    def _chunks(self):
        body = b""
        while size := int(self._line().split(b";")[0], 16):
            body += self._exactly(size)
            self._line()
        while self._line():
            pass
        return body

    def answer(self, method="GET"):
        """Reads one response; interim ones (100) are passed over."""
        status, headers = self._head()
        while status < 200:
            status, headers = self._head()
        answer = Answer(status, headers, b"")
        length = answer.header("Content-Length")
        if method == "HEAD" or status in (204, 304):
            pass
        elif (answer.header("Transfer-Encoding") or "").lower() == "chunked":
            answer.body = self._chunks()
        elif length is not None:
            answer.body = self._exactly(int(length))
        else:
            while self._more():
                pass
            answer.body, self.buffer = self.buffer, b""
        return answer

    def closed(self):
        """Whether the server has closed the connection, or does so within two seconds."""
        self.socket.settimeout(2)
        try:
            return not self._more()
        except socket.timeout:
            return False
        except ConnectionError:
            return True


def head(method, target, headers=(), length=None, host="localhost"):
    """The bytes of a request's head.  Strings are sent as latin-1."""
    lines = [f"{method} {target} HTTP/1.1"]
    given = {name.lower() for name, _ in headers}
    if "host" not in given:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in headers]
    if length is not None and not given & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def multipart(parts, boundary="sluice-test-boundary"):
    """A multipart/form-data body and its Content-Type; parts: (name, filename or None,
    content type or None, bytes)."""
    body = b""
    for name, filename, content_type, data in parts:
        disposition = f'form-data; name="{name}"'
        if filename is not None:
            disposition += f'; filename="{filename}"'
        body += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n".encode()
        if content_type is not None:
            body += f"Content-Type: {content_type}\r\n".encode()
        body += b"\r\n" + data + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def tar_gz(files):
    """A gzipped tar of {name: bytes}, or of pairs (name or TarInfo, bytes or None for a folder)."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for member, data in files.items() if isinstance(files, dict) else files:
            if isinstance(member, str):
                name, member = member, tarfile.TarInfo(member)
                member.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
                member.name = name
            member.size = len(data or b"")
            tar.addfile(member, io.BytesIO(data) if data is not None else None)
    return gzip.compress(raw.getvalue(), mtime=0)


def recorded(path, substitutions=()):
    """A recorded request (head and body as they went over the wire) made fit to be sent again:
    pairs of bytes are substituted everywhere, Host is ours and Content-Length true."""
    data = pathlib.Path(path).read_bytes()
    for old, new in substitutions:
        data = data.replace(old, new)
    head_bytes, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head_bytes.split(b"\r\n")
    ours = re.compile(rb"(host|content-length|connection):", re.I)
    kept = [line for line in lines if not ours.match(line)]
    chunked = any(re.match(rb"transfer-encoding:.*chunked", line, re.I) for line in lines)
    kept.insert(0, b"Host: localhost")
    if not chunked and (body or first.split()[0] not in (b"GET", b"HEAD")):
        kept.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([first, *kept]) + b"\r\n\r\n" + body


class Service:
    """Sluice behind a web server, in a folder of its own."""

    def __init__(self, folder, server=SERVER, workers=4, auth="open", settings=None):
        self.folder = pathlib.Path(folder)
        self.state = self.folder / "state"
        self.log = self.folder / "run.log"
        self.server = server
        self.workers = workers
        self.auth = auth
        self.settings = {f"SLUICE_{name}": str(v) for name, v in (settings or {}).items()}
        self.port = free_port()
        self.process = None

    # ---- its life ----

    def command(self):
        line = [str(ROOT / "deploy" / "run"), "--server", self.server, "--port", str(self.port),
                "--state", str(self.state), "--workers", str(self.workers), "--auth", self.auth]
        if os.environ.get("PROGRAM"):
            line += ["--program", os.environ["PROGRAM"]]
        return line

    def environment(self):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_")}
        return clean | self.settings

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=self.environment())
        self.await_log("Sluice is ready at", START_S)
        return self

    def stop(self):
        """Ends it as an operator does, and returns deploy/run's exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(60)
        finally:
            self.process = None
        found = SANITIZERS.search(self.log_text())
        assert not found, f"{self.log}:\n{self.log_text()[found.start():][:6000]}"
        return status

    def await_log(self, words, seconds=ANSWER_S):
        end = time.monotonic() + seconds
        while words not in self.log_text():
            if self.process.poll() is not None:
                raise AssertionError(f"deploy/run has ended:\n{self.log_text()[-4000:]}")
            if time.monotonic() > end:
                raise AssertionError(f"no {words!r} in the log:\n{self.log_text()[-4000:]}")
            time.sleep(0.02)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # ---- what it is asked over HTTP ----

    def connect(self, timeout=ANSWER_S, source="127.0.0.1"):
        """source: any loopback address, for a client that the server takes for another one."""
        return Connection(self.port, timeout, source)

    def request(self, method, target, body=None, headers=(), timeout=ANSWER_S, source="127.0.0.1"):
        """One request on a connection of its own.  headers: pairs or a dict.  body: bytes, or
        anything else as JSON."""
        headers = list(headers.items() if isinstance(headers, dict) else headers)
        if body is not None and not isinstance(body, (bytes, bytearray)):
            body = json.dumps(body).encode()
            headers.append(("Content-Type", "application/json"))
        length = None if body is None and method in ("GET", "HEAD") else len(body or b"")
        with self.connect(timeout, source) as connection:
            connection.send(head(method, target, headers, length))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.send(body or b"")  # an early answer may close it
            return connection.answer(method)

    def raw(self, data, method="GET", timeout=ANSWER_S):
        """Sends exactly these bytes and reads one answer."""
        with self.connect(timeout) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.send(data)
            return connection.answer(method)

    def replay(self, path, substitutions=()):
        """Sends a recorded request."""
        data = recorded(path, substitutions)
        return self.raw(data, data.split(b" ", 1)[0].decode())

    # ---- what it takes ----

    def peak_mib(self):
        """The largest resident memory that a worker of now has had."""
        peaks = [0]
        for pid in self.worker_pids():
            with contextlib.suppress(OSError):
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                peaks.append(int(status.split("VmHWM:")[1].split()[0]) / 1024)
        return max(peaks)

    def is_release(self):
        """Whether bars of memory and time hold: sanitizers and counters of coverage take both."""
        cache = pathlib.Path(self.program()).with_name("CMakeCache.txt")
        if not cache.exists():  # it is installed
            return True
        kind = re.search(r"^CMAKE_BUILD_TYPE:\w+=(.*)$", cache.read_text(), re.M)
        return kind is None or kind.group(1) in ("", "RelWithDebInfo")

    def assert_small(self, most_mib=24):
        peak = self.peak_mib()
        print(f"largest resident memory of a worker: {peak:.1f} MiB")
        assert peak <= most_mib or not self.is_release(), f"{peak} MiB"

    # ---- what an operator sees ----

    def sql(self, query):
        """The rows, as dicts, as anybody sees them with sqlite3 -readonly."""
        command = ["sqlite3", "-readonly", "-json", str(self.state / "sluice.db"), query]
        out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
        return json.loads(out) if out.strip() else []

    def program(self):
        return os.environ.get("PROGRAM") or str(ROOT / "build" / "run" / "sluice")

    def verb(self, *words, check=True):
        """Runs `sluice WORDS...` on this state."""
        env = self.environment() | {"SLUICE_STATE": str(self.state), "SLUICE_AUTH": self.auth}
        return subprocess.run([self.program(), *words], env=env, check=check, text=True,
                              capture_output=True, timeout=120)

    def token(self, name, rights="all:admin", *more):
        """Makes a token and returns its secret."""
        made = self.verb("token", "create", "--name", name, "--rights", rights, *more)
        return made.stdout.split()[-1]

    def worker_pids(self, pool=None):
        """Processes that serve now; pool: "bulk", "read" or "control", or all."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if words[1:2] != [b"worker"] or self._state_of(entry) != str(self.state):
                    continue
                if pool is None or self._pool_of(entry) == pool:
                    found.append(int(entry.name))
        return found

    @staticmethod
    def _state_of(entry):
        for pair in (entry / "environ").read_bytes().split(b"\0"):
            if pair.startswith(b"SLUICE_STATE="):
                return pair.split(b"=", 1)[1].decode()
        return None

    def _pool_of(self, entry):
        """By the inode of the listening socket on descriptor 0."""
        inode = os.readlink(entry / "fd" / "0")
        for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]:
            fields = line.split()
            if len(fields) == 8 and f"socket:[{fields[6]}]" == inode:
                return pathlib.Path(fields[7]).stem
        return None

    def leftovers(self):
        """Temporary files that no request is using; none when the service is idle."""
        spool = self.state / "run" / "spool"
        return sorted(str(p) for p in spool.rglob("*") if p.is_file())
