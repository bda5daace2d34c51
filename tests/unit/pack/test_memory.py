"""Memory does not grow with the list, here or in helpers; each run is a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FEW, MANY = 24_000, 66_000  # both long enough for helpers
MAY_GROW_BYTES = (MANY - FEW) * 24 + 4 * 2**20  # hashes that tell repeats, and what a run varies by

READ = """
import resource, sys
from datetime import date, datetime, timezone
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from consortium.model import ConsortiumCard
from consortium.pack import check, pack
from consortium.tokens import Profile
from consortium.vault import age
path, verb = Path(sys.argv[1]), sys.argv[2]
if verb == "check":
    check(path, profile=Profile(), today=date(2026, 9, 1),
          problems_to=path.with_suffix(".problems.csv"))
else:
    receive = X25519PrivateKey.generate().public_key().public_bytes_raw()
    recipient = age.recipient_of(age.new_identity())
    pack(path, list_name="l", obtained_on=date(2026, 1, 1), partner="nurses",
         card=ConsortiumCard("n", "o.example/c", recipient, receive, b"", b""),
         sign_key=Ed25519PrivateKey.generate().private_bytes_raw(), receive_key=receive,
         out=path.with_suffix(".pack"), now=datetime(2026, 9, 1, tzinfo=timezone.utc))
for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
    print(resource.getrusage(who).ru_maxrss * 1024)
"""


def peak_bytes(path: Path, verb: str) -> tuple[int, int]:
    """Of the process, and of the largest of its helpers."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), verb],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    alone, helper = map(int, done.stdout.split())
    return alone, helper


def good(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("email,phone,first_name,last_name,street,zip,birth_date,notes\n")
        for i in range(rows):
            phone = f"503-555-{i % 10000:04d}"
            born = f"19{i % 90 + 10}-{i % 12 + 1:02d}-{i % 28 + 1:02d}"
            file.write(f"p{i}@mail.example.org,{phone},Ana,Lopez,{i} Oak St,97214,{born},")
            file.write("n" * 200 + "\n")
    return path


def bad(path: Path, rows: int) -> Path:
    path.write_text("email,phone,notes\n" + f"not an address,12,{'n' * 200}\n" * rows)
    return path


@pytest.mark.parametrize(
    ("verb", "make"),
    [("pack", good), ("check", bad)],
    ids=["packing a good list", "checking a bad list"],
)
def test_memory_does_not_grow_with_the_list(tmp_path: Path, verb: str, make: object) -> None:
    assert callable(make)
    small, large = make(tmp_path / "small.csv", FEW), make(tmp_path / "large.csv", MANY)
    for before, after in zip(peak_bytes(small, verb), peak_bytes(large, verb), strict=True):
        assert after - before < MAY_GROW_BYTES < large.stat().st_size - small.stat().st_size
