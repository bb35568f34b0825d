// Generated from constants/abi.json by constants/generate.py. Do not edit.
#pragma once

#include <stdint.h>

constexpr int32_t OUT_OF_PAGES = -1;  // not enough free pages, or no memory for the tables; nothing changed
constexpr int32_t UNKNOWN_SEQUENCE = -2;  // no sequence has this id (never made, or freed)
constexpr int32_t INVALID_ARGUMENT = -3;  // a number out of range; nothing changed
constexpr int32_t OUT_OF_SLOTS = -4;  // every slot is the state of a sequence that it cannot do without; no length changed
constexpr int32_t MAX_PAGE_SIZE = 1024;  // tokens in a page
constexpr int32_t MAX_PAGES = 1048576;  // pages in the pool
constexpr int32_t MAX_SLOTS = 128;  // slots in the pool: SLOTS_KEPT of each of eight conversations
constexpr int32_t SLOTS_KEPT = 16;  // states of a sequence that it can go back to, at most, in slots or in the pages of windows
constexpr int32_t SLOTS_RECENT = 9;  // of them that are at its latest lengths: of a step of MAX_ROWS, and what it begins with
constexpr int32_t MAX_GROUPS = 4;  // groups of layers with a pool of pages each
constexpr int32_t WINDOW_BACK = 16;  // tokens that a sequence with a window can be rolled back at any time; no less than MAX_ROWS, and than steps under way add
constexpr int32_t MAX_SEQUENCES = 65536;  // sequences alive at a time
constexpr int32_t MAX_SCRATCH_BYTES = 1048576;  // bytes that scratch gives out
constexpr int32_t TEAM_BYTES = 128;  // of the step loop's state, a multiple of 8
constexpr int32_t STEP_WORDS = 4;  // int32 words of a step: kernel, pointer to its buffers' pointers, place of its number of units, nothing

struct Step;
struct Team;

extern "C" {

// Forgets all sequences and groups and starts over with pages of page_size (>= 1) tokens and num_slots free slots:
// 0 for a model whose states are all in pages. Returns 0, OUT_OF_PAGES or INVALID_ARGUMENT.
int32_t kv_reset(int32_t page_size, int32_t num_slots);

// Adds a group of layers whose tokens see window tokens (0: all), with a pool of num_pages (>= 0) free pages,
// before the first sequence. Returns its number, from 0 on, OUT_OF_PAGES (no memory) or INVALID_ARGUMENT (a number
// out of range, MAX_GROUPS are there, or a sequence was made).
int32_t kv_add_group(int32_t window, int32_t num_pages);

// Raises the capacity of a group's pool to num_pages; sequences keep their pages. At or below the present capacity
// it does nothing. Returns 0, OUT_OF_PAGES (no memory for the tables) or INVALID_ARGUMENT.
int32_t kv_grow(int32_t group, int32_t num_pages);

// Makes an empty sequence. Returns its id (>= 0), or OUT_OF_PAGES where MAX_SEQUENCES are alive. The id of a freed
// sequence is given out again.
int32_t kv_new();

// Makes a sequence that shares the state after the first kv_restorable(sequence, length) tokens, which are its
// length; takes no page and no slot. Returns its id, UNKNOWN_SEQUENCE, INVALID_ARGUMENT (length negative or beyond
// the sequence) or OUT_OF_PAGES (no room for the table).
int32_t kv_fork(int32_t sequence, int32_t length);

// Makes room for count (>= 0) more tokens in every group, all or nothing. A shared, partly filled last page is
// replaced by a fresh one. Pages whose tokens are no longer seen are given back, whatever it returns: the sequence
// still goes back WINDOW_BACK tokens from its length before, and to kept states. With slots it takes one for the
// state at the new length (see kv_slots); a sequence that has SLOTS_KEPT gives one back, and where none is free,
// whichever has the most does, but never one that a step may be about to read or write. Returns the number of page
// copies (at most one a group, see kv_copies) to do before the next call that takes or frees pages, OUT_OF_PAGES,
// OUT_OF_SLOTS, UNKNOWN_SEQUENCE or INVALID_ARGUMENT.
int32_t kv_append(int32_t sequence, int32_t count);

// Pages that the group's pool lacks for kv_append(sequence, count). UNKNOWN_SEQUENCE or INVALID_ARGUMENT.
int32_t kv_missing(int32_t sequence, int32_t count, int32_t group);

// The page copies of the latest successful kv_append, as (group, source page, destination page) triples. Valid
// until the next kv_append.
int32_t* kv_copies();

// Two words for the step that computes the sequence's latest tokens: the slot with the state before them (-1 at the
// beginning) and the slot for the state after them (-1 without slots). 0 for an unknown sequence. Valid until the
// next call that changes any sequence.
int32_t* kv_slots(int32_t sequence);

// Keeps the state at the sequence's present length to go back to: of groups with a window, the pages that are seen
// from there. Of SLOTS_KEPT states one gives way. Does nothing without windows, and with slots, where every append
// keeps one. Returns 0, UNKNOWN_SEQUENCE or OUT_OF_PAGES (no room for the table).
int32_t kv_mark(int32_t sequence);

// Gives back a state that kv_mark kept, of the sequence that keeps the most. Returns 1, or 0 where none is kept.
int32_t kv_forget_state();

// The length that kv_truncate and kv_fork would leave: length, or where slots or pages of a window at that length
// were given back, the largest below it whose state is kept. UNKNOWN_SEQUENCE or INVALID_ARGUMENT (length negative
// or beyond the sequence).
int32_t kv_restorable(int32_t sequence, int32_t length);

// Rolls the sequence back to its first kv_restorable(sequence, length) tokens, and gives back the pages and slots
// it no longer needs. Returns the length that is left, UNKNOWN_SEQUENCE or INVALID_ARGUMENT (length negative or
// beyond the sequence).
int32_t kv_truncate(int32_t sequence, int32_t length);

// Ends the sequence; pages that no other sequence shares become free. Returns 0 or UNKNOWN_SEQUENCE.
int32_t kv_free(int32_t sequence);

// Tokens in the sequence, or UNKNOWN_SEQUENCE.
int32_t kv_length(int32_t sequence);

// The sequence's page ids in a group, kv_page_count of them: token t is in page t / page_size at slot t %
// page_size. -1 where the page was given back, in front of the group's window. 0 for an unknown sequence or group.
// Valid until the next call that changes any sequence.
int32_t* kv_pages(int32_t sequence, int32_t group);

// Entries of each page table of the sequence, ceil(length / page_size), or UNKNOWN_SEQUENCE.
int32_t kv_page_count(int32_t sequence);

// Free pages of a group, or INVALID_ARGUMENT.
int32_t kv_available(int32_t group);

// Pages in a group's pool, free or taken; ids are below it. INVALID_ARGUMENT for an unknown group.
int32_t kv_capacity(int32_t group);

// At least bytes of memory, 16-byte aligned, for a launch function's output; one area, valid until the next
// scratch. 0 where bytes is negative, above MAX_SCRATCH_BYTES, or memory is out.
int32_t* scratch(int32_t bytes);

// Prepares a team, before any other call.
void steps_reset(Team* team);

// Begins `count` steps, one behind the other, where those before are finished. units: what a launch function wrote.
void steps_begin(Team* team, const Step* steps, int32_t count, const int32_t* units, int32_t n);

// Computes units for so long, or until the steps are finished. Returns 0 where they are, else 1. may_wait: whether
// this thread may sleep, which a page's own may not.
int32_t steps_help(Team* team, int32_t microseconds, int32_t may_wait);

// Computes units of all that is begun, and sleeps where there is none, until steps_end.
void steps_serve(Team* team);

// Lets threads that serve return. What was begun must be finished.
void steps_end(Team* team);

// As steps_begin, for a thread that computes alone, in memory that need not be shared.
void steps_begin_alone(Team* team, const Step* steps, int32_t count, const int32_t* units, int32_t n);

// Computes for so long, or until the steps are finished. Returns 0 where they are, else 1.
int32_t steps_alone(Team* team, int32_t microseconds);

}
