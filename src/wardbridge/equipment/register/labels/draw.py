"""Labels drawn: one as SVG, many as a PDF for sheets and label printers. QR codes by ISO/IEC 18004, level M."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape

import msgspec
import segno
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from wardbridge.core.errors import Invalid


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What is on a label. ``lines`` below the number are printed as long as there is room."""

    url: str
    tag: str
    lines: tuple[str, ...] = ()


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet of labels, in mm: its page, how many across and down, the size of one, margins and steps."""

    name: str
    page: tuple[float, float]
    across: int
    down: int
    size: tuple[float, float]
    margin: tuple[float, float] = (0, 0)
    step: tuple[float, float] = (0, 0)


SHEETS: dict[str, Sheet] = {
    "a4-21": Sheet(name="A4, 21 labels of 63.5 × 38.1 mm", page=(210, 297), across=3, down=7, size=(63.5, 38.1),
                   margin=(7.2, 15.1), step=(66.0, 38.1)),
    "a4-65": Sheet(name="A4, 65 labels of 38.1 × 21.2 mm", page=(210, 297), across=5, down=13, size=(38.1, 21.2),
                   margin=(4.7, 10.7), step=(40.6, 21.2)),
    "letter-30": Sheet(name="Letter, 30 labels of 66.7 × 25.4 mm", page=(215.9, 279.4), across=3, down=10,
                       size=(66.7, 25.4), margin=(4.8, 12.7), step=(69.9, 25.4)),
    "roll-62": Sheet(name="Roll, 62 × 29 mm, one a page", page=(62, 29), across=1, down=1, size=(62, 29)),
}  # fmt: skip
MOST = 2000


def svg(label: Label) -> str:
    """One label of 62 × 29 mm as SVG."""
    code = segno.make(label.url, error="m", micro=False)
    side = code.symbol_size(border=2)[0]
    path = code.svg_inline(border=2, omitsize=True, svgclass=None, lineclass=None)
    lines = "".join(
        f'<text x="29" y="{13 + 4 * at}" font-size="3">{escape(text)}</text>' for at, text in enumerate(label.lines[:4])
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="62mm" height="29mm" viewBox="0 0 62 29" '
        f'font-family="sans-serif" role="img" aria-label="{escape(label.tag, quote=True)}">'
        f'<g transform="translate(1 1) scale({27 / side:.5f})">{path}</g>'
        f'<text x="29" y="8" font-size="5" font-weight="bold">{escape(label.tag)}</text>{lines}</svg>'
    )


def pdf(labels: Sequence[Label], sheet: str = "a4-21", *, skip: int = 0, title: str = "") -> bytes:
    """Labels on a sheet of :data:`SHEETS`; ``skip`` places of the first page are used up already.

    Raises Invalid for a sheet that does not exist, or for too many labels.
    """
    if sheet not in SHEETS:
        raise Invalid(f"this sheet is not offered: {', '.join(SHEETS)}", "sheet")
    if len(labels) > MOST:
        raise Invalid(f"at most {MOST} labels at once", "labels")
    layout = SHEETS[sheet]
    places = layout.across * layout.down
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(layout.page[0] * mm, layout.page[1] * mm), pageCompression=1)
    canvas.setTitle(title or "Labels")
    for number, label in enumerate(labels, skip % places):
        at = number % places
        if at == 0 and number > skip % places:
            canvas.showPage()
        left = layout.margin[0] + at % layout.across * layout.step[0]
        top = layout.margin[1] + at // layout.across * layout.step[1]
        _label(canvas, label, layout, left, layout.page[1] - top - layout.size[1])
    canvas.save()
    return out.getvalue()


def _label(canvas: Canvas, label: Label, layout: Sheet, left: float, bottom: float) -> None:
    width, height = layout.size
    side = height - 2
    matrix = [bytes(row) for row in segno.make(label.url, error="m", micro=False).matrix]
    # Four modules of quiet zone around the symbol (ISO/IEC 18004, 9.1).
    module = side / (len(matrix) + 8)
    for down, row in enumerate(matrix):
        start = None
        for across, dark in enumerate([*row, 0]):
            if dark and start is None:
                start = across
            elif not dark and start is not None:
                x, y = left + 1 + (start + 4) * module, bottom + 1 + side - (down + 5) * module
                canvas.rect(x * mm, y * mm, (across - start) * module * mm, module * mm, stroke=0, fill=1)
                start = None
    room = width - side - 3
    size = max(5.0, min(11.0, height * 0.3))
    y = bottom + height - 1 - size * 0.36
    for at, text in enumerate((label.tag, *label.lines)):
        font = "Helvetica-Bold" if at == 0 else "Helvetica"
        points = size if at == 0 else size * 0.65
        if y < bottom + 1:
            break
        canvas.setFont(font, points)
        canvas.drawString((left + side + 2) * mm, y * mm, _fitting(text, font, points, room * mm))
        y -= (size if at == 0 else size * 0.75) * 0.42
    return


def _fitting(text: str, font: str, size: float, room: float) -> str:
    """The text, cut with … where it is too long. Characters beyond the standard fonts are replaced."""
    plain = text.encode("cp1252", "replace").decode("cp1252")
    if stringWidth(plain, font, size) <= room:
        return plain
    while plain and stringWidth(plain + "…", font, size) > room:
        plain = plain[:-1]
    return plain + "…"
