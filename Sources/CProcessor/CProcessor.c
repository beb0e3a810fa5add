#define _GNU_SOURCE
#include "CProcessor.h"

#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

// In C and before main, because Swift code for x86-64-v3 would die of an illegal instruction before it could say why.

const char *candlecast_missing_instructions(void) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2")) return "AVX2";
  if (!__builtin_cpu_supports("fma")) return "FMA";
  if (!__builtin_cpu_supports("bmi2")) return "BMI2";
  return "";
}

__attribute__((constructor)) static void refuse_old_processor(void) {
  if (candlecast_missing_instructions()[0] == '\0') return;
  static const char sentence[] =
      "candlecast: this processor has no AVX2, FMA or BMI2, which Candlecast is built for (x86-64-v3, Intel from 2013, "
      "AMD from 2015): run it on a newer one.\n";
  if (write(STDERR_FILENO, sentence, strlen(sentence)) < 0) _exit(4);
  _exit(4);
}

int candlecast_end_with_parent(int parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) return 0;
  // It may have ended before that was set.
  return getppid() == parent;
}

// Code is read from its file again when it is needed; most of what start-up ran is not.
static int return_code(struct dl_phdr_info *object, size_t size, void *context) {
  (void)size;
  (void)context;
  long page = sysconf(_SC_PAGESIZE);
  for (int index = 0; index < object->dlpi_phnum; index++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[index];
    if (part->p_type != PT_LOAD || (part->p_flags & (PF_X | PF_W)) != PF_X) continue;
    uintptr_t start = object->dlpi_addr + part->p_vaddr;
    uintptr_t end = (start + part->p_memsz + page - 1) / page * page;
    start = start / page * page;
    madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

void candlecast_return_free_memory(void) {
  malloc_trim(0);
  dl_iterate_phdr(return_code, NULL);
}

// Left alone, glibc gives each thread a heap of its own, and raises both thresholds to the largest block freed.
void candlecast_keep_little_free_memory(void) {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  mallopt(M_TRIM_THRESHOLD, 128 << 10);
}
