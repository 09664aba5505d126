"""A result as a folder: numbers, curves, the worst frames, and one page that holds all of it."""

from handkit.reports.report import write_report

__all__ = ["write_report"]
