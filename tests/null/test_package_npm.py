"""The npm package: its files, its package.json, and that nothing it names is missing."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from golden_file import assert_golden
from package_sample import ASKED, FACTS, TOKENIZER, node, publish_npm, sample_model, stub_runtime, tree
from runtimes import RUNTIMES, run_without_gpu
from webllm_build.package import assets
from webllm_build.package.manifest import EmbeddingFacts, read_manifest
from webllm_build.package.model_folder import CompiledModel
from webllm_build.package.npm import SCRIPTS
from webllm_build.package.output import Marker
from webllm_build.package.places import BUNDLED, Places

ROOT = Path(__file__).resolve().parents[2]
HASHED = re.compile(r"\.([0-9a-f]{16}|[0-9a-f]{32})\.")
WEBLLM = ROOT / "runtime_js" / "node_modules" / "@mlc-ai" / "web-llm" / "lib" / "index.js"
WEIGHTS = "https://weights.example.org/sample/"
ELSEWHERE = Places((WEIGHTS,), "weights")


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stub_runtime(tmp_path / "runtime")
    monkeypatch.setattr(assets, "runtime_folder", lambda: folder)


def write(tmp_path: Path, weights: Places = ASKED, license: str | None = "apache-2.0") -> Marker:
    model = sample_model(tmp_path / "sample", facts=replace(FACTS, license=license))
    return publish_npm(tmp_path / "package", model, name="@me/sample", weights=weights)


def test_file_list(tmp_path: Path) -> None:
    write(tmp_path)
    names = [HASHED.sub(".<hash>.", name) for name in tree(tmp_path / "package")]
    assert_golden("npm-files.txt", "\n".join(sorted(names)) + "\n")


def test_package_json_is_complete_and_names_files_that_are_there(tmp_path: Path) -> None:
    write(tmp_path)
    package = tmp_path / "package"
    fields = json.loads((package / "package.json").read_text())
    assert (fields["name"], fields["version"], fields["type"]) == ("@me/sample", "1.2.3", "module")
    assert fields["exports"]["."] == {"types": "./index.d.ts", "node": "./node.js", "default": "./index.js"}
    for conditions in (fields["exports"][entry] for entry in (".", "./static", "./worker")):
        assert list(conditions)[-1] == "default", "a condition behind it is never looked at"
    for target in (
        fields["types"],
        *fields["exports"]["."].values(),
        *fields["exports"]["./static"].values(),
        *fields["exports"]["./worker"].values(),
        *fields["sideEffects"],
        *fields["files"],
    ):
        assert any(package.glob(target.removeprefix("./"))), target
    assert (package / "README.md").is_file()
    assert (package / "LICENSE").is_file()


@pytest.mark.parametrize("weights", [BUNDLED, ELSEWHERE, ASKED])
def test_every_file_is_named_by_a_url_that_bundlers_see(tmp_path: Path, weights: Places) -> None:
    marker = write(tmp_path, weights)
    package = tmp_path / "package"
    texts = [(package / name).read_text() for name in SCRIPTS if not name.startswith("node")]
    urls = [url for text in texts for url in re.findall(r'new URL\("([^"]+)", import\.meta\.url\)', text)]
    model_files = {f"./{name}" for name in marker.files if name.startswith("model/")}
    assert set(urls) == {*model_files, "./runtime/worker.js"}
    assert any(name.endswith(".bin") for name in model_files) == (weights == BUNDLED)


@pytest.mark.parametrize(
    ("weights", "note"),
    [
        (BUNDLED, "The weights are part of this package"),
        (ELSEWHERE, f"<{WEIGHTS}>: upload `weights/`"),
        (Places(("", WEIGHTS)), f"part of this package, and also come from <{WEIGHTS}>."),
        (Places((WEIGHTS,), None), f"come from <{WEIGHTS}>.\n"),
        (ASKED, "name that folder as `weights`"),
    ],
)
def test_the_readme_says_where_the_weights_are(tmp_path: Path, weights: Places, note: str) -> None:
    write(tmp_path, weights)
    readme = (tmp_path / "package" / "README.md").read_text()
    assert note in readme
    assert ('weights: "https://..."' in readme) == (weights == ASKED)


def test_the_readme_names_what_the_runtime_exports(tmp_path: Path) -> None:
    write(tmp_path)
    readme = (tmp_path / "package" / "README.md").read_text("utf-8")
    index = "".join((ROOT / "runtime_js" / "src" / name).read_text("utf-8") for name in ("index.ts", "handle.ts"))
    parts = (part for names in re.findall(r"export \{([^}]*)\}", index) for part in names.split(",") if part.strip())
    names = {part.strip().rpartition(" as ")[2] for part in parts}
    values = {name for name in names if not name.startswith("type ") and not name.endswith("Error")}
    assert len(values) > 5
    assert [name for name in sorted(values) if f"`{name}`" not in readme] == []
    told = set(re.findall(r"`((?:open|create)[A-Z]\w+|(?:Worker)?Engine(?:Handler)?)`", readme))
    assert told <= {*values, "createEngine"}


@pytest.mark.parametrize("weights", [ELSEWHERE, ASKED])
def test_weights_outside_of_the_package_lie_beside_it_to_be_uploaded(tmp_path: Path, weights: Places) -> None:
    marker = write(tmp_path, weights)
    package = tmp_path / "package"
    manifest = read_manifest(package / marker.models[0].manifest)
    assert manifest.weights.places == (weights.urls or ("",))
    assert [path.name for path in package.glob("weights/*")] == [shard.file for shard in manifest.weights.shards]
    assert "weights" not in json.loads((package / "package.json").read_text())["files"]
    write(tmp_path, BUNDLED)
    assert not (package / "weights").exists(), "bundled instead"


def test_only_a_package_without_weights_asks_for_their_address(tmp_path: Path) -> None:
    model = tmp_path / "package" / "models.js"
    for weights, asked in ((BUNDLED, False), (ELSEWHERE, False), (ASKED, True)):
        write(tmp_path, weights)
        assert ("asksForWeights = true" in model.read_text()) == asked
        assert ("readonly weights: string;" in model.with_suffix(".d.ts").read_text()) == asked


@pytest.mark.parametrize(
    ("license", "expected"), [("apache-2.0", "Apache-2.0"), ("llama3.2", "SEE LICENSE IN LICENSE"), (None, "SEE LICENSE IN LICENSE")]
)
def test_license(tmp_path: Path, license: str | None, expected: str) -> None:
    write(tmp_path, license=license)
    assert json.loads((tmp_path / "package" / "package.json").read_text())["license"] == expected
    assert (license or "unknown") in (tmp_path / "package" / "LICENSE").read_text()


def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    write(tmp_path)
    first = tree(tmp_path / "package")
    write(tmp_path)
    assert tree(tmp_path / "package") == first


@pytest.mark.parametrize("weights", [BUNDLED, ASKED])
def test_scripts_parse(tmp_path: Path, weights: Places) -> None:
    write(tmp_path, weights)
    for name in SCRIPTS:
        done = node("--check", tmp_path / "package" / name)
        assert done.returncode == 0, done.stderr


OUTSIDE = """
import { createEngine, modelId } from "sample";
import { createLanguageModel } from "sample/prompt-api";
import * as inline from "sample/static";
const told = (engine) => engine.then(() => "made", (error) => `${error.code ?? error.name}: ${error.message}`);
console.log(modelId, inline.modelId, import.meta.resolve("sample/worker").split("/").at(-1));
console.log(await told(createEngine({ signal: AbortSignal.abort(new RangeError("enough")) })));
console.log(await told(createEngine()));
console.log(await told(inline.createEngine()));
const engine = new inline.WorkerEngine(inline.startEngine(new URL(import.meta.resolve("sample/worker"))));
console.log(JSON.stringify((await engine.models.list()).data));
console.log(await createLanguageModel().availability(), await told(createLanguageModel().create()));
console.log("The end: nobody terminates the last engine");
"""


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_it_runs_outside_of_browsers(tmp_path: Path, built_runtime: None, runtime: str) -> None:
    """In a thread of its own and in the caller's; the sample itself is no model."""
    publish_npm(tmp_path / "node_modules" / "sample", sample_model(tmp_path / "sample"), name="sample", weights=BUNDLED)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "use.js").write_text(OUTSIDE)
    done = run_without_gpu(runtime, "use.js", cwd=tmp_path, WEBLLM_BUILD_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    ids, aborted, in_thread, here, models, languages, end = done.stdout.splitlines()
    assert ids == f"{FACTS.id} {FACTS.id} node-worker.js"
    assert aborted == "RangeError: enough"
    assert in_thread == here
    assert in_thread.startswith(("WebGPUNotAvailable: ", "Manifest: "))
    assert languages == f"available {in_thread}"
    assert (models, end) == ("[]", "The end: nobody terminates the last engine")


def test_a_server_can_import_it_but_creates_no_engine(tmp_path: Path, built_runtime: None) -> None:
    """As frameworks do that render pages on a server."""
    write(tmp_path, BUNDLED)
    script = tmp_path / "server.mjs"
    script.write_text(
        """
        import * as main from "./package/index.js";
        import * as inline from "./package/static.js";
        const told = (engine) => engine.then(() => "made", (error) => `${error.code ?? error.name}: ${error.message}`);
        console.log(main.modelId, inline.modelId, "Worker" in globalThis);
        console.log(await told(main.createEngine()));
        console.log(await told(main.createEngine({ signal: AbortSignal.abort(new RangeError("enough")) })));
        console.log(await told(inline.createEngine()));
        """
    )
    done = node(script)
    assert done.returncode == 0, done.stderr
    ids, without_worker, aborted, static = done.stdout.splitlines()
    assert ids == f"{FACTS.id} {FACTS.id} false"
    assert without_worker.startswith("FeatureSupport: There are no workers here.")
    assert aborted == "RangeError: enough"
    assert static != "made"


USE = """
import { createEngine, MLCEngineError, modelId, type InitProgressReport } from "asks";
import { createEngine as inThisThread } from "asks/static";
import { createEngine as bundled } from "bundled";

const { signal } = new AbortController();
const initProgressCallback = (report: InitProgressReport) => console.log(report.text);
const engine = await createEngine({ weights: "w/", signal, initProgressCallback }, { context_window_size: 512 });
engine.terminate();
await (await inThisThread({ weights: "w/", signal })).unload();
(await bundled()).terminate();
(await bundled({ worker: new Worker("mine.js") })).terminate();
export const id: "sample-1m" = modelId;
export const isOurs = (error: unknown) => error instanceof MLCEngineError && error.code;
// @ts-expect-error its weights lie elsewhere
await createEngine({});
"""


def compile_types(folder: Path, *options: str) -> str:
    """Standard output of a TypeScript compiler that finds nothing wrong."""
    compiler = ROOT / "runtime_js" / "node_modules" / ".bin" / "tsc"
    if not compiler.is_file():
        pytest.skip("the TypeScript compiler is not installed")
    done = subprocess.run([compiler, "--noEmit", *options], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize(("module", "resolution"), [("esnext", "bundler"), ("nodenext", "nodenext")])
def test_types_fit_strict_programs(tmp_path: Path, built_runtime: None, module: str, resolution: str) -> None:
    for name, weights in (("asks", ASKED), ("bundled", BUNDLED)):
        publish_npm(tmp_path / "node_modules" / name, sample_model(tmp_path / name), name=name, weights=weights)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "use.ts").write_text(USE)
    libraries = "es2022,dom,dom.asynciterable,esnext.disposable"
    options = ["--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--module", module, "--moduleResolution", resolution]
    files = compile_types(tmp_path, *options, "--lib", libraries, "--listFiles", "use.ts").splitlines()
    ours = [Path(file) for file in files if file.startswith(str(tmp_path))]
    assert any(file.name == "base_engine.d.ts" for file in ours)
    declared = {name: file for file in ours for name in re.findall(r"\bGPU[A-Z]\w+", re.sub(r"(?s)/[*].*?[*]/", "", file.read_text()))}
    # Names that the libraries of TypeScript before 6 lack, so that a program would need more packages to be checked.
    assert declared.keys() <= {"GPUExecution", "GPUExecutionError"}, declared


def test_types_are_those_of_the_openai_client(built_runtime: None) -> None:
    compile_types(ROOT / "runtime_js", "-p", "test/types")


@pytest.mark.parametrize("package", ["theirs", "ours"])
def test_types_are_those_of_webllm(built_runtime: None, package: str) -> None:
    """One program that uses each of its names."""
    compile_types(ROOT / "runtime_js", "-p", f"test/types/webllm/tsconfig.{package}.json")


def test_types_are_those_of_the_prompt_api(built_runtime: None) -> None:
    compile_types(ROOT / "runtime_js", "-p", "test/types/prompt_api")


def test_all_that_webllm_exports_is_there(tmp_path: Path, built_runtime: None) -> None:
    publish_npm(tmp_path / "package", replace(sample_model(tmp_path / "sample"), names=("Sample-1M-q4f16_1-MLC",)), name="sample")
    program = f"""
        const names = async (path) => Object.keys(await import(path));
        const [theirs, ours] = await Promise.all([names({str(WEBLLM)!r}), names({str(tmp_path / "package" / "static.js")!r})]);
        const {{ prebuiltAppConfig, modelRecords: [modelRecord] }} = await import({str(tmp_path / "package" / "static.js")!r});
        const records = prebuiltAppConfig.model_list.map(({{ model_id, manifest, model_lib }}) => (
          [model_id, manifest === modelRecord.manifest, typeof model_lib]));
        console.log(JSON.stringify([theirs.length, theirs.filter((name) => !ours.includes(name)), records]));
    """
    ran = node("--input-type=module", "--eval", program)
    assert json.loads(ran.stdout) == [35, [], [["sample-1m", True, "string"], ["Sample-1M-q4f16_1-MLC", True, "string"]]], ran.stderr


def test_no_script_imports_dynamically(tmp_path: Path, built_runtime: None) -> None:
    """Service workers may not: https://html.spec.whatwg.org/multipage/webappapis.html#hostimportmoduledynamically

    And Vite 5 to 7 make one classic script of a program's own worker. The element is a page's alone: it fetches late what it needs late."""
    write(tmp_path)
    package = tmp_path / "package"
    scripts = [path for path in package.rglob("*.js") if "node" not in path.name and path.name != "element.js"]
    assert len(scripts) > 8
    assert [path.relative_to(package) for path in scripts if re.search(r"\bimport\(", path.read_text("utf-8"))] == []


def test_a_page_whose_models_run_in_a_worker_gets_no_engine(built_runtime: None) -> None:
    """Where nothing is bundled, or a bundler drops what is not used: what `handle` imports is a third of all."""
    folder = ROOT / "runtime_js" / "dist"
    wanted, found = ["handle.js"], dict[str, str]()
    while wanted:
        name = wanted.pop()
        found[name] = (folder / name).read_text("utf-8")
        parts = {f"chunks/{part}" for part in re.findall(r'from"\./(?:chunks/)?([\w-]+\.js)"', found[name])}
        wanted += parts - found.keys()
    assert sum(map(len, found.values())) < 156_000
    assert not [name for name, text in found.items() if "createComputePipeline" in text]


def test_no_script_without_effects_is_called_like_the_entry_that_has_some(tmp_path: Path) -> None:
    """Vite 8 takes a path of `sideEffects` for all files whose path ends so, and would keep the engine in every page."""
    write(tmp_path)
    package = tmp_path / "package"
    assert "./index.js" in json.loads((package / "package.json").read_text())["sideEffects"]
    assert list(package.rglob("index.js")) == [package / "index.js"]


@pytest.fixture
def built_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ROOT / "runtime_js" / "dist"
    if not folder.is_dir():
        pytest.skip("the runtime is not built")
    monkeypatch.setattr(assets, "runtime_folder", lambda: folder)


def test_a_base_model_is_said_to_continue_text(tmp_path: Path) -> None:
    for config, words, absent in (
        (TOKENIZER.config, "engine.chat.completions.create", "base model"),
        ({}, "is a base model", "engine.chat.completions.create"),
    ):
        model = replace(sample_model(tmp_path / "sample"), tokenizer=replace(TOKENIZER, config=config))
        publish_npm(tmp_path / "package", model, name="sample")
        readme = (tmp_path / "package" / "README.md").read_text()
        assert words in readme
        assert absent not in readme


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x>",
        "![x](http://evil.example/p.png)",
        "[a](javascript:b)",
        "a\n\n# b",
        "`x` **b**",
        "https://evil.example",
        "\x1b[31m\u202e",
    ],
)
def test_names_of_a_hostile_model_stay_text(tmp_path: Path, name: str) -> None:
    facts = replace(FACTS, name=name, license=f"mit\n\nAll rights to {name}")
    publish_npm(tmp_path / "package", sample_model(tmp_path / "sample", facts=facts), name="sample")
    readme, license = ((tmp_path / "package" / file).read_text("utf-8") for file in ("README.md", "LICENSE"))
    for line in readme.splitlines():
        assert not re.search(r"(?<!\\)(<img|!\[x|\]\(http|\]\(javascript|\*\*b|https?:(//evil))", line), line
        assert not line.startswith("# b")
    assert license.splitlines()[0].startswith("The model ")
    assert "All rights" not in "".join(license.splitlines()[1:3])
    assert all(letter.isprintable() or letter == "\n" for letter in readme)


def several(tmp_path: Path) -> list[CompiledModel]:
    """A chat model, a base model and an embedding model."""
    config = {"eos_token": "</s>"}
    chat = replace(sample_model(tmp_path / "chat", 0), names=("sample", "Sample-1M-q4f16_1-MLC"))
    base = replace(
        sample_model(tmp_path / "base", 1, facts=replace(FACTS, id="base-q4", name="Base", license="mit")),
        tokenizer=replace(TOKENIZER, config=config),
    )
    facts = replace(FACTS, id="vectors-q8", name="Vectors", source="hf:me/vectors@0123")
    return [chat, base, replace(sample_model(tmp_path / "vectors", 2, facts=facts), embedding=EmbeddingFacts("mean", True, 64, 128))]


@pytest.mark.parametrize("weights", [BUNDLED, ELSEWHERE, ASKED])
def test_several_models_share_what_is_equal(tmp_path: Path, weights: Places) -> None:
    marker = publish_npm(tmp_path / "package", *several(tmp_path), name="several", weights=weights)
    package = tmp_path / "package"
    manifests = [read_manifest(package / model.manifest) for model in marker.models]
    assert [manifest.model.id for manifest in manifests] == [FACTS.id, "base-q4", "vectors-q8"]
    assert [model.names for model in marker.models] == [("Sample-1M-q4f16_1-MLC", "sample"), (), ()]
    wanted = {f"model/{entry.file}" for manifest in manifests for entry in (manifest.library, manifest.grammar)}
    wanted |= {f"model/{manifest.tokenizer.file}.txt" for manifest in manifests}
    assert len(wanted) == 3, "one library, one grammar engine, one tokenizer"
    shards = {shard.file for manifest in manifests for shard in manifest.weights.shards}
    assert len(shards) == 3
    wanted |= {*(model.manifest for model in marker.models), *(f"{weights.folder}/{shard}" for shard in shards)}
    assert {name for name in marker.files if name.startswith(("model/", "weights/"))} == wanted
    urls = re.findall(r'new URL\("\./([^"]+)", import\.meta\.url\)', (package / "models.js").read_text())
    assert set(urls) == {name for name in wanted if name.startswith("model/")}
    assert all(manifest.weights.places == (weights.urls or ("",)) for manifest in manifests)


def test_a_package_of_several_models_tells_of_each(tmp_path: Path) -> None:
    publish_npm(tmp_path / "package", *several(tmp_path), name="several")
    readme, license = ((tmp_path / "package" / name).read_text("utf-8") for name in ("README.md", "LICENSE"))
    assert 'model: ["sample-1m", "base-q4", "vectors-q8"],' in readme
    assert all(words in readme for words in ("engine.completions.create", "Base is a base model", "may have 128 tokens"))
    assert license.count("is licensed by its authors under") == 3
    fields = json.loads((tmp_path / "package" / "package.json").read_text())
    assert fields["license"] == "SEE LICENSE IN LICENSE", "one of them is not Apache's"
    assert fields["description"].startswith("Sample 1M Instruct and Base and Vectors in the browser")


RECORDS = """
const { createEngine, modelId, modelIds, modelRecords, prebuiltAppConfig } = await import(process.argv[1]);
const records = prebuiltAppConfig.model_list.map(({ model_id, model_type, manifest }) => (
  [model_id, model_type, modelRecords.findIndex((record) => record.manifest === manifest)]));
const why = await createEngine({ model: "nobody", weights: "https://w.example" }).catch(({ code, message }) => `${code}: ${message}`);
console.log(JSON.stringify([modelId, modelIds, records, why]));
"""


@pytest.mark.parametrize("entry", ["index.js", "static.js", "node.js", "node-static.js"])
def test_every_entry_knows_all_models(tmp_path: Path, built_runtime: None, entry: str) -> None:
    publish_npm(tmp_path / "package", *several(tmp_path), name="several")
    ran = node("--input-type=module", "--eval", RECORDS, str(tmp_path / "package" / entry))
    model_id, ids, records, why = json.loads(ran.stdout)
    assert (model_id, ids) == (FACTS.id, [FACTS.id, "base-q4", "vectors-q8"])
    names = [(FACTS.id, 0, 0), ("sample", 0, 0), ("Sample-1M-q4f16_1-MLC", 0, 0), ("base-q4", 0, 1), ("vectors-q8", 1, 2)]
    assert [tuple(record) for record in records] == names
    assert why.startswith('ModelNotFound: This package has no model "nobody", but sample-1m, base-q4, vectors-q8.')
    assert why.endswith("webllm-build npm --model sample --model ... --model hf:me/vectors@0123 --model nobody")


USE_SEVERAL = """
import { createEngine, modelId, modelIds, modelRecords, type EngineTypes, type ModelName } from "several";
import { createEngine as inThisThread } from "several/static";
import { createLanguageModel } from "several/prompt-api";

const both = await createEngine({ model: modelIds, weights: "w/" }, [{ context_window_size: 64 }, {}, {}]);
await both.addModel("base-q4");
both.terminate();
await inThisThread({ model: "Sample-1M-q4f16_1-MLC", weights: "w/" });
createLanguageModel({ model: "sample", weights: "w/" });
export const first: "sample-1m" = modelId;
export const third: "vectors-q8" = modelIds[2];
export const named: ModelName = third;
export const records: readonly EngineTypes.ModelRecord[] = modelRecords;
// @ts-expect-error the package has no such model
await createEngine({ model: "nobody", weights: "w/" });
"""


def test_types_name_the_models(tmp_path: Path, built_runtime: None) -> None:
    publish_npm(tmp_path / "node_modules" / "several", *several(tmp_path), name="several")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "use.ts").write_text(USE_SEVERAL)
    options = ["--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext"]
    compile_types(tmp_path, *options, "--lib", "es2022,dom,dom.asynciterable,esnext.disposable", "use.ts")
