"""The photo with boxes: what goes to the browser."""

from __future__ import annotations

import itertools

from streamlit.testing.v1 import AppTest

from facecore.results import Box
from facecore.ui.picture.clickable import Mark, _layouts

SIZE_WH = (1200, 800)
CROWD = [Box(x, y, x + 30, y + 36) for x in range(20, 1180, 60) for y in (100, 300, 500)]


def _demo() -> None:
    from facecore.sources.samples import samples
    from facecore.ui.picture.clickable import Mark, ShownPhoto, clickable_picture

    person = samples()[2].people[0]
    photo = ShownPhoto(
        jpeg=samples()[2].read(), jpeg_width=512, size_wh=(512, 512), name="a", alt="A photo"
    )
    clickable_picture(photo, [], key="none")
    clickable_picture(photo, [Mark(box=person.box, number=1, hover="<b>bold</b>")], key="one")


def test_picture_with_and_without_boxes_is_drawn() -> None:
    """Neither no box nor a box without a label is an error, and nothing was clicked."""
    assert AppTest.from_function(_demo, default_timeout=60).run().exception.values == []


def test_no_box_has_no_layout() -> None:
    """Without labels there is nothing to lay out."""
    assert _layouts((), (), SIZE_WH) == []
    assert _layouts((CROWD[0].xyxy,), ((),), SIZE_WH) == []


def test_smaller_letters_leave_room_for_whole_labels() -> None:
    """Sixty faces side by side: labels never meet, and zoomed in each is there as a whole."""
    marks = [
        Mark(box=box, number=number, labels=(f"{number} Female (25-32)", str(number)))
        for number, box in enumerate(CROWD, start=1)
    ]
    assert len(marks) == 60
    layouts = _layouts(
        tuple(mark.box.xyxy for mark in marks), tuple(mark.labels for mark in marks), SIZE_WH
    )
    for layout in layouts:
        places = [label[1:5] for label in layout["labels"]]
        for one, other in itertools.combinations(places, 2):
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1]
            assert apart or other[3] <= one[1]
    assert [text for *_, text in layouts[-1]["labels"]] == [mark.labels[0] for mark in marks]
    assert {text for *_, text in layouts[0]["labels"]} == {mark.labels[1] for mark in marks}
