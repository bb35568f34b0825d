"""What a repository on the Hub says of the models in it: https://huggingface.co/docs/hub/model-cards"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from webllm_build.package.manifest import Manifest
from webllm_build.package.npm import as_text, one_line
from webllm_build.package.output import GENERATOR
from webllm_build.package.render import render

OURS = "<!-- Written by webllm-build upload, which replaces it; without this line, it stays as you write it. -->"
# Of https://huggingface.co/docs/hub/repositories-licenses, which takes no others.
LICENSES = frozenset((
    "apache-2.0", "mit", "openrail", "bigscience-openrail-m", "bigscience-bloom-rail-1.0", "bigcode-openrail-m", "creativeml-openrail-m",
    "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "cc", "cc0-1.0", "cc-by-2.0",
    "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-4.0", "gpl", "gpl-2.0", "gpl-3.0", "agpl-3.0", "lgpl", "lgpl-3.0", "isc", "mpl-2.0", "epl-2.0", "eupl-1.2", "ecl-2.0",
    "ms-pl", "osl-3.0", "unlicense", "wtfpl", "zlib", "odc-by", "odbl", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4",
    "gemma", "deepfloyd-if-license", "apple-amlr", "apple-ascl", "intel-research", "unknown", "other",
))
ORIGIN = re.compile(r"hf:([\w.-]+/[\w.-]+)", re.ASCII)
TASKS = {"chat": "text-generation", "complete": "text-generation", "embed": "feature-extraction"}


def model_card(manifests: Sequence[Manifest], repository: str) -> bytes:
    """README.md with the fields that the Hub reads at its beginning, as YAML, of which JSON is a part."""
    licenses = {one_line(each.model.license or "unknown") for each in manifests}
    (license,) = licenses if len(licenses) == 1 else {"other"}
    origins = [origin[1] for each in manifests if (origin := ORIGIN.match(each.model.source or ""))]
    known = license.lower() in LICENSES
    fields: dict[str, object] = {
        "license": license.lower() if known else "other",
        **({} if known else {"license_name": re.sub(r"[^a-z0-9.-]+", "-", license.lower()).strip("-")[:60] or "other"}),
        **({"base_model": list(dict.fromkeys(origins)), "base_model_relation": "quantized"} if origins else {}),
        "library_name": "webllm-build",
        "pipeline_tag": TASKS[manifests[0].task],
        "tags": ["webllm-build", "webgpu", "webassembly", "browser"],
    }
    yaml = "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())
    models = [
        {
            "name": as_text(each.model.name),
            "id": re.sub(r"[`|]", "", one_line(each.model.id)),
            "parameters": f"{each.model.parameters / 1e6:.0f} million",
            "megabytes": f"{each.download_bytes / 1e6:.0f}",
            "quantization": each.model.quantization,
            "context_length": each.model.context_length,
            "license": as_text(each.model.license or "unknown"),
            "source": as_text(each.model.source or "files of its builder"),
            "manifest": each.file,
        }
        for each in manifests
    ]
    title = " and ".join(str(model["name"]) for model in models)
    return render("hub/README.md.j2", yaml=yaml, ours=OURS, title=title, models=models, repository=repository, generator=GENERATOR).encode()
