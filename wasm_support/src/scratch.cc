// The area that launch functions write to and JavaScript reads.
#include "abi.generated.h"
#include "array.h"

namespace {
Array<int32_t> area;
}

int32_t* scratch(int32_t bytes) {
  if (bytes < 0 || bytes > MAX_SCRATCH_BYTES) return nullptr;
  const int32_t words = bytes < 4 ? 1 : (bytes + 3) / 4;
  return area.reserve(words) ? area.data() : nullptr;
}
