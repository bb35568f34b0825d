// The step loop of the CPU: threads take the units of a step by an atomic counter, and whoever computes the last one opens the next step.
// It is C++ because TIR has neither atomics nor waiting. All state is the caller's: each thread has an instance of the module over one memory.
#include "steps.h"

#include "clock.h"
#include "wait.h"

namespace {

constexpr int32_t SPINS = 10000;  // some ten microseconds, as long as a unit takes
constexpr int64_t NAP = 1000000;  // nanoseconds between two looks at the clock
constexpr uint32_t CLOSED = 1;    // bit of the sequence number: no step is open

template <typename T>
T get(const T& place) { return __atomic_load_n(&place, __ATOMIC_ACQUIRE); }
template <typename T>
void put(T& place, T value) { __atomic_store_n(&place, value, __ATOMIC_RELEASE); }

// The number of the open step, which is even; odd between steps.
uint32_t sequence(const Team& team) { return static_cast<uint32_t>(get(team.ticket) >> 32); }

// The half of the ticket that has the sequence number, on which threads sleep. Both wasm and the machines of the tests are little-endian.
uint32_t* sequence_word(Team& team) { return reinterpret_cast<uint32_t*>(&team.ticket) + 1; }

void set_sequence(Team& team, uint32_t number) {
  __atomic_store_n(&team.ticket, static_cast<uint64_t>(number) << 32, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&team.sleepers, __ATOMIC_SEQ_CST) > 0) wake_all(sequence_word(team));
}

// Opens the first step from `at` on that has units. The ticket is closed, and nobody else touches the job; where no step is left, the last
// thing done is to say so, as another job may then begin.
void open_next(Team& team, int32_t at, uint32_t closed) {
  for (; at < team.count; at++) {
    const Step& step = team.steps[at];
    const int32_t total = team.units[step.units];
    if (total <= 0) continue;
    put(team.kernel, step.kernel);
    put(team.buffers, step.buffers);
    put(team.total, total);
    put(team.done, 0);
    put(team.at, at);
    return set_sequence(team, closed + CLOSED);
  }
  put(team.at, at);
}

bool is_finished(const Team& team) { return get(team.at) >= team.count; }

// Computes a unit of the open step. False where there is none to take: `seen` is then the number that others are to change.
bool take(Team& team, uint32_t& seen) {
  const uint64_t ticket = __atomic_fetch_add(&team.ticket, 1, __ATOMIC_ACQ_REL);
  const int32_t unit = static_cast<int32_t>(ticket & 0x7fffffff);
  seen = static_cast<uint32_t>(ticket >> 32);
  const Kernel kernel = get(team.kernel);
  void** const buffers = get(team.buffers);
  const int32_t total = get(team.total), n = get(team.n);
  // What was read belongs to the step only if it is still open. Whoever has a unit of it keeps it open.
  if ((seen & CLOSED) != 0 || unit >= total || sequence(team) != seen) return false;
  kernel(nullptr, buffers, n, unit, unit + 1);
  if (__atomic_add_fetch(&team.done, 1, __ATOMIC_ACQ_REL) < total) return true;
  set_sequence(team, seen + CLOSED);
  open_next(team, get(team.at) + 1, seen + CLOSED);
  return true;
}

// Returns when the number has changed, or after `nanoseconds`, or (-1) not before somebody wakes it.
void rest(Team& team, uint32_t seen, int64_t nanoseconds) {
  for (int32_t i = 0; i < SPINS; i++) {
    if (sequence(team) != seen) return;
  }
  if (nanoseconds == 0) return;
  __atomic_fetch_add(&team.sleepers, 1, __ATOMIC_SEQ_CST);
  wait_while(sequence_word(team), seen, nanoseconds);
  __atomic_fetch_sub(&team.sleepers, 1, __ATOMIC_SEQ_CST);
}

void set_job(Team& team, const Step* steps, int32_t count, const int32_t* units, int32_t n) {
  team.steps = steps;
  team.units = units;
  team.count = count;
  put(team.n, n);
}

}  // namespace

extern "C" {

void steps_reset(Team* team) {
  *team = Team{};
  team->ticket = static_cast<uint64_t>(CLOSED) << 32;
}

void steps_begin(Team* team, const Step* steps, int32_t count, const int32_t* units, int32_t n) {
  set_job(*team, steps, count, units, n);
  open_next(*team, 0, sequence(*team));
}

int32_t steps_help(Team* team, int32_t microseconds, int32_t may_wait) {
  const double end = now() + microseconds * 1e-3;
  while (!is_finished(*team)) {
    uint32_t seen = 0;
    if (!take(*team, seen) && !is_finished(*team)) rest(*team, seen, may_wait != 0 ? NAP : 0);
    if (now() >= end) break;
  }
  return is_finished(*team) ? 0 : 1;
}

void steps_serve(Team* team) {
  while (get(team->is_over) == 0) {
    uint32_t seen = 0;
    if (!take(*team, seen)) rest(*team, seen, -1);
  }
}

void steps_end(Team* team) {
  put(team->is_over, 1);
  set_sequence(*team, sequence(*team) + 2 * CLOSED);
}

void steps_begin_alone(Team* team, const Step* steps, int32_t count, const int32_t* units, int32_t n) {
  set_job(*team, steps, count, units, n);
  team->at = team->done = 0;
}

int32_t steps_alone(Team* team, int32_t microseconds) {
  const double end = now() + microseconds * 1e-3;
  for (; team->at < team->count; team->at++, team->done = 0) {
    const Step& step = team->steps[team->at];
    for (const int32_t total = team->units[step.units]; team->done < total; team->done++) {
      if (now() >= end) return 1;
      step.kernel(nullptr, step.buffers, team->n, team->done, team->done + 1);
    }
  }
  return 0;
}

}
