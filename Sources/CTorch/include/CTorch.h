#pragma once
#include <stdint.h>

// libtorch behind a C interface: two small networks, trained a run of batches at a time.
// Every function that can fail returns 0, or -1 with the reason in ctorch_last_error() of the calling thread.
// A handle belongs to one thread at a time; networks on different threads do not disturb each other.

#ifdef __cplusplus
extern "C" {
#endif

/// A row-major table of examples: one row a decision. Borrowed on the processor, copied once onto a CUDA device.
typedef struct ctorch_table ctorch_table;
/// A network with its optimiser state.
typedef struct ctorch_network ctorch_network;

typedef enum { ctorch_log_loss = 0, ctorch_squared_error = 1 } ctorch_loss;

typedef struct {
  int64_t rows;
  int64_t inputs;
  int64_t extras;
  const float *input;   // [rows × inputs]
  const float *extra;   // [rows × extras], null when extras is 0
  const float *label;   // [rows], null when only predicting
  const float *weight;  // [rows], null for 1 everywhere
  const float *offset;  // [rows], added to the output, null for 0 everywhere
} ctorch_columns;

typedef struct {
  int64_t inputs;
  int64_t extras;  // LSTM only: joined to the latents before the head
  int64_t steps;   // LSTM only: an example at row r reads the rows r − steps + 1 … r
  double dropout;
  ctorch_loss loss;
} ctorch_shape;

typedef struct {
  int64_t batch;
  double learning_rate;
  double weight_decay;
  double gradient_norm;  // gradients are scaled down to this norm; 0 leaves them
} ctorch_step;

/// Losses times weights, and weights, added up over rows; their quotient is the weighted mean.
typedef struct {
  double loss;
  double weight;
} ctorch_sum;

const char *ctorch_last_error(void);

/// Registers CUDA if its library lies beside libtorch_cpu, asks for deterministic kernels, and sets how many threads
/// an operation started from the calling thread uses.
int ctorch_start(int threads);
/// 1 if training runs on a CUDA device.
int ctorch_uses_cuda(void);

int ctorch_table_create(const ctorch_columns *columns, ctorch_table **out);
void ctorch_table_destroy(ctorch_table *table);

/// Weights, and later dropout, are drawn from `seed`.
/// LSTM with 32 hidden units, then a linear head on the last hidden state and the extras.
int ctorch_lstm_create(const ctorch_shape *shape, uint64_t seed, ctorch_network **out);
/// Linear layers inputs-64-32-16-1, batch norm, ReLU and dropout between them.
int ctorch_mlp_create(const ctorch_shape *shape, uint64_t seed, ctorch_network **out);
void ctorch_network_destroy(ctorch_network *network);

/// One pass over `rows` in that order; `sum` holds the losses each batch had before its step.
int ctorch_train(ctorch_network *network, const ctorch_table *table, const int64_t *rows, int64_t count,
                 const ctorch_step *step, ctorch_sum *sum);
int ctorch_evaluate(ctorch_network *network, const ctorch_table *table, const int64_t *rows, int64_t count,
                    ctorch_sum *sum);
/// `margins` [count]; `latents` [count × 32] or null (LSTM only).
int ctorch_predict(ctorch_network *network, const ctorch_table *table, const int64_t *rows, int64_t count,
                   float *margins, float *latents);

/// The tensors of the network by position: parameters, then running statistics.
int64_t ctorch_tensor_count(const ctorch_network *network);
const char *ctorch_tensor_name(const ctorch_network *network, int64_t index);
/// Fills `shape` (room for 2) and returns the number of dimensions.
int ctorch_tensor_shape(const ctorch_network *network, int64_t index, int64_t *shape);
int ctorch_tensor_read(const ctorch_network *network, int64_t index, float *values);
int ctorch_tensor_write(ctorch_network *network, int64_t index, const float *values);

#ifdef __cplusplus
}
#endif
