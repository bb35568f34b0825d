// A model for the CPU whose answers are those of the fake runner: the next token is a hash of all that the cache holds, read through the page
// table. Built for tests by toy_library.ts.

#include <stdint.h>

#define KERNEL(name) extern "C" __attribute__((visibility("default"))) void name(uint8_t*, void** b, int32_t n, int32_t first, int32_t last)
#define LAUNCH(name) extern "C" __attribute__((visibility("default"))) void name(int32_t n, int32_t, int32_t* units)

namespace {

constexpr int32_t VOCABULARY = 97, PAGE = 4, STATE_WORDS = 16, SAMPLING_WORDS = 16, LOGPROB_WORDS = 64, TILE = 8;
constexpr int32_t TILES = (VOCABULARY + TILE - 1) / TILE;
constexpr int32_t STRIDE = 128 / 4;  // int32 words of a page: 64 bytes of each layer
constexpr int32_t TABLE = CONTEXT / PAGE;

int32_t* ints(void* p) { return static_cast<int32_t*>(p); }
float* floats(void* p) { return static_cast<float*>(p); }

struct Token {
  int32_t row, position;
};

// The i-th of n tokens: of one prompt, or each of a row.
Token token_of(const int32_t* state, int32_t i, bool is_rows) {
  return is_rows ? Token{i, state[i * STATE_WORDS]} : Token{0, state[0] + i};
}

void append(void** b, int32_t i, bool is_rows) {
  const int32_t *tokens = ints(b[1]), *state = ints(b[2]), *table = ints(b[3]);
  const Token at = token_of(state, i, is_rows);
  float* hidden = floats(b[6]) + 4 * i;
  for (int32_t c = 0; c < 4; c++) hidden[c] = static_cast<float>(tokens[i] * (c + 1));
  if (at.position < 0) return;
  const int32_t place = table[at.row * TABLE + at.position / PAGE] * STRIDE + at.position % PAGE * 4;
  ints(b[4])[place] = tokens[i];
  ints(b[5])[place] = 3 * tokens[i] + 1;
}

void mix(void** b, int32_t i, bool is_rows) {
  const int32_t *weights = ints(b[0]), *state = ints(b[2]), *table = ints(b[3]);
  const Token at = token_of(state, i, is_rows);
  uint32_t hash = static_cast<uint32_t>(weights[2]);
  int32_t token = -1;
  for (int32_t t = 0; t <= at.position; t++) {
    const int32_t place = table[at.row * TABLE + t / PAGE] * STRIDE + t % PAGE * 4;
    token = ints(b[4])[place];
    if (ints(b[5])[place] != 3 * token + 1) token = -1;  // the layers' pages belong together
    hash = hash * static_cast<uint32_t>(weights[0]) + static_cast<uint32_t>(token) * static_cast<uint32_t>(t + weights[1]);
  }
  for (volatile int32_t spin = 0; spin < ints(b[1])[1]; spin = spin + 1) {}
  float* hidden = floats(b[6]) + 4 * i;
  hidden[0] = static_cast<float>(hash % VOCABULARY);
  hidden[1] = static_cast<float>(at.position);
  hidden[2] = static_cast<float>(token);
  hidden[3] = 1;
}

void logits(const float* hidden, const int32_t* weights, float* out, int32_t tile) {
  const int32_t next = static_cast<int32_t>(hidden[0]);
  for (int32_t v = tile * TILE; v < (tile + 1) * TILE && v < VOCABULARY; v++) {
    out[v] = static_cast<float>(weights[0] - (v - next + VOCABULARY) % VOCABULARY);
  }
}

int32_t largest(const float* values) {
  int32_t best = 0;
  for (int32_t v = 1; v < VOCABULARY; v++) best = values[v] > values[best] ? v : best;
  return best;
}

}  // namespace

// weights 0, tokens, state, page table, two layers' pages, hidden
KERNEL(append_prompt) { for (int32_t i = first; i < last && i < n; i++) append(b, i, false); }
KERNEL(append_rows) { for (int32_t i = first; i < last && i < n; i++) append(b, i, true); }
// weights 0, weights 1, state, page table, two layers' pages, hidden
KERNEL(mix_prompt) { for (int32_t i = first; i < last && i < n; i++) mix(b, i, false); }
KERNEL(mix_rows) { for (int32_t i = first; i < last && i < n; i++) mix(b, i, true); }
// hidden, weights 1, logits
KERNEL(logits_last) { for (int32_t i = first; i < last; i++) logits(floats(b[0]) + 4 * (n - 1), ints(b[1]), floats(b[2]), i); }
KERNEL(logits_rows) {
  (void)n;
  for (int32_t i = first; i < last; i++) logits(floats(b[0]) + 4 * (i / TILES), ints(b[1]), floats(b[2]) + i / TILES * VOCABULARY, i % TILES);
}
// hidden, pooled
KERNEL(pool) {
  (void)first; (void)last;
  float *hidden = floats(b[0]), *pooled = floats(b[1]);
  for (int32_t c = 0; c < 4; c++) {
    pooled[c] = hidden[4 * (n - 1) + c];
    pooled[4 + c] = 0;
    for (int32_t i = 0; i < n; i++) pooled[4 + c] += hidden[4 * i + c];
  }
}
// logits, state, tokens, history
KERNEL(sample) {
  (void)n;
  for (int32_t row = first; row < last; row++) {
    const int32_t token = largest(floats(b[0]) + row * VOCABULARY);
    ints(b[2])[row] = token;
    ints(b[3])[ints(b[1])[row * STATE_WORDS + 2]] = token;
  }
}
// logits, sampling, bias, mask
KERNEL(adjust) {
  (void)n;
  for (int32_t row = first; row < last; row++) {
    const int32_t* words = ints(b[1]) + row * SAMPLING_WORDS;
    float* own = floats(b[0]) + row * VOCABULARY;
    const uint32_t* mask = static_cast<uint32_t*>(b[3]) + row * ((VOCABULARY + 31) / 32);
    for (int32_t v = 0; v < VOCABULARY; v++) {
      if ((words[10] & 2) != 0) own[v] += floats(b[2])[words[11] * VOCABULARY + v];
      if ((words[10] & 4) != 0 && (mask[v / 32] >> (v % 32) & 1) == 0) own[v] = -1e30f;
    }
  }
}
// logits, kept
KERNEL(keep) {
  (void)n;
  for (int32_t i = first * VOCABULARY; i < last * VOCABULARY; i++) floats(b[1])[i] = floats(b[0])[i];
}
// kept, tokens, logprobs: as if the largest logit were the logarithm of all
KERNEL(logprobs) {
  (void)n;
  for (int32_t row = first; row < last; row++) {
    const float* kept = floats(b[0]) + row * VOCABULARY;
    const int32_t best = largest(kept);
    int32_t* words = ints(b[2]) + row * LOGPROB_WORDS;
    float* values = floats(b[2]) + row * LOGPROB_WORDS;
    values[0] = kept[ints(b[1])[row]] - kept[best];
    for (int32_t i = 0; i < 20; i++) {
      const int32_t token = (best + i) % VOCABULARY;
      words[2 + 2 * i] = token;
      values[3 + 2 * i] = kept[token] - kept[best];
    }
  }
}
// One that leaves its memory.
KERNEL(fails) { (void)b; (void)n; (void)first; (void)last; __builtin_trap(); }

LAUNCH(launch_0_prefill) { units[0] = units[1] = n; }
LAUNCH(launch_0_logits) { (void)n; units[0] = TILES; }
LAUNCH(launch_0_encode) { (void)n; units[0] = 1; }
LAUNCH(launch_0_decode) { units[0] = units[1] = n; units[2] = n * TILES; }
LAUNCH(launch_0_rows) { units[0] = n; }
