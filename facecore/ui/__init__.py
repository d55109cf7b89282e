"""All that knows Streamlit: state, shared networks, sidebar, components, charts."""

from facecore.wording import Text

TITLE = Text("Face reading on the CPU")
"""What the browser's tab says, after the page's own title."""

FIRST_PAGE = "analyze"
"""The page that the address without a name leads to."""
