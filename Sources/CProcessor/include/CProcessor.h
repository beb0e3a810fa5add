#pragma once

/// Names of the instruction sets that the kernels need and this processor lacks, or "" if it has them all.
const char *candlecast_missing_instructions(void);

/// Gives memory that is free and still held back to the system.
void candlecast_return_free_memory(void);

/// Keeps little of what is freed from now on. For programs of many threads that run for long.
void candlecast_keep_little_free_memory(void);
