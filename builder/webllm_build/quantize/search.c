// The loops of search.py's `symmetric`, which says what they do: for sixteen blocks at a time, so that a compiler makes vectors of them.
// Sums are made in one order and nothing is contracted, so that all machines get the same bits. It uses no library.
#include <stddef.h>
#include <stdint.h>

enum { GROUP = 32, LANES = 16 };

static const float LARGEST = 65504.0f, SMALLEST = 0x1p-24f, BEYOND = 65520.0f; // of float16; from BEYOND on it has no number
static const float ROUND = 0x1.8p23f; // added and taken away, it leaves the nearest integer, of two the even one

static inline float magnitude(float x) { return x < 0 ? -x : x; }

typedef union {
  float number;
  uint32_t bits;
} Word;

// The nearest float16, of a number below BEYOND.
static inline float stored(float x) {
  Word word = {x}, small;
  uint32_t sign = word.bits & 0x80000000u;
  word.bits ^= sign;
  small.number = (word.number + 0.5f) - 0.5f; // where a step of float32 is float16's smallest number
  uint32_t normal = (word.bits + 0xFFFu + ((word.bits >> 13) & 1u)) & ~0x1FFFu;
  word.bits = (word.bits < 0x38800000u ? small.bits : normal) | sign;
  return word.number;
}

// values [blocks][GROUP]; weights [period][GROUP], repeated; scales [blocks]; codes [blocks][GROUP] from low to high.
// Returns whether a scale is beyond float16.
int symmetric(const float *values, const float *weights, size_t blocks, size_t period, float low, float high, const float *extremes,
              int tries, int refinements, float *scales, int8_t *codes) {
  int beyond = 0;
  for (size_t first = 0; first < blocks; first += LANES) {
    size_t count = blocks - first < LANES ? blocks - first : LANES;
    float x[GROUP][LANES], w[GROUP][LANES], largest[LANES], scale[LANES], gain[LANES];
    for (size_t lane = 0; lane < LANES; lane++) { // where there are no more, the last block again
      size_t block = first + (lane < count ? lane : count - 1);
      const float *from = values + block * GROUP, *weight = weights + block % period * GROUP;
      for (int i = 0; i < GROUP; i++) x[i][lane] = from[i], w[i][lane] = weight[i];
      largest[lane] = scale[lane] = gain[lane] = 0;
    }
    for (int i = 0; i < GROUP; i++)
      for (int lane = 0; lane < LANES; lane++) largest[lane] = magnitude(x[i][lane]) > magnitude(largest[lane]) ? x[i][lane] : largest[lane];
    for (int turn = 0; turn < tries + refinements; turn++) {
      float inverse[LANES], product[LANES], square[LANES];
      for (int lane = 0; lane < LANES; lane++) {
        float tried = scale[lane];
        if (turn < tries) {
          float wanted = largest[lane] / extremes[turn];
          beyond |= magnitude(wanted) >= BEYOND;
          tried = stored(wanted);
          if (tried == 0 && wanted != 0) tried = wanted < 0 ? -SMALLEST : SMALLEST;
        }
        inverse[lane] = tried != 0 ? 1.0f / tried : 0.0f;
        product[lane] = square[lane] = 0;
      }
      for (int i = 0; i < GROUP; i++)
        for (int lane = 0; lane < LANES; lane++) {
          float code = x[i][lane] * inverse[lane];
          code = code < low ? low : code;
          code = code > high ? high : code;
          code = (code + ROUND) - ROUND;
          float weighted = code * w[i][lane];
          product[lane] += x[i][lane] * weighted;
          square[lane] += code * weighted;
        }
      for (int lane = 0; lane < LANES; lane++) {
        float fitted = square[lane] != 0 ? product[lane] / square[lane] : 0.0f;
        fitted = fitted > LARGEST ? LARGEST : fitted < -LARGEST ? -LARGEST : fitted;
        float kept = stored(fitted);
        float won = kept * (2 * product[lane] - kept * square[lane]);
        int better = won > gain[lane];
        scale[lane] = better ? kept : scale[lane];
        gain[lane] = better ? won : gain[lane];
      }
    }
    for (size_t lane = 0; lane < count; lane++) {
      float inverse = scale[lane] != 0 ? 1.0f / scale[lane] : 0.0f;
      for (int i = 0; i < GROUP; i++) {
        float code = x[i][lane] * inverse;
        code = code < low ? low : code > high ? high : code;
        codes[(first + lane) * GROUP + i] = (int8_t)((code + ROUND) - ROUND);
      }
      scales[first + lane] = scale[lane];
    }
  }
  return beyond;
}
