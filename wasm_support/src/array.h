// A growing array of plain values. It has no destructor: a static one would need an exit handler; release() gives the
// memory back.
#pragma once

#include "heap.h"

template <typename T>
class Array {
 public:
  int32_t size() const { return size_; }
  T* data() const { return data_; }
  T& operator[](int32_t index) const { return data_[index]; }
  T& back() const { return data_[size_ - 1]; }

  // Makes room for capacity values in all. False where memory is out; nothing changed then.
  bool reserve(int32_t capacity) {
    if (capacity <= capacity_) return true;
    const uint64_t bytes = sizeof(T) * static_cast<uint64_t>(capacity);
    if (bytes > heap::LIMIT) return false;
    T* data = static_cast<T*>(heap::allocate(static_cast<uint32_t>(bytes)));
    if (data == nullptr) return false;
    const int32_t size = size_;
    if (size > 0) __builtin_memcpy(data, data_, sizeof(T) * static_cast<uint32_t>(size));
    release();
    data_ = data;
    size_ = size;
    capacity_ = static_cast<int32_t>(heap::block_bytes(static_cast<uint32_t>(bytes)) / sizeof(T));
    return true;
  }

  // The room must have been reserved.
  void push(T value) { data_[size_++] = value; }
  T pop() { return data_[--size_]; }
  void clear() { size_ = 0; }

  void release() {
    if (capacity_ > 0) heap::release(data_, sizeof(T) * static_cast<uint32_t>(capacity_));
    *this = Array();
  }

 private:
  T* data_ = nullptr;
  int32_t size_ = 0;
  int32_t capacity_ = 0;
};
