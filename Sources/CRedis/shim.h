#pragma once
#include <hiredis/hiredis.h>

// hiredis before 1.0 allocates as many pointers as the header of an array promises; one that promises more than this
// becomes the reader's error for lack of memory.
#define CANDLECAST_REDIS_ELEMENTS 100000

#if HIREDIS_MAJOR < 1

static inline redisReplyObjectFunctions *candlecast_redis_default(const redisReadTask *task) {
  return (redisReplyObjectFunctions *)task->privdata;
}

static void *candlecast_redis_string(const redisReadTask *task, char *text, size_t count) {
  return candlecast_redis_default(task)->createString(task, text, count);
}

static void *candlecast_redis_array(const redisReadTask *task, int elements) {
  if (elements > CANDLECAST_REDIS_ELEMENTS) return NULL;
  return candlecast_redis_default(task)->createArray(task, elements);
}

static void *candlecast_redis_integer(const redisReadTask *task, long long value) {
  return candlecast_redis_default(task)->createInteger(task, value);
}

static void *candlecast_redis_nil(const redisReadTask *task) {
  return candlecast_redis_default(task)->createNil(task);
}

static const redisReplyObjectFunctions candlecast_redis_functions = {
    candlecast_redis_string, candlecast_redis_array, candlecast_redis_integer, candlecast_redis_nil, freeReplyObject};

/// NULL without memory.
static inline redisReader *candlecast_redis_reader(void) {
  redisReader *reader = redisReaderCreate();
  if (!reader) return NULL;
  reader->privdata = reader->fn;
  reader->fn = (redisReplyObjectFunctions *)&candlecast_redis_functions;
  return reader;
}

#else

/// NULL without memory.
static inline redisReader *candlecast_redis_reader(void) {
  redisReader *reader = redisReaderCreate();
  if (reader) reader->maxelements = CANDLECAST_REDIS_ELEMENTS;
  return reader;
}

#endif
