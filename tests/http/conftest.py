import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from sluice import SERVER, Service, own_signals  # noqa: E402

own_signals()


def _running(folder, **options):
    service = Service(folder, **options)
    try:
        yield service.start()
    finally:
        service.stop()


@pytest.fixture(scope="session")
def server_name():
    return SERVER


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """One service for the whole run; tests that use it choose names of their own."""
    yield from _running(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """One service a file, with an empty state at its beginning."""
    yield from _running(tmp_path_factory.mktemp("service"))


@pytest.fixture
def fresh(tmp_path):
    """A service of the test's own, with an empty state."""
    yield from _running(tmp_path)


@pytest.fixture
def make_service(tmp_path):
    """Makes services with options of the test's choice: make_service(auth="required",
    settings={"SESSION_HOURS": 1}).  Each is started, and stopped at the end."""
    made = []

    def make(**options):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Service(folder, **options))
        return made[-1].start()

    yield make
    for service in made:
        service.stop()
