// The step loop under real threads: every unit of every step is computed once, and behind all units of the step before. Usage: threads, rounds.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/steps.h"

namespace {

constexpr int32_t STEPS = 40, MOST_UNITS = 97, KERNELS = 8;

Team team;
Step steps[STEPS];
int32_t units[KERNELS];
// By step: how often each unit was computed in this job, which only the thread that has it may touch, and the sum of the step before.
int32_t computed[STEPS][MOST_UNITS];
int64_t sums[STEPS][MOST_UNITS];
void* buffers[STEPS][2];

void check(bool is_right, const char* what) {
  if (is_right) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

// buffers: the number of the step.
void kernel(uint8_t*, void** own, int32_t n, int32_t first, int32_t last) {
  const intptr_t step = reinterpret_cast<intptr_t>(own[0]);
  int64_t before = 0;
  if (step > 0) {
    for (int32_t unit = 0; unit < units[steps[step - 1].units]; unit++) {
      check(computed[step - 1][unit] == 1, "a unit of the step before is missing");
      before += sums[step - 1][unit];
    }
  }
  for (int32_t unit = first; unit < last; unit++) {
    computed[step][unit]++;
    sums[step][unit] = before % 1000003 + unit * n;
  }
}

void* serve(void*) {
  steps_serve(&team);
  return nullptr;
}

void run(int32_t job, bool is_alone) {
  memset(computed, 0, sizeof(computed));
  for (int32_t k = 0; k < KERNELS; k++) units[k] = (job * 31 + k * 17) % 7 == 0 ? 0 : (job * 13 + k * 29) % MOST_UNITS + 1;
  const int32_t count = job % STEPS + 1;
  for (int32_t i = 0; i < count; i++) steps[i] = {kernel, buffers[i], (i * 5 + job) % KERNELS, 0};
  if (is_alone) {
    steps_begin_alone(&team, steps, count, units, job);
    while (steps_alone(&team, 100) != 0) {}
  } else {
    steps_begin(&team, steps, count, units, job);
    while (steps_help(&team, 100, job % 2) != 0) {}
  }
  for (int32_t i = 0; i < count; i++) {
    for (int32_t unit = 0; unit < MOST_UNITS; unit++) check(computed[i][unit] == (unit < units[steps[i].units] ? 1 : 0), "a unit was not computed once");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? atoi(argv[1]) : 1, rounds = argc > 2 ? atoi(argv[2]) : 1000;
  for (intptr_t i = 0; i < STEPS; i++) buffers[i][0] = reinterpret_cast<void*>(i);
  steps_reset(&team);
  pthread_t others[16];
  for (int i = 1; i < threads; i++) check(pthread_create(&others[i], nullptr, serve, nullptr) == 0, "no thread");
  for (int32_t job = 1; job <= rounds; job++) run(job, threads == 1);
  steps_end(&team);
  for (int i = 1; i < threads; i++) pthread_join(others[i], nullptr);
  puts("ok");
  return 0;
}
