"""deploy/run keeps its promises: it starts, goes on, refuses clearly, and leaves nothing."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from sluice import ROOT, SERVER, Service, free_port, head, multipart

STOP_S = 60


def run_once(*options, timeout=600):
    """deploy/run where it should refuse: its exit status and what it said on stderr."""
    line = [str(ROOT / "deploy" / "run"), *options]
    if os.environ.get("PROGRAM"):
        line += ["--program", os.environ["PROGRAM"]]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, env={k: v for k, v in os.environ.items()
                                                if not k.startswith("SLUICE_")})
    return done.returncode, done.stderr.strip().splitlines()


def processes_of(folder):
    """Every process that names the folder in its command line or its environment."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in words and int(entry.name) != os.getpid():
            found.append(words.split(b"\0")[0].decode())
    return found


def assert_nothing_is_left(service):
    assert processes_of(service.state) == []
    assert not (service.state / "run").exists()
    assert [p for p in service.state.rglob("*") if p.is_socket()] == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", service.port), timeout=5)


def slow_put(service, length):
    """A part whose body has begun and waits."""
    session = service.request("POST", "/v1/upload/session", {}).json()["session_id"]
    connection = service.connect()
    headers = [("Content-Type", "text/csv"), ("x-file-name", "a.csv")]
    connection.send(head("PUT", f"/v1/upload/{session}?part=0", headers, length) + b"a,b\n")
    return connection


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_and_nothing_is_left(tmp_path, how):
    service = Service(tmp_path).start()
    assert service.request("GET", "/health").json() == {"status": "ok"}
    process = service.process
    process.send_signal(how)
    assert process.wait(STOP_S) == 0
    assert_nothing_is_left(service)


def test_ctrl_c_on_the_terminal_reaches_the_script_alone_and_stops_in_order(tmp_path):
    # A terminal sends SIGINT to the whole foreground process group.
    service = Service(tmp_path)
    with open(service.log, "ab") as log:
        service.process = subprocess.Popen(service.command(), stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=log, env=service.environment(),
                                           process_group=0)
    service.await_log("Sluice is ready at")
    os.killpg(service.process.pid, signal.SIGINT)
    assert service.process.wait(STOP_S) == 0
    assert_nothing_is_left(service)


@pytest.mark.skipif("PROGRAM" in os.environ, reason="where deploy/run builds by itself")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_build_stops_the_build(tmp_path, how):
    tree = tmp_path / "a tree"
    tree.mkdir()
    for name in ("deploy", "fcgi", "db", "migrations", "CMakeLists.txt"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tree / name)
    process = subprocess.Popen([tree / "deploy" / "run", "--port", str(free_port())],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    log = tree / "build" / "run" / "build.log"
    end = time.monotonic() + STOP_S
    while not (log.exists() and "Building C object" in log.read_text()):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)
    process.send_signal(how)
    assert "failed" not in process.communicate(timeout=STOP_S)[0]
    assert processes_of(tree) == []
    assert not (tree / "build" / "run" / "sluice").exists()


def test_a_killed_script_takes_its_processes_along(tmp_path):
    service = Service(tmp_path).start()
    service.process.kill()
    service.process.wait(STOP_S)
    end = time.monotonic() + 20
    while processes_of(service.state) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes_of(service.state) == []
    # What it could not remove is no hindrance.
    again = Service(tmp_path).start()
    assert again.stop() == 0
    assert_nothing_is_left(again)


def test_a_second_start_goes_on_where_the_first_stopped_within_seconds(tmp_path):
    first = Service(tmp_path).start()
    made = first.request("POST", "/api/repos", {"namespace": "run", "name": "kept"})
    assert made.status in (200, 201), made
    assert first.stop() == 0

    began = time.monotonic()
    second = Service(tmp_path).start()
    assert time.monotonic() - began < 10
    assert second.request("GET", "/api/repos/run/kept").status == 200
    assert second.stop() == 0


def test_a_request_in_hand_is_finished_when_the_service_is_stopped(tmp_path):
    service = Service(tmp_path).start()
    body, content_type = multipart([("file[]", "nonsense", None, b"x" * 100000)])
    assert service.request("POST", "/api/repos", {"namespace": "run", "name": "held"}).status < 300
    with service.connect() as connection:
        headers = [("Content-Type", content_type)]
        connection.send(head("POST", "/api/repos/run/held/versions", headers, len(body)))
        connection.send(body[:5000])
        time.sleep(0.5)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        connection.send(body[5000:])
        assert connection.answer("POST").status == 200
    assert service.process.wait(STOP_S) == 0
    assert_nothing_is_left(service)


def test_a_slow_upload_cannot_keep_the_service_from_stopping(tmp_path):
    service = Service(tmp_path).start()
    with slow_put(service, 1000):
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(STOP_S) == 0
        assert time.monotonic() - began < 45
    assert_nothing_is_left(service)


def test_dead_workers_are_always_replaced(tmp_path):
    service = Service(tmp_path, workers=2).start()
    for _ in range(30):
        for pid in service.worker_pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)
    end = time.monotonic() + 20
    while len(service.worker_pids("bulk")) < 2 or len(service.worker_pids("control")) < 2:
        assert time.monotonic() < end, service.worker_pids()
        time.sleep(0.05)
    assert service.request("GET", "/health").status == 200
    assert service.stop() == 0


def test_a_web_server_that_dies_ends_the_run_with_a_clear_line(tmp_path):
    service = Service(tmp_path).start()
    listing = subprocess.run(["ps", "-e", "-o", "pid,ppid,comm"], capture_output=True, text=True)
    children = [line.split() for line in listing.stdout.splitlines()]
    pid = next(int(c[0]) for c in children
               if c[1] == str(service.process.pid) and c[2] == service.server)
    os.kill(pid, signal.SIGKILL)
    assert service.process.wait(STOP_S) == 1
    assert f"{service.server} has ended by itself" in service.log_text()
    assert processes_of(service.state) == []


def test_a_taken_port_is_one_clear_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        status, said = run_once("--port", port, "--state", str(tmp_path / "state"))
    assert status == 1
    assert said == [f"deploy/run: port {port} of 127.0.0.1 is taken; --port chooses another"]
    assert not (tmp_path / "state" / "run").exists()


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    status, said = run_once("--port", str(free_port()), "--state", str(tmp_path / "file" / "state"))
    assert status == 1
    assert said == [f"deploy/run: cannot create the state folder {tmp_path}/file/state; "
                    "--state chooses another"]


def test_a_folder_that_cannot_be_written_is_one_clear_line():
    # A folder that even root cannot write: the kernel's own.
    status, said = run_once("--port", str(free_port()), "--state", "/sys/kernel")
    assert status == 1
    assert len(said) == 1 and said[0].startswith("deploy/run: "), said
    assert "/sys/kernel" in said[0]


def test_a_state_in_use_is_refused(tmp_path):
    service = Service(tmp_path).start()
    status, said = run_once("--port", str(free_port()), "--state", str(service.state))
    assert status == 1
    assert said == [f"deploy/run: another deploy/run is using {service.state}"]
    assert service.request("GET", "/health").status == 200
    assert service.stop() == 0


def test_open_authentication_is_refused_beyond_loopback(tmp_path):
    status, said = run_once("--auth", "open", "--address", "0.0.0.0", "--state", str(tmp_path))
    assert status == 1
    assert said == ["deploy/run: --auth open is for loopback addresses only; 0.0.0.0 is not one"]


@pytest.mark.parametrize("options", [
    ("--server", "apache"), ("--port", "0"), ("--port", "65536"), ("--port", "http"),
    ("--workers", "0"), ("--workers", "many"), ("--auth", "maybe"), ("--address", "example.org"),
    ("--sendfile", "maybe"),
    ("--unknown",), ("--port",),
])
def test_a_wrong_option_is_one_clear_line(options):
    status, said = run_once(*options)
    assert status == 1
    assert len(said) == 1 and said[0].startswith("deploy/run: "), said


def test_the_other_server_s_sendfile_is_one_clear_line(tmp_path):
    other = {"lighttpd": "x-accel-redirect", "nginx": "x-sendfile"}[SERVER]
    service = Service(tmp_path, settings={"SENDFILE": other})
    with pytest.raises(AssertionError, match=f"SLUICE_SENDFILE is off or, for {SERVER}, x-"):
        service.start()


def test_the_option_lets_the_server_send(tmp_path):
    service = Service(tmp_path)
    service.command = lambda line=service.command(): [*line, "--sendfile", "on"]
    with service:
        conf = (service.state / "run" / f"{SERVER}.conf").read_text()
    assert re.search(r"^ *(location /sluice-blobs/|\"x-sendfile\" => \"enable\")", conf, re.M)


@pytest.mark.parametrize("name", ["it's", 'a "b"', "a;b", "a{b}", "a$b", "a\\b"])
def test_a_folder_that_a_server_s_file_cannot_name_is_refused(tmp_path, name):
    state = tmp_path / name
    status, said = run_once("--server", SERVER, "--port", str(free_port()), "--state", str(state))
    assert status == 1
    assert len(said) == 2 and "must not hold quotes" in said[0], said
    assert "--state chooses another" in said[1]
    assert list(state.iterdir()) == []


class Elsewhere(Service):
    """A service whose temporary files lie in a folder beside its state."""

    def command(self):
        return [*super().command(), "--spool", str(self.folder / "spool")]


def test_bodies_on_their_way_can_lie_elsewhere_and_what_a_crash_left_is_gone(tmp_path):
    service = Elsewhere(tmp_path, workers=2)
    spool = tmp_path / "spool" / f"sluice-{service.port}"
    spool.mkdir(parents=True)
    (spool / "lighttpd-upload-left").write_bytes(b"x" * 1000)
    (tmp_path / "spool" / "somebody-else-s").write_bytes(b"")
    with service:
        assert not (spool / "lighttpd-upload-left").exists()
        with service.connect() as connection:
            connection.send(head("POST", "/schemas", [], 4 << 20) + b"[" * (3 << 20))
            end = time.monotonic() + 10
            while not any(spool.iterdir()) and time.monotonic() < end:  # nginx: its folders
                time.sleep(0.05)
            assert any(spool.iterdir())
            assert not (service.state / "run" / "spool").exists()
    assert [p.name for p in (tmp_path / "spool").iterdir()] == ["somebody-else-s"]


def test_a_machine_that_allows_few_descriptors_is_served_with_them(tmp_path):
    service = Service(tmp_path, workers=2)
    line = ["bash", "-c", 'ulimit -n 512 && exec "$@"', "run", *service.command()]
    service.command = lambda: line
    with service:
        assert service.request("GET", "/health").status == 200
        text = (service.state / "run" / f"{SERVER}.conf").read_text()
        assert " 512" in text and "16384" not in text


def test_a_wrong_setting_is_one_clear_line_of_the_program(tmp_path):
    service = Service(tmp_path, settings={"SESSION_HOURS": "often"})
    with pytest.raises(AssertionError, match="SLUICE_SESSION_HOURS"):
        service.start()
    assert not (service.state / "run").exists()


def test_required_authentication_asks_for_a_token(tmp_path):
    service = Service(tmp_path, auth="required").start()
    assert service.request("POST", "/v1/upload/session", {}).status == 401
    secret = service.token("tester")
    headers = [("Authorization", f"Bearer {secret}")]
    assert service.request("POST", "/v1/upload/session", {}, headers).status == 201
    assert service.stop() == 0
    assert secret not in service.log_text()
