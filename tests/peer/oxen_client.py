"""The part of the peer test that runs in the environment of the real client (Python package
oxenai): what its users do.  Not a test by itself.

    oxen_client.py FOLDER PORT TOKEN STEP...

Each STEP is a verb and its words, joined by ':'; FOLDER holds the local repository and the client's
settings.  What the client raises is printed, as a user sees it, and ends the run with status 1.
"""

import os
import pathlib
import random
import sys

FOLDER, PORT, TOKEN, *STEPS = sys.argv[1:]
HOST = f"127.0.0.1:{PORT}"
FOLDER = pathlib.Path(FOLDER)
os.environ["HOME"] = str(FOLDER)
os.environ["OXEN_CONFIG_DIR"] = str(FOLDER / "config")

import ending  # noqa: E402
from oxen import RemoteRepo, Repo  # noqa: E402
from oxen.auth import config_auth  # noqa: E402
from oxen.user import config_user  # noqa: E402

MIB = 1 << 20
DATA = FOLDER / "data"


def write(path, content):
    target = DATA / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def add_and_commit(message):
    repository = Repo(str(DATA))
    repository.add(str(DATA))
    repository.commit(message)


def first():
    write("empty", b"")
    write("sub/empty too", b"")
    write("same/one", b"the same content twice")
    write("same/two", b"the same content twice")
    for name in ("grüße.txt", "日本語/ファイル.txt", "émoji 🐂.txt"):
        write(name, name.encode())


def second(files):
    rng = random.Random(1)
    for i in range(files):
        write(f"many/{i // 100:02d}/{i:05d}", rng.randbytes(rng.randrange(1, 8192)))


def third(mebibytes):
    write("large.bin", random.Random(2).randbytes(mebibytes * MIB))


def init():
    DATA.mkdir()
    Repo(str(DATA)).init()


def make(files, mebibytes):
    """Three commits: odd files, many small ones, a large one."""
    init()
    first()
    add_and_commit("first")
    second(int(files))
    add_and_commit("second")
    third(int(mebibytes))
    add_and_commit("third")


def commit(name, size="1000"):
    """A commit of one new file."""
    write(name, random.Random(name).randbytes(int(size)))
    add_and_commit(name)


def branch(name):
    """A new branch here, which is then left again."""
    repository = Repo(str(DATA))
    repository.checkout(name, create=True)
    repository.checkout("main")


def checkout(name):
    Repo(str(DATA)).checkout(name)


def remote(name):
    return RemoteRepo(f"ns/{name}", host=HOST, scheme="http")


def create(name, empty="empty"):
    remote(name).create(empty=empty == "empty")


def push(name, which="main"):
    """Under a remote of its own, which the client ties to one repository."""
    repository = Repo(str(DATA))
    repository.set_remote(name, f"http://{HOST}/ns/{name}")
    repository.push(name, which)


def clone(name, where="clone", which="main", how=""):
    """how: "all", or filters separated by ','."""
    filters = how.split(",") if how and how != "all" else None
    repository = Repo(str(FOLDER / where))
    repository.clone(f"http://{HOST}/ns/{name}", branch=which, all=how == "all", filters=filters)


def inside(where):
    """The next steps are about another working copy."""
    global DATA  # pylint: disable=global-statement
    DATA = FOLDER / where


def pull(which="main", how=""):
    Repo(str(DATA)).pull("origin", which, all=how == "all")


def push_back(which="main"):
    Repo(str(DATA)).push("origin", which)


def log():
    print("log", len(Repo(str(DATA)).log()))


def remove(path):
    (DATA / path).unlink()
    Repo(str(DATA)).rm(path)
    Repo(str(DATA)).commit(f"without {path}")


def exists(name):
    print("exists", remote(name).exists())


def storage(name):
    print("storage", remote(name).storage_backend)


def delete(name):
    remote(name).delete()


VERBS = (init, make, commit, branch, checkout, create, push, exists, storage, delete, clone, inside,
         pull, push_back, log, remove)

config_user("Peer", "peer@example.com")
config_auth(TOKEN, host=HOST)
for words in STEPS:
    verb, *rest = words.split(":")
    try:
        {known.__name__: known for known in VERBS}[verb](*rest)
    except Exception as error:  # pylint: disable=broad-except  # whatever the client raises
        print(f"{words} failed: {error}")
        ending.end(1)
ending.end(0)
