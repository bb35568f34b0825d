// What a plain loop of WebAssembly reaches: a sum over 256 MiB, and the relaxed dot instruction on eight sums in registers.
#include <stdint.h>
#include <wasm_simd128.h>
#define EXPORT(name) __attribute__((export_name(name)))
enum { WORDS = 1 << 26, PARTS = 8 };
static float memory[WORDS] __attribute__((aligned(64)));

EXPORT("fill") void fill(void) {
  for (long i = 0; i < WORDS; i++) memory[i] = (float)(i & 255);
}

EXPORT("read") float read_all(void) {
  v128_t sums[PARTS] = {0};
  for (long i = 0; i < WORDS; i += 4 * PARTS)
    for (int part = 0; part < PARTS; part++) sums[part] = wasm_f32x4_add(sums[part], wasm_v128_load(memory + i + 4 * part));
  for (int part = 1; part < PARTS; part++) sums[0] = wasm_f32x4_add(sums[0], sums[part]);
  return wasm_f32x4_extract_lane(sums[0], 0) + wasm_f32x4_extract_lane(sums[0], 1) + wasm_f32x4_extract_lane(sums[0], 2);
}

// count: steps of eight instructions, each 16 products
EXPORT("dots") int dots(int count) {
  v128_t sums[PARTS] = {0}, bytes = wasm_v128_load(memory + 64), nibbles = wasm_v128_and(bytes, wasm_i8x16_splat(15));
  for (int i = 0; i < count; i++)
    for (int part = 0; part < PARTS; part++) sums[part] = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(bytes, nibbles, sums[part]);
  for (int part = 1; part < PARTS; part++) sums[0] = wasm_i32x4_add(sums[0], sums[part]);
  return wasm_i32x4_extract_lane(sums[0], 0);
}
