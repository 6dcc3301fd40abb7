import contextlib
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "http"))
from sluice import Service, own_signals  # noqa: E402

own_signals()

BLOCK = 512  # bytes, of st_blocks


class Attacked(Service):
    """A service that a test watches from outside while somebody is hostile to it."""

    def server_pids(self):
        """The web server's processes: all that deploy/run started and that bear its name."""
        found, parents = [], {self.process.pid}
        while parents:
            born = []
            for entry in pathlib.Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    name, rest = (entry / "stat").read_text().rsplit(")", 1)
                    if int(rest.split()[1]) in parents:
                        born.append(int(entry.name))
                        if name.endswith(f"({self.server}"):
                            found.append(int(entry.name))
            parents = set(born)
        return found

    def spooled(self):
        """Bytes on the disk that the web server holds in temporary files, removed ones, too."""
        bytes_of = {}
        spool = str(self.state / "run" / "spool")
        for path in pathlib.Path(spool).rglob("*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                bytes_of[status.st_ino] = status.st_blocks * BLOCK if path.is_file() else 0
        for pid in self.server_pids():
            for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(fd).startswith(spool):
                        status = os.stat(fd)
                        bytes_of[status.st_ino] = status.st_blocks * BLOCK
        return sum(bytes_of.values())

    def processor_s(self, pids):
        """Seconds of user and system time of these processes."""
        ticks = 0
        for pid in pids:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def make_attacked(tmp_path):
    """make_attacked(auth="required", settings={...}, workers=2); started, and stopped at the end."""
    made = []

    def make(**options):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Attacked(folder, **options))
        return made[-1].start()

    yield make
    for service in made:
        service.stop()
