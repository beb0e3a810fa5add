#pragma once

/// Names of the instruction sets that the kernels need and this processor lacks, or "" if it has them all.
const char *candlecast_missing_instructions(void);

/// Has this process get SIGTERM when the thread that started it ends; 0 if `parent` is not what started it any more.
int candlecast_end_with_parent(int parent);

/// Gives memory that is free and still held back to the system, and code that has been read from files.
void candlecast_return_free_memory(void);

/// Keeps little of what is freed from now on. For programs of many threads that run for long.
void candlecast_keep_little_free_memory(void);
