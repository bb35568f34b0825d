// Memory without a C library: blocks of a power of two bytes, a free list for each size, fresh ones from the end.
// A block never shrinks or merges; with tables that only double, at most half of it is unused. All state is static and
// zero at the start, so the module needs no initialisation call.
#pragma once

#include <stdint.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <stdlib.h>
#define BLOCKS_OF_SANITIZER  // which sees what is touched behind a block's end, and after its release
#endif
#endif

namespace heap {

constexpr uint32_t MIN_BLOCK = 16;
constexpr uint32_t LIMIT = 256u << 20;  // far above what MAX_PAGES and a few long sequences need

#ifdef __wasm__
extern "C" uint8_t __heap_base;  // set by wasm-ld: the first byte after data and stack

inline uint8_t* base() { return reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(&__heap_base) + 15) & ~uintptr_t{15}); }

inline bool commit(uint32_t end) {
  constexpr uintptr_t WASM_PAGE = 65536;
  const uintptr_t needed = (reinterpret_cast<uintptr_t>(base()) + end + WASM_PAGE - 1) / WASM_PAGE;
  const uintptr_t present = __builtin_wasm_memory_size(0);
  return needed <= present || __builtin_wasm_memory_grow(0, needed - present) != static_cast<uintptr_t>(-1);
}
#else
// Native tests run on an arena of the same size, so that running out of memory happens at the same call as in wasm.
alignas(16) inline uint8_t arena[LIMIT];

inline uint8_t* base() { return arena; }
inline bool commit(uint32_t) { return true; }
#endif

struct Free {
  Free* next;
};
inline Free* free_blocks[32];  // by log2 of the size
inline uint32_t used;          // bytes from base() that were ever given out

inline int size_class(uint32_t bytes) { return bytes <= MIN_BLOCK ? 4 : 32 - __builtin_clz(bytes - 1); }

// Bytes of the block that allocate(bytes) gives. bytes <= LIMIT.
inline uint32_t block_bytes(uint32_t bytes) { return 1u << size_class(bytes); }

#ifdef BLOCKS_OF_SANITIZER
inline void* allocate(uint32_t bytes) { return block_bytes(bytes) > LIMIT ? nullptr : malloc(block_bytes(bytes)); }
inline void release(void* block, uint32_t) { free(block); }
#else
// 16-byte aligned and not cleared; nullptr where memory is out. bytes <= LIMIT.
inline void* allocate(uint32_t bytes) {
  Free*& list = free_blocks[size_class(bytes)];
  if (Free* block = list) {
    list = block->next;
    return block;
  }
  const uint32_t size = block_bytes(bytes);
  if (size > LIMIT - used || !commit(used + size)) return nullptr;
  void* block = base() + used;
  used += size;
  return block;
}

// bytes as given to allocate, or block_bytes of it.
inline void release(void* block, uint32_t bytes) {
  Free*& list = free_blocks[size_class(bytes)];
  Free* freed = static_cast<Free*>(block);
  freed->next = list;
  list = freed;
}
#endif

}  // namespace heap
