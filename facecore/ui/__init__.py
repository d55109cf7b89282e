"""All that knows Streamlit: state, shared networks, sidebar, components, charts."""
