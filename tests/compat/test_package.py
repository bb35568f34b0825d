"""What npm publishes: nothing that is not meant, and types that every kind of import finds."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path

from projects import Project, run

TOOLS = ("publint@0.3.25", "@arethetypeswrong/cli@0.18.5")


def test_contents(package: Path) -> None:
    with tarfile.open(package) as archive:
        texts = {}
        for member in archive.getmembers():
            data = archive.extractfile(member)
            assert data is not None
            texts[member.name.removeprefix("package/")] = data.read()
    assert {"LICENSE", "README.md", "package.json"} <= texts.keys()
    assert b"THIRD" in texts["LICENSE"] or b"third-party" in texts["LICENSE"]
    meant = r"LICENSE|README\.md|package\.json|sbom\.cdx\.json|[\w./-]+\.(js|d\.ts)|model/[\w.-]+\.(wasm|bin|txt)"
    assert [name for name in texts if not re.fullmatch(meant, name)] == []
    assert [name for name, data in texts.items() if name.endswith((".js", ".d.ts")) and b"sourceMappingURL" in data] == []
    fields = json.loads(texts["package.json"])
    entries = [value for value in fields["exports"].values() if isinstance(value, dict)]
    named = {path.removeprefix("./") for entry in entries for path in entry.values()}
    assert named <= texts.keys()


def test_publint_and_attw_find_nothing(project: Project, package: Path) -> None:
    folder = project(*TOOLS)
    assert "All good!" in run(folder, "publint", str(package), "--strict")
    # Of its kinds of import those that a package of ES modules has.
    run(folder, "attw", str(package), "--profile", "esm-only")
