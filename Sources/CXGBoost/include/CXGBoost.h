#pragma once
#include <stddef.h>
#include <stdint.h>

// The part of XGBoost's C interface that is used, reached through dlopen: nothing links against libxgboost, so a
// program that never trains never loads it.

#ifdef __cplusplus
extern "C" {
#endif

typedef void *cxgboost_handle;
typedef int cxgboost_next(void *_Nonnull iterator);
typedef void cxgboost_reset(void *_Nonnull iterator);

/// Every function returns 0, or another value with the reason in `last_error`.
typedef struct {
  void (*_Nonnull version)(int *_Nonnull major, int *_Nonnull minor, int *_Nonnull patch);
  const char *_Nonnull (*_Nonnull last_error)(void);

  int (*_Nonnull proxy_create)(cxgboost_handle _Nullable *_Nonnull out);
  int (*_Nonnull proxy_set_dense)(cxgboost_handle _Nonnull proxy, const char *_Nonnull array_interface);
  int (*_Nonnull quantile_matrix_create)(
      void *_Nonnull iterator, cxgboost_handle _Nonnull proxy, cxgboost_handle _Nullable reference,
      cxgboost_reset *_Nonnull reset, cxgboost_next *_Nonnull next, const char *_Nonnull config,
      cxgboost_handle _Nullable *_Nonnull out);
  int (*_Nonnull matrix_set_info)(
      cxgboost_handle _Nonnull matrix, const char *_Nonnull field, const char *_Nonnull array_interface);
  int (*_Nonnull matrix_free)(cxgboost_handle _Nonnull matrix);

  int (*_Nonnull booster_create)(
      const cxgboost_handle _Nullable *_Nonnull matrices, uint64_t count, cxgboost_handle _Nullable *_Nonnull out);
  int (*_Nonnull booster_free)(cxgboost_handle _Nonnull booster);
  int (*_Nonnull booster_set)(cxgboost_handle _Nonnull booster, const char *_Nonnull name, const char *_Nonnull value);
  int (*_Nonnull booster_update)(cxgboost_handle _Nonnull booster, int round, cxgboost_handle _Nonnull matrix);
  int (*_Nonnull booster_evaluate)(
      cxgboost_handle _Nonnull booster, int round, cxgboost_handle _Nullable *_Nonnull matrices,
      const char *_Nonnull *_Nonnull names, uint64_t count, const char *_Nullable *_Nonnull out);
  int (*_Nonnull booster_slice)(
      cxgboost_handle _Nonnull booster, int begin, int end, int step, cxgboost_handle _Nullable *_Nonnull out);
  int (*_Nonnull booster_predict_dense)(
      cxgboost_handle _Nonnull booster, const char *_Nonnull array_interface, const char *_Nonnull config,
      cxgboost_handle _Nullable information, const uint64_t *_Nullable *_Nonnull shape, uint64_t *_Nonnull dimensions,
      const float *_Nullable *_Nonnull out);
  int (*_Nonnull booster_save)(
      cxgboost_handle _Nonnull booster, const char *_Nonnull config, uint64_t *_Nonnull length,
      const char *_Nullable *_Nonnull out);
  int (*_Nonnull booster_load)(cxgboost_handle _Nonnull booster, const void *_Nonnull bytes, uint64_t length);
} cxgboost_api;

/// Opens the library at `path` for the life of the process and fills `api`.
/// Returns null, or why it could not: the text lives until the next call of the thread.
const char *_Nullable cxgboost_open(const char *_Nonnull path, cxgboost_api *_Nonnull api);

#ifdef __cplusplus
}
#endif
