// Numbers 0 .. capacity-1 to be taken and given back: page ids and sequence ids.
#pragma once

#include "array.h"

class IdPool {
 public:
  int32_t capacity() const { return capacity_; }
  int32_t available() const { return returned_.size() + capacity_ - unused_; }

  // Room for every id of a capacity, so that give cannot fail. False where memory is out; nothing changed then.
  bool reserve(int32_t capacity) { return returned_.reserve(capacity); }

  // capacity must have been reserved and be no smaller than before.
  void grow(int32_t capacity) { capacity_ = capacity; }

  // No id is taken any more. capacity must have been reserved.
  void reset(int32_t capacity) {
    returned_.clear();
    unused_ = 0;
    capacity_ = capacity;
  }

  // The id given back last, else the lowest one never taken. available() must not be 0.
  int32_t take() { return returned_.size() > 0 ? returned_.pop() : unused_++; }
  void give(int32_t id) { returned_.push(id); }

 private:
  Array<int32_t> returned_;
  int32_t unused_ = 0;  // ids from here up were never taken
  int32_t capacity_ = 0;
};
