"""Reading faces, gender and age groups from photos on the CPU; knows nothing of Streamlit.

`facecore.ui` alone is for the dashboard.
"""
