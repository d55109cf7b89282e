"""A search for people: tables of text, and one HTML file."""

from facecore.optimise.report.html import html_report

__all__ = ["html_report"]
