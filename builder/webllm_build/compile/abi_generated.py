"""Generated from wasm_support/abi.json by wasm_support/generate_abi.py. Do not edit."""

WASM_ABI_FUNCTIONS: tuple[str, ...] = (
    "kv_reset",
    "kv_grow",
    "kv_new",
    "kv_fork",
    "kv_append",
    "kv_copies",
    "kv_truncate",
    "kv_free",
    "kv_length",
    "kv_pages",
    "kv_page_count",
    "kv_available",
    "kv_capacity",
    "scratch",
)
