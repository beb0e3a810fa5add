#pragma once
#include <stdint.h>

/// Heap allocations that the calling thread has made so far; -1 where they cannot be counted.
int64_t allocation_count(void);
