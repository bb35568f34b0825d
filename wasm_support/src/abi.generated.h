// Generated from wasm_support/abi.json by wasm_support/generate_abi.py. Do not edit.
#pragma once

#include <stdint.h>

constexpr int32_t OUT_OF_PAGES = -1;  // not enough free pages, or no memory for the tables; nothing changed
constexpr int32_t UNKNOWN_SEQUENCE = -2;  // no sequence has this id (never made, or freed)
constexpr int32_t INVALID_ARGUMENT = -3;  // a number out of range; nothing changed
constexpr int32_t MAX_PAGE_SIZE = 1024;  // tokens in a page
constexpr int32_t MAX_PAGES = 1048576;  // pages in the pool
constexpr int32_t MAX_SEQUENCES = 65536;  // sequences alive at a time
constexpr int32_t MAX_SCRATCH_BYTES = 1048576;  // bytes that scratch gives out

extern "C" {

// Forgets all sequences and starts over with num_pages (>= 0) free pages of page_size (>= 1) tokens. Returns 0,
// OUT_OF_PAGES or INVALID_ARGUMENT.
int32_t kv_reset(int32_t page_size, int32_t num_pages);

// Raises the capacity to num_pages; sequences keep their pages. At or below the present capacity it does nothing.
// Returns 0, OUT_OF_PAGES (no memory for the tables) or INVALID_ARGUMENT.
int32_t kv_grow(int32_t num_pages);

// Makes an empty sequence. Returns its id (>= 0), or OUT_OF_PAGES where MAX_SEQUENCES are alive. The id of a freed
// sequence is given out again.
int32_t kv_new();

// Makes a sequence that shares the pages of the first length tokens; takes no page. Returns its id,
// UNKNOWN_SEQUENCE, INVALID_ARGUMENT (length negative or beyond the sequence) or OUT_OF_PAGES (no room for the
// table).
int32_t kv_fork(int32_t sequence, int32_t length);

// Makes room for count (>= 0) more tokens, all or nothing. A shared, partly filled last page is replaced by a fresh
// one. Returns the number of page copies (0 or 1, see kv_copies) to do before the next call that takes or frees
// pages, OUT_OF_PAGES, UNKNOWN_SEQUENCE or INVALID_ARGUMENT.
int32_t kv_append(int32_t sequence, int32_t count);

// The page copies of the latest successful kv_append, as (source page, destination page) pairs. Valid until the
// next kv_append.
int32_t* kv_copies();

// Rolls the sequence back to its first length tokens and gives back the pages it no longer needs. Returns 0,
// UNKNOWN_SEQUENCE or INVALID_ARGUMENT (length negative or beyond the sequence).
int32_t kv_truncate(int32_t sequence, int32_t length);

// Ends the sequence; pages that no other sequence shares become free. Returns 0 or UNKNOWN_SEQUENCE.
int32_t kv_free(int32_t sequence);

// Tokens in the sequence, or UNKNOWN_SEQUENCE.
int32_t kv_length(int32_t sequence);

// The sequence's page ids, kv_page_count of them: token t is in page t / page_size at slot t % page_size. 0 for an
// unknown sequence. Valid until the next call that changes any sequence.
int32_t* kv_pages(int32_t sequence);

// Pages of the sequence, ceil(length / page_size), or UNKNOWN_SEQUENCE.
int32_t kv_page_count(int32_t sequence);

// Free pages.
int32_t kv_available();

// Pages in the pool, free or taken; ids are below it.
int32_t kv_capacity();

// At least bytes of memory, 16-byte aligned, for a launch function's output; one area, valid until the next
// scratch. 0 where bytes is negative, above MAX_SCRATCH_BYTES, or memory is out.
int32_t* scratch(int32_t bytes);

}
