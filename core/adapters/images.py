"""Pictures that people upload, read by content and written anew, so that nothing else rides along."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import DomainError
from core.i18n import _

MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_MEMORY = 130_000_000  # bytes while a picture is drawn anew, besides the file
LONGEST_SIDE = 2000
_WHOLE = 4  # bytes that Pillow takes for a pixel of several bands
_DIRECT = {
    "L": 1,
    "LA": _WHOLE,
    "RGB": _WHOLE,
    "RGBA": _WHOLE,
    "CMYK": _WHOLE,
}  # resized as they are
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def reencode(content: bytes, *, field: str | None = None) -> tuple[bytes, str]:
    """The picture as (bytes, media type): PNG when it has transparency, JPEG otherwise.

    Turned upright, without metadata, at most 2000 pixels long.

    Raises:
        DomainError: too large, or no PNG, JPEG, WebP or GIF by its content.
    """
    if len(content) > MAX_BYTES:
        raise DomainError(
            _("The picture is larger than 5 MB: choose a smaller one."),
            code="picture_size",
            field=field,
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _written_anew(content, field)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(field) from None
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
    ):
        raise DomainError(
            _("This file is not a picture: choose a PNG or JPEG."), code="picture", field=field
        ) from None


def _too_many_pixels(field: str | None) -> DomainError:
    return DomainError(
        _("The picture has too many pixels: choose a smaller one, or make it smaller."),
        code="picture_pixels",
        field=field,
    )


def _written_anew(content: bytes, field: str | None) -> tuple[bytes, str]:
    with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
        pixels = opened.width * opened.height
        if pixels > MAX_PIXELS:
            raise _too_many_pixels(field)
        opened.draft(None, (LONGEST_SIDE, LONGEST_SIDE))  # a photo is read at the size that is kept
        if _memory(opened, pixels) > MAX_MEMORY:
            raise _too_many_pixels(field)
        has_alpha = opened.has_transparency_data
        mode = "RGBA" if has_alpha else "RGB"
        picture = opened if _is_direct(opened) else opened.convert(mode)
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        picture = ImageOps.exif_transpose(picture).convert(mode)
    out = io.BytesIO()
    if has_alpha:
        picture.save(out, "PNG", optimize=True)
        return out.getvalue(), "image/png"
    picture.save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue(), "image/jpeg"


def _is_direct(picture: Image.Image) -> bool:
    """Can it be made smaller before its colours are changed? Not with a colour that means nothing."""
    return picture.mode in _DIRECT and "transparency" not in picture.info


def _memory(opened: Image.Image, pixels: int) -> int:
    """Roughly the bytes that reading and resizing take; ``pixels`` are those of the file."""
    kept = opened.width * opened.height
    needed = kept * (_DIRECT[opened.mode] if _is_direct(opened) else _WHOLE + _WHOLE // 2)
    if opened.format == "WEBP":  # read as an animation: two more canvases
        needed += pixels * 2 * _WHOLE
    if opened.info.get("progressive"):  # every scan is needed before the first line
        needed += pixels * 6
    return needed
