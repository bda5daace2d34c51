"""The made-up world of `tests.harness.cli_world`, built once and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.harness.cli_world import PASSPHRASE, World, build

# documents with one thing wrong in each
POLICIES = {
    "malformed": 'policy = 1\npartner = nurses"\n',
    "unknown_key": "policy = 1\n[whoever_speaks]\nquite_hours = { from = 20:00:00 }\n",
    "no_such_day": "policy = 1\neffective = 2026-02-30\n",
    "missing_key": "policy = 1\n",
}
CAMPAIGNS = {
    "malformed": "campaign = 1\nname = ballots\n",
    "unknown_key": 'campaign = 1\nname = "x1"\npurpos = "gotv"\n',
    "no_such_day": "campaign = 1\nnot_after = 2026-11-31T20:00:00\n",
}
MAPPINGS = {
    "malformed": "mapping = 1\ncolumns = [\n",
    "unknown_key": 'mapping = 1\n[columns]\nemial = "email"\n',
    "no_such_day": 'mapping = 1\n[consent.email]\ndefault = "express"\non = 2026-02-30\n',
    "other_list": 'mapping = 1\n[columns]\nemail = ["post"]\n',
}


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    build(root)
    return root


@pytest.fixture
def world(_built: Path, tmp_path: Path) -> World:
    """The made-up world, to be changed at will."""
    root = tmp_path / "world"
    shutil.copytree(_built, root)
    return World(root, {"CONSORTIUM_PASSPHRASE": PASSPHRASE})


@pytest.fixture
def bad(world: World) -> World:
    """The world with everything in it that can be wrong with a file."""
    root = world.root
    (root / "loop.x").symlink_to(root / "loop.x")  # unreadable to everybody, root included
    (root / "folder.x").mkdir()
    (root / "empty.x").write_bytes(b"")
    (root / "binary.x").write_bytes(bytes(range(256)) * 40)
    (root / "header.csv").write_text("email,first_name,phone\n")
    (root / "nocolumn.csv").write_text("colour,size\nred,3\n")
    (root / "noheader.csv").write_text("quillfeather.3@mail3.example.org,Dana\n" * 3)
    for kind, documents in (("policy", POLICIES), ("campaign", CAMPAIGNS), ("map", MAPPINGS)):
        for name, text in documents.items():
            (root / f"{kind}-{name}.toml").write_text(text)
    pack = (root / "tenants.pack").read_bytes()
    (root / "cut.pack").write_bytes(pack[: len(pack) // 2])
    (root / "altered.pack").write_bytes(_altered(pack, len(pack) // 2))
    _alter(root / "homes/strangers/strangers.card", root / "altered.card", "1 Main", "2 Main")
    _alter(root / "ballots.nurses.request", root / "altered.request", "drop boxes", "drop-boxes")
    _alter(root / "ballots.nurses.answer", root / "altered.answer", '"ceiling":', '"ceiling":1')
    _alter(root / "impostor.toml.signed", root / "altered.toml.signed", "gotv", "vote")
    (root / "past.toml").write_text((root / "second.toml").read_text().replace("2026", "2020"))
    (root / "told.txt").write_text("nurses 1a2b 3c4d 5e6f 7a8b 9c0d 1e2f 3a4b 5c6d\n")
    _copy_altered_export(root)
    return world


def _altered(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def _alter(source: Path, target: Path, old: str, new: str) -> None:
    text = source.read_text()
    assert old in text
    target.write_text(text.replace(old, new, 1))


def _copy_altered_export(root: Path) -> None:
    shutil.copytree(root / "export", root / "altered-export")
    entries = root / "altered-export" / "entries.jsonl"
    entries.write_bytes(entries.read_bytes().replace(b'"nurses"', b'"nursed"', 1))
