"""The QR code of an activation code: as SVG for pages, PNG for messages, text for the terminal.

The drawing library is imported only when something is drawn, so that importing this room stays light.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import segno

    from mvne_provisioning.activation import ActivationCode

#: The quiet zone that ISO/IEC 18004 asks for, in modules.
_BORDER = 4


def svg(code: ActivationCode) -> str:
    """Return an `<svg>` element, black on white, for a page or a file of its own; it scales with its box."""
    drawing = io.BytesIO()
    _draw(code).save(
        drawing, kind="svg", border=_BORDER, omitsize=True, xmldecl=False, nl=False, light="#fff", svgclass="qr"
    )
    return drawing.getvalue().decode()


def png(code: ActivationCode, scale: int = 8) -> bytes:
    """Return a PNG picture, `scale` pixels to a module."""
    picture = io.BytesIO()
    _draw(code).save(picture, kind="png", border=_BORDER, scale=scale)
    return picture.getvalue()


def text(code: ActivationCode) -> str:
    """Return lines of half blocks, to be read off a dark terminal by a phone: light modules are drawn, dark are not."""
    rows = [[not dark for dark in row] for row in _draw(code).matrix_iter(border=_BORDER)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join("".join(_HALVES[halves] for halves in zip(*pair, strict=True)) for pair in pairs)


_HALVES = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def _draw(code: ActivationCode) -> segno.QRCode:
    import segno

    return segno.make(code.for_qr(), error="m", micro=False)
