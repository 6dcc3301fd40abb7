"""The web server's side of FastCGI 1.0, by hand, so that it shares nothing with what it tests.

Simplifications: one request at a time on a connection, everything is sent in blocking writes, and
every record is padded to nothing.
"""

import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
KEEP_CONN = 1
RECORD_MAX = 65535
HEADER = struct.Struct(">BBHHBB")


def record(kind, content=b"", request_id=1):
    return HEADER.pack(1, kind, request_id, len(content), 0, 0) + content


def begin(flags=0, role=RESPONDER, request_id=1):
    return record(BEGIN, struct.pack(">HB5x", role, flags), request_id)


def length(n):
    return struct.pack(">B", n) if n < 128 else struct.pack(">I", n | 0x80000000)


def pairs(params):
    out = b""
    for name, value in params.items():
        name, value = name.encode(), value.encode()
        out += length(len(name)) + length(len(value)) + name + value
    return out


def stream(kind, content, request_id=1):
    """The content in records, without the empty one that ends the stream."""
    return b"".join(
        record(kind, content[at : at + RECORD_MAX], request_id)
        for at in range(0, len(content), RECORD_MAX)
    )


def head(method, uri, body=None, flags=0, headers=None, role=RESPONDER, request_id=1):
    """A request up to its body; body gives the Content-Length."""
    params = {"REQUEST_METHOD": method, "REQUEST_URI": uri, "SERVER_ADDR": "127.0.0.1"}
    params["CONTENT_LENGTH"] = "" if body is None else str(len(body))
    params.update(headers or {})
    return (
        begin(flags, role, request_id)
        + stream(PARAMS, pairs(params), request_id)
        + record(PARAMS, b"", request_id)
    )


def request(method, uri, body=None, request_id=1, **more):
    """A whole request."""
    return (
        head(method, uri, body, request_id=request_id, **more)
        + stream(STDIN, body or b"", request_id)
        + record(STDIN, b"", request_id)
    )


class Answer:
    """What came back: ended tells of FCGI_END_REQUEST, bad of a record that is none."""

    def __init__(self):
        self.raw = b""
        self.ended = False
        self.bad = False

    @property
    def headers(self):
        lines = self.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        return dict(line.split(": ", 1) for line in lines if line)

    @property
    def status(self):
        return int(self.headers["Status"].split()[0]) if self.raw else None

    @property
    def body(self):
        return self.raw.partition(b"\r\n\r\n")[2]


class Peer:
    """One connection to the workers' socket."""

    def __init__(self, path, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def exactly(self, count):
        """The next bytes; None when the connection ended before."""
        out = b""
        while len(out) < count:
            try:
                piece = self.socket.recv(count - len(out))
            except ConnectionResetError:
                piece = b""
            if not piece:
                return None
            out += piece
        return out

    def answer(self, request_id=1):
        """Reads up to the end of the request or of the connection."""
        out = Answer()
        pieces = []
        while not out.ended:
            header = self.exactly(HEADER.size)
            if header is None:
                break
            version, kind, of, size, padding, _ = HEADER.unpack(header)
            if version != 1:
                out.bad = True
                break
            content = self.exactly(size + padding)
            assert content is not None, "a record broke off"
            assert of == request_id
            if kind == STDOUT:
                pieces.append(content[:size])
            elif kind == END:
                out.ended = True
        out.raw = b"".join(pieces)
        return out

    def is_closed(self):
        """Waits for the other side to close."""
        return self.exactly(1) is None
