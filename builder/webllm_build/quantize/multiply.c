// Products of rows of weights and some tokens' inputs. Each sum is made from the first column to the last and nothing is contracted, so that
// all machines get the same bits. It uses no library.
#include <stddef.h>

enum { LANES = 16, ROWS = 4, COLUMNS = 256 }; // of a tile: so many sums stay in registers, and what they are made of in the nearest cache

typedef float Floats __attribute__((ext_vector_type(LANES), aligned(sizeof(float))));

// y [rows][panels][16 tokens] of weights [rows][columns] and x [panels][columns][16 tokens]. y begins at zeros.
void multiply(const float *weights, const float *x, size_t rows, size_t columns, size_t panels, float *y) {
  for (size_t begin = 0; begin < columns; begin += COLUMNS) {
    size_t end = begin + COLUMNS < columns ? begin + COLUMNS : columns;
    for (size_t first = 0; first < rows; first += ROWS) {
      const float *row[ROWS]; // where there are no more, the last again
      for (int i = 0; i < ROWS; i++) row[i] = weights + (first + i < rows ? first + i : rows - 1) * columns;
      for (size_t panel = 0; panel < panels; panel++) {
        const Floats *tokens = (const Floats *)x + panel * columns;
        Floats sums[ROWS], *to = (Floats *)y + first * panels + panel;
        for (int i = 0; i < ROWS; i++) sums[i] = first + i < rows ? to[i * panels] : (Floats)0;
        for (size_t k = begin; k < end; k++)
          for (int i = 0; i < ROWS; i++) sums[i] += row[i][k] * tokens[k];
        for (int i = 0; i < ROWS && first + i < rows; i++) to[i * panels] = sums[i];
      }
    }
  }
}

#ifdef _WIN32
// What a library begins with where there is no library of C to bring it.
int DllMainCRTStartup(void *module, unsigned reason, void *reserved) {
  (void)module, (void)reason, (void)reserved;
  return 1;
}
#endif
