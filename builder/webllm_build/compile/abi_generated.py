"""Generated from constants/abi.json by constants/generate.py. Do not edit."""

MAX_PAGE_SIZE = 1024  # tokens in a page
MAX_PAGES = 1048576  # pages in the pool
MAX_SLOTS = 128  # slots in the pool: SLOTS_KEPT of each of eight conversations
SLOTS_KEPT = 16  # states of a sequence that it can go back to, at most, in slots or in the pages of windows
SLOTS_RECENT = 9  # of them that are at its latest lengths: of a step of MAX_ROWS, and what it begins with
MAX_GROUPS = 4  # groups of layers with a pool of pages each
WINDOW_BACK = 16  # tokens that a sequence with a window can be rolled back at any time; no less than MAX_ROWS, and than steps under way add
MAX_SEQUENCES = 65536  # sequences alive at a time
MAX_SCRATCH_BYTES = 1048576  # bytes that scratch gives out
TEAM_BYTES = 128  # of the step loop's state, a multiple of 8
STEP_WORDS = 4  # int32 words of a step: kernel, pointer to its buffers' pointers, place of its number of units, nothing
PLAN_FORMAT = 6  # of the plan in model.wasm
MAX_ROWS = 8  # of one decode step
STATE_WORDS = 16  # int32 words of a row in the io buffer state: position, new tokens, place in the history, slots read, written; before
FIRST_WORD = 6  # of several texts in a call, a row each: the place of its first token; 0 where there is no such text
SAMPLING_WORDS = 16  # uint32 words of a row in the io buffer sampling, which the next ones are places of
TEMPERATURE_WORD = 0  # float32 bits; 0 takes the likeliest token
TOP_P_WORD = 1  # float32 bits; 1 is off
SEED_WORD = 2  # the first of two
STEP_WORD = 4  # number of the draw
TOP_K_WORD = 5  # 0 is off
MIN_P_WORD = 6  # float32 bits; 0 is off
REPETITION_WORD = 7  # float32 bits
FREQUENCY_WORD = 8  # float32 bits
PRESENCE_WORD = 9  # float32 bits
ADJUST_WORD = 10  # a sum of ADJUST_PENALTIES, ADJUST_BIAS and ADJUST_MASK: what is done to the logits; 0: nothing
CONTROL_WORD = 11  # row of the io buffers counts and bias
COUNTED_WORD = 12  # the first place in the io buffer tokens of those that penalties count, and in the next word how many there are
LOGPROBS_WORD = 14  # how many of the likeliest tokens are told
ADJUST_PENALTIES = 1  # by the counts of a control slot
ADJUST_BIAS = 2  # of a control slot
ADJUST_MASK = 4  # of a row: a bit for each token
MAX_TOP_LOGPROBS = 20  # of LOGPROBS_WORD
LOGPROB_WORDS = 64  # words of a row in the io buffer logprobs: float32 bits of the token's, a gap, then id and bits of the likeliest
HISTORY = 256  # sampled ids that the GPU remembers until the CPU has read them; a power of two
LAUNCH_WORDS = 8  # int32 words that a launch function writes for each tile of a kernel: grid x, y, z, then the uniform's
MAX_TILES = 8  # of one kernel
MIN_SLOTS = 4  # slots of a model that has states in slots: of two steps under way, what they begin with, and a state to go back to
WINDOWS_KEPT = 2  # states, beside the one at its end, that the pool of a window has room for with one conversation
SLOT_BYTES = 134217728  # that it has more slots within, up to MAX_SLOTS

WASM_ABI_FUNCTIONS: tuple[str, ...] = (
    "kv_reset",
    "kv_add_group",
    "kv_grow",
    "kv_new",
    "kv_fork",
    "kv_append",
    "kv_missing",
    "kv_copies",
    "kv_slots",
    "kv_mark",
    "kv_forget_state",
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

STEPS_FUNCTIONS: tuple[str, ...] = (
    "steps_reset",
    "steps_begin",
    "steps_help",
    "steps_serve",
    "steps_end",
    "steps_begin_alone",
    "steps_alone",
)
