"""Real requests, broken at random: what there is to break, how, and what must hold after each.

A request is broken as one that has a structure (method, address, headers, encoded body, archive
inside) as well as bytes on a wire.  After each one a single client knows what must hold: an answer
in the dialect of its surface that tells nothing of the machine, and after a refusal a database that
nobody has written.
"""

import contextlib
import gzip
import re
import socket
import sqlite3
import struct
import time
import urllib.parse
import zlib

import brotli
import zstandard

from sluice import GOLDEN, Connection

QUIET_S = 0.3  # without an answer, after which the client says that nothing more will come
LAST_S = 20
SETTLED_S = 0.015
TWICE_S = 0.3
WORDS = [b"\r\n", b"\r\n\r\n", b"\0", b"\xff\xfe", b"..", b"/", b"%00", b"%2e%2e%2f", b"%", b'"',
         b"\\", b"';--", b"\xc0\xaf", b"\xed\xa0\x80", b"9" * 30, b"-1", b"{" * 40, b"\t", b"\x7f",
         b"\r", b"\n", b" ", b"=", b"&", b"A" * 300, b"\0" * 4096, b"--", b"\x1f\x8b\x08\x00",
         b"u\\u0000"]
METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"QUERY", b"PATCH", b"TRACE",
           b"CONNECT", b"get", b"X" * 33, b"G\xc3\x89T"]
VALUES = {
    b"Content-Encoding": [b"gzip", b"br", b"zstd", b"deflate", b"identity", b"x", b"gzip, br"],
    b"Authorization": [b"Bearer slc_", b"Basic ====", b"Basic Og==", b"Basic \xff", b""],
    b"Range": [b"bytes=0-0", b"bytes=-1", b"bytes=9-1", b"bytes=0-,5-", b"bytes=" + b"9" * 40 + b"-"],
    b"Content-Type": [b"", b"multipart/form-data", b"multipart/form-data; boundary=", b"text/csv",
                      b"multipart/form-data; boundary=" + b"x" * 300, b"application/json",
                      b'multipart/mixed; boundary="a\\"b"'],
    b"Expect": [b"100-continue"],
    b"Transfer-Encoding": [b"chunked", b"gzip, chunked"],
    b"Host": [b"a/b\"c", b""],
    b"X-HTTP-Method-Override": [b"DELETE"],
    b"database": [b"a.b"],
    b"UPLOAD_TYPE": [b"SEGMENT", b"URI"],
    b"DOWNLOAD_URI": [b"file:///etc/passwd"],
    b"COPY_SEGMENT_TO_DEEP_STORE": [b"true"],
    b"If-Match": [b'"x"'],
    b"If-None-Match": [b"*"],
    b"x-oxen-request-id": [b"a\tb"],
    b"x-file-name": [b"../../\xff.csv"],
    b"Cookie": [b"a=" + b"b" * 9000],
    b"Pinot-SegmentZKMetadataCustomMapModifier": [
        b'{"mapModifyMode":"UPDATE","map":{"a":"\\u0000"}}'],
}
HEADERS = [(name, value) for name, values in VALUES.items() for value in values]
OURS = (b"host", b"content-length", b"connection", b"transfer-encoding")  # not as recorded
MORE = [  # what no recording has
    (b"POST", b"/api/repos/ns/tiny/versions/missing", b'{"hashes":["1","zz","\\u0000"]}'),
    (b"POST", b"/api/repos/ns/tiny/versions/uploads", b'{"hash":"5a","size":3}'),
    (b"PUT", b"/api/repos/ns/tiny/versions/uploads/1/parts/1", b"abc"),
    (b"DELETE", b"/api/repos/ns/tiny/versions", b'{"hashes":["1"]}'),
    (b"QUERY", b"/api/repos/ns/tiny/versions", gzip.compress(b"6bba86c7e069f56d5a10b435f1c8e49c\n1\n")),
    (b"POST", b"/api/repos/ns/tiny/versions/batch-download", gzip.compress(b"1\n")),
    (b"GET", b"/api/repos/ns/tiny/versions/6bba86c7e069f56d5a10b435f1c8e49c/content", b""),
    (b"PUT", b"/api/repos/ns/tiny/branches/main", b'{"commit_id":"9434f0f65e4753540e7cce92e6babc6c"}'),
    (b"GET", b"/v1/datasets?workspace=a&limit=5&after=a.b.a", b""),
    (b"GET", b"/v1/datasets/a.b.c/snapshots?limit=2", b""),
    (b"GET", b"/v1/datasets/a.b.c/files/1", b""),
    (b"POST", b"/v1/datasets/a.b.c/rollback", b'{"snapshot":"1"}'),
    (b"POST", b"/v1/upload/session/?a=b", b"{}"),
    (b"POST", b"/segments/myTable/delete", b'["a","b\\u0000c"]'),
    (b"DELETE", b"/segments/myTable?type=OFFLINE&segments=a&retention=1d", b""),
    (b"GET", b"/segments/myTable?startTimestamp=1&endTimestamp=-5", b""),
    (b"GET", b"/segments/myTable/metadata", b""),
    (b"GET", b"/health", b""),
]
MAKERS = (b"/schemas", b"/tables", b"/api/repos")
AGENT = (b"User-Agent", b"Oxen/0.65.1 (Linux)")
SESSION = re.compile(rb"/v1/upload/\d{14}-[0-9a-f]+")


class Request:
    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, list(headers), body
        self.framing = None  # lines that say how long the body is; None: as it is
        self.after = b""  # on the same connection
        self.ending = None  # "half-close" or "reset" when it has been sent

    def copy(self):
        return Request(self.method, self.target, self.headers, self.body)

    def wire(self):
        if self.framing is None and (self.body or self.method not in (b"GET", b"HEAD")):
            self.framing = [b"Content-Length: %d" % len(self.body)]
        lines = [self.method + b" " + self.target + b" HTTP/1.1"]
        lines += [b"Host: localhost"] * all(k.lower() != b"host" for k, _ in self.headers)
        lines += [k + b": " + v for k, v in self.headers] + (self.framing or [])
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body + self.after


def seeds():
    found = []
    for path in sorted(GOLDEN.rglob("*.req.bin")) + sorted(GOLDEN.rglob("*.http")):
        head, _, body = path.read_bytes().partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        method, target, *_ = first.split(b" ")
        pairs = (tuple(part.strip() for part in line.split(b":", 1)) for line in lines)
        kept = [pair for pair in pairs if len(pair) == 2 and pair[0].lower() not in OURS]
        found.append(Request(method, target, kept, body))
    json_type = (b"Content-Type", b"application/json")
    return found + [Request(m, t, [AGENT] + [json_type] * (b[:1] in (b"{", b"[")), b)
                    for m, t, b in MORE]


# ---- breaking bytes --------------------------------------------------------------------------------


def flip(rng, data):
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 40))):
        if out:
            out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def cut(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] if rng.random() < 0.7 else data[:at] + data[rng.randrange(at, len(data) + 1):]


def repeat(rng, data):
    at = rng.randrange(len(data) + 1)
    end = min(len(data), at + rng.choice((1, 30, 600, 5000)))
    return data[:end] + data[at:end] * rng.choice((1, 2, 30)) + data[end:]


def insert(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(WORDS) + data[at:]


def number(rng, data):
    found = list(re.finditer(rb"\d+", data))
    if not found:
        return data
    at = rng.choice(found)
    other = rng.choice((b"0", b"-1", b"1e9", b"9" * 25, b"2147483648", b"00", b""))
    return data[:at.start()] + other + data[at.end():]


def break_bytes(rng, data):
    return rng.choice((flip, cut, repeat, insert, number))(rng, data)


# ---- breaking what is encoded ----------------------------------------------------------------------


def _decoded(data):
    """The place of a coded stream in the data, its bytes and how to code others."""
    at = data.find(b"\x1f\x8b\x08")
    if at >= 0:
        with contextlib.suppress(zlib.error):
            stream = zlib.decompressobj(31)
            plain = stream.decompress(data[at:], 1 << 22)
            return at, len(data) - len(stream.unused_data), plain, gzip.compress
    if data[:4] == b"\x28\xb5\x2f\xfd":
        with contextlib.suppress(zstandard.ZstdError):
            plain = zstandard.ZstdDecompressor().decompressobj().decompress(data)
            return 0, len(data), plain, zstandard.ZstdCompressor().compress
    return None


def inside(rng, request):
    """What an archive or a coded body holds is broken and coded again, so that it is read at all."""
    found = _decoded(request.body)
    if found is None:
        request.body = break_bytes(rng, request.body)
        return
    start, end, plain, code = found
    if len(plain) >= 512 and plain[257:262] == b"ustar" and rng.random() < 0.5:
        block = 512 * rng.randrange(len(plain) // 512)  # keeps a header's sum right
        header = bytearray(break_bytes(rng, plain[block:block + 148])[:148].ljust(148, b"\0"))
        rest = bytearray(plain[block + 156:block + 512])
        rest[0] = rng.choice((rest[0], *b"0157xgLKS"))
        total = sum(header) + sum(rest) + 8 * 32
        plain = plain[:block] + bytes(header) + b"%06o\0 " % total + bytes(rest) + plain[block + 512:]
    else:
        plain = break_bytes(rng, plain)
    request.body = request.body[:start] + code(plain) + request.body[end:]


CODERS = [(b"gzip", gzip.compress), (b"deflate", zlib.compress),
          (b"br", lambda data: brotli.compress(data, quality=1)),
          (b"zstd", zstandard.ZstdCompressor().compress)]


def recode(rng, request):
    name, code = rng.choice(CODERS)
    request.headers = [(k, v) for k, v in request.headers if k.lower() != b"content-encoding"]
    request.headers.append((b"Content-Encoding", name))
    bomb = b"a,b\n1,2\n" + bytes(rng.choice((100, 1 << 20, 20 << 20)))
    plain = request.body if rng.random() < 0.8 else bomb
    request.body = code(plain) * rng.choice((1, 1, 2))
    if rng.random() < 0.5:
        request.body = break_bytes(rng, request.body)


def parts(rng, request):
    """Multipart bodies: the boundary, the parts and their headers."""
    kind = next((v for k, v in request.headers if k.lower() == b"content-type"), b"")
    boundary = re.search(rb'boundary="?([^";]+)', kind)
    if not boundary:
        return
    line = b"--" + boundary[1]
    choice = rng.randrange(6)
    pieces = request.body.split(line)
    if choice == 0:
        rng.shuffle(pieces)
        request.body = line.join(pieces)
    elif choice == 1 and len(pieces) > 2:
        request.body = line.join(pieces[:1] + pieces[1:-1] * rng.choice((2, 50)) + pieces[-1:])
    elif choice == 2:
        tiny = line + b'\r\nContent-Disposition: form-data; name="file[]"; filename="%x"\r\n\r\n\r\n'
        request.body = b"".join(tiny % i for i in range(rng.choice((10, 3000)))) + request.body
    elif choice == 3:
        more = b"".join(b"X-%d: y\r\n" % i for i in range(rng.choice((20, 40, 2000))))
        request.body = request.body.replace(line + b"\r\n", line + b"\r\n" + more, 1)
    elif choice == 4:
        said = insert(rng, b"form-data; name=x; filename*=utf-8''a")
        request.body = request.body.replace(b"form-data", said, 1)
    else:
        request.body = line.join(break_bytes(rng, piece) for piece in pieces)


# ---- breaking heads and framing --------------------------------------------------------------------


def target(rng, request):
    path, mark, query = request.target.partition(b"?")
    segments = path.split(b"/")
    i = rng.randrange(len(segments))
    segments[i] = rng.choice((b"", b".", b"..", b"%2F", b"%00", b"a%2Fb", b"%zz", b"x" * 5000,
                              segments[i] + b"%20", segments[i].upper(), b"/".join([b"s"] * 20),
                              break_bytes(rng, segments[i])))
    more = rng.choice((b"", b"", b"&" + query, b"&part=7", b"&" * 100, b"&tableType=x",
                       b"&a=" + b"y" * 17000, b"&x=" + rng.choice(WORDS)))
    query = break_bytes(rng, query) if rng.random() < 0.3 else query
    path = b"/".join(segments) if rng.random() < 0.7 else path
    request.target = path + (mark or b"?") + query + more


def header(rng, request):
    choice = rng.randrange(4)
    at = rng.randrange(len(request.headers)) if request.headers else 0
    if choice == 0 or not request.headers:
        request.headers.insert(at, rng.choice(HEADERS))
    elif choice == 1:
        del request.headers[at]
    elif choice == 2:
        request.headers.append(request.headers[at])
    else:
        request.headers[at] = (request.headers[at][0], break_bytes(rng, request.headers[at][1]))


def method(rng, request):
    request.method = rng.choice(METHODS)


def length(rng, request):
    true = len(request.body)
    said = rng.choice((true - 1, true + 1, 0, -1, 2**63, 2**64, true * 2, "", "+%d" % true, "0x%x" % true,
                       "%d, %d" % (true, true), "%d " % true, "0%d" % true))
    request.framing = [b"Content-Length: " + str(said).encode()]
    if rng.random() < 0.2:
        request.framing.append(b"Content-Length: %d" % true)
    request.ending = "half-close"


def chunks(rng, request):
    out, left = b"", request.body
    while left:
        size = rng.choice((1, 7, 100, 5000, 70000))
        out += b"%x%s\r\n" % (len(left[:size]), rng.choice((b"", b"", b";a=b"))) + left[:size] + b"\r\n"
        left = left[size:] if len(out) < 1 << 20 else b""
    out += b"0\r\n" + rng.choice((b"", b"", b"X: y\r\n")) + b"\r\n"
    request.framing = [b"Transfer-Encoding: chunked"] + [b"Content-Length: 5"] * (rng.random() < 0.1)
    request.body = out
    if rng.random() < 0.4:
        request.body = break_bytes(rng, out)
        request.ending = "half-close"


def wire(rng, request):
    """Bytes of the head, wherever they are."""
    request.framing = request.framing or [b"Content-Length: %d" % len(request.body)]
    request.headers.append((b"X" + rng.choice(WORDS), rng.choice(WORDS)))
    request.ending = "half-close"


BREAKERS = [*[inside] * 4, *[recode] * 2, *[parts] * 3, *[target] * 3, *[header] * 3,
            length, method, chunks, wire]


def broken(rng, seed):
    request = seed.copy()
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3))):
        rng.choice(BREAKERS)(rng, request)
    data = request.wire()
    if rng.random() < 0.08:
        data, request.ending = data[:rng.randrange(1, len(data) + 1)], rng.choice(("half-close", "reset"))
    return request, data


# ---- sending and judging ---------------------------------------------------------------------------

TELLTALE = re.compile(rb"sqlite|SELECT |INSERT |UPDATE \w+ SET|\.c:\d|sluice\.(db|lock|seq)"
                      rb"|/state/|/tmp/|/blobs")
SURFACES = [(("segments",), "pinot"), (("v2", "segments"), "pinot"), (("tables",), "pinot"),
            (("schemas",), "pinot"), (("version",), "pinot"), (("api",), "oxen")]


def surface_of(raw):
    """The rule of the program: split first, decode each segment once."""
    path = raw.partition(b"?")[0].decode("latin-1")[1:4096]
    words = [urllib.parse.unquote(s, "latin-1") for s in path.split("/")]
    for start, name in SURFACES:
        if tuple(words[:len(start)]) == start and (name != "oxen" or len(words) > 1):
            return name
    return "opteryx"


def shape_is_right(surface, status, body):
    if surface == "pinot":
        return body.keys() == {"code", "error"} and body["code"] == status
    if surface == "oxen":
        return "status" in body or "error" in body
    return "detail" in body or "error" in body


def shown(data):
    """The bytes, with what repeats cut short."""
    return re.sub(rb"(.)\1{40,}", lambda m: m[1] * 8 + b"<%d>" % len(m[0]), data, flags=re.S)[:3000]


class Attack:
    """One client that breaks requests of one service, one at a time."""

    def __init__(self, service, rng):
        self.service, self.rng = service, rng
        self.seeds = seeds()
        self.answers = {}
        self.session = self.upload = b""
        self.unsettled = False
        self.db = sqlite3.connect(f"file:{service.state}/sluice.db?mode=ro", uri=True)

    def prepare(self):
        """What the requests need to get anywhere: tables, a repository, a session of an upload."""
        for seed in self.seeds:
            if seed.method == b"POST" and seed.target.split(b"?")[0] in MAKERS:
                self.exchange(seed.copy().wire(), None)
        ask = self.service.request
        names = {"workspace": "a", "collection": "b", "dataset": "c"}
        for _ in range(2):
            made = ask("POST", "/v1/upload/session", {"target": names}).json()["session_id"]
            ask("PUT", f"/v1/upload/{made}?part=0", b"a,b\n1,2\n", {"x-file-name": "a.csv"})
            if not self.session:  # the dataset is there from the beginning
                ask("POST", f"/v1/upload/{made}/commit", {"target": names, "conflict_resolution": "overwrite"})
            self.session = b"/v1/upload/" + made.encode()
        upload = ask("POST", "/api/repos/ns/tiny/versions/uploads", {"hash": "5a", "size": 3},
                     [(k.decode(), v.decode()) for k, v in [AGENT]]).json()
        self.upload = b"/uploads/%s/" % upload.get("upload_id", "1").encode()

    def version(self):
        return self.db.execute("PRAGMA data_version").fetchone()[0]

    def settle(self, seconds=SETTLED_S):
        """Waits for what an earlier request, whose answer nobody has read, may still do."""
        seen, since = self.version(), time.monotonic()
        while time.monotonic() - since < seconds:
            time.sleep(seconds / 10)
            if self.version() != seen:
                seen, since = self.version(), time.monotonic()

    def exchange(self, data, ending):
        """Sends, in pieces, and returns the first answer or None."""
        with Connection(self.service.port, QUIET_S) as connection:
            at = 0
            with contextlib.suppress(OSError):
                for _ in range(self.rng.choice((0, 0, 0, 1, 4))):
                    upto = self.rng.randrange(at, len(data) + 1)
                    connection.send(data[at:upto])
                    at = upto
                    time.sleep(self.rng.choice((0, 0.001)))
                connection.socket.settimeout(LAST_S)
                connection.send(data[at:])
                if ending == "reset":
                    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return None
                if ending == "half-close":
                    connection.socket.shutdown(socket.SHUT_WR)
            connection.socket.settimeout(QUIET_S if ending is None else LAST_S)
            verb = data.split(b" ", 1)[0].decode("latin-1")
            with contextlib.suppress(OSError):
                try:
                    return connection.answer(verb)
                except socket.timeout:
                    connection.socket.shutdown(socket.SHUT_WR)
                    connection.socket.settimeout(LAST_S)
                    return connection.answer(verb)
        return None

    def judge(self, data, answer):
        """What is wrong with an answer; None when nothing is."""
        ours = answer.header("X-Request-Id") is not None
        if answer.status >= 500 and not (answer.status in (501, 505)):
            return "a failure of the server"
        if any("\r" in v or "\n" in v for _, v in answer.headers):
            return "a header that breaks out"
        if answer.status < 400:
            return None
        told = TELLTALE.search(answer.body)
        if told and told[0] not in data and told[0] not in urllib.parse.unquote_to_bytes(data):
            return "it tells of the machine"
        if not answer.body or answer.header("Content-Type") != "application/json":
            return None
        try:
            body = answer.json()
        except ValueError:
            return "no JSON"
        address = data.partition(b"\r\n")[0].partition(b" ")[2].rpartition(b" ")[0]
        if ours and not shape_is_right(surface_of(address), answer.status, body):
            return "another surface's dialect"
        return None

    def leaves_a_trace(self, request, data, answer):
        """Refused, and the database was written all the same: each time, so that it was not an
        earlier request which took its time.  The good files of an Oxen batch stay when a later one
        is bad (fcgi/oxen/README.md)."""
        if answer.status < 400 or request.ending or b"/versions" in request.target:
            return False
        self.settle(TWICE_S)
        before = self.version()
        again = self.exchange(data, None)
        return again is not None and again.status >= 400 and self.version() != before

    def step(self):
        seed = self.rng.choice(self.seeds)
        request, data = broken(self.rng, seed)
        several = self.rng.random() < 0.05
        if several:
            data += self.rng.choice(self.seeds).copy().wire()
        data = SESSION.sub(self.session, data).replace(b"/uploads/1/", self.upload)
        if self.unsettled:
            self.settle()
        before = self.version()
        answer = self.exchange(data, request.ending)
        self.unsettled = answer is None or several
        key = answer.status if answer else "none"
        self.answers[key] = self.answers.get(key, 0) + 1
        if answer is None:
            return
        wrong = self.judge(data, answer)
        written = not several and self.version() != before
        if not wrong and written and self.leaves_a_trace(request, data, answer):
            wrong = "refused, and yet it left something"
        assert not wrong, f"{wrong}: {answer} {answer.headers} to {shown(data)}"

    def run(self, count, prepare_each=200):
        for i in range(count):
            if i % prepare_each == 0:
                self.prepare()
            self.step()
