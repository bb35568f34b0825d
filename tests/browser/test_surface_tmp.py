from pathlib import Path
from open_page import page_console
def test_engine(tiny_site: Path, chromium_path: Path) -> None:
    lines = list(page_console("browser/surface_tmp.html", {"site": tiny_site}, program=chromium_path, seconds=300))
    print("\n".join(lines))
    assert lines[-1] == "DONE all passed"
