// Calls of the sequence manager in any order with any numbers, for libFuzzer (tests/fuzz/fuzz_support.py): beside what the sanitizers see, every
// answer is one that its comment allows, no page is lost, and none is held that is not there.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/abi.generated.h"

namespace {

constexpr int32_t MOST_IDS = 64, MOST_POOL = 64;

void check(bool is_right, const char* what) {
  if (is_right) return;
  fprintf(stderr, "%s\n", what);
  abort();
}

struct Input {
  const uint8_t* data;
  size_t left;

  uint8_t byte() {
    if (left == 0) return 0;
    --left;
    return *data++;
  }

  // Mostly a small number, now and then any.
  int32_t number() {
    const uint8_t kind = byte();
    if (kind < 240) return kind % 80 - 4;
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return static_cast<int32_t>(value);
  }
};

// Pages of a group are held or free, and tables have pages of the pool alone.
void check_group(int32_t group) {
  const int32_t capacity = kv_capacity(group);
  if (capacity > MOST_POOL) return;
  bool is_held[MOST_POOL] = {};
  int32_t held = 0;
  for (int32_t id = 0; id < MOST_IDS; ++id) {
    const int32_t count = kv_page_count(id);
    const int32_t* pages = kv_pages(id, group);
    if (count <= 0) continue;
    check(pages != nullptr, "a sequence with tokens has no table");
    for (int32_t i = 0; i < count; ++i) {
      check(-1 <= pages[i] && pages[i] < capacity, "a table has a page that is not there");
      if (pages[i] < 0 || is_held[pages[i]]) continue;
      is_held[pages[i]] = true;
      ++held;
    }
  }
  check(kv_available(group) == capacity - held, "pages are lost, or free and held");
}

void check_all() {
  for (int32_t group = 0; group < MAX_GROUPS && kv_capacity(group) >= 0; ++group) check_group(group);
  for (int32_t id = 0; id < MOST_IDS; ++id) {
    const int32_t length = kv_length(id);
    check(length >= 0 || length == UNKNOWN_SEQUENCE, "a length is no length");
    if (length < 0) continue;
    const int32_t back = kv_restorable(id, length);
    check(0 <= back && back <= length, "going back goes elsewhere");
  }
}

void call(Input& input) {
  const uint8_t name = input.byte() % 20;
  const int32_t a = input.number(), b = input.number(), c = input.number();
  int32_t answer = 0;
  switch (name) {
    case 0: answer = kv_reset(a, b % 100); break;
    case 1: answer = kv_add_group(a, b % MOST_POOL); break;
    case 2: answer = kv_grow(a, b % MOST_POOL); break;
    case 3:
    case 4:
      if (kv_length(MOST_IDS - 1) < 0) answer = kv_new();
      break;
    case 5:
    case 6:
      if (kv_length(MOST_IDS - 1) < 0) answer = kv_fork(a, b);
      break;
    case 7:
    case 8:
    case 9:
    case 10: {
      const int32_t before = kv_length(a);
      answer = kv_append(a, b);
      check(kv_length(a) == (answer < 0 ? before : before + b), "an append is half done");
      for (int32_t i = 0; i < answer; ++i) check(kv_copies()[3 * i] < MAX_GROUPS, "a copy is of no group");
      break;
    }
    case 11:
    case 12: {
      const int32_t left = kv_restorable(a, b);
      answer = kv_truncate(a, b);
      check(answer == left, "going back ends where it was not said to");
      break;
    }
    case 13: answer = kv_mark(a); break;
    case 14: answer = kv_free(a); break;
    case 15: answer = kv_forget_state(); break;
    case 16: answer = kv_missing(a, b, c); break;
    case 17: check((kv_slots(a) != nullptr) == (kv_length(a) >= 0), "slots of no sequence"); break;
    case 18: {
      int32_t* area = scratch(a);
      if (area != nullptr && a > 0 && a <= 1 << 16) memset(area, 0xff, static_cast<size_t>(a));
      break;
    }
    default: kv_pages(a, b); break;
  }
  check(answer >= OUT_OF_SLOTS, "an answer is no answer");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input{data, size};
  kv_reset(1 + input.byte() % 8, input.byte() % 9);
  const int32_t groups = input.byte() % 3;
  for (int32_t i = 0; i <= groups; ++i) kv_add_group(input.byte() % 24, input.byte() % MOST_POOL);
  while (input.left > 0) {
    call(input);
    check_all();
  }
  return 0;
}
