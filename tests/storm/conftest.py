import os
import pathlib
import shlex
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "http"))
from sluice import Service, own_signals  # noqa: E402

own_signals()

FILE_NUMBER_BITS = 24
PIECE = 1 << 20
WAIT_S = 20


class Sluice(Service):
    """A service whose stored bytes a test can look at."""

    def rows(self, query):
        """The rows, as tuples."""
        return [tuple(row.values()) for row in self.sql(query)]

    def blob_path(self, file):
        worker, number = file >> FILE_NUMBER_BITS, file & ((1 << FILE_NUMBER_BITS) - 1)
        return self.state / "blobs" / f"{worker:010x}" / f"{number:06x}"

    def stored(self, file, start, length):
        """The bytes at a place in the blob store, read from the disk."""
        with open(self.blob_path(file), "rb") as stored:
            stored.seek(start)
            return stored.read(length)

    def blob_pieces(self, blob):
        """The stored bytes of a row of the table blob, read from the disk."""
        ((file, start, left),) = self.rows(
            f"SELECT file, start, bytes FROM blob WHERE blob = {int(blob)}"
        )
        with open(self.blob_path(file), "rb") as stored:
            stored.seek(start)
            while left > 0:
                piece = stored.read(min(left, PIECE))
                assert piece, "the file ends before its content"
                left -= len(piece)
                yield piece

    def restart(self):
        self.stop()
        self.start()

    def wait_for(self, condition):
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.05)


class Preloaded(Sluice):
    """A service whose workers run with variables of their own (LD_PRELOAD and what it reads)."""

    def __init__(self, folder, variables, **options):
        super().__init__(folder, **options)
        self.wrapper = pathlib.Path(folder) / "program"
        self.variables = variables

    def command(self):
        real = shlex.quote(Service.program(self))
        settings = "\n".join(f"    export {k}={shlex.quote(str(v))}" for k, v in self.variables.items())
        self.wrapper.write_text(
            f'#!/bin/bash\nif [ "$1" = worker ]; then\n{settings}\nfi\n'
            f'exec -a "$0" {real} "$@"\n',  # the supervisor starts workers by the name it has
            encoding="ascii",
        )
        self.wrapper.chmod(0o755)
        line = super().command()
        if "--program" in line:
            line[line.index("--program") + 1] = str(self.wrapper)
        else:
            line += ["--program", str(self.wrapper)]
        return line


@pytest.fixture
def sluice(tmp_path):
    """A service of the test's own, with an empty state."""
    with Sluice(tmp_path, workers=int(os.environ.get("WORKERS", "4"))) as service:
        yield service


@pytest.fixture
def start_preloaded(tmp_path):
    """start_preloaded(variables): a service whose workers see them."""
    made = []

    def start(variables):
        made.append(Preloaded(tmp_path, variables))
        return made[-1].start()

    yield start
    for service in made:
        service.stop()
