"""Every family in every variant that a GPU has, against what it must give: a table of errors.

    PYTHONPATH=tests python tests/gpu/families_on_gpu.py build FOLDER    # with what tests need
    PYTHONPATH=tests python tests/gpu/families_on_gpu.py run FOLDER      # with numpy, wgpudawn and wasmtime, on the GPU

VK_DRIVER_FILES names the GPU's Vulkan driver, on NVIDIA's the file nvidia_icd.json. Ends with status 1 where something is out of bounds.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
from pathlib import Path

from device import Device
from family_case import Case


def build(folder: Path) -> None:
    from family_cases import cases

    from families import FAMILIES, formats, open_tiny
    from webllm_build.compile.target import VARIANTS

    folder.mkdir(parents=True, exist_ok=True)
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as model:
            folder_form, packed_form = (open_tiny(family, formats(family)[i], Path(model)) for i in (0, -1))
            found = cases(family, folder_form, packed_form, VARIANTS)
            (folder / f"{family}.pickle").write_bytes(pickle.dumps(found))


def run(folder: Path) -> bool:
    """Whether all is within its bounds."""
    gpu, is_right = Device(), True
    print(f"Dawn on {gpu.name}; subgroups of {gpu.subgroup_size}, " + ("shader-f16" if gpu.f16 else "no shader-f16"))
    print(f"{'family':12} {'variant':12} {'shows':12} {'largest':>9} {'median':>9} {'norm':>9}")
    for file in sorted(folder.glob("*.pickle")):
        cases: list[Case] = pickle.loads(file.read_bytes())
        for case in cases:
            for variant in case.variants:
                start = f"{file.stem:12} {variant.name:12} {case.kind:12}"
                if not gpu.runs(variant.features, variant.min_subgroup_size):
                    print(start, "not on this GPU")
                    continue
                errors = case.errors(gpu, variant.name)
                is_right &= (good := errors.within(case.bounds))
                numbers = " ".join(f"{error:9.1e}" for error in (errors.largest, errors.median, errors.norm))
                print(start, numbers, "" if good else f"OUT OF BOUNDS: {case.bounds}", flush=True)
    return is_right


if __name__ == "__main__":
    if sys.argv[1] == "build":
        build(Path(sys.argv[2]))
    else:
        sys.exit(0 if run(Path(sys.argv[2])) else 1)
