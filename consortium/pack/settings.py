"""What the values of a list are read by, beside its layout."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from consortium.tokens import Profile, dates

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What values are read by.

    Attributes:
        profile: Normalisation rules, from the consortium's card.
        today: Nobody was born, and no consent given, after this day.
        region: Country of phone numbers and addresses that name none.
        order: Order of dates that do not tell it; None: the region's.
    """

    profile: Profile
    today: date
    region: str = "US"
    order: dates.Order | None = None

    @property
    def date_order(self) -> dates.Order:
        """Order of dates that do not tell it."""
        return self.order or ("MDY" if self.region == "US" else "DMY")
