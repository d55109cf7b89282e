"""Figures of the Batch page from values made by hand."""

from __future__ import annotations

from facecore.results import AGE_GROUPS, GENDERS
from facecore.ui.batch.charts import answers, faces_per_photo, latencies


def test_nothing_counted_draws_no_bar() -> None:
    """Without photos there are axes and no bars."""
    assert list(faces_per_photo({}).data[0].y) == []
    assert list(latencies([]).data[0].x) == []
    assert all(sum(bars.y) == 0 for bars in answers({}, GENDERS).data)


def test_photos_are_counted_by_faces() -> None:
    """Each number of faces that occurs has its bar, in order, on an axis of whole numbers."""
    figure = faces_per_photo({7: 1, 0: 3})
    assert figure.data[0].width < 1  # else a bar would stand over numbers that no photo has
    assert (list(figure.data[0].x), list(figure.data[0].y)) == ([0, 7], [3, 1])
    assert figure.layout.xaxis.range == (-0.6, 7.6)
    assert figure.layout.xaxis.tickformat == "d"


def test_few_faces_leave_room_beside_the_bar() -> None:
    """One bar alone is not as wide as the chart."""
    assert faces_per_photo({1: 9}).layout.xaxis.range == (-0.6, 5.6)


def test_sure_and_unsure_answers_are_stacked() -> None:
    """Every answer has its place, also one that did not occur, sure below unsure."""
    figure = answers({("Female", False): 4, ("Female", True): 1}, GENDERS)
    sure, unsure = figure.data
    assert (list(sure.x), list(sure.y)) == (["Male", "Female"], [0, 4])
    assert (sure.name, unsure.name, list(unsure.y)) == ("sure", "unsure", [0, 1])
    assert figure.layout.barmode == "stack"


def test_age_groups_keep_their_order() -> None:
    """The groups stand from young to old, as names and not as numbers."""
    figure = answers({("(60-100)", False): 2, ("(0-2)", True): 1}, AGE_GROUPS)
    assert list(figure.data[0].x) == list(AGE_GROUPS)
    assert list(figure.data[0].y) == [0] * 7 + [2]
    assert list(figure.data[1].y) == [1] + [0] * 7
    assert figure.layout.xaxis.type == "category"


def test_latencies_are_drawn_as_they_are() -> None:
    """The histogram has every photo's time."""
    assert list(latencies([3.0, 1.0, 2.5]).data[0].x) == [3.0, 1.0, 2.5]
