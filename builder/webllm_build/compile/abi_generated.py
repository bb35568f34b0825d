"""Generated from constants/abi.json by constants/generate.py. Do not edit."""

MAX_PAGE_SIZE = 1024  # tokens in a page
MAX_PAGES = 1048576  # pages in the pool
MAX_SLOTS = 128  # slots in the pool: SLOTS_KEPT of each of eight conversations
SLOTS_KEPT = 16  # states of a sequence that it can go back to, at most
SLOTS_RECENT = 9  # of them that are at its latest lengths: of a step of MAX_ROWS, and what it begins with
MAX_SEQUENCES = 65536  # sequences alive at a time
MAX_SCRATCH_BYTES = 1048576  # bytes that scratch gives out
PLAN_FORMAT = 5  # of the plan in model.wasm
MAX_ROWS = 8  # of one decode step
STATE_WORDS = 16  # int32 words of a row in the io buffer state: position, new tokens, place in the history, slot read, slot written
SAMPLING_WORDS = 16  # uint32 words of a row in the io buffer sampling: temperature and top_p as float32 bits, seed (2), step
HISTORY = 256  # sampled ids that the GPU remembers until the CPU has read them; a power of two
LAUNCH_WORDS = 8  # int32 words that a launch function writes for each tile of a kernel: grid x, y, z, then the uniform's
MAX_TILES = 8  # of one kernel
MIN_SLOTS = 8  # slots of a model that has states in slots: of six steps under way, what they begin with, and a conversation that waits
SLOT_BYTES = 134217728  # that it has more slots within, up to MAX_SLOTS

WASM_ABI_FUNCTIONS: tuple[str, ...] = (
    "kv_reset",
    "kv_grow",
    "kv_new",
    "kv_fork",
    "kv_append",
    "kv_copies",
    "kv_slots",
    "kv_restorable",
    "kv_truncate",
    "kv_free",
    "kv_length",
    "kv_pages",
    "kv_page_count",
    "kv_available",
    "kv_capacity",
    "scratch",
)
