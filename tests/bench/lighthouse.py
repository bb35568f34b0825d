"""Lighthouse's scores of the page, on a simulated phone and on a desktop. It needs npm, which fetches Lighthouse.

    python tests/bench/lighthouse.py [--language ar]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from site_server import SiteServer
from site_visit import build_site

from chromium import COMMON, FLAGS, find

VERSION = "13.5.0"


def scores(url: str, desktop: bool, language: str) -> None:
    flags = " ".join(["--headless=new", *COMMON, *FLAGS["test"], f"--lang={language}"])
    command = ["npx", "--yes", f"lighthouse@{VERSION}", url, "--quiet", "--output=json", f"--chrome-flags={flags}"]
    environment = {**os.environ, "CHROME_PATH": str(find()), "LANGUAGE": language}
    run = subprocess.run([*command, *(["--preset=desktop"] if desktop else [])], check=True, stdout=subprocess.PIPE, env=environment)
    report = json.loads(run.stdout)
    print("desktop" if desktop else "phone", {name: round(100 * category["score"]) for name, category in report["categories"].items()})
    for audit in report["audits"].values():
        if audit["score"] is not None and audit["score"] < 0.9 and audit["scoreDisplayMode"] != "informative":
            print(f"  {audit['score']:.2f} {audit['title']} {audit.get('displayValue', '')}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--language", default="en")
    language = parser.parse_args().language
    with tempfile.TemporaryDirectory() as scratch:
        server = SiteServer(Path(scratch) / "root", "chat")
        build_site(server.folder, Path(scratch) / "build")
        server.start()
        for desktop in (False, True):
            scores(server.url, desktop, language)
        server.stop()


if __name__ == "__main__":
    main()
