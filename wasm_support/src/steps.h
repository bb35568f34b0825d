// What the step loop works on. The runtime lays it out in wasm memory, zeroed at first.
#pragma once

#include "abi.generated.h"

// Computes the work units first to last - 1 of a step; those of one step do not depend on each other. memory: where the buffers' addresses
// begin, for programs whose pointers are longer than TIR's.
typedef void (*Kernel)(uint8_t* memory, void** buffers, int32_t n, int32_t first, int32_t last);

struct Step {
  Kernel kernel;
  void** buffers;
  int32_t units;  // which word of the launch function's has the number of its units
  int32_t unused;
};

// Threads that compute together, and the function that they compute.
struct Team {
  uint64_t ticket;  // sequence number of the step, and the next of its units
  int32_t done;     // units of the open step that are computed; of a team of one, the next
  int32_t total;
  Kernel kernel;
  void** buffers;
  int32_t n;
  int32_t at;  // which of the steps is open
  int32_t count;
  const Step* steps;
  const int32_t* units;
  int32_t sleepers;
  int32_t is_over;
};
static_assert(sizeof(Team) <= TEAM_BYTES, "the runtime makes room for so many");
