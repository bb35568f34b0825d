// Milliseconds since some moment.
#pragma once

#ifdef __wasm__
extern "C" __attribute__((import_module("env"), import_name("now"))) double now();
#else
#include <time.h>

inline double now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec * 1e-6;
}
#endif
