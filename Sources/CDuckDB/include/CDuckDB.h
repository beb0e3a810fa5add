#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wnullability-completeness"

/// The part of DuckDB's C interface that the store uses. The library is opened at run time, so every function is a
/// pointer in `CDuckDBFunctions`; handles are opaque.

typedef struct cduckdb_database *CDuckDBDatabase;
typedef struct cduckdb_connection *CDuckDBConnection;
typedef struct cduckdb_config *CDuckDBConfig;
typedef struct cduckdb_statement *CDuckDBStatement;
typedef struct cduckdb_pending *CDuckDBPending;
typedef struct cduckdb_appender *CDuckDBAppender;
typedef struct cduckdb_chunk *CDuckDBChunk;
typedef struct cduckdb_vector *CDuckDBVector;
typedef struct cduckdb_logical_type *CDuckDBLogicalType;

/// `duckdb_result`: five retired fields, then the only one that counts.
typedef struct {
  uint64_t retired_column_count;
  uint64_t retired_row_count;
  uint64_t retired_rows_changed;
  void *retired_columns;
  char *retired_error_message;
  void *internal_data;
} CDuckDBResult;

/// `duckdb_string_t`: text of up to twelve bytes stands in place, from `prefix` on.
typedef struct {
  uint32_t length;
  char prefix[4];
  const char *start;
} CDuckDBString;

/// `duckdb_timestamp`, in microseconds.
typedef struct {
  int64_t microseconds;
} CDuckDBTimestamp;

/// `duckdb_hugeint`.
typedef struct {
  uint64_t lower;
  int64_t upper;
} CDuckDBWide;

/// `duckdb_decimal`: units of its scale.
typedef struct {
  uint8_t width;
  uint8_t scale;
  CDuckDBWide units;
} CDuckDBDecimal;

/// The values of `duckdb_type` in use.
enum {
  CDUCKDB_BOOLEAN = 1,
  CDUCKDB_SMALLINT = 3,
  CDUCKDB_INTEGER = 4,
  CDUCKDB_BIGINT = 5,
  CDUCKDB_UTINYINT = 6,
  CDUCKDB_UBIGINT = 9,
  CDUCKDB_DOUBLE = 11,
  CDUCKDB_TIMESTAMP = 12,
  CDUCKDB_DATE = 13,
  CDUCKDB_VARCHAR = 17,
  CDUCKDB_TIMESTAMPTZ = 31,
};

/// X(result, name, arguments): `duckdb_` stands before each name in the library. A result of type int is 0 on success.
#define CDUCKDB_FUNCTIONS(X) \
  X(int, create_config, (CDuckDBConfig *)) \
  X(int, set_config, (CDuckDBConfig, const char *, const char *)) \
  X(void, destroy_config, (CDuckDBConfig *)) \
  X(int, open_ext, (const char *, CDuckDBDatabase *, CDuckDBConfig, char **)) \
  X(void, close, (CDuckDBDatabase *)) \
  X(int, connect, (CDuckDBDatabase, CDuckDBConnection *)) \
  X(void, disconnect, (CDuckDBConnection *)) \
  X(void, free, (void *)) \
  X(const char *, library_version, (void)) \
  X(int, query, (CDuckDBConnection, const char *, CDuckDBResult *)) \
  X(void, destroy_result, (CDuckDBResult *)) \
  X(const char *, result_error, (CDuckDBResult *)) \
  X(uint64_t, rows_changed, (CDuckDBResult *)) \
  X(CDuckDBChunk, fetch_chunk, (CDuckDBResult)) \
  X(int, prepare, (CDuckDBConnection, const char *, CDuckDBStatement *)) \
  X(const char *, prepare_error, (CDuckDBStatement)) \
  X(void, destroy_prepare, (CDuckDBStatement *)) \
  X(int, execute_prepared, (CDuckDBStatement, CDuckDBResult *)) \
  X(int, pending_prepared_streaming, (CDuckDBStatement, CDuckDBPending *)) \
  X(int, execute_pending, (CDuckDBPending, CDuckDBResult *)) \
  X(const char *, pending_error, (CDuckDBPending)) \
  X(void, destroy_pending, (CDuckDBPending *)) \
  X(int, bind_int64, (CDuckDBStatement, uint64_t, int64_t)) \
  X(int, bind_int32, (CDuckDBStatement, uint64_t, int32_t)) \
  X(int, bind_uint8, (CDuckDBStatement, uint64_t, uint8_t)) \
  X(int, bind_decimal, (CDuckDBStatement, uint64_t, CDuckDBDecimal)) \
  X(int, bind_boolean, (CDuckDBStatement, uint64_t, bool)) \
  X(int, bind_timestamp_tz, (CDuckDBStatement, uint64_t, CDuckDBTimestamp)) \
  X(int, bind_varchar_length, (CDuckDBStatement, uint64_t, const char *, uint64_t)) \
  X(int, bind_double, (CDuckDBStatement, uint64_t, double)) \
  X(int, bind_null, (CDuckDBStatement, uint64_t)) \
  X(uint64_t, vector_size, (void)) \
  X(CDuckDBChunk, create_data_chunk, (CDuckDBLogicalType *, uint64_t)) \
  X(void, destroy_data_chunk, (CDuckDBChunk *)) \
  X(void, data_chunk_reset, (CDuckDBChunk)) \
  X(uint64_t, data_chunk_get_size, (CDuckDBChunk)) \
  X(uint64_t, data_chunk_get_column_count, (CDuckDBChunk)) \
  X(void, data_chunk_set_size, (CDuckDBChunk, uint64_t)) \
  X(CDuckDBVector, data_chunk_get_vector, (CDuckDBChunk, uint64_t)) \
  X(void *, vector_get_data, (CDuckDBVector)) \
  X(uint64_t *, vector_get_validity, (CDuckDBVector)) \
  X(void, vector_ensure_validity_writable, (CDuckDBVector)) \
  X(void, vector_assign_string_element_len, (CDuckDBVector, uint64_t, const char *, uint64_t)) \
  X(CDuckDBLogicalType, create_logical_type, (int)) \
  X(CDuckDBLogicalType, create_decimal_type, (uint8_t, uint8_t)) \
  X(void, destroy_logical_type, (CDuckDBLogicalType *)) \
  X(int, appender_create, (CDuckDBConnection, const char *, const char *, CDuckDBAppender *)) \
  X(int, append_data_chunk, (CDuckDBAppender, CDuckDBChunk)) \
  X(int, appender_close, (CDuckDBAppender)) \
  X(int, appender_destroy, (CDuckDBAppender *)) \
  X(const char *, appender_error, (CDuckDBAppender))

typedef struct {
#define CDUCKDB_MEMBER(result, name, arguments) result(*_Nonnull name) arguments;
  CDUCKDB_FUNCTIONS(CDUCKDB_MEMBER)
#undef CDUCKDB_MEMBER
} CDuckDBFunctions;

/// Opens the library at `path`, after `helper` (unless null) with its names visible to it, and fills a table that lives
/// as long as the process. Null on failure, with a sentence in `reason`.
const CDuckDBFunctions *_Nullable cduckdb_load(
  const char *_Nonnull path, const char *_Nullable helper, char *_Nonnull reason, size_t reason_size);

#pragma clang diagnostic pop
