"""What was pushed comes back: the real client clones, pulls, checks out and reads what it has pushed,
byte for byte, in several of its releases."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))
from sluice import ROOT, Service  # noqa: E402
from test_oxen_client import PYTHON, run, said  # noqa: E402

NEWEST = None
RELEASES = [NEWEST, "0.60.0", "0.53.4", "0.49.0"]
MIB = 1 << 20


@pytest.fixture(scope="module", params=["lighttpd", "nginx"])
def service(request, tmp_path_factory):
    if not shutil.which(request.param) and not os.path.exists(f"/usr/sbin/{request.param}"):
        pytest.skip(f"{request.param} is not there")
    with Service(tmp_path_factory.mktemp("service"), server=request.param, workers=4) as made:
        yield made


def release_folder(release):
    """Where a release is installed; None: the newest, which requirements.txt names."""
    if release is None:
        return None
    folder = ROOT / "build" / "peer" / f"oxenai-{release}"
    if not (folder / "ready").exists():
        subprocess.run([PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder),
                        f"oxenai=={release}"], check=True, timeout=300)
        (folder / "ready").touch()
    return folder


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and ".oxen" not in path.relative_to(folder).parts}


def check_same(folder, where, source="data"):
    got, want = files_of(folder / where), files_of(folder / source)
    assert got.keys() == want.keys()
    assert [name for name in want if got[name] != want[name]] == []


ODD = ["plain.txt", "empty", "with space.txt", "é ü.txt", "emoji 🐂.txt", "50% & more;x=1+1.txt",
       "[brackets] | ^ '.csv", "deep/er/and/deep/er/file.bin", "d/d/twice.txt"]


def write(folder, name, data):
    path = folder / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.fixture(scope="module")
def pushed(service, tmp_path_factory):
    """Three commits and a branch with a slash in its name, made and pushed by the newest client."""
    folder = tmp_path_factory.mktemp("pushed")
    run(folder, service.port, "init")
    for name in ODD:
        write(folder, name, b"" if name == "empty" else name.encode() * 3)
    write(folder, "table.csv", b"x,y\n1,2\n3,4\n")
    write(folder, "same/as.txt", b"plain.txt" * 3)
    write(folder, "d/large.bin", os.urandom(11 * MIB))
    write(folder, "large & odd; +1=é.bin", os.urandom(21 * MIB + 5))
    run(folder, service.port, "commit:first:100", "create:pushed", "push:pushed", "commit:second",
        "commit:third", "push:pushed", "branch:feature/x", "checkout:feature/x",
        "commit:on the branch", "push:pushed:feature/x", "checkout:main")
    return folder


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_a_clone_is_what_was_pushed(service, pushed, tmp_path, release):
    run(tmp_path, service.port, "clone:pushed", release=release_folder(release))
    shutil.copytree(pushed / "data", tmp_path / "data")
    check_same(tmp_path, "clone")
    assert "status=5" not in service.log_text()


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_a_clone_of_everything_has_the_whole_log(service, pushed, tmp_path, release):
    text = run(tmp_path, service.port, "clone:pushed:clone:main:all", "inside:clone", "log",
               release=release_folder(release))
    assert "log 3" in text
    shutil.copytree(pushed / "data", tmp_path / "data")
    check_same(tmp_path, "clone")


def test_a_clone_of_a_branch_with_a_slash(service, pushed, tmp_path):
    run(tmp_path, service.port, "clone:pushed:clone:feature/x")
    names = set(files_of(tmp_path / "clone"))
    assert names == set(files_of(pushed / "data")) | {"on the branch"}


@pytest.mark.parametrize("filters, expected", [
    ("d", ["d/d/twice.txt", "d/large.bin"]),
    ("deep/er,same", ["deep/er/and/deep/er/file.bin", "same/as.txt"]),
])
def test_a_clone_of_folders(service, pushed, tmp_path, filters, expected):
    run(tmp_path, service.port, f"clone:pushed:clone:main:{filters}")
    got = files_of(tmp_path / "clone")
    assert sorted(got) == sorted(expected)
    want = files_of(pushed / "data")
    assert all(got[name] == want[name] for name in expected)


def test_a_large_file_with_a_percent_sign_in_its_name(service, tmp_path):
    """The client does not escape it; nginx refuses such an address before it comes here."""
    if service.server == "nginx":
        pytest.skip("nginx answers 400 to a '%' that begins no escape")
    run(tmp_path, service.port, "init", "commit:50% of it.bin:11000000", "create:percent",
        "push:percent", "clone:percent")
    check_same(tmp_path, "clone")


def test_an_empty_repository_is_cloned_and_pushed_into(service, tmp_path):
    run(tmp_path, service.port, "create:hollow", "clone:hollow", "inside:clone", "commit:one",
        "push_back", "clone:hollow:again")
    check_same(tmp_path, "again", "clone")


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_two_working_copies_pull_what_the_other_pushed(service, tmp_path, release):
    name = f"copies-{release}"
    options = {"release": release_folder(release)}
    run(tmp_path, service.port, "init", "commit:one", "commit:sub/two", f"create:{name}",
        f"push:{name}", **options)
    run(tmp_path, service.port, f"clone:{name}:theirs", "inside:theirs", "pull", **options)
    run(tmp_path, service.port, "commit:three", "commit:sub/four", f"push:{name}", **options)
    run(tmp_path, service.port, "inside:theirs", "pull", "pull", **options)
    check_same(tmp_path, "theirs")
    # both go on: the one that is behind merges and pushes
    run(tmp_path, service.port, "inside:theirs", "commit:five", **options)
    run(tmp_path, service.port, "commit:six", f"push:{name}", **options)
    run(tmp_path, service.port, "inside:theirs", "pull", "push_back", **options)
    run(tmp_path, service.port, f"clone:{name}:last", **options)
    check_same(tmp_path, "last", "theirs")
    assert {"five", "six"} < set(files_of(tmp_path / "last"))


def test_old_releases_push_what_the_newest_clones(service, tmp_path):
    for release in RELEASES[1:]:
        folder = tmp_path / release
        folder.mkdir()
        run(folder, service.port, "init", "commit:a/b/one", f"create:old-{release}",
            f"push:old-{release}", release=release_folder(release))
        run(folder, service.port, f"clone:old-{release}")
        check_same(folder, "clone")


def test_whoever_may_not_read_may_not_clone(make_service, tmp_path):
    service = make_service(auth="required", workers=2)
    owner = service.token("owner")
    run(tmp_path, service.port, "init", "commit:one", "create:guarded", "push:guarded", token=owner)
    writer = service.token("stranger", "oxen:read", "--scope", "other/*")
    text, well = said(tmp_path, service.port, "clone:guarded", token=writer)
    assert not well and "scope does not cover" in text
    run(tmp_path, service.port, "clone:guarded:clone", token=service.token("reader", "oxen:read"))
    check_same(tmp_path, "clone")
