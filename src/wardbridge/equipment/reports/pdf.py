"""A report as PDF: title, facts, texts and tables, page numbers, and whose it is.

The same report gives the same bytes (no clock or random id of its own), so its digest can be signed.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import msgspec
from reportlab import rl_config
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, LongTable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, TableStyle

MARGIN = 16 * mm
_STYLES = getSampleStyleSheet()
_BODY = ParagraphStyle("wb-body", parent=_STYLES["BodyText"], fontSize=8.5, leading=11)
_CELL = ParagraphStyle("wb-cell", parent=_BODY, fontSize=7.4, leading=9, splitLongWords=True)
_HEAD = ParagraphStyle("wb-head", parent=_CELL, fontName="Helvetica-Bold")
_TITLE = ParagraphStyle("wb-title", parent=_STYLES["Title"], fontSize=17, leading=21, alignment=0, spaceAfter=4)
_SECTION = ParagraphStyle("wb-section", parent=_STYLES["Heading2"], fontSize=11.5, spaceBefore=10, spaceAfter=4)
_INK, _SOFT = colors.HexColor("#0b5f7a"), colors.HexColor("#d5dce1")


class Table(msgspec.Struct, frozen=True):
    """``widths`` are shares of the page; an empty table says so."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...] = ()


class Facts(msgspec.Struct, frozen=True):
    """Names with their values, two columns."""

    rows: tuple[tuple[str, str], ...]


class Text(msgspec.Struct, frozen=True):
    """A paragraph."""

    text: str


class Break(msgspec.Struct, frozen=True):
    """A new page."""


class Section(msgspec.Struct, frozen=True):
    """A heading with what stands below it."""

    title: str
    content: tuple[Table | Facts | Text | Break, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """``made`` is the moment in words (site time), ``by`` who asked for it; ``wide`` is landscape."""

    title: str
    subtitle: str
    site: str
    made: str
    by: str
    sections: tuple[Section, ...]
    wide: bool = False


def render(report: Report) -> bytes:
    """The PDF (A4). Text outside of WinAnsi is spelled with the nearest signs that the built-in fonts have."""
    size = landscape(A4) if report.wide else A4
    room = size[0] - 2 * MARGIN
    story: list[Flowable] = [Paragraph(_text(report.title), _TITLE), Paragraph(_text(report.subtitle), _BODY)]
    for section in report.sections:
        if section.title:
            story.append(Paragraph(_text(section.title), _SECTION))
        for part in section.content:
            story += _flow(part, room)
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=size, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN + 6 * mm,
        title=report.title, author=report.site, subject=report.subtitle, invariant=1,
    )  # fmt: skip

    def foot(canvas: Canvas, template: Any) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 7)
        canvas.setStrokeColor(_SOFT)
        canvas.line(MARGIN, MARGIN + 3 * mm, size[0] - MARGIN, MARGIN + 3 * mm)
        canvas.drawString(MARGIN, MARGIN - 1 * mm, _plain(f"{report.site} · {report.made} · {report.by}"))
        canvas.drawRightString(size[0] - MARGIN, MARGIN - 1 * mm, _plain(f"{report.title} · {template.page}"))
        canvas.restoreState()

    rl_config.invariant = 1
    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def _flow(part: Table | Facts | Text | Break, room: float) -> list[Flowable]:
    match part:
        case Text(text):
            return [Paragraph(_text(text), _BODY), Spacer(1, 2 * mm)]
        case Break():
            return [PageBreak()]
        case Facts(rows):
            cells = [[Paragraph(_text(name), _HEAD), Paragraph(_text(value or "--"), _CELL)] for name, value in rows]
            return [_table(cells, [room * 0.28, room * 0.72], head=False)] if cells else []
        case Table(heads, rows, widths):
            if not rows:
                return [Paragraph("None.", _BODY)]
            shares = widths or (1.0,) * len(heads)
            columns = [room * share / sum(shares) for share in shares]
            body = [[Paragraph(_text(cell or "--"), _CELL) for cell in row] for row in rows]
            return [_table([[Paragraph(_text(head), _HEAD) for head in heads], *body], columns, head=True)]


def _table(cells: Sequence[Sequence[Any]], columns: Sequence[float], *, head: bool) -> Flowable:
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, _SOFT),
        ("TOPPADDING", (0, 0), (-1, -1), 1.6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.6),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
    ]
    if head:
        style.append(("LINEBELOW", (0, 0), (-1, 0), 0.9, _INK))
    return LongTable(cells, colWidths=list(columns), repeatRows=1 if head else 0, style=TableStyle(style))


def _plain(text: str) -> str:
    """What the built-in fonts can show (WinAnsi); others become a question mark rather than a wrong sign."""
    return text.replace("→", "->").replace("≤", "<=").replace("≥", ">=").encode("cp1252", "replace").decode("cp1252")


def _text(text: str) -> str:
    return escape(_plain(text)).replace("\n", "<br/>")
