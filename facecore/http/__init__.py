"""The HTTP API: photos in, JSON out. All that knows starlette, and nothing of Streamlit."""
