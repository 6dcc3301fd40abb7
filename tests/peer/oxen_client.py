"""The part of the peer test that runs in the environment of the real client (Python package
oxenai): makes a local repository and pushes it.  Not a test by itself.

    oxen_client.py make FOLDER PORT NAME    three commits, none pushed
    oxen_client.py push FOLDER PORT NAME    creates the remote when it is missing, and pushes
"""

import os
import pathlib
import random
import sys

VERB, FOLDER, PORT, NAME = sys.argv[1:5]
HOST = f"127.0.0.1:{PORT}"
FOLDER = pathlib.Path(FOLDER)
os.environ["HOME"] = str(FOLDER)
os.environ["OXEN_CONFIG_DIR"] = str(FOLDER / "config")

from oxen import RemoteRepo, Repo  # noqa: E402
from oxen.auth import config_auth  # noqa: E402
from oxen.user import config_user  # noqa: E402

MIB = 1 << 20
DATA = FOLDER / "data"


def write(path, content):
    target = DATA / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def first():
    write("empty", b"")
    write("sub/empty too", b"")
    write("same/one", b"the same content twice")
    write("same/two", b"the same content twice")
    for name in ("grüße.txt", "日本語/ファイル.txt", "émoji 🐂.txt"):
        write(name, name.encode())


def second():
    rng = random.Random(1)
    for i in range(10000):
        write(f"many/{i // 100:02d}/{i:05d}", rng.randbytes(rng.randrange(1, 8192)))


def third():
    write("large.bin", random.Random(2).randbytes(200 * MIB))


def make():
    DATA.mkdir()
    repository = Repo(str(DATA))
    repository.init()
    for step in (first, second, third):
        step()
        repository.add(str(DATA))
        repository.commit(step.__name__)


def push():
    config_auth("no-token-needed", host=HOST)
    remote = RemoteRepo(f"ns/{NAME}", host=HOST, scheme="http")
    if not remote.exists():
        remote.create(empty=True)
    repository = Repo(str(DATA))
    repository.set_remote(NAME, f"http://{HOST}/ns/{NAME}")
    repository.push(NAME, "main")


config_user("Peer", "peer@example.com")
{"make": make, "push": push}[VERB]()
