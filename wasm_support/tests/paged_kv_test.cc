// Native test of the sequence manager and of the memory under it. Exit status 0 where every check holds.
#include <stdio.h>
#include <stdlib.h>

#include "abi.generated.h"
#include "id_pool.h"

#define CHECK(condition)                                                  \
  do {                                                                    \
    if (!(condition)) {                                                   \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);     \
      exit(1);                                                            \
    }                                                                     \
  } while (0)

namespace {

// One group, without a window.
bool reset(int32_t page_size, int32_t num_pages, int32_t num_slots) {
  return kv_reset(page_size, num_slots) == 0 && kv_add_group(0, num_pages) == 0;
}

void test_heap() {
  CHECK(heap::block_bytes(0) == 16 && heap::block_bytes(16) == 16 && heap::block_bytes(17) == 32);
  void* first = heap::allocate(100);
  void* second = heap::allocate(100);
  CHECK(first != nullptr && second != nullptr && first != second);
  CHECK(reinterpret_cast<uintptr_t>(first) % 16 == 0 && reinterpret_cast<uintptr_t>(second) % 16 == 0);
  heap::release(first, 100);
  CHECK(heap::allocate(65) == first);  // same size class
  heap::release(first, 65);
  heap::release(second, 128);
  CHECK(heap::allocate(heap::LIMIT) == nullptr);
  const uint32_t used = heap::used;
  CHECK(heap::allocate(16) != nullptr && heap::used == used + 16);  // a refusal took nothing
}

void test_array() {
  Array<int64_t> array;
  for (int32_t i = 0; i < 1000; ++i) {
    CHECK(array.reserve(i + 1));
    array.push(i * 3);
  }
  for (int32_t i = 0; i < 1000; ++i) CHECK(array[i] == i * 3);
  CHECK(!array.reserve(1 << 30) && array.size() == 1000 && array[999] == 2997);
  CHECK(array.pop() == 2997 && array.back() == 2994);
  array.release();
  CHECK(array.size() == 0 && array.data() == nullptr);
}

void test_id_pool() {
  IdPool pool;
  CHECK(pool.available() == 0 && pool.reserve(3));
  pool.grow(3);
  CHECK(pool.take() == 0 && pool.take() == 1 && pool.available() == 1);
  pool.give(0);
  CHECK(pool.available() == 2 && pool.take() == 0 && pool.take() == 2 && pool.available() == 0);
  pool.reset(2);
  CHECK(pool.available() == 2 && pool.take() == 0);
}

void test_before_reset() {
  CHECK(kv_capacity(0) == INVALID_ARGUMENT && kv_available(0) == INVALID_ARGUMENT && kv_pages(0, 0) == nullptr);
  const int32_t sequence = kv_new();
  CHECK(sequence == 0 && kv_append(sequence, 1) == 0 && kv_append(sequence, INT32_MAX) == OUT_OF_PAGES);  // no layer has pages
  CHECK(kv_add_group(0, 1) == INVALID_ARGUMENT && kv_mark(sequence) == 0 && kv_forget_state() == 0);
}

void test_append_and_grow() {
  CHECK(reset(16, 2, 0));
  const int32_t sequence = kv_new();
  CHECK(kv_append(sequence, 17) == 0 && kv_page_count(sequence) == 2 && kv_available(0) == 0);
  CHECK(kv_append(sequence, 16) == OUT_OF_PAGES);
  CHECK(kv_length(sequence) == 17 && kv_page_count(sequence) == 2);
  CHECK(kv_append(sequence, 15) == 0 && kv_length(sequence) == 32);
  CHECK(kv_grow(0, 1) == 0 && kv_capacity(0) == 2);
  CHECK(kv_grow(0, 4) == 0 && kv_capacity(0) == 4 && kv_available(0) == 2);
  CHECK(kv_append(sequence, 1) == 0 && kv_pages(sequence, 0)[0] == 0 && kv_pages(sequence, 0)[2] == 2);
}

void test_fork_copies_the_shared_partial_page() {
  CHECK(reset(4, 4, 0));
  const int32_t parent = kv_new();
  CHECK(kv_append(parent, 7) == 0);  // pages 0 and 1
  const int32_t child = kv_fork(parent, 6);
  CHECK(child >= 0 && kv_available(0) == 2 && kv_length(child) == 6 && kv_pages(child, 0)[1] == 1);
  CHECK(kv_append(child, 1) == 1 && kv_copies()[0] == 0 && kv_copies()[1] == 1 && kv_copies()[2] == 2);
  CHECK(kv_pages(child, 0)[0] == 0 && kv_pages(child, 0)[1] == 2 && kv_pages(parent, 0)[1] == 1);
  CHECK(kv_append(parent, 1) == 0);  // now alone on page 1
  const int32_t whole = kv_fork(parent, 8);
  CHECK(kv_append(whole, 1) == 0 && kv_pages(whole, 0)[2] == 3);  // a full page needs no copy
  CHECK(kv_free(parent) == 0 && kv_available(0) == 0 && kv_pages(whole, 0)[0] == 0);
  CHECK(kv_free(child) == 0 && kv_available(0) == 1);
  CHECK(kv_free(whole) == 0 && kv_available(0) == 4);
}

void test_copy_counts_as_a_page() {
  CHECK(reset(4, 1, 0));
  const int32_t parent = kv_new();
  CHECK(kv_append(parent, 2) == 0);
  const int32_t child = kv_fork(parent, 2);
  CHECK(kv_append(child, 1) == OUT_OF_PAGES && kv_length(child) == 2 && kv_pages(child, 0)[0] == 0);
  CHECK(kv_free(parent) == 0 && kv_append(child, 1) == 0);
}

void test_truncate() {
  CHECK(reset(4, 3, 0));
  const int32_t sequence = kv_new();
  CHECK(kv_append(sequence, 12) == 0);
  CHECK(kv_truncate(sequence, 13) == INVALID_ARGUMENT && kv_truncate(sequence, -1) == INVALID_ARGUMENT);
  CHECK(kv_truncate(sequence, 5) == 5 && kv_page_count(sequence) == 2 && kv_available(0) == 1);
  CHECK(kv_truncate(sequence, 4) == 4 && kv_page_count(sequence) == 1);
  CHECK(kv_truncate(sequence, 0) == 0 && kv_available(0) == 3 && kv_append(sequence, 12) == 0);
}

void test_slots_go_back_to_kept_states() {
  CHECK(reset(4, 64, 16));
  const int32_t sequence = kv_new();
  CHECK(kv_slots(sequence)[0] == -1 && kv_slots(sequence)[1] == -1);
  CHECK(kv_append(sequence, 5) == 0);
  const int32_t prompt = kv_slots(sequence)[1];
  CHECK(kv_slots(sequence)[0] == -1 && prompt >= 0);
  int32_t last = prompt;
  for (int32_t step = 0; step < 6; ++step) {  // decode ahead: each step reads what the one before wrote
    CHECK(kv_append(sequence, 1) == 0);
    CHECK(kv_slots(sequence)[0] == last && kv_slots(sequence)[1] != last);
    last = kv_slots(sequence)[1];
  }
  CHECK(kv_truncate(sequence, 7) == 7);  // the answer ended four steps earlier
  CHECK(kv_append(sequence, 3) == 0);    // a chunk: no states within it
  CHECK(kv_restorable(sequence, 9) == 7 && kv_restorable(sequence, 10) == 10 && kv_restorable(sequence, 11) == INVALID_ARGUMENT);
  CHECK(kv_truncate(sequence, 9) == 7 && kv_length(sequence) == 7 && kv_page_count(sequence) == 2);
  CHECK(kv_truncate(sequence, 4) == 0 && kv_append(sequence, 1) == 0 && kv_slots(sequence)[0] == -1);
}

void test_states_are_spread_over_a_sequence() {
  CHECK(reset(4, 256, 64));
  const int32_t sequence = kv_new();
  for (int32_t turn = 0; turn < 4; ++turn) {
    CHECK(kv_append(sequence, 40) == 0);
    for (int32_t step = 0; step < 60; ++step) CHECK(kv_append(sequence, 1) == 0);
  }
  for (int32_t back = 0; back < SLOTS_RECENT; ++back) CHECK(kv_restorable(sequence, 400 - back) == 400 - back);
  for (int32_t length = 0; length < 400; ++length) {  // no more than a quarter of it is computed again
    const int32_t restorable = kv_restorable(sequence, length);
    CHECK(restorable <= length && length - restorable < 100);
  }
}

void test_a_small_pool_keeps_the_end_of_a_prompt() {
  CHECK(reset(4, 64, 4));
  const int32_t sequence = kv_new();
  CHECK(kv_append(sequence, 20) == 0 && kv_append(sequence, 20) == 0);  // in two chunks
  for (int32_t step = 0; step < 60; ++step) CHECK(kv_append(sequence, 1) == 0);
  for (int32_t back = 0; back < 3; ++back) CHECK(kv_restorable(sequence, 100 - back) == 100 - back);  // steps under way
  CHECK(kv_restorable(sequence, 97) == 40);
}

void test_a_step_keeps_what_it_reads() {
  CHECK(reset(4, 64, 5));
  const int32_t first = kv_new(), second = kv_new(), third = kv_new();
  for (int32_t step = 0; step < 5; ++step) CHECK(kv_append(first, 1) == 0);
  CHECK(kv_append(second, 1) == 0 && kv_append(second, 1) == 0 && kv_append(third, 1) == 0);
  const int32_t read = kv_slots(first)[0], written = kv_slots(first)[1];
  CHECK(kv_append(third, 1) == OUT_OF_SLOTS && kv_length(third) == 1);  // one row of a step takes nothing from another
  CHECK(kv_restorable(first, 4) == 4 && kv_restorable(first, 3) == 0);
  CHECK(kv_free(second) == 0 && kv_append(third, 1) == 0);
  CHECK(kv_slots(third)[1] != read && kv_slots(third)[1] != written);
  for (int32_t step = 0; step < 9; ++step) CHECK(kv_append(first, 1) == 0 && kv_append(third, 1) == 0);  // each gives its own
}

void test_slots_are_shared_by_forks() {
  CHECK(reset(4, 64, 4));
  const int32_t parent = kv_new();
  CHECK(kv_append(parent, 6) == 0 && kv_append(parent, 2) == 0);
  const int32_t shared = kv_slots(parent)[0];
  const int32_t child = kv_fork(parent, 7);
  CHECK(kv_length(child) == 6 && kv_page_count(child) == 2);
  CHECK(kv_append(child, 1) == 1 && kv_slots(child)[0] == shared);
  CHECK(kv_free(parent) == 0);
  CHECK(kv_truncate(child, 6) == 6 && kv_append(child, 1) == 0 && kv_slots(child)[0] == shared);
}

void test_slots_run_out_last() {
  CHECK(reset(4, 64, 4));
  const int32_t first = kv_new(), second = kv_new();
  for (int32_t step = 0; step < 4; ++step) CHECK(kv_append(first, 1) == 0);
  CHECK(kv_append(second, 1) == 0);  // takes one of the first one's
  CHECK(kv_restorable(first, 2) == 1 && kv_truncate(first, 0) == 0 && kv_length(second) == 1);
  const int32_t others[] = {kv_new(), kv_new(), kv_new()};
  for (const int32_t other : others) CHECK(kv_append(other, 1) == 0);
  CHECK(kv_append(first, 1) == OUT_OF_SLOTS && kv_length(first) == 0);  // each slot is some sequence's only state
  CHECK(kv_free(second) == 0 && kv_append(first, 1) == 0);
  CHECK(kv_reset(4, -1) == INVALID_ARGUMENT && kv_reset(4, MAX_SLOTS + 1) == INVALID_ARGUMENT);
  CHECK(kv_slots(99) == nullptr);
}

void test_pages_in_front_of_a_window_are_given_back() {
  CHECK(kv_reset(4, 0) == 0 && kv_add_group(0, 64) == 0 && kv_add_group(8, 11) == 1);
  const int32_t sequence = kv_new();
  for (int32_t length = 1; length <= 200; ++length) {
    CHECK(kv_append(sequence, 1) == 0 && kv_page_count(sequence) == (length + 3) / 4 && kv_available(0) == 64 - (length + 3) / 4);
    const int32_t first = length - 1 - WINDOW_BACK < 8 ? 0 : (length - 1 - WINDOW_BACK - 7) / 4;  // seen WINDOW_BACK tokens before the last
    for (int32_t i = 0; i < kv_page_count(sequence); ++i) CHECK(kv_pages(sequence, 0)[i] >= 0 && (kv_pages(sequence, 1)[i] >= 0) == (i >= first));
  }
  CHECK(kv_restorable(sequence, 183) == 183 && kv_restorable(sequence, 100) == 0);
  CHECK(kv_truncate(sequence, 184) == 184 && kv_append(sequence, 16) == 0);  // an answer that ended sixteen steps earlier
  CHECK(kv_missing(sequence, 20, 1) == 0 && kv_missing(sequence, 24, 1) == 1 && kv_missing(sequence, 24, 0) == 0);
  CHECK(kv_truncate(sequence, 100) == 0 && kv_length(sequence) == 0 && kv_available(0) == 64 && kv_available(1) == 11);
}

void test_marks_keep_windows() {
  CHECK(kv_reset(4, 0) == 0 && kv_add_group(8, 32) == 0);
  const int32_t sequence = kv_new();
  CHECK(kv_append(sequence, 30) == 0 && kv_mark(sequence) == 0 && kv_mark(sequence) == 0);
  for (int32_t step = 0; step < 60; ++step) CHECK(kv_append(sequence, 1) == 0);
  CHECK(kv_restorable(sequence, 29) == 29 && kv_restorable(sequence, 60) == 30 && kv_restorable(sequence, 10) == 0);
  CHECK(kv_mark(sequence) == 0 && kv_append(sequence, 30) == 0);  // at 90
  const int32_t fork = kv_fork(sequence, 89);
  CHECK(kv_length(fork) == 89 && kv_append(fork, 1) == 1 && kv_truncate(fork, 88) == 88);
  CHECK(kv_free(fork) == 0 && kv_fork(sequence, 40) == fork && kv_length(fork) == 30);  // with its mark
  for (int32_t step = 0; step < 60; ++step) CHECK(kv_append(fork, 1) == (step == 0 ? 1 : 0));
  CHECK(kv_truncate(fork, 40) == 30);
  const int32_t before = kv_available(0);
  CHECK(kv_free(fork) == 0 && kv_available(0) > before);
  CHECK(kv_append(sequence, 30) == 0 && kv_restorable(sequence, 90) == 90);
  int32_t forgotten = 0;
  while (kv_forget_state() == 1) ++forgotten;
  CHECK(forgotten == 2 && kv_restorable(sequence, 90) == 0);
  CHECK(kv_truncate(sequence, 0) == 0 && kv_available(0) == 32);
}

void test_marks_are_spread_over_a_sequence() {
  CHECK(kv_reset(4, 0) == 0 && kv_add_group(8, 1024) == 0);
  const int32_t sequence = kv_new();
  for (int32_t turn = 0; turn < 40; ++turn) CHECK(kv_append(sequence, 50) == 0 && kv_mark(sequence) == 0);
  for (int32_t length = 0; length <= 2000; ++length) {  // no more than a quarter of it is computed again
    const int32_t restorable = kv_restorable(sequence, length);
    CHECK(restorable <= length && length - restorable < 500);
  }
  CHECK(kv_available(0) > 1024 - (SLOTS_KEPT + 1) * 8 - 13);  // each keeps a window, the last append its pages too
}

void test_hostile_arguments() {
  CHECK(reset(16, 8, 0));
  const int32_t sequence = kv_new();
  const int32_t unknown[] = {-1, INT32_MIN, 1, 15, 16, 1 << 20, INT32_MAX};
  for (const int32_t bad : unknown) {
    CHECK(kv_append(bad, 1) == UNKNOWN_SEQUENCE && kv_fork(bad, 0) == UNKNOWN_SEQUENCE);
    CHECK(kv_truncate(bad, 0) == UNKNOWN_SEQUENCE && kv_restorable(bad, 0) == UNKNOWN_SEQUENCE && kv_free(bad) == UNKNOWN_SEQUENCE);
    CHECK(kv_mark(bad) == UNKNOWN_SEQUENCE && kv_missing(bad, 1, 0) == UNKNOWN_SEQUENCE);
    CHECK(kv_length(bad) == UNKNOWN_SEQUENCE && kv_page_count(bad) == UNKNOWN_SEQUENCE && kv_pages(bad, 0) == nullptr);
  }
  CHECK(kv_append(sequence, -1) == INVALID_ARGUMENT && kv_append(sequence, INT32_MIN) == INVALID_ARGUMENT);
  CHECK(kv_append(sequence, 5) == 0 && kv_append(sequence, INT32_MAX) == OUT_OF_PAGES && kv_length(sequence) == 5);
  CHECK(kv_fork(sequence, 6) == INVALID_ARGUMENT && kv_fork(sequence, INT32_MIN) == INVALID_ARGUMENT);
  CHECK(kv_reset(0, 0) == INVALID_ARGUMENT && kv_reset(-1, 0) == INVALID_ARGUMENT && kv_reset(INT32_MAX, 0) == INVALID_ARGUMENT);
  const int32_t no_group[] = {-1, 1, INT32_MIN, INT32_MAX};
  for (const int32_t bad : no_group) {
    CHECK(kv_pages(sequence, bad) == nullptr && kv_missing(sequence, 1, bad) == INVALID_ARGUMENT && kv_grow(bad, 8) == INVALID_ARGUMENT);
    CHECK(kv_available(bad) == INVALID_ARGUMENT && kv_capacity(bad) == INVALID_ARGUMENT);
  }
  CHECK(kv_missing(sequence, -1, 0) == INVALID_ARGUMENT && kv_missing(sequence, INT32_MAX, 0) > 0);
  CHECK(kv_grow(0, -1) == INVALID_ARGUMENT && kv_grow(0, INT32_MAX) == INVALID_ARGUMENT && kv_grow(0, MAX_PAGES + 1) == INVALID_ARGUMENT);
  CHECK(kv_length(sequence) == 5 && kv_capacity(0) == 8);
  CHECK(kv_free(sequence) == 0 && kv_free(sequence) == UNKNOWN_SEQUENCE);
  CHECK(scratch(-1) == nullptr && scratch(INT32_MIN) == nullptr && scratch(INT32_MAX) == nullptr);
}

void test_limits() {
  CHECK(reset(MAX_PAGE_SIZE, MAX_PAGES, 0));
  for (int32_t i = 0; i < MAX_SEQUENCES; ++i) CHECK(kv_new() == i);
  CHECK(kv_new() == OUT_OF_PAGES && kv_fork(7, 0) == OUT_OF_PAGES);
  CHECK(kv_append(7, MAX_PAGE_SIZE * MAX_PAGES) == 0 && kv_available(0) == 0);
  CHECK(kv_append(7, 1) == OUT_OF_PAGES && kv_append(7, INT32_MAX) == OUT_OF_PAGES);
  CHECK(kv_free(3) == 0 && kv_fork(7, MAX_PAGE_SIZE * MAX_PAGES) == 3 && kv_pages(3, 0)[MAX_PAGES - 1] == MAX_PAGES - 1);
  CHECK(reset(16, 4, 0) && kv_length(7) == UNKNOWN_SEQUENCE && kv_new() == 0 && kv_available(0) == 4);
}

void test_scratch() {
  int32_t* small = scratch(0);
  CHECK(small != nullptr && reinterpret_cast<uintptr_t>(small) % 16 == 0);
  int32_t* large = scratch(MAX_SCRATCH_BYTES);
  CHECK(large != nullptr && scratch(MAX_SCRATCH_BYTES + 1) == nullptr && scratch(32) == large);
  for (int32_t i = 0; i < MAX_SCRATCH_BYTES / 4; ++i) large[i] = -1;
  CHECK(kv_new() >= 0 && kv_available(0) == 4);  // the area belongs to nobody else
}

}  // namespace

int main() {
  test_before_reset();
  test_heap();
  test_array();
  test_id_pool();
  test_append_and_grow();
  test_fork_copies_the_shared_partial_page();
  test_copy_counts_as_a_page();
  test_truncate();
  test_slots_go_back_to_kept_states();
  test_states_are_spread_over_a_sequence();
  test_a_small_pool_keeps_the_end_of_a_prompt();
  test_a_step_keeps_what_it_reads();
  test_slots_are_shared_by_forks();
  test_slots_run_out_last();
  test_pages_in_front_of_a_window_are_given_back();
  test_marks_keep_windows();
  test_marks_are_spread_over_a_sequence();
  test_hostile_arguments();
  test_limits();
  test_scratch();
  return 0;
}
