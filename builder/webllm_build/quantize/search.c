// The loops of search.py, which says what they do: for sixteen blocks at a time, one in each lane of a vector. Sums are made in one order
// and nothing is contracted, so that all machines get the same bits. It uses no library.
#include <stddef.h>
#include <stdint.h>

enum { GROUP = 32, LANES = 16, HALF = 2 };

typedef float Floats __attribute__((ext_vector_type(LANES)));
typedef int32_t Bits __attribute__((ext_vector_type(LANES))); // and masks: -1 where it is so, else 0

static const float LARGEST = 65504.0f, SMALLEST = 0x1p-24f, BEYOND = 65520.0f; // of float16; from BEYOND on it has no number
static const float ROUND = 0x1.8p23f; // added and taken away, it leaves the nearest integer, of two the even one
static const int32_t SIGN = INT32_MIN;

static inline Floats magnitude(Floats x) { return (Floats)((Bits)x & ~SIGN); }
static inline Floats clamped(Floats x, float low, float high) {
  Floats least = low, most = high;
  x = least > x ? least : x;
  return most < x ? most : x;
}
static inline Floats divided(Floats a, Floats b) { return b != 0 ? a / (b != 0 ? b : (Floats)1) : (Floats)0; }
static inline Floats nearest(Floats x, Floats inverse, float low, float high) { return (clamped(x * inverse, low, high) + ROUND) - ROUND; }

// The nearest float16, of numbers below BEYOND.
static inline Floats stored(Floats x) {
  Bits sign = (Bits)x & SIGN;
  Bits bits = (Bits)x ^ sign;
  Bits small = (Bits)(((Floats)bits + 0.5f) - 0.5f); // where a step of float32 is float16's smallest number
  Bits normal = (bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFF;
  return (Floats)((bits < 0x38800000 ? small : normal) | sign);
}

// The same where it may not be below, which `beyond` then remembers; what would vanish and is not 0 becomes the smallest number.
static inline Floats kept(Floats x, Bits *beyond) {
  *beyond |= magnitude(x) >= BEYOND;
  Floats near = stored(x);
  return near == 0 && x != 0 ? (Floats)((Bits)(Floats)SMALLEST | ((Bits)x & SIGN)) : near;
}

// The bits of float16 of a number that it has.
static inline void write_half(float x, uint8_t *to) {
  union { float number; uint32_t bits; } word = {x};
  uint32_t sign = word.bits >> 16 & 0x8000, bits = word.bits & 0x7FFFFFFF;
  uint32_t half = sign | (bits < 0x38800000 ? (uint32_t)(int32_t)((x < 0 ? -x : x) * 0x1p24f) : (bits >> 13) - (112 << 10));
  to[0] = (uint8_t)half, to[1] = (uint8_t)(half >> 8);
}

typedef struct {
  size_t first, count; // blocks of this turn
  Floats x[GROUP], w[GROUP]; // values and weights
} Turn;

// Sixteen blocks of values [blocks][GROUP] and weights [period][GROUP], repeated; where there are no more, the last block again.
static void load(Turn *turn, const float *values, const float *weights, size_t blocks, size_t period) {
  turn->count = blocks - turn->first < LANES ? blocks - turn->first : LANES;
  for (size_t lane = 0; lane < LANES; lane++) {
    size_t block = turn->first + (lane < turn->count ? lane : turn->count - 1);
    const float *from = values + block * GROUP, *weight = weights + block % period * GROUP;
    for (int i = 0; i < GROUP; i++) ((float *)turn->x)[i * LANES + lane] = from[i], ((float *)turn->w)[i * LANES + lane] = weight[i];
  }
}

static int any(Bits where) {
  int found = 0;
  for (int lane = 0; lane < LANES; lane++) found |= where[lane];
  return found != 0;
}

// Codes of x, from 0 to 15, as ggml's nibbles: byte i has code i low and code 16 + i high.
static void write_nibbles(const Floats *codes, size_t lane, uint8_t *to) {
  for (int i = 0; i < GROUP / 2; i++) {
    int low = (int)((const float *)codes)[i * LANES + lane], high = (int)((const float *)codes)[(i + GROUP / 2) * LANES + lane];
    to[i] = (uint8_t)(low | high << 4);
  }
}

// rows [blocks][2 + 32 or 2 + 16]: a float16 scale, and codes from low to high as bytes, or, where low is -8, as nibbles of code + 8.
// Returns whether a scale is beyond float16.
int symmetric(const float *values, const float *weights, size_t blocks, size_t period, float low, float high, const float *extremes,
              int tries, int refinements, uint8_t *rows) {
  Bits beyond = 0;
  int is_nibbles = low == -8, bytes = HALF + (is_nibbles ? GROUP / 2 : GROUP);
  for (Turn turn = {0}; turn.first < blocks; turn.first += LANES) {
    load(&turn, values, weights, blocks, period);
    Floats largest = 0, scale = 0, gain = 0;
    for (int i = 0; i < GROUP; i++) largest = magnitude(turn.x[i]) > magnitude(largest) ? turn.x[i] : largest;
    for (int i = 0; i < tries + refinements; i++) {
      Floats tried = i < tries ? kept(largest / extremes[i], &beyond) : scale, inverse = divided(1, tried), product = 0, square = 0;
      for (int k = 0; k < GROUP; k++) {
        Floats code = nearest(turn.x[k], inverse, low, high), weighted = code * turn.w[k];
        product += turn.x[k] * weighted;
        square += code * weighted;
      }
      Floats fitted = stored(clamped(divided(product, square), -LARGEST, LARGEST));
      Floats won = fitted * (2 * product - fitted * square);
      scale = won > gain ? fitted : scale;
      gain = won > gain ? won : gain;
    }
    Floats inverse = divided(1, scale), codes[GROUP];
    for (int i = 0; i < GROUP; i++) codes[i] = nearest(turn.x[i], inverse, low, high) + (is_nibbles ? 8.0f : 0.0f);
    for (size_t lane = 0; lane < turn.count; lane++) {
      uint8_t *row = rows + (turn.first + lane) * bytes;
      write_half(scale[lane], row);
      if (is_nibbles) write_nibbles(codes, lane, row + HALF);
      else
        for (int i = 0; i < GROUP; i++) row[HALF + i] = (uint8_t)(int)((float *)codes)[i * LANES + lane];
    }
  }
  return any(beyond);
}

// rows [blocks][2 + 2 + 16]: a float16 scale, a float16 minimum, and codes from 0 to `most` as nibbles. margins [tries][2]: codes between
// the ends of the grid and a block's least and largest value. Returns whether a scale or minimum is beyond float16.
int affine(const float *values, const float *weights, size_t blocks, size_t period, float most, const float *margins, int tries,
           int refinements, uint8_t *rows) {
  Bits beyond = 0;
  for (Turn turn = {0}; turn.first < blocks; turn.first += LANES) {
    load(&turn, values, weights, blocks, period);
    const Floats *x = turn.x, *w = turn.w;
    Floats total = 0, mean = 0, low = x[0], high = x[0];
    for (int k = 0; k < GROUP; k++) {
      total += w[k];
      mean += x[k] * w[k];
      low = x[k] < low ? x[k] : low;
      high = x[k] > high ? x[k] : high;
    }
    mean /= total;
    Floats scale = 0, minimum = stored(clamped(mean, -LARGEST, LARGEST)), gain = -__builtin_inff();
    beyond |= magnitude(mean) >= BEYOND;
    for (int i = 0; i < tries + refinements; i++) {
      Floats step = scale, offset = minimum;
      if (i < tries) {
        Floats wanted = (high - low) / (most + margins[2 * i] + margins[2 * i + 1]);
        step = kept(wanted, &beyond);
        Floats least = low + wanted * margins[2 * i];
        beyond |= magnitude(least) >= BEYOND;
        offset = stored(clamped(least, -LARGEST, LARGEST));
      }
      Floats inverse = divided(1, step), codes[GROUP], code_mean = 0, product = 0, square = 0;
      for (int k = 0; k < GROUP; k++) {
        codes[k] = nearest(x[k] - offset, inverse, 0, most);
        code_mean += codes[k] * w[k];
      }
      code_mean /= total;
      for (int k = 0; k < GROUP; k++) {
        Floats centred = codes[k] - code_mean, weighted = centred * w[k];
        product += (x[k] - mean) * weighted;
        square += centred * weighted;
      }
      Floats fitted = stored(clamped(divided(product, square), -LARGEST, LARGEST));
      Floats scales[2] = {step, fitted}, minimums[2] = {offset, stored(clamped(mean - fitted * code_mean, -LARGEST, LARGEST))};
      for (int k = 0; k < 2; k++) { // the squared error is sum((x - mean)^2) less this
        Floats off = mean - minimums[k] - scales[k] * code_mean;
        Floats won = scales[k] * (2 * product - scales[k] * square) - total * off * off;
        scale = won > gain ? scales[k] : scale;
        minimum = won > gain ? minimums[k] : minimum;
        gain = won > gain ? won : gain;
      }
    }
    Floats inverse = divided(1, scale), codes[GROUP];
    for (int k = 0; k < GROUP; k++) codes[k] = nearest(x[k] - minimum, inverse, 0, most);
    for (size_t lane = 0; lane < turn.count; lane++) {
      uint8_t *row = rows + (turn.first + lane) * (2 * HALF + GROUP / 2);
      write_half(scale[lane], row);
      write_half(minimum[lane], row + HALF);
      write_nibbles(codes, lane, row + 2 * HALF);
    }
  }
  return any(beyond);
}
