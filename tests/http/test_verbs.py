"""The program's verbs: exit statuses, one clear line for whoever calls them wrongly, and nobody's
state but one's own."""

import os
import subprocess

import pytest

from sluice import Service

DONE, FAILED, USAGE = 0, 1, 2
CALLS = [  # words, exit status, what the line says
    (("help",), DONE, "usage: sluice VERB"),
    (("--help",), DONE, "usage: sluice VERB"),
    (("-h",), DONE, "usage: sluice VERB"),
    (("version",), DONE, "sluice 0."),
    (("--version",), DONE, "sluice 0."),
    ((), USAGE, "usage: sluice VERB"),
    (("frobnicate",), USAGE, "there is no verb frobnicate"),
    (("help", "token"), DONE, "--scope PATTERN"),
    (("worker", "--help"), DONE, "usage: sluice worker"),
    (("serve", "--help"), DONE, "usage: sluice serve"),
    (("reload", "-h"), DONE, "usage: sluice reload"),
    (("migrate", "--help"), DONE, "usage: sluice migrate"),
    (("check", "--help"), DONE, "usage: sluice check"),
    (("token", "--help"), DONE, "usage: sluice token"),
    (("dataset", "--help"), DONE, "usage: sluice dataset"),
    (("gc", "--help"), DONE, "usage: sluice gc"),
    (("routes", "--help"), DONE, "usage: sluice routes"),
    (("routes",), DONE, "pinot:write     /segments/batchUpload"),
    (("routes", "all"), USAGE, "sluice routes"),
    (("migrate", "now"), USAGE, "sluice migrate"),
    (("migrate", "--create", "--dry-run"), USAGE, "migrate [--create | --dry-run]"),
    (("migrate", "--dry-run"), DONE, "there is nothing to migrate"),
    (("serve", "now"), USAGE, "serve [--config FILE]"),
    (("serve",), USAGE, "no sockets were handed over"),
    (("worker", "--ready", "x"), USAGE, "worker [--ready FD]"),
    (("reload",), FAILED, "no sluice serve is using the state"),
    (("check", "--config", "/nonexistent"), FAILED, "settings file /nonexistent"),
    (("check", "now"), USAGE, "check [--socket PATH]"),
    (("check", "--sockets", "x"), USAGE, "check [--socket PATH]"),
    (("check", "--socket"), USAGE, "check [--socket PATH]"),
    (("gc", "dry-run"), USAGE, "gc [--dry-run]"),
    (("gc", "--wet-run"), USAGE, "gc [--dry-run]"),
    (("token",), USAGE, "token create"),
    (("token", "list", "all"), USAGE, "token create"),
    (("token", "revoke"), USAGE, "revoke NAME"),
    (("token", "revoke", "nobody"), FAILED, "no token named nobody"),
    (("token", "create"), USAGE, "--name is required"),
    (("token", "create", "--name", "a b", "--rights", "all:read"), USAGE, "--name is required"),
    (("token", "create", "--name", "a"), USAGE, "--rights is required"),
    (("token", "create", "--name", "a", "--rights", "all:fly"), USAGE, "surface:right"),
    (("token", "create", "--name", "a", "--rights", "all:read", "--days", "0"), USAGE, "--days"),
    (("token", "create", "--name", "a", "--rights", "all:read", "x"), USAGE, "--name N"),
    (("token", "create", "--colour", "red"), USAGE, "--name N"),
    (("dataset",), USAGE, "dataset list"),
    (("dataset", "show", "a.b"), USAGE, "workspace.collection.dataset"),
    (("dataset", "show", "a.b.c"), FAILED, "not found"),
    (("dataset", "drop", "a.b.c"), FAILED, "not found"),
    (("worker",), FAILED, "descriptor 0 is no listening socket"),
]


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """A state that nobody serves."""
    service = Service(tmp_path_factory.mktemp("verbs"))
    if not os.environ.get("PROGRAM"):
        with service:  # builds
            pass
    service.verb("migrate", "--create")
    return service


def call(service, *words, **settings):
    env = service.environment() | {"SLUICE_STATE": str(service.state)} | settings
    return subprocess.run([service.program(), *words], env=env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("words", "status", "said"), CALLS, ids=[" ".join(c[0]) for c in CALLS])
def test_a_verb_says_what_it_takes(state, words, status, said):
    done = call(state, *words)
    assert done.returncode == status, done
    text = done.stdout if status == DONE else done.stderr
    assert said in text
    if status != DONE and words:
        assert len(text.splitlines()) == 1


def test_the_verbs_that_only_look_change_nothing(state):
    assert call(state, "gc", "--dry-run").stdout.startswith("would take back: 0 ")
    assert call(state, "token", "list").stdout.splitlines()[1:] == []
    assert call(state, "dataset", "list").stdout == ""
    assert call(state, "check").returncode == DONE


def test_check_tells_of_a_sync_that_failed_and_migrate_ends_it(state):
    mark = state.state / "sluice.poison"
    mark.touch()
    done = call(state, "check")
    assert done.returncode == FAILED
    assert "a sync has failed" in done.stdout and "sluice migrate" in done.stdout
    assert call(state, "migrate").returncode == DONE
    assert call(state, "check").returncode == DONE and not mark.exists()


@pytest.mark.parametrize("name", ["SLUICE_STATES", "SLUICE_"])
def test_a_setting_that_is_none_is_refused(state, name):
    done = call(state, "check", **{name: "x"})
    assert done.returncode == USAGE
    assert f"{name} is not a setting; sluice check prints those that are" in done.stderr


def test_without_a_state_the_folder_is_named(state, tmp_path):
    done = call(state, "token", "list", SLUICE_STATE=str(tmp_path / "none"))
    assert done.returncode == FAILED
    assert str(tmp_path / "none") in done.stderr and "sluice migrate" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_user_s_state_is_left_alone_even_by_root(state, tmp_path):
    """What root would write there the workers could not read."""
    other = 65534
    folder = tmp_path / "theirs"
    assert call(state, "migrate", "--create", SLUICE_STATE=str(folder)).returncode == DONE
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, other, other)
    for words in [("migrate",), ("gc",), ("token", "list"), ("dataset", "list"), ("worker",)]:
        done = call(state, *words, SLUICE_STATE=str(folder))
        assert done.returncode == FAILED, words
        assert f"({other}): run this as that user" in done.stderr
    done = call(state, "check", SLUICE_STATE=str(folder))
    assert done.returncode == FAILED
    assert "owner          NOT OK" in done.stdout
    assert {path.stat().st_uid for path in folder.rglob("*")} == {other}


def test_a_state_is_made_only_when_told(state, tmp_path):
    folder = tmp_path / "new"
    done = call(state, "migrate", SLUICE_STATE=str(folder))
    assert done.returncode == FAILED and "sluice migrate --create" in done.stderr
    assert not folder.exists()
    assert call(state, "migrate", "--create", SLUICE_STATE=str(folder)).returncode == DONE
    assert call(state, "migrate", SLUICE_STATE=str(folder)).returncode == DONE


def test_settings_come_from_a_file_as_systemd_reads_it(state, tmp_path):
    conf = tmp_path / "sluice.conf"
    conf.write_text("# a comment\n; another\n\n  SLUICE_SESSION_HOURS=2  \n"
                    "SLUICE_PUBLIC_URL='http://a b'\nSLUICE_DEEP_STORE_ROOTS=\"/a\\\"b\":/c\\\n/d\n"
                    "OTHER=passed over\n")
    done = call(state, "check", "--config", str(conf), SLUICE_SESSION_HOURS="3")
    assert done.returncode == DONE, done
    for line in ("SLUICE_SESSION_HOURS=2", "SLUICE_PUBLIC_URL=http://a b",
                 'SLUICE_DEEP_STORE_ROOTS=/a"b:/c/d'):
        assert line in done.stdout.splitlines()


@pytest.mark.parametrize(("text", "said"), [
    ("SLUICE_AUTH=open\nfine\n", "line 2: neither NAME=value nor a comment"),
    ("SLUICE_AUTH='open\n", "a quote is not closed"),
    ("SLUICE_SESION_HOURS=2\n", "SLUICE_SESION_HOURS is not a setting"),
    ("SLUICE_SESSION_HOURS=often\n", "must be a number"),
    ("1=2\n", "line 1: neither"),
    ("#" * 65537, "is longer than 65536 bytes"),
])
def test_a_wrong_settings_file_is_one_clear_line(state, tmp_path, text, said):
    conf = tmp_path / "sluice.conf"
    conf.write_text(text)
    done = call(state, "check", "--config", str(conf))
    assert done.returncode == USAGE
    assert said in done.stderr and len(done.stderr.splitlines()) == 1


def test_errors_have_their_priority_where_the_journal_reads_them(state, tmp_path):
    with open(tmp_path / "journal", "w+b") as log:
        meta = os.fstat(log.fileno())
        for stream, begins in ((f"{meta.st_dev}:{meta.st_ino}", b"<3>sluice: "), ("1:1", b"sluice: ")):
            log.truncate(0)
            log.seek(0)
            env = state.environment() | {"SLUICE_STATE": str(state.state), "JOURNAL_STREAM": stream}
            done = subprocess.run([state.program(), "token", "revoke", "nobody"], env=env,
                                  stdin=subprocess.DEVNULL, stderr=log, timeout=60, check=False)
            log.seek(0)
            assert done.returncode == FAILED and log.read().startswith(begins)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_root_leaves_a_folder_to_the_user_who_will_serve_it(state, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    done = call(state, "migrate", "--create", SLUICE_STATE=str(folder))
    assert done.returncode == FAILED and "(65534): run this as that user" in done.stderr
    assert list(folder.iterdir()) == []
