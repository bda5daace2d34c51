#!/usr/bin/env python3
"""Check an exported ledger with Python (3.9 or newer) and OpenSSL (3.0 or newer) alone.

    python3 verify.py [DIRECTORY] [--fingerprints FILE]

It trusts nothing that the export says of itself: it reads every file, refuses what it does not
know, recomputes every hash, and checks every signature with `openssl pkeyutl`. What it cannot know
is whether the keys are the right ones. FILE holds what you were told by telephone or on paper, a
line for each party: its name and its fingerprint, `nurses 1a2b 3c4d 5e6f …`; the consortium itself
goes by its origin. Without FILE the fingerprints are printed for you to compare.

Exit code 0: everything holds. 3: something does not, and the message says what. 1: it could not be
checked (no OpenSSL, unreadable files). 2: wrong usage. Layout: docs/formats/ledger-export.md;
language of the entries: docs/formats/ledger.md. This file needs nothing but itself.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

__all__ = ["Failure", "Summary", "main", "verify"]

FORMAT = 1
WORDS = {
    "author": ("recipient", "partner", "operator"),
    "campaign_change": ("sending", "paused", "resumed", "stopped", "finished"),
    "answer": ("approved", "declined"),
    "decision": ("assigned", "held_out", "refused", "deferred"),
    "outcome": ("accepted", "rejected", "later", "not_handed_over", "unknown"),
    "channel": ("email", "sms"),
    "purpose": ("gotv", "ballot_notice", "campaign", "fundraising", "service", "survey"),
    "content": ("nonpartisan", "issue", "advocacy", "candidate"),
    "scope": ("partner", "consortium"),
    "role": ("partner", "coordinator", "operator"),
    "basis": (
        "express_written",
        "express",
        "membership",
        "implied",
        "soft_opt_in",
        "legitimate_interest",
        "none",
    ),
}
PATTERNS = {
    "band": "0|[1-9][0-9]*-[1-9][0-9]*",
    "code": "[2-5][0-9]{2}( [245]\\.[0-9]{1,3}\\.[0-9]{1,3})?",
    "date": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "hash": "[0-9a-f]{64}",
    "instant": "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z",
    "key": "[0-9a-f]{64}",
    "message": "m-[1-9][0-9]{0,17}",
    "moment": "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
    "origin": "[!-*,-~]{1,128}",
    "recipient": "age1[0-9a-z]{50,100}",
    "signature": "[0-9a-f]{128}",
    "slug": "[a-z][a-z0-9-]{1,31}",
    "title": "[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]{1,200}",
    "word": "[a-z][a-z0-9_-]{0,63}",
}


def _fields(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


ENTRIES = {
    "consortium_created": _fields(
        "at:moment format:number name:title origin:origin ledger_key:key coordinator_key:key "
        "vault_key:key intake_recipient:recipient token_epoch:number profile:number"
    ),
    "partner_admitted": _fields("at:moment partner:slug group:slug sign_key:key receive_key:key"),
    "policy_set": _fields("at:moment partner:slug version:number digest:hash signature:signature"),
    "upload_added": _fields(
        "at:moment partner:slug upload:hash signature:signature layout:word obtained_on:date "
        "expires_on:date? profile:number token_epoch:number rows:band opt_outs:band "
        "rejected:band repeated:band"
    ),
    "upload_withdrawn": _fields("at:moment partner:slug upload:hash by:role"),
    "upload_replaced": _fields("at:moment partner:slug upload:hash successor:hash"),
    "upload_expired": _fields("at:moment partner:slug upload:hash"),
    "upload_erased": _fields("at:moment partner:slug upload:hash"),
    "merge_run": _fields(
        "at:moment generation:number rules:word uploads:hash rows:band persons:band "
        "changed_rows:band"
    ),
    "never_merge_added": _fields(
        "at:moment by:role partner:slug? digest:hash? signature:signature? follows:index? "
        "leaves:index root:hash"
    ),
    "never_merge_taken_back": _fields(
        "at:moment entry:index by:role partner:slug? digest:hash? signature:signature?"
    ),
    "opt_out_added": _fields(
        "at:moment channel:channel scope:scope partner:slug? cause:word author:author "
        "upload:hash? message:message? people:band commitment:hash?"
    ),
    "campaign_created": _fields(
        "at:moment campaign:slug digest:hash signature:signature channel:channel "
        "purpose:purpose content:content starts_at:moment ends_at:moment not_after:moment"
    ),
    "campaign_answered": _fields(
        "at:moment campaign:slug partner:slug answer:answer campaign_digest:hash digest:hash "
        "signature:signature ceiling:index until:moment"
    ),
    "campaign_planned": _fields(
        "at:moment campaign:slug campaign_digest:hash plan:number generation:index "
        "policies:policies flows:hash order_key:hash leaves:index root:hash"
    ),
    "campaign_state": _fields("at:moment campaign:slug state:campaign_change by:role"),
    "send_batch": _fields("at:moment campaign:slug plan:number leaves:index root:hash"),
    "voters_loaded": _fields(
        "at:moment load:hash layout:word register:word licensed:slugs purposes:purposes "
        "until:date rows:band left_out:band rejected:band repeated:band history_rows:band"
    ),
    "voters_matched": _fields(
        "at:moment load:hash generation:number weights:word persons:band matched:band "
        "changed_rows:band"
    ),
    "voters_returned": _fields(
        "at:moment register:word list:hash as_of:moment ids:band unknown:band new:band"
    ),
    "voters_ended": _fields("at:moment load:hash reason:word"),
    "voters_forgotten": _fields("at:moment register:word"),
}
LEAVES = {
    "decision": _fields(
        "number:number answer:decision owner:slug? upload:hash? row:hash? basis:basis? "
        "policy:number? rule:word? reason:word? by:slug? until:instant?"
    ),
    "intent": _fields(
        "at:instant message:message attempt:number plan:index number:number owner:slug "
        "policy:number approval:index?"
    ),
    "outcome": _fields("at:instant message:message attempt:number outcome:outcome code:code?"),
    "never_merge": _fields("number:number one:hash other:hash"),
    "stopped": _fields("at:instant message:message number:number rule:word reason:word by:slug?"),
}
BATCHES = {
    "campaign_planned": {"decision"},
    "never_merge_added": {"never_merge"},
    "send_batch": {"intent", "outcome", "stopped"},
}
# Kind of entry → what its signed document is called, the field that names the signer (none: the
# coordinator), and whether its digest is of the bare document or of the whole signed note.
DOCUMENTS = {
    "policy_set": ("policy", "partner", "toml"),
    "campaign_created": ("campaign", None, "toml"),
    "campaign_answered": ("answer", "partner", "note"),
}

_FILES = re.compile(
    r"README\.txt|verify\.py|keys\.txt|entries\.jsonl|leaves/(0|[1-9][0-9]*)\.jsonl"
    r"|checkpoints/(0|[1-9][0-9]*)\.txt|proofs/[a-z0-9-]+\.(tlog|leaf)-proof"
    r"|documents/[0-9a-f]{64}\.(toml|note)"
)
_MAX_INTEGER = 2**53 - 1
_MAX_DEPTH = 16
_TIMES = {"moment": "%Y-%m-%dT%H:%M:%SZ", "instant": "%Y-%m-%dT%H:%M:%S.%fZ"}

SignatureCheck = Callable[[bytes, bytes, bytes], bool]
"""(Ed25519 public key, message, signature) → whether it verifies."""


class Failure(Exception):
    """Something in the export does not hold; the text says what and where."""


class Summary(dict[str, Any]):
    """What was checked: origin, counts, and fingerprints by name."""


def openssl(public: bytes, message: bytes, signature: bytes) -> bool:
    """Check one Ed25519 signature with the openssl command."""
    with tempfile.TemporaryDirectory() as directory:
        key, text, sig = (Path(directory) / name for name in ("key.der", "text", "sig"))
        key.write_bytes(bytes.fromhex("302a300506032b6570032100") + public)
        text.write_bytes(message)
        sig.write_bytes(signature)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin"]
        files = ["-inkey", str(key), "-in", str(text), "-sigfile", str(sig)]
        done = subprocess.run(command + files, check=False, capture_output=True)  # noqa: S603 - fixed words and our own files
    return done.returncode == 0 and b"Verified Successfully" in done.stdout


# --- canonical JSON -------------------------------------------------------------------------


def _refuse_number(_text: str) -> int:
    raise Failure("a number that is not a whole one")


def _small_integer(text: str) -> int:
    return int(text) if len(text) <= len(str(-_MAX_INTEGER)) else _refuse_number(text)


def _canonical(value: Any, depth: int = 0) -> str:  # noqa: ANN401 - any JSON value
    if depth > _MAX_DEPTH + 1:
        raise Failure("a value nested too deep")
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16be"))
        pairs = (f"{_canonical(k, depth)}:{_canonical(value[k], depth + 1)}" for k in keys)
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_canonical(item, depth + 1) for item in value) + "]"
    if type(value) is int and abs(value) > _MAX_INTEGER:
        raise Failure("a number that is too large")
    return json.dumps(value, ensure_ascii=False)


def _decode(data: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        value = json.loads(
            data.decode("utf-8"),
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            parse_int=_small_integer,
        )
        again = _canonical(value).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Failure("not canonical JSON") from error
    if again != data:
        raise Failure("JSON, but not in the canonical spelling")
    return value


# --- the language of entries and leaves -----------------------------------------------------


def _is_band(text: str) -> bool:
    if text in {"0", "1-49"}:
        return True
    low, _, high = text.partition("-")
    shape = re.fullmatch("(1|25|5)(0*)", low)
    if not shape or int(low) < 50 or not high:  # noqa: PLR2004 - the first band above 49
        return False
    factor = {"1": 25, "25": 50, "5": 100}[shape[1]]
    unit = int(low) // {"1": 10, "25": 25, "5": 50}[shape[1]]
    return int(high) == unit * factor - 1 and str(int(high)) == high


def _is_time(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - the pattern requires the Z
    except ValueError:
        return False
    return text >= "2020"


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_policies(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    if not isinstance(value, list):
        return False
    for item in value:
        if not isinstance(item, dict) or set(item) != {"partner", "version"}:
            return False
        if not (is_a("slug", item["partner"]) and is_a("number", item["version"])):
            return False
    slugs = [item["partner"] for item in value]
    return slugs == sorted(set(slugs))


def _is_sorted_list(type_: str, value: Any) -> bool:  # noqa: ANN401 - any JSON value
    if not isinstance(value, list) or not value or not all(is_a(type_, one) for one in value):
        return False
    return bool(value == sorted(set(value)))


def is_a(type_: str, value: Any) -> bool:  # noqa: ANN401, PLR0911 - any JSON value; a list of cases
    """Whether a value is of a type."""
    if type_.endswith("?"):
        return value is None or is_a(type_[:-1], value)
    if type_ in ("index", "number"):
        return type(value) is int and value >= (1 if type_ == "number" else 0)
    if type_ == "policies":
        return _is_policies(value)
    if type_ in ("purposes", "slugs"):
        return _is_sorted_list(type_[:-1], value)
    if not isinstance(value, str):
        return False
    if type_ in WORDS:
        return value in WORDS[type_]
    if not re.fullmatch(PATTERNS[type_], value):
        return False
    if type_ in _TIMES:
        return _is_time(value, _TIMES[type_])
    return {"band": _is_band, "date": _is_date}.get(type_, bool)(value)


def _check_record(record: Any, kinds: dict[str, dict[str, str]]) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    if not isinstance(record, dict) or not isinstance(record.get("kind"), str):
        raise Failure("not a record with a kind")
    fields = kinds.get(record["kind"])
    if fields is None:
        raise Failure("of a kind that is not known or not allowed here")
    if set(record) != set(fields) | {"kind"}:
        raise Failure("with a field missing or too many")
    for name, type_ in fields.items():
        if not is_a(type_, record[name]):
            raise Failure(f'with a malformed "{name}"')
    return record


def _check_leaf(data: bytes, batch: str) -> dict[str, Any]:
    leaf = _check_record(_decode(data), {k: LEAVES[k] for k in BATCHES[batch]})
    if leaf["kind"] == "decision":
        assigned = leaf["answer"] == "assigned"
        who = [leaf[name] for name in ("owner", "upload", "row", "basis", "policy")]
        if any((value is not None) != assigned for value in who):
            raise Failure("that says too much or too little about who would speak")
        if (leaf["until"] is not None) != (leaf["answer"] == "deferred"):
            raise Failure("that says until when against its answer")
    return leaf


# --- hash trees (RFC 6962) ------------------------------------------------------------------


def _leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows, by the hashes of its complete subtrees."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, value: bytes) -> None:
        """Add a leaf's hash."""
        position = self.size
        while position & 1:
            value, position = _node_hash(self._peaks.pop(), value), position >> 1
        self._peaks.append(value)
        self.size += 1

    def root(self) -> bytes:
        """The root as it is."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        result = self._peaks[-1]
        for left in reversed(self._peaks[:-1]):
            result = _node_hash(left, result)
        return result


def _root_of_path(value: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        raise Failure("about something beyond the end")
    last = size - 1
    for sibling in path:
        if last == 0:
            raise Failure("with too many hashes")
        if index & 1 or index == last:
            value = _node_hash(sibling, value)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            value = _node_hash(value, sibling)
        index, last = index >> 1, last >> 1
    if last:
        raise Failure("with too few hashes")
    return value


# --- text formats ---------------------------------------------------------------------------


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError as error:
        raise Failure("with a value that is not base64") from error
    if base64.b64encode(data).decode() != text:
        raise Failure("with a value in a second spelling of base64")
    return data


def _hash(text: str) -> bytes:
    data = _base64(text)
    if len(data) != 32:  # noqa: PLR2004 - SHA-256
        raise Failure("with a hash that is not 32 bytes")
    return data


def _decimal(text: str) -> int:
    if not re.fullmatch("0|[1-9][0-9]{0,17}", text):
        raise Failure("with a number that is not plain decimal")
    return int(text)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Failure("not UTF-8") from error


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]


def _vkey(name: str, public: bytes) -> str:
    encoded = base64.b64encode(b"\x01" + public).decode()
    return f"{name}+{_key_id(name, public).hex()}+{encoded}"


class Verifier:
    """One export directory, read once from front to back."""

    def __init__(self, directory: Path, check: SignatureCheck) -> None:
        self.directory = directory
        self.check = check
        self.entries: list[bytes] = []
        self.records: list[dict[str, Any]] = []
        self.roots: dict[int, bytes] = {}
        self.keys: dict[str, bytes] = {}
        self.origin = ""
        self.where = ""
        self.counts = dict.fromkeys(
            ("entries", "batches", "leaves", "checkpoints", "proofs", "documents"), 0
        )

    def read(self, name: str) -> bytes:
        """A file of the export; from here on, failures are about it."""
        self.where = name
        path = self.directory / name
        if path.is_symlink() or not path.is_file():
            raise Failure("missing")
        return path.read_bytes()

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file, each of which must end in a newline."""
        data = self.read(name)
        if data and not data.endswith(b"\n"):
            raise Failure("cut short")
        for number, line in enumerate(data.split(b"\n")[:-1], 1):
            self.where = f"{name}, line {number}"
            yield line

    def files(self, folder: str) -> list[str]:
        """Names of the files in a folder of the export, sorted."""
        path = self.directory / folder
        return sorted(f"{folder}/{p.name}" for p in path.iterdir()) if path.is_dir() else []

    def run(self, fingerprints: dict[str, str] | None) -> Summary:
        """Check everything."""
        self.check_names()
        self.check_entries()
        self.check_batches()
        self.check_words()
        self.check_keys()
        self.check_checkpoints()
        self.check_proofs()
        self.check_documents()
        found = self.fingerprints()
        if fingerprints is not None:
            self.check_fingerprints(found, fingerprints)
        return Summary(origin=self.origin, fingerprints=found, **self.counts)

    def check_names(self) -> None:
        """Only files that the format knows."""
        for path in sorted(self.directory.rglob("*")):
            name = path.relative_to(self.directory).as_posix()
            if path.is_dir() and not path.is_symlink():
                continue
            self.where = name
            if not _FILES.fullmatch(name):
                raise Failure("not a file that belongs in an export")

    def check_entries(self) -> None:
        """Canonical, known, and the roots at the sizes of the checkpoints."""
        sizes = {_decimal(Path(n).stem) for n in self.files("checkpoints")}
        tree = Tree()
        for line in self.lines("entries.jsonl"):
            record = _check_record(_decode(line), ENTRIES)
            if (tree.size == 0) != (record["kind"] == "consortium_created"):
                raise Failure("the ledger does not begin once, with its creation")
            if tree.size in sizes:
                self.roots[tree.size] = tree.root()
            tree.append(_leaf_hash(line))
            self.entries.append(line)
            self.records.append(record)
        self.roots[tree.size] = tree.root()
        self.counts["entries"] = tree.size
        if not self.records:
            raise Failure("empty")
        if self.records[0]["format"] != FORMAT:
            raise Failure("of a version that this script does not know")
        self.origin = self.records[0]["origin"]

    def check_batches(self) -> None:
        """Each batch entry has its leaves, and nothing else has any."""
        expected = {f"leaves/{i}.jsonl" for i, r in enumerate(self.records) if r["kind"] in BATCHES}
        for name in self.files("leaves"):
            self.where = name
            if name not in expected:
                raise Failure("leaves of an entry that has none")
        for index, record in enumerate(self.records):
            if record["kind"] not in BATCHES:
                continue
            tree = Tree()
            for line in self.lines(f"leaves/{index}.jsonl"):
                _check_leaf(line, record["kind"])
                tree.append(_leaf_hash(line))
            self.where = f"leaves/{index}.jsonl"
            if (tree.size, tree.root().hex()) != (record["leaves"], record["root"]):
                raise Failure(f"not the leaves that entry {index} was made from")
            self.counts["batches"] += 1
            self.counts["leaves"] += tree.size

    def check_words(self) -> None:
        """What is carried over or taken back is an earlier word of the same party, not yet gone."""
        taken_back = set()
        for index, record in enumerate(self.records):
            taking = record["kind"] == "never_merge_taken_back"
            if not taking and record.get("follows") is None:
                continue
            self.where = f"entries.jsonl, line {index + 1}"
            named = record["entry"] if taking else record["follows"]
            word = self.records[named] if named < index else {"kind": "none"}
            if word["kind"] != "never_merge_added" or word["follows"] is not None:
                raise Failure("about no earlier word that rows are two people")
            by = word["by"] if taking else "operator"
            if (record["by"], record["partner"]) != (by, word["partner"]):
                raise Failure("about the word of somebody else")
            if named in taken_back:
                raise Failure("about a word that was taken back before")
            if taking:
                taken_back.add(named)

    def check_keys(self) -> None:
        """The published keys are those of the entries."""
        first = self.records[0]
        self.keys = {
            self.origin: bytes.fromhex(first["ledger_key"]),
            f"{self.origin}/coordinator": bytes.fromhex(first["coordinator_key"]),
        }
        for index, record in enumerate(self.records):
            if record["kind"] == "partner_admitted":
                self.where = f"entries.jsonl, line {index + 1}"
                if record["partner"] in self.keys:
                    raise Failure("a partner admitted twice, or under the ledger's own name")
                self.keys[record["partner"]] = bytes.fromhex(record["sign_key"])
        wanted = [_vkey(name, key) for name, key in self.keys.items()]
        if [_text(line) for line in self.lines("keys.txt")] != wanted:
            self.where = "keys.txt"
            raise Failure("not the keys that the entries name")

    def note(self, note: str, name: str) -> str:
        """The text of a signed note, if the key of that name has signed it."""
        text, blank, block = note.rpartition("\n\n")
        if not blank or not block.endswith("\n") or re.search("[\x00-\x09\x0b-\x1f]", note):
            raise Failure("not a signed text")
        text += "\n"
        signed = 0
        for line in block[:-1].split("\n"):
            parts = line.split(" ")
            if len(parts) != 3 or parts[0] != "—" or not parts[1]:  # noqa: PLR2004 - dash, name, signature
                raise Failure("with a malformed signature line")
            data = _base64(parts[2])
            if parts[1] == name and data[:4] == _key_id(name, self.keys[name]):
                signed += 1
                if not self.check(self.keys[name], text.encode(), data[4:]):
                    raise Failure(f"with a signature that is not {name}'s")
        if signed != 1:
            raise Failure(f"not signed by {name}")
        return text

    def checkpoint(self, note: str) -> tuple[int, bytes]:
        """Size and root of a signed checkpoint of this ledger."""
        lines = self.note(note, self.origin).split("\n")
        if len(lines) != 4 or lines[0] != self.origin:  # noqa: PLR2004 - three lines
            raise Failure("not a checkpoint of this ledger")
        return _decimal(lines[1]), _hash(lines[2])

    def check_checkpoints(self) -> None:
        """Each is signed, and its root is that of the entries; the last covers all of them."""
        largest = -1
        for name in self.files("checkpoints"):
            size, root = self.checkpoint(_text(self.read(name)))
            if name != f"checkpoints/{size}.txt":
                raise Failure("named for another size than it has")
            if size not in self.roots:
                raise Failure(f"of {size} entries, of which some are missing")
            if root != self.roots[size]:
                raise Failure(f"not what the first {size} entries hash to")
            largest = max(largest, size)
            self.counts["checkpoints"] += 1
        if largest != len(self.entries):
            self.where = "checkpoints"
            raise Failure("none covers all entries")

    def check_proofs(self) -> None:
        """Each proof holds, and speaks of this ledger."""
        for name in self.files("proofs"):
            text = _text(self.read(name))
            if name.endswith(".leaf-proof"):
                self.leaf_proof(text)
            else:
                index, path, note = self.entry_proof(text)
                if index >= len(self.entries):
                    raise Failure("of an entry that is missing")
                self.included(self.entries[index], index, path, note)
            self.counts["proofs"] += 1

    def proof_parts(
        self, text: str, header: str, labels: list[str]
    ) -> tuple[list[str], list[bytes], str]:
        """Values of the labelled lines, hashes, and the rest after the blank line."""
        head, blank, rest = text.partition("\n\n")
        lines = head.split("\n")
        if not blank or lines[0] != header or len(lines) <= len(labels):
            raise Failure("not a proof of a known version")
        values = []
        for label, line in zip(labels, lines[1:]):  # noqa: B905 - Python 3.9 has no strict=
            if not line.startswith(label + " "):
                raise Failure(f'without its "{label}" line')
            values.append(line[len(label) + 1 :])
        return values, [_hash(line) for line in lines[len(labels) + 1 :]], rest

    def entry_proof(self, text: str) -> tuple[int, list[bytes], str]:
        """Index, path and checkpoint of a C2SP tlog-proof."""
        values, path, note = self.proof_parts(text, "c2sp.org/tlog-proof@v1", ["index"])
        return _decimal(values[0]), path, note

    def included(self, entry: bytes, index: int, path: list[bytes], note: str) -> None:
        """The entry is in the tree of the checkpoint, and that is one of this ledger's."""
        size, root = self.checkpoint(note)
        if _root_of_path(_leaf_hash(entry), index, size, path) != root:
            raise Failure("that leads to another root")
        if self.roots.get(size) != root:
            raise Failure("under a checkpoint that is not among those exported")

    def leaf_proof(self, text: str) -> None:
        """The leaf is in the batch of an entry of this ledger."""
        values, path, rest = self.proof_parts(
            text, "consortium/leaf-proof@v1", ["leaf", "entry", "position"]
        )
        leaf, entry = values[0].encode("utf-8"), values[1].encode("utf-8")
        record = _check_record(_decode(entry), ENTRIES)
        if record["kind"] not in BATCHES:
            raise Failure("under an entry that has no leaves")
        _check_leaf(leaf, record["kind"])
        root = _root_of_path(_leaf_hash(leaf), _decimal(values[2]), record["leaves"], path)
        if root.hex() != record["root"]:
            raise Failure("that leads to another batch")
        self.included(entry, *self.entry_proof(rest))

    def check_documents(self) -> None:
        """Each document is one that entries name, signed by whom these entries say."""
        for name in self.files("documents"):
            data, path = self.read(name), Path(name)
            if hashlib.sha256(data).hexdigest() != path.stem:
                raise Failure("named for another content than it has")
            named = [r for r in self.records if r["kind"] in DOCUMENTS and r["digest"] == path.stem]
            if not named:
                raise Failure("not a document that an entry names")
            for record in named:
                self.check_document(data, path.suffix[1:], record)
            self.counts["documents"] += 1

    def check_document(self, data: bytes, form: str, record: dict[str, Any]) -> None:
        """One document against one entry."""
        what, field, wanted = DOCUMENTS[record["kind"]]
        if form != wanted:
            raise Failure(f"not in the form of a signed {what}")
        signer = record[field] if field else f"{self.origin}/coordinator"
        first = f"# consortium {what} v1 for {self.origin}\n".encode()
        if form == "note":
            text = data.rpartition(b"\n\n")[0] + b"\n"
            if not text.startswith(first):
                raise Failure(f"not a signed {what} for this consortium")
        else:
            text = first + data
        signature = bytes.fromhex(record["signature"])
        if signer not in self.keys or not self.check(self.keys[signer], text, signature):
            raise Failure(f"not signed by {signer} as the entry says")

    def fingerprints(self) -> dict[str, str]:
        """What every party should be able to read out: name → fingerprint."""
        first = self.records[0]
        keys = [bytes.fromhex(first[k]) for k in ("vault_key", "ledger_key", "coordinator_key")]
        parts = [b"consortium", self.origin.encode(), first["intake_recipient"].encode(), *keys]
        found = {self.origin: _fingerprint(parts)}
        for record in self.records:
            if record["kind"] == "partner_admitted":
                keys = [bytes.fromhex(record[k]) for k in ("sign_key", "receive_key")]
                parts = [b"partner", record["partner"].encode(), *keys]
                found[record["partner"]] = _fingerprint(parts)
        return found

    def check_fingerprints(self, found: dict[str, str], told: dict[str, str]) -> None:
        """The keys are those that the reader was told of, no fewer and no more."""
        self.where = "fingerprints"
        for name in sorted(set(found) | set(told)):
            if name not in told:
                raise Failure(f"your file has none for {name}")
            if name not in found:
                raise Failure(f"{name} of your file has no part in this ledger")
            if found[name] != told[name]:
                raise Failure(f"{name} has other keys than those in your file")


def _fingerprint(parts: list[bytes]) -> str:
    joined = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    digest = hashlib.sha256(joined).hexdigest()
    return " ".join(digest[i : i + 4] for i in range(0, 32, 4))


def verify(
    directory: Path,
    *,
    fingerprints: dict[str, str] | None = None,
    check: SignatureCheck = openssl,
) -> Summary:
    """Check an export.

    Args:
        directory: The export.
        fingerprints: By name, from outside the export; None leaves the keys uncompared.
        check: What checks one Ed25519 signature.

    Returns:
        What was checked.

    Raises:
        Failure: Something does not hold.
        OSError: A file cannot be read, or openssl cannot be run.
    """
    verifier = Verifier(directory, check)
    try:
        return verifier.run(fingerprints)
    except Failure as failure:
        raise Failure(f"{verifier.where or 'export'}: {failure}") from failure


def read_fingerprints(text: str) -> dict[str, str]:
    """The lines of a file of fingerprints; blank lines and lines after # are skipped."""
    told: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        name, _, fingerprint = " ".join(line.split()).partition(" ")
        fingerprint = fingerprint.lower()
        if not name or name.startswith("#"):
            continue
        if name in told or not re.fullmatch("([0-9a-f]{4} ){7}[0-9a-f]{4}", fingerprint):
            raise ValueError(f"line {number}: not a name and eight groups of four hex digits")
        told[name] = fingerprint
    return told


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Check an exported ledger.")
    here = Path(__file__).resolve().parent
    parser.add_argument("directory", nargs="?", type=Path, default=here)
    parser.add_argument("--fingerprints", type=Path, help="file of names and fingerprints")
    options = parser.parse_args(arguments)
    say = sys.stdout.write
    try:
        told = None
        if options.fingerprints is not None:
            told = read_fingerprints(options.fingerprints.read_text(encoding="utf-8-sig"))
        found = verify(options.directory, fingerprints=told)
    except Failure as failure:
        say(f"FAILED  {failure}\n")
        return 3
    except (OSError, ValueError) as error:
        say(f"cannot check: {error}\n")
        return 1
    say(f"ledger      {found['origin']}\n")
    for what in ("entries", "batches", "leaves", "checkpoints", "proofs", "documents"):
        say(f"{what:<12}{found[what]:,}\n")
    if told is None:
        say("NOT CHECKED: whether these are the right keys. Ask each party to read out its own:\n")
        for name, fingerprint in found["fingerprints"].items():
            say(f"  {name}\n    {fingerprint}\n")
    else:
        say("keys        as in your file\n")
    if told is None:
        say("VERIFIED, if these keys are theirs: nothing was changed, removed or put in.\n")
    else:
        say("VERIFIED: nothing was changed, removed or put in since it was signed.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
