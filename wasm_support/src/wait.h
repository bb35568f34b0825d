// Waiting for another thread.
#pragma once

#include <stdint.h>

#ifdef __wasm__
// Nanoseconds; -1: for ever.
inline void wait_while(uint32_t* word, uint32_t value, int64_t nanoseconds) {
  __builtin_wasm_memory_atomic_wait32(reinterpret_cast<int32_t*>(word), static_cast<int32_t>(value), nanoseconds);
}
inline void wake_all(uint32_t* word) { __builtin_wasm_memory_atomic_notify(reinterpret_cast<int32_t*>(word), ~0u); }
#else
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

inline void wait_while(uint32_t* word, uint32_t value, int64_t nanoseconds) {
  const timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, nanoseconds < 0 ? nullptr : &time, nullptr, 0);
}
inline void wake_all(uint32_t* word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 0x7fffffff, nullptr, nullptr, 0); }
#endif
