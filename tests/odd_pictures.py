"""A corpus of odd picture files, each as bytes, with what becomes of it: Pillow's pixels, or an error."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import PIL.ExifTags
import PIL.Image
import PIL.ImageCms
import PIL.ImageOps

Pixels = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 61, 47


@dataclass(frozen=True)
class Odd:
    """most: by how much a byte of a pixel may differ from Pillow's. error: of what is refused, what the message says."""

    name: str
    data: bytes
    most: int = 0
    error: str = ""


def pixels(width: int = WIDTH, height: int = HEIGHT, channels: int = 3) -> Pixels:
    """Gradients and edges."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    values: Pixels = ((x * (3 + c) + y * (5 - c) + (x // 7 + y // 5) % 2 * 90) % 256).astype(np.uint8)
    return values


def smooth(width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """Without edges: what loses detail loses little."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return (127 + 100 * np.sin(x / (17 + 3 * c)) * np.cos(y / (13 + 2 * c))).astype(np.uint8)


def image(mode: str = "RGB") -> PIL.Image.Image:
    if mode in {"LA", "RGBA"}:
        alpha = pixels(channels=1)
        colors = pixels(channels=len(mode) - 1)
        return PIL.Image.fromarray(np.concatenate((colors, alpha), -1), mode)
    return PIL.Image.fromarray(pixels()).convert(mode)


def saved(picture: PIL.Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def reference(data: bytes) -> Pixels:
    """uint8[height, width, 3], as transformers' processors have a picture: upright, and on white where it is transparent. Three things
    are as browsers do them: of grey in 16 bits the high byte counts, as of colors, where Pillow makes white of all but the darkest; a WebP
    lies as it is stored, as its visitor sees it; and a GIF has nothing around its first picture, where Pillow has its first color."""
    picture: PIL.Image.Image = PIL.Image.open(io.BytesIO(data))
    if picture.format == "GIF":
        (_, extents, *_), *_ = picture.tile  # type: ignore[attr-defined]
        screen = PIL.Image.new("RGB", picture.size, "white")
        rgba = picture.convert("RGBA").crop(extents)
        screen.paste(rgba, extents[:2], rgba)
        return np.asarray(screen)
    if picture.format != "WEBP":
        picture = PIL.ImageOps.exif_transpose(picture)
    if picture.mode == "I;16":
        picture = PIL.Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", picture.size, "white"), picture)
    return np.asarray(picture.convert("RGB"))


def exif(orientation: int) -> bytes:
    tags = PIL.Image.Exif()
    tags[PIL.ExifTags.Base.Orientation] = orientation
    return tags.tobytes()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, bits: int, color: int, rows: bytes, *extra: bytes, interlaced: bool = False) -> bytes:
    """rows: each with its filter's byte before it."""
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlaced)
    parts = (chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def passes(values: npt.NDArray[np.generic]) -> bytes:
    """Rows of an interlaced picture, by Adam7."""
    steps = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    parts = (values[top::down, left::right] for left, top, right, down in steps)
    return b"".join(rows_of(np.ascontiguousarray(part)) for part in parts if part.size)


def rows_of(values: npt.NDArray[np.generic]) -> bytes:
    return b"".join(b"\0" + row.tobytes() for row in values)


def deep(channels: int) -> npt.NDArray[np.uint16]:
    """Of 16 bits, of which the low ones are not like the high ones."""
    high = pixels(channels=channels).astype(np.uint16)
    return (high * 256 + high[::-1] * 7 % 256).astype(">u2")


def swapped_profile() -> bytes:
    """A color profile that is far from sRGB's."""
    profile = bytearray(PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes())
    for one, other in ((b"rXYZ", b"tmpp"), (b"gXYZ", b"rXYZ"), (b"tmpp", b"gXYZ")):  # red is green, and green is red
        at = profile.find(one, 128)
        profile[at : at + 4] = other
    return bytes(profile)


def pngs() -> Iterator[Odd]:
    for mode in ("RGB", "L", "P", "1", "LA", "RGBA"):
        yield Odd(f"{mode}.png", saved(image(mode), "PNG"), most=1 if "A" in mode else 0)
    clear = image("RGBA")
    clear.putalpha(0)
    yield Odd("clear.png", saved(clear, "PNG"))
    yield Odd("palette-key.png", saved(image("P"), "PNG", transparency=3))
    yield Odd("palette-alpha.png", saved(image("P"), "PNG", transparency=bytes(range(256))), most=1)
    yield Odd("color-key.png", saved(image(), "PNG", transparency=tuple(pixels()[0, 0].tolist())))
    yield Odd("deep-rgb.png", png(WIDTH, HEIGHT, 16, 2, rows_of(deep(3))))
    yield Odd("deep-rgba.png", png(WIDTH, HEIGHT, 16, 6, rows_of(deep(4))), most=1)
    yield Odd("deep-la.png", png(WIDTH, HEIGHT, 16, 4, passes(deep(2)), interlaced=True), most=1)
    yield Odd("deep-grey.png", png(WIDTH, HEIGHT, 16, 0, rows_of(deep(1))))
    yield Odd("deep-passes.png", png(WIDTH, HEIGHT, 16, 6, passes(deep(4)), interlaced=True), most=1)
    yield Odd("deep-turned.png", png(WIDTH, HEIGHT, 16, 2, rows_of(deep(3)), chunk(b"eXIf", exif(6)[6:])))
    yield Odd("gamma.png", png(WIDTH, HEIGHT, 8, 2, rows_of(pixels()), chunk(b"gAMA", struct.pack(">I", 100_000))))
    yield Odd("profile.png", saved(image(), "PNG", icc_profile=swapped_profile()))
    yield Odd("turned.png", saved(image(), "PNG", exif=exif(6)))
    yield Odd("moving.png", saved(image(), "PNG", save_all=True, append_images=[image().rotate(180)]))
    for width, height in ((1, 1), (1, 300), (300, 1), (2049, 3)):
        yield Odd(f"{width}x{height}.png", saved(PIL.Image.fromarray(pixels(width, height)), "PNG"))


def on_screen(left: int, top: int, width: int, height: int) -> bytes:
    """A GIF whose picture is a part of its screen."""
    data = bytearray(saved(PIL.Image.fromarray(pixels(50, 33)), "GIF"))
    at = data.index(struct.pack("<HH", 50, 33), 13) - 5
    struct.pack_into("<HH", data, 6, width, height)
    struct.pack_into("<HH", data, at + 1, left, top)
    return bytes(data)


def jpegs() -> Iterator[Odd]:
    soft = PIL.Image.fromarray(smooth())
    kinds: dict[str, dict[str, object]] = {
        "full": {"subsampling": 0},
        "half": {"subsampling": 1},
        "quarter": {"subsampling": 2},
        "progressive": {"progressive": True, "subsampling": 2},
        "coarse": {"quality": 20},
        "profile": {"icc_profile": swapped_profile(), "subsampling": 0},
        "restarts": {"restart_marker_rows": 1},
        "chatty": {"comment": b"x" * 60_000, "exif": b"Exif\0\0" + b"y" * 60_000},
    }
    for name, options in kinds.items():
        yield Odd(f"{name}.jpg", saved(soft, "JPEG", **{"quality": 92, **options}))
    yield Odd("sharp.jpg", saved(image(), "JPEG", quality=75, subsampling=2))
    yield Odd("grey.jpg", saved(soft.convert("L"), "JPEG"))
    yield Odd("cmyk.jpg", saved(soft.convert("CMYK"), "JPEG", quality=95))
    inks = saved(soft.convert("CMYK"), "JPEG", quality=95, progressive=True, exif=exif(6))
    yield Odd("inks.jpg", inks)
    marker = inks.index(b"\xff\xee")
    (length,) = struct.unpack_from(">H", inks, marker + 2)
    yield Odd("plain-inks.jpg", inks[:marker] + inks[marker + 2 + length :])  # without Adobe's marker
    yield Odd("ycck.jpg", inks[: marker + length + 1] + b"\x02" + inks[marker + length + 2 :])  # whose last byte says how inks are told
    yield Odd("rgb.jpg", saved(soft, "JPEG", quality=95, keep_rgb=True))
    yield Odd("two.jpg", saved(soft, "MPO", quality=95, subsampling=0, save_all=True, append_images=[soft.rotate(180)]))
    motorola = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, PIL.ExifTags.Base.Orientation, 3, 1, 6, 0, 0)
    yield Odd("motorola.jpg", saved(soft, "JPEG", subsampling=0, exif=motorola))
    for orientation in range(2, 9):
        yield Odd(f"turned-{orientation}.jpg", saved(soft, "JPEG", quality=95, subsampling=0, exif=exif(orientation)))


def others() -> Iterator[Odd]:
    soft, sharp = PIL.Image.fromarray(smooth()), image()
    yield Odd("lossless.webp", saved(sharp, "WEBP", lossless=True))
    yield Odd("lossy.webp", saved(soft, "WEBP", quality=90))
    yield Odd("alpha.webp", saved(image("RGBA"), "WEBP", lossless=True, exact=True), most=1)
    yield Odd("turned.webp", saved(sharp, "WEBP", lossless=True, exif=exif(8)))
    yield Odd("moving.webp", saved(sharp, "WEBP", lossless=True, save_all=True, append_images=[sharp.rotate(180)]))
    clear, more = image("RGBA"), image("RGBA").rotate(180)
    yield Odd("moving-alpha.webp", saved(clear, "WEBP", lossless=True, exact=True, save_all=True, append_images=[more]), most=1)
    yield Odd("plain.gif", saved(sharp, "GIF"))
    yield Odd("clear.gif", saved(image("P"), "GIF", transparency=5))
    yield Odd("moving.gif", saved(sharp, "GIF", save_all=True, append_images=[sharp.rotate(180)], duration=100))
    for name, place in {"aside": (9, 5, 80, 60), "over": (30, 20, 61, 47), "small": (0, 0, 20, 10)}.items():
        yield Odd(f"{name}.gif", on_screen(*place))
    for mode in ("RGB", "L", "P", "1"):
        yield Odd(f"{mode}.bmp", saved(image(mode), "BMP"))
    head = struct.pack("<IiiHHIIiiII", 40, WIDTH, -HEIGHT, 1, 24, 0, 0, 0, 0, 0, 0)  # from the top down
    lines = b"".join(row[:, ::-1].tobytes() + b"\0" * (-3 * WIDTH % 4) for row in pixels())
    yield Odd("down.bmp", b"BM" + struct.pack("<IHHI", 54 + len(lines), 0, 0, 54) + head + lines)
    yield Odd("turned.avif", saved(soft, "AVIF", quality=95, subsampling="4:4:4", exif=exif(5)), most=1)
    yield Odd("plain.avif", saved(soft, "AVIF", quality=95, subsampling="4:4:4"))


def bad() -> Iterator[Odd]:
    whole = saved(image(), "PNG")
    photo = saved(PIL.Image.fromarray(smooth()), "JPEG", quality=90)
    yield Odd("empty.png", b"", error="is empty")
    yield Odd("cut.png", whole[: len(whole) // 2], error="damaged")
    yield Odd("cut.jpg", photo[: len(photo) // 2], error="damaged")
    yield Odd("cut-late.jpg", photo[:-50], error="damaged")
    webp = saved(image(), "WEBP", lossless=True)
    yield Odd("cut-late.webp", webp[:-2], error="damaged")
    yield Odd("cut.webp", webp[: len(webp) // 2], error="damaged")
    gif = saved(image(), "GIF")
    yield Odd("cut.gif", gif[: len(gif) // 2], error="damaged")
    bmp = saved(image(), "BMP")
    yield Odd("cut.bmp", bmp[: len(bmp) // 2], error="damaged")
    yield Odd("wrong-sum.png", whole.replace(b"IDAT", b"IDAT", 1)[:-20] + b"\0" * 8 + whole[-12:], error="damaged")
    yield Odd("only-head.png", whole[:20], error="damaged")
    yield Odd("claims.png", png(32_000, 32_000, 8, 2, b""), error="32000 . 32000 pixels; at most")
    yield Odd("claims-less.png", png(10_000, 10_000, 8, 6, b"\0" * 100), error="damaged or not whole")
    yield Odd("claims.jpg", b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03" + b"\0" * 99, error="65535 . 65535 pixels; at most")
    yield Odd("claims.gif", b"GIF89a\xff\xff\xff\xff\0\0\0;", error="65535 . 65535 pixels; at most")
    huge = struct.pack("<IiiHHI", 40, 2**31 - 1, -(2**31), 1, 24, 0)
    yield Odd("claims.bmp", b"BM" + b"\0" * 12 + huge + b"\0" * 20, error="pixels; at most")
    yield Odd("claims.webp", b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\xff" * 2 + b"\0" * 9, error="pixels; at most")
    avif = saved(PIL.Image.fromarray(smooth()), "AVIF")
    size = struct.pack(">II", WIDTH, HEIGHT)
    yield Odd("claims.avif", avif.replace(b"ispe\0\0\0\0" + size, b"ispe\0\0\0\0" + b"\0\1\0\0\0\1\0\0"), error="pixels; at most")
    yield Odd("nothing.png", png(0, 4, 8, 2, b""), error="0 . 4 pixels: there is nothing to see")
    yield Odd("text.png", b"Hello, I am a picture.", error="no picture that is known here; take PNG")
    yield Odd("page.jpg", b"<!doctype html><title>Not found</title>", error="no picture that is known here")
    script = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>throw new Error("run")</script></svg>'
    yield Odd("script.svg", script, error="Pictures in SVG are not read")
    yield Odd("script.png", b'<?xml version="1.0"?>\n<!-- x -->\n' + script, error="Pictures in SVG are not read")
    yield Odd("words.svg", script.decode().encode("utf-16"), error="Pictures in SVG are not read")
    yield Odd("cut.avif", saved(PIL.Image.fromarray(smooth()), "AVIF")[:-40], error="damaged")
    yield Odd("photo.tiff", saved(image(), "TIFF"), error="Pictures in TIFF are not read; take PNG, JPEG")
    yield Odd("photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 99, error="Pictures in HEIC are not read")
    yield Odd("photo.jxl", b"\xff\x0a" + b"\0" * 99, error="Pictures in JPEG XL are not read")
    yield Odd("paper.pdf", b"%PDF-1.7\n", error="Pictures in PDF are not read")


def all_odd() -> list[Odd]:
    return [*pngs(), *jpegs(), *others(), *bad()]
