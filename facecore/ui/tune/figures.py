"""Scores as text and as metrics, each with its 95 % interval and what it is counted from."""

from __future__ import annotations

from streamlit.delta_generator import DeltaGenerator

from facecore.statistics.intervals import Estimate, Interval, Proportion
from facecore.wording import Text, _

NO_INTERVAL = Text("no interval: few photos, or all alike")
_UNITS = {"years": Text("years"), "per photo": Text("per photo")}


def value_in_words(value: float | None, unit: str, *, signed: bool = False) -> str:
    """Return a score: "87.3 %", "0.873", "9.3 years", "0.25 per photo"; "–" for None.

    Args:
        value: shares as parts of 1.
        unit: "%", "" or what follows the number.
        signed: with a plus in front of what is above 0, as a difference has.
    """
    if value is None:
        return "–"
    sign = "+" if signed else ""
    if unit == "%":
        return (
            f"{100 * value:+.1f} {_('points')}"
            if signed
            else _("{value} %", value=f"{100 * value:.1f}")
        )
    digits = {"": 3, "per photo": 2}.get(unit, 1)
    return f"{value:{sign}.{digits}f} {_(_UNITS.get(unit, unit))}".rstrip()


def interval_in_words(interval: Interval | None, unit: str, *, signed: bool = False) -> str:
    """Return a 95 % interval: "95 %: 81.0 to 92.4 %"; says why there is none for None."""
    if interval is None:
        return _(NO_INTERVAL)
    low, high = (value_in_words(end, unit, signed=signed) for end in interval)
    return _("95 %: {low} to {high}", low=low.split(" ")[0], high=high)


def metric(
    place: DeltaGenerator, name: str, figure: Proportion | Estimate, unit: str, of: str
) -> None:
    """Draw a score with its interval below it.

    Args:
        place: where to.
        name: of the score.
        figure: its value and interval.
        unit: see `value_in_words`.
        of: what is counted, in the plural: "faces".
    """
    place.metric(
        name,
        value_in_words(figure.value, unit),
        interval_in_words(figure.interval, unit),
        delta_color="off",
        delta_arrow="off",
        border=True,
        help=_("Of {n} {of}.", n=figure.n, of=Text(of)),
    )
