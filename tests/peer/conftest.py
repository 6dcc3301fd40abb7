import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "http"))
from sluice import ROOT, Service, own_signals  # noqa: E402

own_signals()

PYTHON = os.environ.get("PEER_PYTHON", str(ROOT / "build" / "peer" / "bin" / "python3"))


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("shared"))
    try:
        yield service.start()
    finally:
        service.stop()


@pytest.fixture
def make_service(tmp_path):
    made = []

    def make(**options):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Service(folder, **options))
        return made[-1].start()

    yield make
    for service in made:
        service.stop()


@pytest.fixture(scope="session")
def peer():
    """Runs a script of this folder with the peers' packages, and a client's release before them."""

    def run(script, *words, release=None, timeout=300):
        env = dict(os.environ)
        if release is not None:
            env["PYTHONPATH"] = str(client(release))
        done = subprocess.run([PYTHON, str(HERE / script), *words], env=env, timeout=timeout,
                              capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    return run


def installed(name, words):
    """A folder below build/peer with packages and not what they depend on; made when it is not there."""
    folder = ROOT / "build" / "peer" / name
    if not (folder / "ready").exists():
        subprocess.run([PYTHON, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder),
                        *words], check=True, timeout=300)
        (folder / "ready").touch()
    return folder


def client(release):
    """One release of opteryx-upload."""
    return installed(f"opteryx-upload-{release}", [f"opteryx-upload=={release}"])


@pytest.fixture(scope="session")
def corpora():
    """The packages whose files are read."""
    return installed("corpora", ["-r", str(HERE / "corpora.txt")])
