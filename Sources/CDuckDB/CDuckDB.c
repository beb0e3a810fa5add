#include "CDuckDB.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static CDuckDBFunctions functions;

static const CDuckDBFunctions *failure(char *reason, size_t size, const char *text) {
  snprintf(reason, size, "%s", text ? text : "unknown");
  return NULL;
}

const CDuckDBFunctions *cduckdb_load(const char *path, const char *helper, char *reason, size_t reason_size) {
  if (helper && !dlopen(helper, RTLD_NOW | RTLD_GLOBAL)) return failure(reason, reason_size, dlerror());
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return failure(reason, reason_size, dlerror());
  void *symbol;
#define CDUCKDB_FIND(result, name, arguments)                                                \
  symbol = dlsym(library, "duckdb_" #name);                                                  \
  if (!symbol) return failure(reason, reason_size, "it lacks the function duckdb_" #name);   \
  memcpy(&functions.name, &symbol, sizeof symbol);
  CDUCKDB_FUNCTIONS(CDUCKDB_FIND)
#undef CDUCKDB_FIND
  return &functions;
}
