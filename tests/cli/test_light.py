"""The command is quick to answer for help and completion, and to be run at all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.cli_world import today

if TYPE_CHECKING:
    from tests.harness.cli_world import World

COMMAND = Path(sys.executable).parent / "consortium"
HEAVY = {
    "sqlalchemy",
    "sqlmodel",
    "rich",
    "numpy",
    "cryptography",
    "pydantic",
    "alembic",
    "highspy",
}
HOSTS = {"sqlalchemy", "sqlmodel", "alembic", "highspy", "scipy"}


def _modules(code: str) -> set[str]:
    found = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in found.stdout.split("\n")[-2].split()}


def test_the_root_of_the_command_line_imports_nothing_heavy() -> None:
    assert not HEAVY & _modules("import consortium_cli.main")


def test_help_of_every_noun_imports_nothing_heavy() -> None:
    code = """
import contextlib, io
from consortium_cli.main import _NOUNS, main
for noun in ["", *_NOUNS]:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main([*noun.split(), "--help"])
"""
    assert not HEAVY & _modules(code)


def test_a_partner_checks_and_packs_a_list_without_loading_what_the_host_needs(
    world: World,
) -> None:
    packing = ["--list", "again", "--obtained", str(today()), "--out", "again.pack"]
    for words in (["check", "nurses.csv"], ["pack", "nurses.csv", *packing]):
        code = f"""
import contextlib, io, os
from consortium_cli.main import main
os.chdir({str(world.root)!r})
os.environ |= {world.environment!r}
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(["--home", "homes/nurses", "upload", *{words!r}])
"""
        assert not HOSTS & _modules(code)
    assert (world / "again.pack").exists()


def test_completion_imports_nothing_heavy_and_knows_nouns_verbs_and_options() -> None:
    assert "campaign" in _complete("consortium ca", 1)
    assert set(_complete("consortium upload ", 2)) == {
        "add", "check", "diff", "expire", "list", "pack", "show", "withdraw",
    }  # fmt: skip
    assert "--dry-run" in _complete("consortium campaign send --", 3)
    assert set(_complete("consortium optout add --channel ", 4)) == {"email", "sms"}


def _complete(words: str, position: int) -> list[str]:
    found = subprocess.run(
        [COMMAND],
        env=os.environ
        | {
            "_CONSORTIUM_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(position),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.partition(",")[2] for line in found.stdout.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_gives_a_script_for_every_shell(shell: str) -> None:
    if shell == "bash" and _bash() < (4, 4):
        pytest.skip("completion in bash needs bash 4.4 or newer")
    found = subprocess.run(
        [COMMAND],
        env=os.environ | {"_CONSORTIUM_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "_CONSORTIUM_COMPLETE" in found.stdout


def _bash() -> tuple[int, ...]:
    try:
        shown = subprocess.run(
            ["bash", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except OSError:
        return (0,)
    found = re.search(r"version (\d+)\.(\d+)", shown)
    return tuple(map(int, found.groups())) if found else (0,)


def test_the_version_is_that_of_the_package() -> None:
    found = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"consortium \d+\.\d+\.\d+\n", found.stdout)


def test_a_reader_that_goes_away_is_no_fault(tmp_path: Path) -> None:
    found = subprocess.run(
        f"{COMMAND} policy rules --format json | head -1",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stderr == ""


def test_every_option_shows_its_default_or_that_it_is_required() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/cli.md").read_text()
    text = re.sub(r"\n {10,}", " ", page)  # a wrapped description is one line
    for option in re.findall(r"(?m)^  (?:-\w, )?--[a-z].*$", text):
        if re.search(r"--(?:version|help)\b", option):
            continue
        assert "[default:" in option or "[required]" in option or "DEFAULTS" in option, option


def test_help_fits_the_screen_and_cuts_no_sentence() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/cli.md").read_text()
    shown = re.findall(r"(?ms)^```text\n(.*?)^```$", page)
    assert len(shown) > 50
    lines = "".join(shown).splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert [line for line in lines if re.fullmatch(r"  .*\.\.\.", line)] == []


def test_the_page_on_the_command_line_is_what_the_commands_say() -> None:
    script = Path(__file__).parents[2] / "docs/cli_reference.py"
    subprocess.run([sys.executable, script, "--check"], check=True)
