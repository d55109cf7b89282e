"""Tables of a model card in Markdown: what each way of reading got right, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from facecore.evaluation.accuracy import AttributeReport, cross_fitted, evaluate_attributes
from facecore.evaluation.calibration import BINS
from facecore.evaluation.detection import DetectionReport, evaluate_detection
from facecore.evaluation.labels import BoxXyxy, PersonLabel
from facecore.models.calibration import Calibration
from facecore.models.catalogue import set_specs
from facecore.results import Analysis
from facecore.settings import DEFAULT_MODEL_SET, AnalysisSettings, RuntimeOptions
from facecore.settings.presets import RECOMMENDED, preset, preset_options
from facecore.statistics.intervals import Estimate, Proportion, percentile

_FOR_PEOPLE = ("Article", RECOMMENDED, "Careful", "Aligned")
_FOR_FACES = ("Article", RECOMMENDED, "Crowd")


@dataclass(frozen=True, slots=True)
class Way:
    """A column: its title, and how photos are read for it."""

    title: str
    settings: AnalysisSettings
    options: RuntimeOptions


def ways(of_people: bool) -> list[Way]:
    """Return the article's networks in the presets that matter, then each other set that is there.

    Args:
        of_people: presets for gender and age; else for finding faces.
    """
    found = [
        Way(name, preset(name), preset_options(name))
        for name in (_FOR_PEOPLE if of_people else _FOR_FACES)
    ]
    for spec in set_specs().values():
        if spec.name != DEFAULT_MODEL_SET and spec.is_there:
            options = RuntimeOptions(model_set=spec.name)
            found.append(Way(spec.title, preset(RECOMMENDED), options))
            if not of_people:
                found.append(Way(f"{spec.title}, Crowd", preset("Crowd"), options))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What was read right of people whose gender and age are known.

    Attributes:
        answered: with the calibration that comes with the networks.
        fitted_anew: calibrated by the other half of these people.
        raw: as the networks say.
    """

    answered: AttributeReport
    fitted_anew: AttributeReport
    raw: AttributeReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What one way of reading got right, and what it cost.

    Attributes:
        title: its name.
        people: how well gender and age were read, where they are known.
        faces: how well faces were found, where boxes are known.
        costs: milliseconds by what they are for.
    """

    title: str
    people: People | None
    faces: DetectionReport | None
    costs: Mapping[str, float | None]


def column(
    way: Way,
    analyses: Mapping[str, Analysis],
    labels: Mapping[str, PersonLabel],
    boxes: Mapping[str, tuple[BoxXyxy, ...]],
    calibrations: Mapping[str, Calibration],
) -> Column:
    """Return the figures of one way of reading; photos without labels and boxes are left out."""
    people = None
    if labels and analyses:
        people = People(
            answered=evaluate_attributes(analyses, labels),
            fitted_anew=evaluate_attributes(cross_fitted(analyses, labels, calibrations), labels),
            raw=evaluate_attributes(_raw(analyses), labels),
        )
    return Column(
        title=way.title,
        people=people,
        faces=evaluate_detection(analyses, boxes, way.settings) if boxes and analyses else None,
        costs=_costs(list(analyses.values())),
    )


def _raw(analyses: Mapping[str, Analysis]) -> dict[str, Analysis]:
    return {
        name: replace(
            one,
            faces=tuple(
                replace(
                    face,
                    attributes={
                        name: replace(said, probabilities=said.raw or said.probabilities)
                        for name, said in face.attributes.items()
                    },
                )
                for face in one.faces
            ),
        )
        for name, one in analyses.items()
    }


def _costs(analyses: Sequence[Analysis]) -> dict[str, float | None]:
    # The quickest tenth is what it costs where nothing else is in the way.
    wall_ms = {
        "detector, one look": [
            one.looks[0].time_ms / one.looks[0].parts for one in analyses if one.looks
        ],
        "gender and age of one face": [
            one.timings.classify_ms / len(one.faces) for one in analyses if one.faces
        ],
        "whole photo": [one.timings.total_ms for one in analyses],
    }
    quick = {f"{name}, wall time": percentile(times, 10) for name, times in wall_ms.items()}
    cpu_ms = [1000 * one.resources.cpu_time_s for one in analyses]
    return {**quick, "whole photo, CPU time": percentile(cpu_ms, 10)}


def card(columns: Sequence[Column]) -> str:
    """Return the tables of all columns in Markdown, without those that nothing is known for."""
    tables: list[str] = []
    people = [one.people for one in columns if one.people]
    if people:
        anew, answered = [one.fitted_anew for one in people], [one.answered for one in people]
        for title, reports in (
            ("Calibrated by the other half", anew),
            ("As the answers are", answered),
        ):
            tables.append(_table(title, columns, _people_rows(reports)))
        tables.append(_table("Calibration error (ECE)", columns, _error_rows(people)))
        for name in ("gender", "age_group"):
            title = f"Reliability, {name.replace('_', ' ')}"
            tables.append(_table(title, columns, _reliability_rows(anew, name)))
        for title, name in (
            ("Gender right, by age", "gender_by_age_range"),
            ("Age group right or next to it, by age", "age_one_off_by_age_range"),
        ):
            tables.append(_table(title, columns, _age_rows(anew, name)))
    if any(one.faces for one in columns):
        found = [one.faces for one in columns]
        rows = {
            "recall": [_share(one.recall if one else None) for one in found],
            "precision": [_share(one.precision if one else None) for one in found],
        }
        tables.append(_table("Faces found", columns, rows))
    costs = {
        name: ["–" if one.costs[name] is None else f"{one.costs[name]:.1f} ms" for one in columns]
        for name in columns[0].costs
    }
    return "\n\n".join([*tables, _table("Cost, the quickest tenth of photos", columns, costs)])


_Rows = Mapping[str, Sequence[str]]


def _people_rows(reports: Sequence[AttributeReport]) -> _Rows:
    return {
        "no face found": [_share(one.no_face) for one in reports],
        "gender right": [_share(one.gender) for one in reports],
        **{
            f"gender right, {name}": [_share(one.gender_by_gender[name]) for one in reports]
            for name in reports[0].gender_by_gender
        },
        "age group right": [_share(one.age_group_exact) for one in reports],
        "age group right or next to it": [_share(one.age_group_one_off) for one in reports],
        "age off by, mean, years": [_years(one.age_error_years) for one in reports],
    }


def _error_rows(people: Sequence[People]) -> _Rows:
    rows = {}
    for name in ("gender", "age_group"):
        for words, reports in (
            ("as the networks say", [one.raw for one in people]),
            ("as the answers are", [one.answered for one in people]),
            ("calibrated by the other half", [one.fitted_anew for one in people]),
        ):
            errors = [one.reliability[name].error for one in reports]
            rows[f"{name.replace('_', ' ')}, {words}"] = [
                "–" if error is None else f"{error:.3f}" for error in errors
            ]
    return rows


def _reliability_rows(reports: Sequence[AttributeReport], name: str) -> _Rows:
    rows: dict[str, list[str]] = {}
    for place in range(BINS):
        cells = []
        for one in reports:
            bins = {min(int(b.probability * BINS), BINS - 1): b for b in one.reliability[name].bins}
            found = bins.get(place)
            cells.append("–" if found is None else f"{found.right.value:.0%} of {found.right.n}")
        if set(cells) != {"–"}:
            rows[f"said {place * 100 // BINS} to {(place + 1) * 100 // BINS} %"] = cells
    return rows


def _age_rows(reports: Sequence[AttributeReport], name: str) -> _Rows:
    shares = [getattr(one, name) for one in reports]
    ages = dict.fromkeys(age for one in shares for age in one)
    return {age: [_share(one.get(age)) for one in shares] for age in ages}


def _table(title: str, columns: Sequence[Column], rows: _Rows) -> str:
    lines = [[title, *(one.title for one in columns)], ["---"] * (len(columns) + 1)]
    lines += [[name, *cells] for name, cells in rows.items()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _share(share: Proportion | None) -> str:
    if share is None or share.value is None or share.interval is None:
        return "–"
    low, high = share.interval
    return f"{100 * share.value:.1f} % ({100 * low:.0f} to {100 * high:.0f})"


def _years(figure: Estimate) -> str:
    if figure.value is None or figure.interval is None:
        return "–"
    return f"{figure.value:.1f} ({figure.interval[0]:.1f} to {figure.interval[1]:.1f})"
