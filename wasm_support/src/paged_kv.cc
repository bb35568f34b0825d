// Which page of the KV cache holds which tokens of which sequence, and which slot the state after how many. The pages' contents live on the GPU; this side keeps
// page tables and reference counts. A page may belong to several sequences (fork); a sequence writes only to slots
// behind its length, and only in pages that it alone holds (kv_append makes that so).
//
// A state in a slot cannot be rolled back: a step reads one slot and writes another, and a sequence keeps its latest ones and some before them.
// Going back, and forking, ends at a length whose state is kept; the caller computes the rest again.
//
// Every entry point checks its arguments: callers may pass anything. Costs are O(1) a page taken, shared or given back.
#include "abi.generated.h"
#include "id_pool.h"

namespace {

// The state of a sequence after its first `length` tokens.
struct Kept {
  int32_t length;
  int32_t slot;
};

struct Sequence {
  bool alive;
  int32_t length;  // tokens
  Array<int32_t> pages;
  Array<Kept> states;       // by rising length; of a model with slots the last one is at `length`, where that is not 0
  int32_t step_slots[2];    // that the step of the latest append reads and writes
};

int32_t page_size = 1;
IdPool free_pages;
Array<int32_t> references;  // by page, for all pages of the pool; meaningful for taken pages only
IdPool free_slots;
Array<int32_t> slot_references;  // by slot
IdPool free_ids;
Array<Sequence> sequences;  // by id
int32_t copies[2];

int32_t pages_for(int64_t length) { return static_cast<int32_t>((length + page_size - 1) / page_size); }

Sequence* find(int32_t id) {
  if (id < 0 || id >= sequences.size() || !sequences[id].alive) return nullptr;
  return &sequences[id];
}

int32_t take_page() {
  const int32_t page = free_pages.take();
  references[page] = 1;
  return page;
}

void drop_page(int32_t page) {
  if (--references[page] == 0) free_pages.give(page);
}

void drop_pages_behind(Sequence& sequence, int32_t count) {
  while (sequence.pages.size() > count) drop_page(sequence.pages.pop());
}

void drop_slot(int32_t slot) {
  if (--slot_references[slot] == 0) free_slots.give(slot);
}

void drop_states_behind(Sequence& sequence, int32_t count) {
  while (sequence.states.size() > count) drop_slot(sequence.states.pop().slot);
}

// What going back costs without state i: how many tokens are computed again, times from how many lengths.
int64_t cost_without(const Sequence& sequence, int32_t i) {
  const int64_t length = sequence.states[i].length;
  return (length - (i == 0 ? 0 : sequence.states[i - 1].length)) * (sequence.states[i + 1].length - length);
}

// Gives back a state that the sequence only goes back to; it has two or more. The latest SLOTS_RECENT are last to go, because answers end
// while steps are under way. Those before spread over the sequence, for messages that are edited and conversations that begin alike.
void drop_a_state(Sequence& sequence) {
  int32_t least = 0;
  for (int32_t i = 1; i < sequence.states.size() - SLOTS_RECENT; ++i) {
    if (cost_without(sequence, i) < cost_without(sequence, least)) least = i;
  }
  drop_slot(sequence.states[least].slot);
  for (int32_t i = least + 1; i < sequence.states.size(); ++i) sequence.states[i - 1] = sequence.states[i];
  sequence.states.pop();
}

// How many states are at lengths up to `length`.
int32_t states_within(const Sequence& sequence, int32_t length) {
  int32_t count = sequence.states.size();
  while (count > 0 && sequence.states[count - 1].length > length) --count;
  return count;
}

// The largest length at or below `length` that the sequence can be continued from.
int32_t restorable(const Sequence& sequence, int32_t length) {
  if (free_slots.capacity() == 0) return length;
  const int32_t count = states_within(sequence, length);
  return count == 0 ? 0 : sequence.states[count - 1].length;
}

// Gives back states that can be missed until a slot is free for `taker`: of whoever has the most. The latest two of others stay, as a step
// may be about to read the one and write the other; of the taker's own it is the latest.
bool free_a_slot(const Sequence& taker) {
  while (free_slots.available() == 0) {
    Sequence* richest = nullptr;
    for (int32_t id = 0; id < sequences.size(); ++id) {
      Sequence& sequence = sequences[id];
      const int32_t needed = &sequence == &taker ? 1 : 2;
      if (sequence.states.size() > needed && (richest == nullptr || sequence.states.size() > richest->states.size())) richest = &sequence;
    }
    if (richest == nullptr) return false;
    drop_a_state(*richest);
  }
  return true;
}

// Room in the tables for num_pages; the capacity itself is the caller's to change.
bool reserve_pages(int32_t num_pages) {
  if (!references.reserve(num_pages) || !free_pages.reserve(num_pages)) return false;
  while (references.size() < num_pages) references.push(0);
  return true;
}

// A slot for the state at a new length of the sequence. 0, OUT_OF_PAGES or OUT_OF_SLOTS; nothing that is needed changed then.
int32_t take_slot(Sequence& sequence, int32_t length) {
  if (!sequence.states.reserve(SLOTS_KEPT)) return OUT_OF_PAGES;
  if (sequence.states.size() == SLOTS_KEPT) drop_a_state(sequence);
  if (!free_a_slot(sequence)) return OUT_OF_SLOTS;
  const int32_t slot = free_slots.take();
  slot_references[slot] = 1;
  sequence.step_slots[0] = sequence.states.size() == 0 ? -1 : sequence.states.back().slot;
  sequence.step_slots[1] = slot;
  sequence.states.push(Kept{length, slot});
  return 0;
}

// A new sequence's id, or OUT_OF_PAGES. May move all sequences.
int32_t make_sequence() {
  if (free_ids.available() == 0) {
    const int32_t capacity = free_ids.capacity() == 0 ? 16 : 2 * free_ids.capacity();
    if (capacity > MAX_SEQUENCES || !sequences.reserve(capacity) || !free_ids.reserve(capacity)) return OUT_OF_PAGES;
    free_ids.grow(capacity);
  }
  const int32_t id = free_ids.take();
  if (id == sequences.size()) sequences.push(Sequence{});
  sequences[id].alive = true;
  sequences[id].step_slots[0] = sequences[id].step_slots[1] = -1;
  return id;
}

}  // namespace

int32_t kv_reset(int32_t new_page_size, int32_t num_pages, int32_t num_slots) {
  if (new_page_size < 1 || new_page_size > MAX_PAGE_SIZE || num_pages < 0 || num_pages > MAX_PAGES) return INVALID_ARGUMENT;
  if (num_slots < 0 || num_slots > MAX_SLOTS) return INVALID_ARGUMENT;
  if (!reserve_pages(num_pages) || !slot_references.reserve(num_slots) || !free_slots.reserve(num_slots)) return OUT_OF_PAGES;
  while (slot_references.size() < num_slots) slot_references.push(0);
  for (int32_t id = 0; id < sequences.size(); ++id) {
    sequences[id].pages.release();
    sequences[id].states.release();
  }
  free_slots.reset(num_slots);
  sequences.clear();
  free_ids.reset(free_ids.capacity());
  free_pages.reset(num_pages);
  page_size = new_page_size;
  return 0;
}

int32_t kv_grow(int32_t num_pages) {
  if (num_pages < 0 || num_pages > MAX_PAGES) return INVALID_ARGUMENT;
  if (num_pages <= free_pages.capacity()) return 0;
  if (!reserve_pages(num_pages)) return OUT_OF_PAGES;
  free_pages.grow(num_pages);
  return 0;
}

int32_t kv_new() { return make_sequence(); }

int32_t kv_fork(int32_t id, int32_t length) {
  const Sequence* source = find(id);
  if (source == nullptr) return UNKNOWN_SEQUENCE;
  if (length < 0 || length > source->length) return INVALID_ARGUMENT;
  length = restorable(*source, length);
  const int32_t count = pages_for(length);
  const int32_t kept = states_within(*source, length);
  Array<int32_t> pages;
  Array<Kept> states;
  if (!pages.reserve(count)) return OUT_OF_PAGES;
  const int32_t fork = kept == 0 || states.reserve(SLOTS_KEPT) ? make_sequence() : OUT_OF_PAGES;
  if (fork < 0) {
    pages.release();
    states.release();
    return fork;
  }
  source = find(id);  // make_sequence may have moved it
  for (int32_t i = 0; i < count; ++i) {
    const int32_t page = source->pages[i];
    ++references[page];
    pages.push(page);
  }
  if (kept > 0) {
    const Kept state = source->states[kept - 1];
    ++slot_references[state.slot];
    states.push(state);
  }
  sequences[fork].length = length;
  sequences[fork].pages = pages;
  sequences[fork].states = states;
  return fork;
}

int32_t kv_append(int32_t id, int32_t count) {
  Sequence* sequence = find(id);
  if (sequence == nullptr) return UNKNOWN_SEQUENCE;
  if (count < 0) return INVALID_ARGUMENT;
  if (count == 0) return 0;
  Array<int32_t>& pages = sequence->pages;
  const int64_t length = int64_t{sequence->length} + count;
  if (length > int64_t{free_pages.capacity()} * page_size) return OUT_OF_PAGES;
  const int32_t num_pages = pages_for(length);
  const bool copy = sequence->length % page_size != 0 && references[pages.back()] > 1;
  if (num_pages - pages.size() + (copy ? 1 : 0) > free_pages.available()) return OUT_OF_PAGES;
  if (!pages.reserve(num_pages)) return OUT_OF_PAGES;
  if (free_slots.capacity() > 0) {
    const int32_t error = take_slot(*sequence, static_cast<int32_t>(length));
    if (error != 0) return error;
  }

  if (copy) {
    copies[0] = pages.back();
    copies[1] = take_page();
    drop_page(pages.pop());
    pages.push(copies[1]);
  }
  while (pages.size() < num_pages) pages.push(take_page());
  sequence->length = static_cast<int32_t>(length);
  return copy ? 1 : 0;
}

int32_t* kv_copies() { return copies; }

int32_t* kv_slots(int32_t id) {
  Sequence* sequence = find(id);
  return sequence == nullptr ? nullptr : sequence->step_slots;
}

int32_t kv_restorable(int32_t id, int32_t length) {
  const Sequence* sequence = find(id);
  if (sequence == nullptr) return UNKNOWN_SEQUENCE;
  if (length < 0 || length > sequence->length) return INVALID_ARGUMENT;
  return restorable(*sequence, length);
}

int32_t kv_truncate(int32_t id, int32_t length) {
  Sequence* sequence = find(id);
  if (sequence == nullptr) return UNKNOWN_SEQUENCE;
  if (length < 0 || length > sequence->length) return INVALID_ARGUMENT;
  length = restorable(*sequence, length);
  drop_states_behind(*sequence, states_within(*sequence, length));
  drop_pages_behind(*sequence, pages_for(length));
  sequence->length = length;
  return length;
}

int32_t kv_free(int32_t id) {
  Sequence* sequence = find(id);
  if (sequence == nullptr) return UNKNOWN_SEQUENCE;
  drop_pages_behind(*sequence, 0);
  drop_states_behind(*sequence, 0);
  sequence->pages.release();
  sequence->states.release();
  *sequence = Sequence{};
  free_ids.give(id);
  return 0;
}

int32_t kv_length(int32_t id) {
  const Sequence* sequence = find(id);
  return sequence == nullptr ? UNKNOWN_SEQUENCE : sequence->length;
}

int32_t* kv_pages(int32_t id) {
  const Sequence* sequence = find(id);
  return sequence == nullptr ? nullptr : sequence->pages.data();
}

int32_t kv_page_count(int32_t id) {
  const Sequence* sequence = find(id);
  return sequence == nullptr ? UNKNOWN_SEQUENCE : sequence->pages.size();
}

int32_t kv_available() { return free_pages.available(); }

int32_t kv_capacity() { return free_pages.capacity(); }
