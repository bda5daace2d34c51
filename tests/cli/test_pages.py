"""The pages on settings and exit codes say what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from consortium import errors
from consortium.config import HostSettings, PartnerSettings, SmtpSettings
from consortium_cli import homes

REFERENCE = Path(__file__).parents[2] / "docs/reference"


@pytest.mark.parametrize("model", [HostSettings, SmtpSettings, PartnerSettings])
def test_every_setting_is_described_with_its_default(model: type[BaseModel]) -> None:
    page = (REFERENCE / "settings.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for name, field in model.model_fields.items():
        if name == "smtp":
            assert "`[smtp]`" in page
            continue
        found = [row for row in rows if f"`{name}`" in row.split("|")[1]]
        assert found, name
        if isinstance(field.default, str | int):
            shown = f'"{field.default}"' if isinstance(field.default, str) else str(field.default)
            assert any(shown in row for row in found), (name, shown)


def test_every_environment_variable_is_described() -> None:
    page = (REFERENCE / "settings.md").read_text()
    named = set(re.findall(r"CONSORTIUM_[A-Z_]*[A-Z]", Path(homes.__file__).read_text()))
    assert named
    assert all(f"`{name.removesuffix('_FILE')}`" in page for name in named)


def test_every_exit_code_of_an_error_is_described() -> None:
    page = (REFERENCE / "exit-codes.md").read_text()
    described = set(map(int, re.findall(r"(?m)^\| (\d+) \|", page)))
    kinds = (getattr(errors, name) for name in errors.__all__)
    raised = {kind.exit_code for kind in kinds if isinstance(kind, type)}
    assert described == raised | {0, 5, 130}
