"""Many photos at once: finding them, reading them side by side, and keeping the answers.

`photos` finds them, `reading` and `pool` read them, `journal` keeps what is done
while a batch runs, `tables` and `output` write it all when it is complete. For pages,
`background` reads them in a thread and `answers` keeps what it found.
"""
