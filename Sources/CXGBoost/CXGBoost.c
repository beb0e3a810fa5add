#include "CXGBoost.h"

#include <dlfcn.h>
#include <stdio.h>

static _Thread_local char reason[512];

typedef struct {
  const char *name;
  size_t offset;
} symbol;

static const symbol symbols[] = {
    {"XGBoostVersion", offsetof(cxgboost_api, version)},
    {"XGBGetLastError", offsetof(cxgboost_api, last_error)},
    {"XGProxyDMatrixCreate", offsetof(cxgboost_api, proxy_create)},
    {"XGProxyDMatrixSetDataDense", offsetof(cxgboost_api, proxy_set_dense)},
    {"XGQuantileDMatrixCreateFromCallback", offsetof(cxgboost_api, quantile_matrix_create)},
    {"XGDMatrixSetInfoFromInterface", offsetof(cxgboost_api, matrix_set_info)},
    {"XGDMatrixFree", offsetof(cxgboost_api, matrix_free)},
    {"XGBoosterCreate", offsetof(cxgboost_api, booster_create)},
    {"XGBoosterFree", offsetof(cxgboost_api, booster_free)},
    {"XGBoosterSetParam", offsetof(cxgboost_api, booster_set)},
    {"XGBoosterUpdateOneIter", offsetof(cxgboost_api, booster_update)},
    {"XGBoosterEvalOneIter", offsetof(cxgboost_api, booster_evaluate)},
    {"XGBoosterSlice", offsetof(cxgboost_api, booster_slice)},
    {"XGBoosterPredictFromDense", offsetof(cxgboost_api, booster_predict_dense)},
    {"XGBoosterSaveModelToBuffer", offsetof(cxgboost_api, booster_save)},
    {"XGBoosterLoadModelFromBuffer", offsetof(cxgboost_api, booster_load)},
};

const char *cxgboost_open(const char *path, cxgboost_api *api) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *message = dlerror();
    snprintf(reason, sizeof reason, "%s", message ? message : path);
    return reason;
  }
  for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; ++i) {
    void *address = dlsym(library, symbols[i].name);
    if (!address) {
      snprintf(reason, sizeof reason, "%s has no %s", path, symbols[i].name);
      return reason;
    }
    *(void **)((char *)api + symbols[i].offset) = address;
  }
  return NULL;
}
