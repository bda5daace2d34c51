"""Cells that a spreadsheet would run are text in every table we write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.cells import inert


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "|", "%", "＝", "＋", "－", "＠"]
)
def test_what_starts_a_formula_gets_an_apostrophe(start: str) -> None:
    assert inert(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("cell", ["", "Anne-Marie", "a=b", "'=1", "2026-11-03", "50 %"])
def test_every_other_cell_stays_as_it_is(cell: str) -> None:
    assert inert(cell) == cell


@given(st.text(max_size=20))
def test_a_cell_made_inert_is_inert(cell: str) -> None:
    assert inert(inert(cell)) == inert(cell)
