"""Finding the settings that serve an aim best on this machine, within constraints.

`record` is what comes out, for pages, commands and reports.
"""
