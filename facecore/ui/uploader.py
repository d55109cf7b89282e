"""A place for files that says on the page, in words, what it does not take."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import streamlit as st

from facecore.sources.uploads import Upload
from facecore.wording import _

# Streamlit keeps the sentence about a file that is too large, or did not come through, in a
# hover; and a picture from the clipboard it takes only while its own button has the focus. What
# this relies on of its page, tests/browser/test_many_photos.py holds.
_SAID_ON_THE_PAGE = """
<style>
.facecore-refused:not(:empty) {white-space: pre-line; padding: .75rem 1rem; border-radius: .5rem;
  background: rgba(255, 75, 75, .12); border-left: 4px solid #d33;}
</style>
<script>
if (!window.facecoreUploads) {
  window.facecoreUploads = true;
  const inWords = (chip, words) => {
    const name = chip.querySelector('[data-testid="stFileChipName"]')?.title ?? words.file;
    const said = chip.querySelector('[role="alert"]')?.textContent ?? "";
    const limit = said.match(/([0-9.]+?)(\\.0)?([KMG]B) or smaller/);
    const sentence = limit ? words.large : /413/.test(said) ? words.full : words.lost;
    return sentence.replace("{name}", () => name)
      .replace("{limit}", limit ? `${limit[1]} ${limit[3]}` : "");
  };
  const tell = () => {
    for (const place of document.querySelectorAll(".facecore-refused")) {
      const root = place.closest('[class*="st-key-files_of_"]');
      const chips = root?.querySelectorAll('.stFileChip[aria-invalid="true"]') ?? [];
      const words = [...chips].map((chip) => inWords(chip, place.dataset)).join("\\n");
      if (place.textContent !== words) place.textContent = words;
    }
  };
  new MutationObserver(tell).observe(document.body, {childList: true, subtree: true});
  document.addEventListener("paste", (event) => {
    const zone = '[data-testid="stFileUploaderDropzone"]';
    const input = document.querySelector(`${zone} input[type="file"]`);
    const files = event.clipboardData?.files;
    if (!input || !files?.length || event.target.closest?.(`${zone}, input, textarea`)) return;
    event.preventDefault();
    input.files = files;
    input.dispatchEvent(new Event("change", {bubbles: true}));
  });
}
</script>
"""


def uploader(
    label: str,
    key: str,
    *,
    on_change: Callable[[], None] | None = None,
    help: str | None = None,
    max_upload_size: int | None = None,
) -> Sequence[Upload]:
    """Draw a place for any number of files of any kind and return those that are in it.

    What a file is, its content tells afterwards. Those that never come, as they are too
    large or there is no room, are answered below; a file that is pasted anywhere on the page
    comes into the first of its uploaders.

    Args:
        label: of the place.
        key: the widget's own.
        on_change: called when a file has come or gone.
        help: more about it.
        max_upload_size: MB (2**20 bytes) of one file, where it is less than the server's.
    """
    with st.container(key=f"files_of_{key}", gap="xsmall"):
        files = st.file_uploader(
            label,
            accept_multiple_files=True,
            key=key,
            on_change=on_change or "rerun",
            help=help,
            max_upload_size=max_upload_size,
        )
        st.html(_SAID_ON_THE_PAGE + _place(), unsafe_allow_javascript=True)
    return files or ()


def _place() -> str:
    """Return where the sentences go, with their words in the reader's language."""
    named = {"name": "{name}", "limit": "{limit}"}
    words = {
        "file": _("The file"),
        "large": _(
            "{name} is larger than {limit}, the most that one file may have: make it smaller.",
            **named,
        ),
        "full": _(
            "{name} finds no room on the server: remove some files, or try again later.", **named
        ),
        "lost": _("{name} did not come through: remove it and try again.", **named),
    }
    said = "".join(f' data-{key}="{html.escape(one)}"' for key, one in words.items())
    return f'<div class="facecore-refused" role="alert"{said}></div>'
