"""Many photos at once, and keeping the answers.

`journal` keeps what is done while a batch runs, `output` writes it in one of `formats` when
it is complete. For pages, `background` reads in a thread and `answers` keeps what it found.
"""
