#pragma once
#include <stdbool.h>
#include <stdint.h>

/// Heap allocations made by the calling thread since it started.
uint64_t allocation_count(void);

/// False under sanitizers, which bring their own allocator.
bool allocation_counting_works(void);
