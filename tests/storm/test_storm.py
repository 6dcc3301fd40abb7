"""Sixteen clients at once: every set of answers is one that some serial order allows, and nobody is
told to come back later."""

from concurrent.futures import ThreadPoolExecutor

import uploads
from uploads import Refused

CLIENTS = 16
BUSY = (503, 504)


def at_once(work):
    """Runs work(i) in CLIENTS threads; returns answers and refusals' statuses."""

    def one(i):
        try:
            return work(i)
        except Refused as refused:
            return refused.status

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(one, range(CLIENTS)))
    statuses = [a for a in answers if isinstance(a, int)]
    assert not [s for s in statuses if s in BUSY], statuses
    return [a for a in answers if not isinstance(a, int)], statuses


def test_one_batch_wins_when_refreshing_is_not_allowed(sluice):
    uploads.pinot_table(sluice.port, "storm")
    for round_ in range(5):
        names = [f"storm_{round_}_{i}" for i in range(20)]
        done, refused = at_once(
            lambda client, names=names: uploads.pinot_push(
                sluice.port, "storm", {n: client + 1 for n in names}, "&allowRefresh=false"
            )
        )
        assert len(done) == 1 and refused == [409] * (CLIENTS - 1)
        crcs = uploads.pinot_crcs(sluice.port, "storm")
        assert len({crcs[n] for n in names}) == 1, "a batch is all or nothing"


def test_overlapping_batches_end_in_a_serial_order(sluice):
    uploads.pinot_table(sluice.port, "overlap")
    names = [f"overlap_{i}" for i in range(30)]
    for protection in ("false", "true"):
        done, refused = at_once(
            lambda client, protection=protection: uploads.pinot_push(
                sluice.port,
                "overlap",
                {n: client + 1 for n in (names if client % 2 else reversed(names))},
                f"&enableParallelPushProtection={protection}",
            )
        )
        assert len(done) == CLIENTS and not refused
        crcs = uploads.pinot_crcs(sluice.port, "overlap")
        assert set(crcs) == set(names)
        assert len(set(crcs.values())) == 1, "the last batch wrote every segment"
        assert sluice.rows("SELECT count(*) FROM push_locks") == [(0,)]


def test_one_commit_wins_with_fail(sluice):
    for round_ in range(5):
        name = f"storm.c.fail{round_}"
        done, refused = at_once(
            lambda client, name=name: uploads.opteryx_push(
                sluice.port, name, [(i, f"w{client}") for i in range(10)], "fail"
            )
        )
        assert len(done) == 1 and refused == [409] * (CLIENTS - 1)


def test_every_overwrite_is_a_snapshot_of_its_own(sluice):
    name = "storm.c.overwrite"
    done, refused = at_once(
        lambda client: uploads.opteryx_push(sluice.port, name, [(client, "w")] * 4, "overwrite")
    )
    assert len(done) == CLIENTS and not refused
    assert len({answer["commit_id"] for answer in done}) == CLIENTS


def test_the_same_files_are_stored_once(sluice):
    uploads.oxen_repository(sluice.port, "storm", "same")
    contents = [f"content {i}".encode() * 50 for i in range(100)] + [b"x" * 400_000]
    done, refused = at_once(
        lambda client: uploads.oxen_push(
            sluice.port, "storm/same", contents if client % 2 else contents[::-1]
        )
    )
    assert len(done) == CLIENTS and not refused
    assert all(len(taken) == len(contents) for taken in done)
    assert sluice.rows("SELECT count(*) FROM versions") == [(len(contents),)]
