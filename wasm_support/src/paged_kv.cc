// Which page of the KV cache holds which tokens of which sequence, and which slot the state after how many. The pages' contents live on the
// GPU; this side keeps page tables and reference counts. A page may belong to several sequences (fork); a sequence writes only to slots behind
// its length, and only in pages that it alone holds (kv_append makes that so).
// Layers whose tokens see equally far are a group, which has a pool of pages, and a page table of each sequence. In front of a window pages
// are given back: a sequence holds those that its next token sees, or one up to WINDOW_BACK tokens before it.
// A state in a slot cannot be rolled back: a step reads one slot and writes another, and a sequence keeps its latest ones and some before them.
// With windows it keeps the pages that a token behind some lengths sees. Going back, and forking, ends at a length whose state is kept; the
// caller computes the rest again. Every entry point checks its arguments: callers may pass anything. Costs are O(1) a page taken, shared or
// given back.
#include "abi.generated.h"
#include "id_pool.h"

namespace {

struct Group {
  int32_t window;  // tokens that a token sees, itself among them; 0: all
  IdPool free_pages;
  Array<int32_t> references;  // by page, for all pages of the pool; meaningful for taken pages only
};

struct Table {
  Array<int32_t> pages;  // -1 where a page was given back
  int32_t first;         // those before it are there for kept states alone
};

// The state of a sequence after its first `length` tokens: in a slot, and of groups with a window in pages that are not given back.
struct Kept {
  int32_t length;
  int32_t slot;     // -1 without slots
  int32_t count;    // tokens of the append that it is behind; 0 without slots
};

struct Sequence {
  bool alive;
  int32_t length;  // tokens
  Table tables[MAX_GROUPS];
  Array<Kept> states;       // by rising length; of a model with slots the last one is at `length`, where that is not 0
  int32_t step_slots[2];    // that the step of the latest append reads and writes
};

int32_t page_size = 1;
int32_t num_groups = 0;
Group groups[MAX_GROUPS];
IdPool free_slots;
Array<int32_t> slot_references;  // by slot
IdPool free_ids;
Array<Sequence> sequences;  // by id
int32_t copies[3 * MAX_GROUPS];

int32_t pages_for(int64_t length) { return static_cast<int32_t>((length + page_size - 1) / page_size); }

bool has_slots() { return free_slots.capacity() > 0; }

bool has_windows() {
  for (int32_t g = 0; g < num_groups; ++g) {
    if (groups[g].window > 0) return true;
  }
  return false;
}

// The first page with a token that the one at position `length` sees.
int32_t first_seen(const Group& group, int32_t length) {
  return group.window == 0 || length < group.window ? 0 : (length - group.window + 1) / page_size;
}

// The same of one up to WINDOW_BACK positions before it.
int32_t first_held(const Group& group, int32_t length) { return first_seen(group, length - WINDOW_BACK); }

Group* find_group(int32_t group) { return group < 0 || group >= num_groups ? nullptr : &groups[group]; }

Sequence* find(int32_t id) {
  if (id < 0 || id >= sequences.size() || !sequences[id].alive) return nullptr;
  return &sequences[id];
}

int32_t take_page(Group& group) {
  const int32_t page = group.free_pages.take();
  group.references[page] = 1;
  return page;
}

void drop_page(Group& group, int32_t page) {
  if (page >= 0 && --group.references[page] == 0) group.free_pages.give(page);
}

void drop_pages_behind(Sequence& sequence, int32_t count) {
  for (int32_t g = 0; g < num_groups; ++g) {
    while (sequence.tables[g].pages.size() > count) drop_page(groups[g], sequence.tables[g].pages.pop());
  }
}

bool is_kept(const Sequence& sequence, const Group& group, int32_t page) {
  for (int32_t i = 0; i < sequence.states.size(); ++i) {
    const int32_t length = sequence.states[i].length;
    if (first_held(group, length) <= page && page < pages_for(length)) return true;
  }
  return false;
}

// Gives back pages first..end-1 of the sequence, but for those of a kept state.
void give_back(Sequence& sequence, int32_t g, int32_t first, int32_t end) {
  for (int32_t i = first; i < end; ++i) {
    int32_t& page = sequence.tables[g].pages[i];
    if (page < 0 || is_kept(sequence, groups[g], i)) continue;
    drop_page(groups[g], page);
    page = -1;
  }
}

// Gives back what no token from the sequence's end on sees, nor one of the WINDOW_BACK before it. Steps that were submitted may read it yet:
// whatever takes such a page is submitted behind them. A step of a few rows of the sequence appends them one by one: it reads no page that
// another row of it may take, as WINDOW_BACK is more than it has rows.
void trim(Sequence& sequence) {
  for (int32_t g = 0; g < num_groups; ++g) {
    const int32_t first = first_held(groups[g], sequence.length);
    if (sequence.tables[g].first < first) give_back(sequence, g, sequence.tables[g].first, first);
    sequence.tables[g].first = first;
  }
}

void drop_slot(int32_t slot) {
  if (slot >= 0 && --slot_references[slot] == 0) free_slots.give(slot);
}

void drop_state(Sequence& sequence, int32_t index) {
  const Kept state = sequence.states[index];
  for (int32_t i = index + 1; i < sequence.states.size(); ++i) sequence.states[i - 1] = sequence.states[i];
  sequence.states.pop();
  drop_slot(state.slot);
  for (int32_t g = 0; g < num_groups; ++g) {
    const int32_t end = pages_for(state.length), first = sequence.tables[g].first;
    give_back(sequence, g, first_held(groups[g], state.length), end < first ? end : first);
  }
}

void drop_states_behind(Sequence& sequence, int32_t count) {
  while (sequence.states.size() > count) drop_state(sequence, sequence.states.size() - 1);
}

// What going back costs without state i: how many tokens are computed again, times from how many lengths.
int64_t cost_without(const Sequence& sequence, int32_t i) {
  const int64_t length = sequence.states[i].length;
  return (length - (i == 0 ? 0 : sequence.states[i - 1].length)) * (sequence.states[i + 1].length - length);
}

// Gives back a state that the sequence only goes back to. The latest are last to go, because answers end while steps are under way: in slots
// SLOTS_RECENT, or so many that a small pool has one before them. Those before spread over the sequence, for messages that are edited and
// conversations that begin alike; a single one is the end of the latest chunk, which mostly is a prompt's.
void drop_a_state(Sequence& sequence) {
  const int32_t most = has_slots() ? free_slots.capacity() - 2 : 1;
  const int32_t count = sequence.states.size() - (most < 1 ? 1 : most < SLOTS_RECENT ? most : SLOTS_RECENT);
  int32_t least = count == 2 && sequence.states[1].count == 1 ? 1 : 0;
  for (int32_t i = 1; count > 2 && i < count; ++i) {
    if (cost_without(sequence, i) < cost_without(sequence, least)) least = i;
  }
  drop_state(sequence, least);
}

// How many states are at lengths up to `length`.
int32_t states_within(const Sequence& sequence, int32_t length) {
  int32_t count = sequence.states.size();
  while (count > 0 && sequence.states[count - 1].length > length) --count;
  return count;
}

// Whether all that the token at position `length` sees is there.
bool holds(const Sequence& sequence, int32_t length) {
  for (int32_t g = 0; g < num_groups; ++g) {
    if (groups[g].window == 0) continue;
    for (int32_t i = first_seen(groups[g], length); i < pages_for(length); ++i) {
      if (sequence.tables[g].pages[i] < 0) return false;
    }
  }
  return true;
}

// The largest length at or below `length` that the sequence can be continued from.
int32_t restorable(const Sequence& sequence, int32_t length) {
  if (!has_slots() && holds(sequence, length)) return length;
  const int32_t count = states_within(sequence, length);
  return count == 0 ? 0 : sequence.states[count - 1].length;
}

// Whoever keeps the most states, and more than `needed`: of the taker `needed_by_taker`. Null where nobody does.
Sequence* richest(int32_t needed, const Sequence* taker, int32_t needed_by_taker) {
  Sequence* most = nullptr;
  for (int32_t id = 0; id < sequences.size(); ++id) {
    Sequence& sequence = sequences[id];
    if (sequence.states.size() <= (&sequence == taker ? needed_by_taker : needed)) continue;
    if (most == nullptr || sequence.states.size() > most->states.size()) most = &sequence;
  }
  return most;
}

// Gives back states that can be missed until a slot is free for `taker`: of whoever has the most. The latest two of others stay, as a step
// may be about to read the one and write the other; of the taker's own it is the latest.
bool free_a_slot(const Sequence& taker) {
  while (free_slots.available() == 0) {
    Sequence* sequence = richest(2, &taker, 1);
    if (sequence == nullptr) return false;
    drop_a_state(*sequence);
  }
  return true;
}

// Room in the tables for num_pages; the capacity itself is the caller's to change.
bool reserve_pages(Group& group, int32_t num_pages) {
  if (!group.references.reserve(num_pages) || !group.free_pages.reserve(num_pages)) return false;
  while (group.references.size() < num_pages) group.references.push(0);
  return true;
}

// Whether the next append replaces the last page, which is partly filled and shared.
bool must_copy(const Sequence& sequence, int32_t g) {
  return sequence.length % page_size != 0 && groups[g].references[sequence.tables[g].pages.back()] > 1;
}

// Pages that are not free and that the sequence needs to have this length.
int32_t missing(const Sequence& sequence, int32_t g, int64_t length) {
  const int32_t needed = pages_for(length) - sequence.tables[g].pages.size() + (must_copy(sequence, g) ? 1 : 0);
  const int32_t available = groups[g].free_pages.available();
  return needed > available ? needed - available : 0;
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
  sequence.states.push(Kept{length, slot, length - sequence.length});
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

void release_tables(Sequence& sequence) {
  for (Table& table : sequence.tables) table.pages.release();
  sequence.states.release();
}

}  // namespace

int32_t kv_reset(int32_t new_page_size, int32_t num_slots) {
  if (new_page_size < 1 || new_page_size > MAX_PAGE_SIZE || num_slots < 0 || num_slots > MAX_SLOTS) return INVALID_ARGUMENT;
  if (!slot_references.reserve(num_slots) || !free_slots.reserve(num_slots)) return OUT_OF_PAGES;
  while (slot_references.size() < num_slots) slot_references.push(0);
  for (int32_t id = 0; id < sequences.size(); ++id) release_tables(sequences[id]);
  free_slots.reset(num_slots);
  sequences.clear();
  free_ids.reset(free_ids.capacity());
  num_groups = 0;
  page_size = new_page_size;
  return 0;
}

int32_t kv_add_group(int32_t window, int32_t num_pages) {
  if (window < 0 || num_pages < 0 || num_pages > MAX_PAGES || num_groups == MAX_GROUPS || sequences.size() > 0) return INVALID_ARGUMENT;
  Group& group = groups[num_groups];
  if (!reserve_pages(group, num_pages)) return OUT_OF_PAGES;
  group.window = window;
  group.free_pages.reset(num_pages);
  return num_groups++;
}

int32_t kv_grow(int32_t g, int32_t num_pages) {
  Group* group = find_group(g);
  if (group == nullptr || num_pages < 0 || num_pages > MAX_PAGES) return INVALID_ARGUMENT;
  if (num_pages <= group->free_pages.capacity()) return 0;
  if (!reserve_pages(*group, num_pages)) return OUT_OF_PAGES;
  group->free_pages.grow(num_pages);
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
  const bool has_state = kept > 0 && source->states[kept - 1].length == length;
  Sequence made{};
  bool has_room = !has_state || made.states.reserve(SLOTS_KEPT);
  for (int32_t g = 0; g < num_groups; ++g) has_room = has_room && made.tables[g].pages.reserve(count);
  const int32_t fork = has_room ? make_sequence() : OUT_OF_PAGES;
  if (fork < 0) {
    release_tables(made);
    return fork;
  }
  source = find(id);  // make_sequence may have moved it
  for (int32_t g = 0; g < num_groups; ++g) {
    Table& table = made.tables[g];
    table.first = first_held(groups[g], length);
    for (int32_t i = 0; i < count; ++i) {
      const int32_t page = i < table.first ? -1 : source->tables[g].pages[i];
      if (page >= 0) ++groups[g].references[page];
      table.pages.push(page);
    }
  }
  if (has_state) {
    const Kept state = source->states[kept - 1];
    if (state.slot >= 0) ++slot_references[state.slot];
    made.states.push(state);
  }
  sequences[fork].length = length;
  for (int32_t g = 0; g < num_groups; ++g) sequences[fork].tables[g] = made.tables[g];
  sequences[fork].states = made.states;
  return fork;
}

int32_t kv_missing(int32_t id, int32_t count, int32_t g) {
  const Sequence* sequence = find(id);
  if (sequence == nullptr) return UNKNOWN_SEQUENCE;
  if (count < 0 || find_group(g) == nullptr) return INVALID_ARGUMENT;
  return count == 0 ? 0 : missing(*sequence, g, int64_t{sequence->length} + count);
}

int32_t kv_append(int32_t id, int32_t count) {
  Sequence* sequence = find(id);
  if (sequence == nullptr) return UNKNOWN_SEQUENCE;
  if (count < 0) return INVALID_ARGUMENT;
  if (count == 0) return 0;
  const int64_t length = int64_t{sequence->length} + count;
  if (length > INT32_MAX) return OUT_OF_PAGES;
  trim(*sequence);
  for (int32_t g = 0; g < num_groups; ++g) {
    if (missing(*sequence, g, length) > 0 || !sequence->tables[g].pages.reserve(pages_for(length))) return OUT_OF_PAGES;
  }
  if (has_slots()) {
    const int32_t error = take_slot(*sequence, static_cast<int32_t>(length));
    if (error != 0) return error;
  }

  int32_t num_copies = 0;
  for (int32_t g = 0; g < num_groups; ++g) {
    Array<int32_t>& pages = sequence->tables[g].pages;
    if (must_copy(*sequence, g)) {
      int32_t* copy = &copies[3 * num_copies++];
      copy[0] = g;
      copy[1] = pages.pop();
      copy[2] = take_page(groups[g]);
      drop_page(groups[g], copy[1]);
      pages.push(copy[2]);
    }
    while (pages.size() < pages_for(length)) pages.push(take_page(groups[g]));
  }
  sequence->length = static_cast<int32_t>(length);
  return num_copies;
}

int32_t* kv_copies() { return copies; }

int32_t* kv_slots(int32_t id) {
  Sequence* sequence = find(id);
  return sequence == nullptr ? nullptr : sequence->step_slots;
}

int32_t kv_mark(int32_t id) {
  Sequence* sequence = find(id);
  if (sequence == nullptr) return UNKNOWN_SEQUENCE;
  Array<Kept>& states = sequence->states;
  if (has_slots() || !has_windows() || sequence->length == 0) return 0;
  if (states.size() > 0 && states.back().length == sequence->length) return 0;
  if (!states.reserve(SLOTS_KEPT)) return OUT_OF_PAGES;
  if (states.size() == SLOTS_KEPT) drop_a_state(*sequence);
  states.push(Kept{sequence->length, -1, 0});
  return 0;
}

int32_t kv_forget_state() {
  Sequence* sequence = has_slots() ? nullptr : richest(0, nullptr, 0);
  if (sequence == nullptr) return 0;
  drop_a_state(*sequence);
  return 1;
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
  drop_pages_behind(*sequence, pages_for(length));
  sequence->length = length;
  trim(*sequence);
  drop_states_behind(*sequence, states_within(*sequence, length));
  return length;
}

int32_t kv_free(int32_t id) {
  Sequence* sequence = find(id);
  if (sequence == nullptr) return UNKNOWN_SEQUENCE;
  drop_pages_behind(*sequence, 0);
  for (int32_t i = 0; i < sequence->states.size(); ++i) drop_slot(sequence->states[i].slot);
  release_tables(*sequence);
  *sequence = Sequence{};
  free_ids.give(id);
  return 0;
}

int32_t kv_length(int32_t id) {
  const Sequence* sequence = find(id);
  return sequence == nullptr ? UNKNOWN_SEQUENCE : sequence->length;
}

int32_t* kv_pages(int32_t id, int32_t g) {
  const Sequence* sequence = find(id);
  return sequence == nullptr || find_group(g) == nullptr ? nullptr : sequence->tables[g].pages.data();
}

int32_t kv_page_count(int32_t id) {
  const Sequence* sequence = find(id);
  return sequence == nullptr ? UNKNOWN_SEQUENCE : pages_for(sequence->length);
}

int32_t kv_available(int32_t g) {
  const Group* group = find_group(g);
  return group == nullptr ? INVALID_ARGUMENT : group->free_pages.available();
}

int32_t kv_capacity(int32_t g) {
  const Group* group = find_group(g);
  return group == nullptr ? INVALID_ARGUMENT : group->free_pages.capacity();
}
