#pragma once
#include <stdint.h>

/// Heap allocations that the calling thread has made so far; -1 under sanitizers, which bring their own allocator.
int64_t allocation_count(void);
