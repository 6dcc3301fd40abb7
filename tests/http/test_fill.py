"""deploy/fill writes a web server's configuration, and takes nothing away from one that is in use."""

import subprocess

import pytest

from sluice import ROOT


def fill(folder, server, *more):
    return subprocess.run([ROOT / "deploy" / "fill", server, folder, "ADDRESS=127.0.0.1", "PORT=8080",
                           f"SOCKETS={folder}", f"SPOOL={folder}", "USER=", "LOG=stderr", *more],
                          capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("server", "word"), [("lighttpd", "ssl.pemfile ="),
                                              ("nginx", "ssl_certificate ")])
def test_tls_that_was_filled_in_stays(tmp_path, server, word):
    conf = tmp_path / f"{server}.conf"
    tls = ("CERT=/etc/ssl/a.pem", "KEY=/etc/ssl/a.key")

    def live():
        return [line.strip() for line in conf.read_text().splitlines()
                if line.strip().startswith(word)]

    assert fill(tmp_path, server).returncode == 0 and live() == []
    assert fill(tmp_path, server, *tls).returncode == 0
    assert len(live()) == 1 and '"/etc/ssl/a.pem"' in live()[0]
    before = conf.read_text()
    again = fill(tmp_path, server, f"BLOBS={tmp_path}")
    assert again.returncode == 1 and "give CERT= and KEY=" in again.stderr
    assert conf.read_text() == before
    assert fill(tmp_path, server, *tls, f"BLOBS={tmp_path}").returncode == 0
    assert len(live()) == 1
    half = fill(tmp_path, server, tls[0])
    assert half.returncode == 1 and "go together" in half.stderr
