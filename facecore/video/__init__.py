"""Video files: their frames as photos, the people on them as tracks.

`frames` has a process of its own decode each file (`decoder` is its handle, `decoding` its own
side) and gives the frames that `sampling` chooses, one after the other. `tracks` numbers the
faces over time, `annotated` writes a film with the faces drawn.
"""
