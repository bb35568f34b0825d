"""Flips bits of a model's files, where a browser stores them and where they are served, and cuts connections at random.

    python tests/fuzz/fuzz_storage.py --seconds 600 --seed 1
    python tests/fuzz/fuzz_storage.py --seed 4711 --faults 1

A fault is its number. What the runtime's storage hands on has the digest of what was built, whatever was flipped or cut: else it was
missed. Bytes that are wrong in store come again, those that are served wrong once too; twice is an error. Exit status 1: something was
missed, or hung.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "browser"), str(TESTS), str(TESTS.parent / "builder")]

import numpy as np  # noqa: E402  # what it imports is found by the path above
from playwright.sync_api import Page, sync_playwright  # noqa: E402
from seeds import asked, numbers  # noqa: E402
from site_server import Instead, SiteServer  # noqa: E402
from site_visit import STORED, launch  # noqa: E402
from test_storage import NPM, RUNTIME  # noqa: E402

from package_sample import FACTS, GRAMMAR, LIBRARY, TOKENIZER, publish_site  # noqa: E402
from webllm_build.package.model_folder import CompiledModel, write_weights  # noqa: E402
from webllm_build.quantize import Packed  # noqa: E402

BYTES = 300_000  # of weights: they are read from start to end each time
MOST_SECONDS = 60
LOAD = """async ([manifest, seconds]) => {
  const { ModelFolder } = await import("./storage.js");
  const load = async () => {
    const signal = AbortSignal.timeout(1000 * seconds);
    const folder = await ModelFolder.open({ manifest: new URL(manifest, location).href }, signal, () => undefined);
    const library = await folder.read(folder.manifest.library, signal);
    const tokenizer = await folder.readJson(folder.manifest.tokenizer, signal);
    const shards = new Map();
    await folder.readShards(signal, () => undefined, async (file, shard) => { shards.set(file.file, shard.slice(0)); });
    const parts = [library, new TextEncoder().encode(JSON.stringify(tokenizer)), ...[...shards].sort().map(([, shard]) => shard)];
    const digest = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
    return { read: Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("") };
  };
  try {
    return await load();
  } catch (error) {
    return { error: `${error.name}: ${error.message}`, late: error.name === "TimeoutError" };
  }
}"""
FLIP = """async ([address, name, place, bit]) => {
  const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("webllm-build");
  const file = await (await models.getDirectoryHandle(encodeURIComponent(address))).getFileHandle(name);
  const bytes = new Uint8Array(await (await file.getFile()).arrayBuffer());
  const at = Math.floor(place * bytes.length);
  bytes[at] ^= 1 << bit;
  const stream = await file.createWritable({ keepExistingData: true });
  await stream.write({ type: "write", position: at, data: bytes.subarray(at, at + 1) });
  await stream.close();
}"""
FORGET = """async () => {
  const root = await navigator.storage.getDirectory();
  for await (const name of root.keys()) await root.removeEntry(name, { recursive: true });
}"""


class Missed(AssertionError):
    """What came is not what was built, or did not come."""


class Store:
    """A page with the runtime's storage, and the server of its model."""

    def __init__(self, page: Page, server: SiteServer, manifest: str) -> None:
        self.page, self.server, self.manifest = page, server, manifest
        page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
        page.goto(server.url + "blank.html")
        self.whole = self.load()["read"]

    def load(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate(LOAD, [self.manifest, MOST_SECONDS])
        if found.get("late"):
            raise Missed(f"nothing came of it in {MOST_SECONDS} seconds")
        return found

    def loads(self) -> None:
        if (found := self.load()) != {"read": self.whole}:
            raise Missed(f"{found} is not {self.whole}")

    def requests(self) -> list[str]:
        """Names of what is asked for from here on, and what was before."""
        asked = [Path(path).name for path in self.server.requests if "/model/" in path]
        self.server.requests.clear()
        return asked


def stored(random: Random, store: Store) -> str:
    """A bit of a stored file is flipped."""
    page, address = store.page, f"{store.server.url}model/"
    names = sorted(page.evaluate(STORED, address))
    name = random.choice([each for each in names if not each.endswith((".part", ".json"))] if random.random() < 0.7 else names)
    page.evaluate(FLIP, [address, name, random.random(), random.randrange(8)])
    store.requests()
    store.loads()
    asked = store.requests()
    if name.partition(".")[0] in ("weights-0000", "model") and asked != [name]:
        raise Missed(f"{name} was flipped, and {asked} asked for")
    return f"stored {name.partition('.')[0].rstrip('0123456789-')}"


def served(random: Random, store: Store) -> str:
    """A bit of a served file is flipped, in so many answers."""
    store.page.evaluate(FORGET)
    paths = sorted(path for path in (store.server.folder / "model").iterdir() if not path.name.startswith("grammar"))
    path, times = random.choice(paths), random.choice((1, 1, 2, 9))
    data = bytearray(path.read_bytes())
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    store.server.instead = {path.name: [Instead(bytes(data))] * times}
    found = store.load()
    store.server.instead = {}
    if found != {"read": store.whole} and ("read" in found or times == 1):
        raise Missed(f"{path.name} was served wrong {times} times: {found}")
    store.loads()
    return f"served {path.name.partition('.')[0].rstrip('0123456789-')} {times} x, {'read' if 'read' in found else 'refused'}"


def cut(random: Random, store: Store) -> str:
    """Connections break at random bytes."""
    store.page.evaluate(FORGET)
    store.server.cuts = [random.randrange(BYTES) for _ in range(random.randrange(1, 5))]
    store.loads()
    store.server.cuts.clear()
    return "cut"


FAULTS = (stored, stored, stored, stored, served, served, served, cut)


def build(folder: Path) -> str:
    """A blank page with the runtime's storage, and a small model; the name of its manifest."""
    words = np.random.default_rng(3).integers(0, 2**32, BYTES // 4, dtype=np.uint32)
    weights = write_weights(folder.parent / "weights", [Packed("w", "uint32", words.shape, words)])
    publish_site(folder, CompiledModel(FACTS, LIBRARY, TOKENIZER, (2,), weights, {"w": "q4a"}, GRAMMAR))
    (folder / "blank.html").write_text("<!doctype html><title>storage</title>")
    NPM(RUNTIME, "exec", "--offline", "--call", f"node test/bundle.mjs src/storage/model_folder.ts {folder / 'storage'}.js")
    (manifest,) = folder.glob("model/manifest.*.json")
    return f"model/{manifest.name}"


def main() -> int:
    given = asked(__doc__, "faults")
    ends, missed = Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder)
        manifest = build(root / "page")
        with SiteServer(root, "page") as server, launch(playwright) as browser:
            store = Store(browser.new_page(), server, manifest)
            for number in numbers(given):
                random = Random(number)
                try:
                    ends[random.choice(FAULTS)(random, store)] += 1
                except Exception:
                    missed += 1
                    print(f"\nfault {number}:\n{traceback.format_exc()[-3000:]}", flush=True)
                    store.page.evaluate(FORGET)
                    store.server.cuts, store.server.instead = [], {}
                    store = Store(store.page, server, manifest)
    counts = ", ".join(f"{end} {count}" for end, count in sorted(ends.items()))
    print(f"{number + 1 - given.seed} faults from {given.seed} on: {missed} missed; {counts}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
