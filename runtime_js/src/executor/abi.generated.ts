// Generated from constants/abi.json by constants/generate.py. Do not edit.

/** not enough free pages, or no memory for the tables; nothing changed */
export const OUT_OF_PAGES = -1;
/** no sequence has this id (never made, or freed) */
export const UNKNOWN_SEQUENCE = -2;
/** a number out of range; nothing changed */
export const INVALID_ARGUMENT = -3;
/** every slot is the state of a sequence that it cannot do without; no length changed */
export const OUT_OF_SLOTS = -4;
/** tokens in a page */
export const MAX_PAGE_SIZE = 1024;
/** pages in the pool */
export const MAX_PAGES = 1048576;
/** slots in the pool: SLOTS_KEPT of each of eight conversations */
export const MAX_SLOTS = 128;
/** states of a sequence that it can go back to, at most, in slots or in the pages of windows */
export const SLOTS_KEPT = 16;
/** of them that are at its latest lengths: of a step of MAX_ROWS, and what it begins with */
export const SLOTS_RECENT = 9;
/** groups of layers with a pool of pages each */
export const MAX_GROUPS = 4;
/** tokens that a sequence with a window can be rolled back at any time; no less than MAX_ROWS, and than steps under way add */
export const WINDOW_BACK = 16;
/** sequences alive at a time */
export const MAX_SEQUENCES = 65536;
/** bytes that scratch gives out */
export const MAX_SCRATCH_BYTES = 1048576;
/** of the step loop's state, a multiple of 8 */
export const TEAM_BYTES = 128;
/** int32 words of a step: kernel, pointer to its buffers' pointers, place of its number of units, nothing */
export const STEP_WORDS = 4;
/** of the plan in model.wasm */
export const PLAN_FORMAT = 6;
/** of one decode step */
export const MAX_ROWS = 8;
/** int32 words of a row in the io buffer state: position, new tokens, place in the history, slots read, written; before */
export const STATE_WORDS = 16;
/** of several texts in a call, a row each: the place of its first token; 0 where there is no such text */
export const FIRST_WORD = 6;
/** uint32 words of a row in the io buffer sampling, which the next ones are places of */
export const SAMPLING_WORDS = 16;
/** float32 bits; 0 takes the likeliest token */
export const TEMPERATURE_WORD = 0;
/** float32 bits; 1 is off */
export const TOP_P_WORD = 1;
/** the first of two */
export const SEED_WORD = 2;
/** number of the draw */
export const STEP_WORD = 4;
/** 0 is off */
export const TOP_K_WORD = 5;
/** float32 bits; 0 is off */
export const MIN_P_WORD = 6;
/** float32 bits */
export const REPETITION_WORD = 7;
/** float32 bits */
export const FREQUENCY_WORD = 8;
/** float32 bits */
export const PRESENCE_WORD = 9;
/** a sum of ADJUST_PENALTIES, ADJUST_BIAS and ADJUST_MASK: what is done to the logits; 0: nothing */
export const ADJUST_WORD = 10;
/** row of the io buffers counts and bias */
export const CONTROL_WORD = 11;
/** the first place in the io buffer tokens of those that penalties count, and in the next word how many there are */
export const COUNTED_WORD = 12;
/** how many of the likeliest tokens are told */
export const LOGPROBS_WORD = 14;
/** by the counts of a control slot */
export const ADJUST_PENALTIES = 1;
/** of a control slot */
export const ADJUST_BIAS = 2;
/** of a row: a bit for each token */
export const ADJUST_MASK = 4;
/** of LOGPROBS_WORD */
export const MAX_TOP_LOGPROBS = 20;
/** words of a row in the io buffer logprobs: float32 bits of the token's, a gap, then id and bits of the likeliest */
export const LOGPROB_WORDS = 64;
/** sampled ids that the GPU remembers until the CPU has read them; a power of two */
export const HISTORY = 256;
/** int32 words that a launch function writes for each tile of a kernel: grid x, y, z, then the uniform's */
export const LAUNCH_WORDS = 8;
/** of one kernel */
export const MAX_TILES = 8;
/** slots of a model that has states in slots: of two steps under way, what they begin with, and a state to go back to */
export const MIN_SLOTS = 4;
/** states, beside the one at its end, that the pool of a window has room for with one conversation */
export const WINDOWS_KEPT = 2;
/** that it has more slots within, up to MAX_SLOTS */
export const SLOT_BYTES = 134217728;

/**
 * The exports of every model.wasm, besides its launch functions. A pointer is a byte offset into `memory`.
 * Any call may grow the memory, which detaches old views: make a view of `memory.buffer` after the call.
 */
export interface WasmAbi {
  readonly memory: WebAssembly.Memory;
  /**
   * Forgets all sequences and groups and starts over with pages of page_size (>= 1) tokens and num_slots free
   * slots: 0 for a model whose states are all in pages. Returns 0, OUT_OF_PAGES or INVALID_ARGUMENT.
   */
  kv_reset(page_size: number, num_slots: number): number;
  /**
   * Adds a group of layers whose tokens see window tokens (0: all), with a pool of num_pages (>= 0) free pages,
   * before the first sequence. Returns its number, from 0 on, OUT_OF_PAGES (no memory) or INVALID_ARGUMENT (a
   * number out of range, MAX_GROUPS are there, or a sequence was made).
   */
  kv_add_group(window: number, num_pages: number): number;
  /**
   * Raises the capacity of a group's pool to num_pages; sequences keep their pages. At or below the present
   * capacity it does nothing. Returns 0, OUT_OF_PAGES (no memory for the tables) or INVALID_ARGUMENT.
   */
  kv_grow(group: number, num_pages: number): number;
  /**
   * Makes an empty sequence. Returns its id (>= 0), or OUT_OF_PAGES where MAX_SEQUENCES are alive. The id of a
   * freed sequence is given out again.
   */
  kv_new(): number;
  /**
   * Makes a sequence that shares the state after the first kv_restorable(sequence, length) tokens, which are its
   * length; takes no page and no slot. Returns its id, UNKNOWN_SEQUENCE, INVALID_ARGUMENT (length negative or
   * beyond the sequence) or OUT_OF_PAGES (no room for the table).
   */
  kv_fork(sequence: number, length: number): number;
  /**
   * Makes room for count (>= 0) more tokens in every group, all or nothing. A shared, partly filled last page is
   * replaced by a fresh one. Pages whose tokens are no longer seen are given back, whatever it returns: the
   * sequence still goes back WINDOW_BACK tokens from its length before, and to kept states. With slots it takes one
   * for the state at the new length (see kv_slots); a sequence that has SLOTS_KEPT gives one back, and where none
   * is free, whichever has the most does, but never one that a step may be about to read or write. Returns the
   * number of page copies (at most one a group, see kv_copies) to do before the next call that takes or frees
   * pages, OUT_OF_PAGES, OUT_OF_SLOTS, UNKNOWN_SEQUENCE or INVALID_ARGUMENT.
   */
  kv_append(sequence: number, count: number): number;
  /**
   * Pages that the group's pool lacks for kv_append(sequence, count). UNKNOWN_SEQUENCE or INVALID_ARGUMENT.
   */
  kv_missing(sequence: number, count: number, group: number): number;
  /**
   * Pointer to i32. The page copies of the latest successful kv_append, as (group, source page, destination page)
   * triples. Valid until the next kv_append.
   */
  kv_copies(): number;
  /**
   * Pointer to i32. Two words for the step that computes the sequence's latest tokens: the slot with the state
   * before them (-1 at the beginning) and the slot for the state after them (-1 without slots). 0 for an unknown
   * sequence. Valid until the next call that changes any sequence.
   */
  kv_slots(sequence: number): number;
  /**
   * Keeps the state at the sequence's present length to go back to: of groups with a window, the pages that are
   * seen from there. Of SLOTS_KEPT states one gives way. Does nothing without windows, and with slots, where every
   * append keeps one. Returns 0, UNKNOWN_SEQUENCE or OUT_OF_PAGES (no room for the table).
   */
  kv_mark(sequence: number): number;
  /**
   * Gives back a state that kv_mark kept, of the sequence that keeps the most. Returns 1, or 0 where none is kept.
   */
  kv_forget_state(): number;
  /**
   * The length that kv_truncate and kv_fork would leave: length, or where slots or pages of a window at that length
   * were given back, the largest below it whose state is kept. UNKNOWN_SEQUENCE or INVALID_ARGUMENT (length
   * negative or beyond the sequence).
   */
  kv_restorable(sequence: number, length: number): number;
  /**
   * Rolls the sequence back to its first kv_restorable(sequence, length) tokens, and gives back the pages and slots
   * it no longer needs. Returns the length that is left, UNKNOWN_SEQUENCE or INVALID_ARGUMENT (length negative or
   * beyond the sequence).
   */
  kv_truncate(sequence: number, length: number): number;
  /**
   * Ends the sequence; pages that no other sequence shares become free. Returns 0 or UNKNOWN_SEQUENCE.
   */
  kv_free(sequence: number): number;
  /**
   * Tokens in the sequence, or UNKNOWN_SEQUENCE.
   */
  kv_length(sequence: number): number;
  /**
   * Pointer to i32. The sequence's page ids in a group, kv_page_count of them: token t is in page t / page_size at
   * slot t % page_size. -1 where the page was given back, in front of the group's window. 0 for an unknown sequence
   * or group. Valid until the next call that changes any sequence.
   */
  kv_pages(sequence: number, group: number): number;
  /**
   * Entries of each page table of the sequence, ceil(length / page_size), or UNKNOWN_SEQUENCE.
   */
  kv_page_count(sequence: number): number;
  /**
   * Free pages of a group, or INVALID_ARGUMENT.
   */
  kv_available(group: number): number;
  /**
   * Pages in a group's pool, free or taken; ids are below it. INVALID_ARGUMENT for an unknown group.
   */
  kv_capacity(group: number): number;
  /**
   * Pointer to i32. At least bytes of memory, 16-byte aligned, for a launch function's output; one area, valid
   * until the next scratch. 0 where bytes is negative, above MAX_SCRATCH_BYTES, or memory is out.
   */
  scratch(bytes: number): number;
}

/** What a library for the CPU exports beside those, but for the memory, which it imports. */
export interface StepsAbi {
  /**
   * Prepares a team, before any other call.
   */
  steps_reset(team: number): void;
  /**
   * Begins `count` steps, one behind the other, where those before are finished. units: what a launch function
   * wrote.
   */
  steps_begin(team: number, steps: number, count: number, units: number, n: number): void;
  /**
   * Computes units for so long, or until the steps are finished. Returns 0 where they are, else 1. may_wait:
   * whether this thread may sleep, which a page's own may not.
   */
  steps_help(team: number, microseconds: number, may_wait: number): number;
  /**
   * Computes units of all that is begun, and sleeps where there is none, until steps_end.
   */
  steps_serve(team: number): void;
  /**
   * Lets threads that serve return. What was begun must be finished.
   */
  steps_end(team: number): void;
  /**
   * As steps_begin, for a thread that computes alone, in memory that need not be shared.
   */
  steps_begin_alone(team: number, steps: number, count: number, units: number, n: number): void;
  /**
   * Computes for so long, or until the steps are finished. Returns 0 where they are, else 1.
   */
  steps_alone(team: number, microseconds: number): number;
}

const WASM_ABI_FUNCTIONS = [
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
] as const satisfies readonly (keyof WasmAbi)[];

export function isWasmAbi(exports: WebAssembly.Exports): exports is WebAssembly.Exports & WasmAbi {
  return exports["memory"] instanceof WebAssembly.Memory
    && WASM_ABI_FUNCTIONS.every((name) => typeof exports[name] === "function");
}

const STEPS_FUNCTIONS = [
  "steps_reset",
  "steps_begin",
  "steps_help",
  "steps_serve",
  "steps_end",
  "steps_begin_alone",
  "steps_alone",
] as const satisfies readonly (keyof StepsAbi)[];

export function isStepsAbi(exports: WebAssembly.Exports): exports is WebAssembly.Exports & StepsAbi {
  return STEPS_FUNCTIONS.every((name) => typeof exports[name] === "function");
}
