"""PDFs of text, as tests and the benchmark of sites/rag need them.

python tests/pdf.py 200 FILE        # so many pages of prose in another order of its words
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

LINE = 15
WIDTH, HEIGHT = 595, 842


def pdf(pages: Iterable[Sequence[str]], encrypted: bool = False) -> bytes:
    """Each page's lines in Helvetica; an empty line leaves a gap. encrypted: with a password that nobody knows."""
    contents = [_content(lines) for lines in pages]
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for i, content in enumerate(contents):
        fields = f"/Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Resources << /Font << /F 3 0 R >> >> /Contents {5 + 2 * i} 0 R"
        objects.append(f"<< /Type /Page {fields} >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content))
    if encrypted:
        unknown = b"<" + b"5a" * 32 + b">"
        objects.append(b"<< /Filter /Standard /V 1 /R 2 /P -4 /O %b /U %b >>" % (unknown, unknown))
    written = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(written))
        written += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    extra = b" /Encrypt %d 0 R /ID [<00> <00>]" % len(objects) if encrypted else b""
    end = b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R%b >>\nstartxref\n%d\n%%%%EOF\n"
    return written + end % (len(objects) + 1, table, len(objects) + 1, extra, len(written))


def _content(lines: Sequence[str]) -> bytes:
    shown = b"".join(b"(%b) Tj T*\n" % line.encode("cp1252").translate(None, b"\\()") for line in lines)
    return b"BT /F 11 Tf %d TL 60 %d Td\n%bET" % (LINE, HEIGHT - 60, shown)


def prose(pages: int, seed: int = 0) -> Iterable[list[str]]:
    """Pages of about 500 words in sentences, no two of them alike."""
    source = Path(__file__).parent / "bench" / "persuasion.txt"
    words = source.read_text("utf-8").encode("ascii", "ignore").decode().replace(".", "").split()
    chosen = random.Random(seed)
    for _ in range(pages):
        yield [" ".join(chosen.sample(words, 12)).capitalize() + "." for _ in range(42)]


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(pdf(prose(int(sys.argv[1]))))
