"""The guesser, and the careless: wrong passphrases, damaged key files, secrets where `ps` looks."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from consortium.errors import KeyFailure
from consortium.testing.keys import MemoryKeys
from consortium.vault.keys import HOST_KEYS, PARTNER_KEYS, PassphraseKeys, create, fresh_secret
from consortium_cli.main import main
from tests.attack.stage import COORDINATOR, OPERATOR, PARTNER, Stage, people

COMMAND = [sys.executable, "-c", "from consortium_cli.main import main; main()"]
WRONG = "not the right words"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    stage = Stage.found(tmp_path_factory.mktemp("guesser"), in_files=True)
    stage.admit("nurses")
    stage.pack("nurses", people(1, 11))
    (stage.root / "campaign.toml").write_text(stage.campaign())
    stage.host.close()
    return stage


def _run(
    stage: Stage, *words: str, home: str = "host", stdin: str = "", **passphrases: str
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(stage.root), "LANG": "C.UTF-8"}
    names = {
        "operator": "CONSORTIUM_PASSPHRASE",
        "coordinator": "CONSORTIUM_COORDINATOR_PASSPHRASE",
        "partner": "CONSORTIUM_PARTNER_PASSPHRASE",
    }
    environment |= {names[role]: words for role, words in passphrases.items()}
    return subprocess.run(
        [*COMMAND, "--home", str(stage.root / home), *words],
        input=stdin,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _clean(done: subprocess.CompletedProcess[str], *, code: int = 1) -> str:
    """One error of at most two lines, and nothing else."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert 1 <= len(lines) <= 2
    assert lines[0].startswith("error: ")
    assert "Traceback" not in done.stderr
    for secret in (WRONG, OPERATOR, COORDINATOR, PARTNER):
        assert secret not in done.stderr
    return lines[0]


def test_a_wrong_passphrase_is_one_clean_error(stage: Stage) -> None:
    pack = str(stage.root / "nurses" / "list.pack")
    for words, home, stdin, key in (
        (("upload", "add", pack), "host", "", "intake"),
        (("merge", "run"), "host", "", "match"),
        (("optout", "check"), "host", "a@example.org\n", "token-1"),
        (("ledger", "checkpoint"), "host", "", "ledger"),
        (("campaign", "create", str(stage.root / "campaign.toml")), "host", "", "coordinator"),
        (
            ("policy", "sign", str(stage.root / "nurses" / "p.toml"), "--out", "/dev/null"),
            "nurses",
            "",
            "sign",
        ),
    ):
        (stage.root / "nurses" / "p.toml").write_text(_policy())
        done = _run(
            stage, *words, home=home, stdin=stdin, operator=WRONG, coordinator=WRONG, partner=WRONG
        )
        assert f"the key {key} does not open: wrong passphrase" in _clean(done)


def _policy() -> str:
    from tests.attack.stage import POLICY  # noqa: PLC0415 - a template for one test

    return POLICY.format(slug="nurses", approval="each-campaign", guards="")


def test_no_passphrase_at_all_says_where_to_put_it(stage: Stage) -> None:
    done = _run(stage, "merge", "run")
    assert "no passphrase" in _clean(done, code=2)
    assert "CONSORTIUM_PASSPHRASE" in done.stderr


def test_the_coordinators_passphrase_does_not_pass_for_the_operators(stage: Stage) -> None:
    _clean(_run(stage, "merge", "run", operator=COORDINATOR))
    _clean(_run(stage, "ledger", "checkpoint", operator=PARTNER))


def _damaged(data: bytes) -> list[tuple[str, bytes]]:
    header, _, sealed = data.partition(b"\n")
    raw = bytearray(base64.b64decode(sealed))
    raw[0] ^= 1
    return [
        ("empty", b""),
        ("cut in the header", data[:40]),
        ("cut in the secret", data[:-12]),
        ("without a secret", header + b"\n"),
        ("a bit of the secret", header + b"\n" + base64.b64encode(bytes(raw)) + b"\n"),
        ("another salt", data.replace(b'"salt":"', b'"salt":"AAAA', 1)),
        ("fewer passes", data.replace(b'"passes":3', b'"passes":1')),
        ("less memory", data.replace(b'"memory_kib":65536', b'"memory_kib":8')),
        ("huge memory", data.replace(b'"memory_kib":65536', b'"memory_kib":999999999')),
        ("another version", data.replace(b'"consortium_key":1', b'"consortium_key":2')),
        ("binary", os.urandom(300)),
        ("huge", data + b"A" * 10_000_000),
        ("deep", b"[" * 4000 + b"\n"),
        ("not an object", b"7\n"),
    ]


def test_a_damaged_cut_or_weakened_key_file_is_one_clean_error(
    stage: Stage, tmp_path: Path
) -> None:
    whole = (stage.home / "keys" / "match.key").read_bytes()
    for what, data in _damaged(whole):
        assert data != whole, what
        (tmp_path / "match.key").write_bytes(data)
        (tmp_path / "match.key").chmod(0o600)
        with pytest.raises(KeyFailure) as failed:
            PassphraseKeys(tmp_path, lambda _name: OPERATOR).open("match")
        assert "match" in str(failed.value), what
        assert failed.value.hint, what
        assert OPERATOR not in repr(failed.value), what


def test_key_files_that_were_swapped_or_are_missing_or_readable_by_others_do_not_open(
    stage: Stage, tmp_path: Path
) -> None:
    home = tmp_path / "host"
    shutil.copytree(stage.home, home)
    keys = home / "keys"
    (keys / "token-1.key").replace(keys / "kept")
    shutil.copy(keys / "match.key", keys / "token-1.key")
    (keys / "kept").replace(keys / "match.key")
    (keys / "vault.key").unlink()
    (keys / "ledger.key").chmod(0o640)
    (keys / "intake.key").unlink()
    (keys / "intake.key").mkdir()
    provider = PassphraseKeys(keys, lambda _name: OPERATOR)
    for name, words in (
        ("token-1", "holds another key"),
        ("match", "holds another key"),
        ("vault", "there is no key called vault"),
        ("ledger", "can be read by other users"),
        ("intake", "cannot be read"),
        ("../keys/ledger", "no key's name"),
    ):
        with pytest.raises(KeyFailure, match=words):
            provider.open(name)


def test_a_secret_of_the_wrong_kind_is_a_clean_error(stage: Stage, tmp_path: Path) -> None:
    home = tmp_path / "host"
    shutil.copytree(stage.home, home)
    (home / "keys" / "intake.key").unlink()
    create(home / "keys", name="intake", secret=b"not an age identity", passphrase=OPERATOR)
    done = _run(stage, "upload", "add", str(stage.root / "nurses" / "list.pack"), operator=OPERATOR)
    assert done.returncode == 0, done.stderr  # the unharmed home takes it
    other = Stage(tmp_path, stage.host, stage.clock, in_files=True)
    pack = str(stage.root / "nurses" / "list.pack")
    assert "intake" in _clean(_run(other, "upload", "add", pack, operator=OPERATOR))


def test_no_repr_of_what_holds_a_secret_shows_it(stage: Stage) -> None:
    operator = PassphraseKeys(stage.home / "keys", lambda _name: OPERATOR)
    secret = operator.open("match")
    memory = MemoryKeys({"match": secret})
    for holder in (operator, memory, stage.host, stage.desks["nurses"], stage.host._context):
        shown = f"{holder!r} {holder}"
        assert OPERATOR not in shown
        assert repr(secret)[2:-1] not in shown
        assert secret.hex() not in shown


def test_every_key_file_is_for_its_owner_alone_and_differs_each_time(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        for name in (*HOST_KEYS, *PARTNER_KEYS):
            made = create(
                tmp_path / folder, name=name, secret=fresh_secret(name), passphrase=OPERATOR
            )
            assert made.stat().st_mode & 0o777 == 0o600
    for name in (*HOST_KEYS, *PARTNER_KEYS):
        one, two = ((tmp_path / folder / f"{name}.key").read_bytes() for folder in ("one", "two"))
        assert one != two
        assert OPERATOR.encode() not in one


def test_no_option_or_argument_takes_a_secret_so_that_ps_shows_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And an address that is typed as an argument is refused, because `ps` has shown it."""
    for noun in (
        "init",
        "partner keygen",
        "merge run",
        "campaign send",
        "optout add",
        "policy sign",
    ):
        with pytest.raises(SystemExit):
            main([*noun.split(), "--help"])
        said = capsys.readouterr().out.lower()
        assert "--passphrase" not in said
        assert "--password" not in said
    with pytest.raises(SystemExit) as left:
        main(["optout", "add", "somebody@example.org"])
    assert left.value.code == 2
    assert "somebody" not in capsys.readouterr().err


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc to look like ps")
def test_a_running_command_shows_no_secret_in_its_arguments(stage: Stage) -> None:
    file = stage.root / "words"
    file.write_text(f"{OPERATOR}\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(stage.root),
        "CONSORTIUM_PASSPHRASE_FILE": str(file),
    }
    process = subprocess.Popen(
        [*COMMAND, "--home", str(stage.home), "merge", "run"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    looks = 0
    while process.poll() is None:
        try:
            shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            given = Path(f"/proc/{process.pid}/environ").read_bytes()
        except OSError:
            break  # it ended between the two
        assert OPERATOR.encode() not in shown
        assert OPERATOR.encode() not in given  # a file keeps it out of the environment as well
        looks += 1
        time.sleep(0.02)
    assert process.wait() == 0
    assert looks > 3


def test_the_demonstrations_children_get_no_secret_in_arguments(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever this program starts: the SMTP server of the demonstration, and `verify.py`."""
    started: list[str] = []
    real = subprocess.Popen.__init__

    def watch(self: Any, args: Any, *rest: Any, **named: Any) -> None:  # noqa: ANN401 - as it came
        started.append(f"{args!r} {named.get('env')!r}")
        real(self, args, *rest, **named)

    monkeypatch.setattr(subprocess.Popen, "__init__", watch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONSORTIUM_PASSPHRASE", OPERATOR)
    with pytest.raises(SystemExit):
        main(["demo", "demo"])
    assert any("smtp_sink" in line for line in started)
    assert any("verify.py" in line for line in started)
    assert not any(OPERATOR in line or "passphrase" in line.lower() for line in started)
