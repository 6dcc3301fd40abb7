"""Tree nodes as Oxen's client makes them (fcgi/oxen/node.h), for repositories that no client pushed."""

import struct

import xxhash

COMMIT, DIR, VNODE, FILE = range(4)
VNODE_ENTRIES = 10000


def hash_of(data):
    return format(xxhash.xxh3_128_intdigest(data), "x")


def pack(value):
    """MessagePack.  A hash is given as ("hash", text)."""
    if value is None:
        return b"\xc0"
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes([value])
        if -32 <= value < 0:
            return struct.pack("b", value)
        for code, form in ((0xCC, ">B"), (0xCD, ">H"), (0xCE, ">I"), (0xCF, ">Q")):
            if 0 <= value < 1 << 8 * struct.calcsize(form):
                return bytes([code]) + struct.pack(form, value)
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, tuple):
        return b"\xc4\x10" + int(value[1], 16).to_bytes(16, "big")
    if isinstance(value, str):
        data = value.encode()
        lead = bytes([0xA0 | len(data)]) if len(data) < 32 else b"\xda" + struct.pack(">H", len(data))
        return lead + data
    if isinstance(value, dict):
        assert len(value) < 16
        return bytes([0x80 | len(value)]) + b"".join(pack(k) + pack(v) for k, v in value.items())
    lead = bytes([0x90 | len(value)]) if len(value) < 16 else b"\xdc" + struct.pack(">H", len(value))
    return lead + b"".join(map(pack, value))


def payload(*elements):
    return pack([{"V0_25_0": list(elements)}])


def commit_payload(commit, parents, message, second):
    return payload(("hash", commit), "Commit", [("hash", p) for p in parents], message, "Ox",
                   "ox@example.com", [2026, 327, 7, 32, 39, second, 0, 0, 0])


def dir_payload(name, own, entries, size, commit):
    return payload("Dir", name, ("hash", own), entries, size, ("hash", commit), 0, 0,
                   {"text": entries}, {"text": size})


def file_payload(name, content, size, commit):
    return payload("File", name, None, ("hash", content), ("hash", content), size, ("hash", commit),
                   1795419159, 5, "text", [[1, size]], "text/plain",
                   name.rsplit(".", 1)[-1] if "." in name else "", [("hash", content)], "SingleFile",
                   "Disk")


def node(kind, own, data, children):
    """The two files of a node; children: (kind, hash, payload)."""
    table, at = b"", 0
    for child_kind, child, bytes_ in children:
        table += struct.pack("<B", child_kind) + int(child, 16).to_bytes(16, "little")
        table += struct.pack("<QQ", at, len(bytes_))
        at += len(bytes_)
    name = f"{own[:3]}/{own[3:]}"
    head = struct.pack("<B16xI", kind, len(data))
    return {f"{name}/node": head + data + table,
            f"{name}/children": b"".join(bytes_ for _, _, bytes_ in children)}


def spread(path, entries):
    """The entries of a dir, each in the vnode of its path, sorted by name."""
    count = -(-len(entries) // VNODE_ENTRIES)
    vnodes = [[] for _ in range(count)]
    for name, entry in entries.items():
        full = f"{path}/{name}" if path else name
        vnodes[xxhash.xxh3_128_intdigest(full.encode()) % count].append((name.encode(), entry))
    return [[entry for _, entry in sorted(vnode)] for vnode in vnodes]


def dir_nodes(path, tree, commit):
    """All files of the nodes below a dir, its hash and its payload; tree: {name: bytes or tree}."""
    files, entries, size = {}, {}, 0
    for name, value in tree.items():
        if isinstance(value, dict):
            below, own, data = dir_nodes(f"{path}/{name}" if path else name, value, commit)
            files |= below
            entries[name] = (DIR, own, data)
        else:
            content = hash_of(value)
            entries[name] = (FILE, content, file_payload(name, content, len(value), commit))
        size += len(value) if isinstance(value, bytes) else 0
    vnodes = []
    for entry in spread(path, entries):
        own = hash_of(b"vnode" + path.encode() + b"".join(e[2] for e in entry))
        data = payload(("hash", own), "VNode", len(entry))
        files |= node(VNODE, own, data, entry)
        vnodes.append((VNODE, own, data))
    own = hash_of(b"dir" + path.encode() + b"".join(v[1].encode() for v in vnodes))
    data = dir_payload(path.rsplit("/", 1)[-1], own, len(entries), size, commit)
    return files | node(DIR, own, data, vnodes), own, data


def commit_nodes(commit, parents=(), tree=None, message="c", second=0, last=None):
    """The files of a commit's nodes; tree: {name: bytes, or a tree of a dir}, None for no root; last:
    the commit that changed all of it last."""
    files, root = {}, []
    if tree is not None:
        files, own, data = dir_nodes("", tree, last or commit)
        root = [(DIR, own, data)]
    return files | node(COMMIT, commit, commit_payload(commit, parents, message, second), root)
