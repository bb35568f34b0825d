"""A package on a host of its own, as on a CDN, and pages of other origins."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from pathlib import Path

from site_visit import FAKE_WORKER

from open_page import serve_folder
from package_sample import publish_npm, sample_model


def served(folder: Path) -> AbstractContextManager[str]:
    """Address of a server of its own for a folder."""
    return serve_folder(folder, {"Access-Control-Allow-Origin": "*"})


def publish(folder: Path) -> None:
    """Writes `package` and its weights below it; its engine is the fake one."""
    publish_npm(folder / "package", sample_model(folder), name="sample")
    shutil.copyfile(FAKE_WORKER, folder / "package" / "runtime" / "worker.js")
