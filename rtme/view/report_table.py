"""A report as lines and tables of a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rtme.view.report import Report


def print_reports(console: Console, reports: Sequence[Report]) -> None:
    """Print recordings one after the other, and below them what the engine learned from."""
    for report in reports:
        _print(console, report)
    if reports:
        used = f"{reports[0].engine}, sensitivity {reports[0].sensitivity}"
        console.print(f"[dim]{escape(used)}: {escape(reports[0].engine_note)}[/dim]")


def _print(console: Console, report: Report) -> None:
    fps = f"{report.fps:.4g} fps" if report.fps else "unknown rate"
    console.print(f"[bold]{escape(report.source)}[/bold]  {report.frames} frames, {fps}", markup=True)
    if report.intervals:
        table = Table("type", "face", "onset", "apex", "offset", "seconds", "ms", "confidence", box=None)
        for found in report.intervals:
            table.add_row(
                found.type,
                str(found.face),
                str(found.onset),
                str(found.apex),
                str(found.offset),
                f"{found.onset_s:.2f}–{found.offset_s:.2f}",
                f"{(found.offset_s - found.onset_s) * 1000:.0f}",
                f"{found.confidence:.2f}",
            )
        console.print(table)
    else:
        console.print("  no expression found")
    for turn in report.speaker:
        console.print(f"  {turn.state} {turn.start_s:.2f}–{turn.end_s:.2f} s  face {turn.face}")
    for gap in report.gaps:
        where = "" if gap.start_s is None or gap.end_s is None else f" {gap.start_s:.2f}–{gap.end_s:.2f} s"
        console.print(f"  gap: {gap.cause}{where}, {gap.count} frames")
    for warning in report.warnings:
        console.print(f"  warning: {warning}", markup=False)
