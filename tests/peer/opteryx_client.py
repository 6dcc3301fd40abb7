"""One scenario with the real client of a release, which is first on the path.

opteryx_client.py BASE-URL TOKEN SCENARIO [WORD...]: exits 0 when everything was as it should be.
"""

import dataclasses
import inspect
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import ending
import opteryx_upload
import pyarrow
import pyarrow.parquet
from opteryx_upload import ConflictResolution, Target, UploadClient
from opteryx_upload.client import UploadSession

URL, TOKEN, SCENARIO, *WORDS = sys.argv[1:]
OLD = "target" not in inspect.signature(UploadClient.create_session).parameters  # before 0.3.0
PACKS = "compression" in inspect.signature(UploadSession.upload_file).parameters  # since 0.2.2
ROWS = 5000


def client(token=TOKEN, **options):
    return UploadClient(token, base_url=URL, **options)


def opened(target, **options):
    made = client(**options)
    return made.create_session() if OLD else made.create_session(target)


def upload(session, path, codec=None, **options):
    return session.upload_file(path, compression=codec, **options) if PACKS else (
        session.upload_file(path, **options))


def table():
    return pyarrow.table({"id": list(range(ROWS)), "name": [f"row {i}" for i in range(ROWS)],
                          "half": [i / 2 for i in range(ROWS)]})


def sample(folder, kind):
    path = pathlib.Path(folder) / f"sample.{kind}"
    rows = table().to_pylist()
    if kind == "csv":
        lines = ["id,name,half"] + [f"{r['id']},{r['name']},{r['half']}" for r in rows]
        path.write_text("\n".join(lines) + "\n")
    elif kind == "ndjson":
        path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    else:
        pyarrow.parquet.write_table(table(), path)
    return str(path)


def upload_and_commit(kind, codec, chunk, dataset):
    """A whole upload, in parts of chunk bytes when that is not 0."""
    target = Target("peer", "client", dataset)
    with tempfile.TemporaryDirectory() as folder:
        path = sample(folder, kind)
        session = opened(target)
        assert session.inspect() is None
        options = {"max_part_bytes": int(chunk)} if int(chunk) else {}
        if options and PACKS:
            options["max_source_bytes"] = int(chunk)
        parts = upload(session, path, None if codec == "none" else codec, **options)
        found = session.inspect()
        assert found.rows_estimate == ROWS and not found.has_issues, found
        assert [p.id for p in found.parts] == parts and found.parts[0].kind == kind
        types = [c["type"] for c in found.schema["columns"]]
        assert types == ["INT64", "VARCHAR", "FLOAT64"], found.schema
        result = session.commit(target, snapshot_message="peer",
                                conflict_resolution=ConflictResolution.OVERWRITE)
        assert result.table == f"peer.client.{dataset}" and result.rows_written == ROWS
        assert result.files_created == len(parts) and result.commit_id
        print(len(parts))


def several_files(dataset):
    """One session of several files, Parquet twice: the client never splits it."""
    target = Target("peer", "client", dataset)
    with tempfile.TemporaryDirectory() as folder:
        paths = [sample(folder, kind) for kind in ("csv", "ndjson", "parquet")]
        result = client().upload_and_commit([*paths, paths[-1]], target, snapshot_message="several")
        assert (result.rows_written, result.files_created) == (4 * ROWS, 4), result


def conflict_modes(dataset):
    target = Target("peer", "client", dataset)
    with tempfile.TemporaryDirectory() as folder:
        path = sample(folder, "csv")

        def push(mode):
            session = opened(target)
            upload(session, path)
            return session.commit(target, conflict_resolution=mode)

        push(ConflictResolution.APPEND)
        push(ConflictResolution.APPEND)
        push(ConflictResolution.OVERWRITE)
        expect("ConflictError", lambda: push(ConflictResolution.FAIL), 409)
        session = opened(target)
        session.upload_part(b"other\nx\n", 0, filename="o.csv")
        told = expect("ConflictError", lambda: session.commit(
            target, conflict_resolution=ConflictResolution.APPEND), 409)
        assert "table structure doesn't match" in str(told)
        session = opened(target)
        upload(session, path)
        first = session.commit(target, conflict_resolution=ConflictResolution.OVERWRITE)
        assert session.commit(target, conflict_resolution=ConflictResolution.OVERWRITE) == first


def expect(name, action, status):
    try:
        action()
    except getattr(opteryx_upload, name) as error:
        assert error.status_code == status, error.status_code
        return error
    raise AssertionError(f"no {name}")


def refusals():
    target = Target("peer", "client", "refusals")
    session = opened(target)
    expect("UnprocessableEntityError",
           lambda: session.upload_part(b"x", 0, filename="x.xlsx"), 422)
    expect("UnprocessableEntityError",
           lambda: session.upload_part(b"{}\n[]\n", 0, filename="x.ndjson"), 422)
    expect("UnprocessableEntityError",
           lambda: session.upload_part(b"x", 1000, filename="x.csv"), 422)
    expect("UnprocessableEntityError", lambda: session.commit(target), 422)
    expect("SessionNotFoundError", lambda: session.delete_part(5), 404)
    expect("PayloadTooLargeError",
           lambda: session.upload_part(b"a\n" + b"1234567\n" * (4 << 20), 0, filename="x.csv"), 413)
    if PACKS:  # told to compress Parquet, the client declares a coding and sends plain bytes
        with tempfile.TemporaryDirectory() as folder:
            path = sample(folder, "parquet")
            expect("UnprocessableEntityError", lambda: upload(session, path, "gzip"), 422)
    session.upload_part(b"a\n1\n", 0, filename="x.csv", content_type="text/csv")
    session.delete_part(0)
    session.info = dataclasses.replace(session.info, session_id="20260101000000-nosuch")
    expect("SessionNotFoundError", lambda: session.upload_part(b"a\n1\n", 0, filename="x.csv"), 404)
    expect("SessionNotFoundError", session.inspect, 404)


def contracts(dataset):
    """The library's way and the command line's, with its exit codes."""
    with tempfile.TemporaryDirectory() as folder:
        path = sample(folder, "csv")
        bad = pathlib.Path(folder) / "bad.csv"
        bad.write_text("id,name,half\nmany,x,1.5\n")
        made = opteryx_upload.ContractClient(TOKEN, base_url=URL)
        contract = made.negotiate(Target("peer", "client", dataset), [path],
                                  schema=opteryx_upload.Schema.inferred())
        contract.retype(id="INT32")
        contract.accept()
        assert contract.write(path)["rows"] == ROWS
        assert contract.commit("first").rows_written == ROWS
        env = dict(os.environ, OPTERYX_UPLOAD_URL=URL, OPTERYX_TOKEN=TOKEN)

        def line(*words):
            return subprocess.run([sys.executable, "-m", "opteryx_upload", *words], env=env,
                                  capture_output=True, text=True, timeout=60).returncode

        to = ("--to", f"peer.client.{dataset}")
        for words, wanted in ((("plan", path, *to), 0), (("push", path, *to, "--append"), 0),
                              (("push", str(bad), *to), 3), (("push", path, *to, "--infer"), 3),
                              (("push", path, "--to", f"peer.client.{dataset}_new"), 2),
                              (("push", path, "--to", f"peer.client.{dataset}_new", "--yes", "--type",
                                "half=DECIMAL(10, 1)", "--ignore", "name"), 0),
                              (("show", contract.contract_id), 0), (("show", "ct_nope"), 3),
                              (("push", path, *to, "--overwrite"), 0)):
            assert line(*words) == wanted, words


def denied(kind):
    target = Target("peer", "client", "denied")
    if kind == "authentication":
        expect("AuthenticationError", lambda: opened(target), 401)
    else:
        expect("AuthorizationError", lambda: opened(target), 403)


def expired(session_id):
    session = opened(Target("peer", "client", "expired"))
    session.info = dataclasses.replace(session.info, session_id=session_id)
    expect("SessionExpiredError", session.inspect, 410)


def busy():
    expect("ServiceUnavailableError",
           lambda: opened(Target("peer", "client", "busy"), max_retries=1, retry_backoff=0.1), 504)


def open_only():
    print(opened(Target("peer", "client", "open")).session_id)


ending.run(globals()[SCENARIO], *WORDS)
