"""What the real client sent (tests/golden/opteryx/v1), sent again: whole uploads, and mistakes."""

import re

import pytest

from sluice import GOLDEN

V1 = GOLDEN / "opteryx" / "v1"
STATUS = {  # of a PUT that is one of a kind
    "put_after_commit": None, "put_empty_body": 422, "put_gzip_declared_but_plain": 422,
    "put_header_only_csv": 201, "put_malformed_ndjson": 422, "put_malformed_parquet": 422,
    "put_no_filename": 201, "put_over_30MB": 413, "put_part_1000": 422, "put_part_999": 201,
    "put_part_abc": 422, "put_part_minus1": 422, "put_unknown_encoding": 422,
    "put_unsupported_type": 422,
}


def named(*patterns):
    return sorted(p for pattern in patterns for p in V1.glob(pattern))


def session_of(path):
    return re.search(rb"/v1/upload/(\d{14}-[0-9a-f]+)", path.read_bytes()[:200]).group(1)


def opened(shared, path, substitutions=()):
    answer = shared.replay(path, substitutions)
    assert answer.status == 201
    return answer.json()["session_id"].encode()


FLOWS = sorted({p.name.split("_POST_v1_upload_session")[0]
                for p in named("*_POST_v1_upload_session.req.bin")
                if named(f"{p.name.split('_POST_')[0]}_PUT_*") and
                named(f"{p.name.split('_POST_')[0]}_POST_v1_upload_ID_commit.req.bin")})


@pytest.mark.parametrize("flow", FLOWS)
def test_a_recorded_upload_is_committed(shared, flow):
    """The dataset's name is replaced, so that each flow is the first of its own."""
    parts = named(f"{flow}_PUT_*")
    commit = V1 / f"{flow}_POST_v1_upload_ID_commit.req.bin"
    dataset = re.search(rb'"dataset": "([^"]+)"', commit.read_bytes()).group(1)
    renamed = (b'"%s"' % dataset, b'"recorded_%s"' % flow.replace(".", "_").encode())
    sid = opened(shared, V1 / f"{flow}_POST_v1_upload_session.req.bin", [renamed])
    new = [renamed] + [(session_of(path), sid) for path in (*parts, commit)]
    rows = 0
    for path in parts:
        answer = shared.replay(path, new)
        assert answer.status == 201, (path.name, answer)
        rows += answer.json()["rows"]
    answer = shared.replay(commit, new)
    if "commit_other_target" in flow:
        assert answer.status == 409
        return
    assert answer.status == 200, answer
    made = answer.json()
    numbers = {re.search(r"part_(\d+)", path.name).group(1) for path in parts}
    assert made["files_created"] == len(numbers)
    assert made["rows_written"] == rows and rows > 0
    again = shared.replay(commit, new)
    assert again.body == answer.body


@pytest.mark.parametrize("path", [p for p in named("*put_*_PUT_*") if any(
    f"-{key}_PUT" in p.name and status for key, status in STATUS.items())], ids=lambda p: p.name)
def test_a_recorded_part_gets_its_status(shared, path):
    key = path.name.split("-", 1)[1].split("_PUT")[0]
    sid = opened(shared, V1 / f"{path.name.split('_PUT')[0]}_POST_v1_upload_session.req.bin")
    if "head_of" in path.name:  # the recording holds the beginning of the body alone
        head = path.read_bytes().split(b"\r\n\r\n")[0].replace(session_of(path), sid)
        answer = shared.raw(head + b"\r\n\r\n" + b"x" * 1000, "PUT")
    else:
        answer = shared.replay(path, [(session_of(path), sid)])
    assert answer.status == STATUS[key], answer
    assert "detail" in answer.json() or answer.status == 201


def test_recordings_are_there():
    assert len(FLOWS) >= 20 and len(named("*")) > 90
