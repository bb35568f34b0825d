// Which page of the KV cache holds which tokens of which sequence. The pages' contents live on the GPU; this side keeps
// page tables and reference counts. A page may belong to several sequences (fork); a sequence writes only to slots
// behind its length, and only in pages that it alone holds (kv_append makes that so).
//
// Every entry point checks its arguments: callers may pass anything. Costs are O(1) a page taken, shared or given back.
#include "abi.generated.h"
#include "id_pool.h"

namespace {

struct Sequence {
  bool alive;
  int32_t length;  // tokens
  Array<int32_t> pages;
};

int32_t page_size = 1;
IdPool free_pages;
Array<int32_t> references;  // by page, for all pages of the pool; meaningful for taken pages only
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

// Room in the tables for num_pages; the capacity itself is the caller's to change.
bool reserve_pages(int32_t num_pages) {
  if (!references.reserve(num_pages) || !free_pages.reserve(num_pages)) return false;
  while (references.size() < num_pages) references.push(0);
  return true;
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
  return id;
}

}  // namespace

int32_t kv_reset(int32_t new_page_size, int32_t num_pages) {
  if (new_page_size < 1 || new_page_size > MAX_PAGE_SIZE || num_pages < 0 || num_pages > MAX_PAGES) return INVALID_ARGUMENT;
  if (!reserve_pages(num_pages)) return OUT_OF_PAGES;
  for (int32_t id = 0; id < sequences.size(); ++id) sequences[id].pages.release();
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
  const int32_t count = pages_for(length);
  Array<int32_t> pages;
  if (!pages.reserve(count)) return OUT_OF_PAGES;
  const int32_t fork = make_sequence();
  if (fork < 0) {
    pages.release();
    return fork;
  }
  source = find(id);  // make_sequence may have moved it
  for (int32_t i = 0; i < count; ++i) {
    const int32_t page = source->pages[i];
    ++references[page];
    pages.push(page);
  }
  sequences[fork].length = length;
  sequences[fork].pages = pages;
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

int32_t kv_truncate(int32_t id, int32_t length) {
  Sequence* sequence = find(id);
  if (sequence == nullptr) return UNKNOWN_SEQUENCE;
  if (length < 0 || length > sequence->length) return INVALID_ARGUMENT;
  drop_pages_behind(*sequence, pages_for(length));
  sequence->length = length;
  return 0;
}

int32_t kv_free(int32_t id) {
  Sequence* sequence = find(id);
  if (sequence == nullptr) return UNKNOWN_SEQUENCE;
  drop_pages_behind(*sequence, 0);
  sequence->pages.release();
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
