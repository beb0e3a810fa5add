#include "CTorch.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using at::Tensor;

struct ctorch_table {
  Tensor input, extra, label, weight, offset;
};

namespace {

constexpr int64_t hidden = 32;
constexpr int64_t inference_batch = 1024;

thread_local std::string last_error;

template <typename Body>
int guarded(Body body) {
  try {
    body();
    return 0;
  } catch (const c10::Error &error) {
    last_error = error.what_without_backtrace();
  } catch (const std::exception &error) {
    last_error = error.what();
  } catch (...) {
    last_error = "unknown failure";
  }
  return -1;
}

at::Device device() { return at::Device(at::globalContext().hasCUDA() ? at::kCUDA : at::kCPU); }

/// Mixed precision on CUDA for one scope: cuDNN's LSTM in float16, linear layers in bfloat16. Nothing on the processor.
class MixedPrecision {
 public:
  MixedPrecision() : before(at::autocast::is_autocast_enabled(at::kCUDA)) {
    if (!device().is_cuda()) return;
    at::autocast::set_autocast_dtype(at::kCUDA, at::kBFloat16);
    at::autocast::set_autocast_enabled(at::kCUDA, true);
  }
  ~MixedPrecision() {
    if (!device().is_cuda()) return;
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCUDA, before);
  }

 private:
  bool before;
};

Tensor borrowed(const float *values, at::IntArrayRef shape) {
  return at::from_blob(const_cast<float *>(values), shape, at::kFloat);
}

Tensor borrowed(const int64_t *values, int64_t count) {
  return at::from_blob(const_cast<int64_t *>(values), {count}, at::kLong);
}

Tensor on_device(const Tensor &tensor) { return tensor.to(device()); }

Tensor blank(at::IntArrayRef shape) { return at::empty(shape, at::TensorOptions(device()).dtype(at::kFloat)); }

Tensor filled(int64_t count, double value, bool learned) {
  return blank({count}).fill_(value).requires_grad_(learned);
}

struct Output {
  Tensor margin, latent;
};

struct Batch {
  Tensor label, weight;
  Output output;
};

}  // namespace

struct ctorch_network {
  ctorch_network(const ctorch_shape &shape, uint64_t seed)
      : shape(shape), generator(at::globalContext().defaultGenerator(device()).clone()) {
    generator.set_current_seed(seed);
  }
  virtual ~ctorch_network() = default;
  virtual Output forward(const ctorch_table &table, const Tensor &rows, bool training) = 0;

  Tensor uniform(at::IntArrayRef size, int64_t fan) {
    const double bound = 1 / std::sqrt(static_cast<double>(fan));
    return blank(size).uniform_(-bound, bound, generator).requires_grad_(true);
  }

  Tensor dropout(const Tensor &values, bool training) {
    if (!training || shape.dropout == 0) return values;
    const double kept = 1 - shape.dropout;
    return values * at::empty_like(values).bernoulli_(kept, generator).div_(kept);
  }

  Tensor learned(const std::string &name, Tensor tensor) {
    parameters.push_back(tensor);
    first_moments.push_back(at::zeros_like(tensor).requires_grad_(false));
    second_moments.push_back(at::zeros_like(tensor).requires_grad_(false));
    steps.push_back(at::zeros({}, tensor.options().requires_grad(false)));
    return kept(name, tensor);
  }

  Tensor kept(const std::string &name, Tensor tensor) {
    named.emplace_back(name, tensor);
    return tensor;
  }

  Batch run(const ctorch_table &table, const Tensor &rows, bool training) {
    Batch batch;
    if (table.label.defined()) batch.label = table.label.index_select(0, rows);
    batch.weight = table.weight.defined() ? table.weight.index_select(0, rows)
                                          : at::ones({rows.numel()}, table.input.options());
    MixedPrecision precision;
    batch.output = forward(table, rows, training);
    batch.output.margin = batch.output.margin.to(at::kFloat).squeeze(1);
    if (table.offset.defined()) batch.output.margin = batch.output.margin + table.offset.index_select(0, rows);
    return batch;
  }

  Tensor losses(const Batch &batch) const {
    if (shape.loss == ctorch_squared_error) return at::mse_loss(batch.output.margin, batch.label, at::Reduction::None);
    return at::binary_cross_entropy_with_logits(batch.output.margin, batch.label, {}, {}, at::Reduction::None);
  }

  /// One step along the gradient of the mean. What flows back is the gradient of the sum, large enough for float16.
  void step(const Tensor &losses, const Tensor &weight, const ctorch_step &options) {
    (losses * weight).sum().backward();
    at::NoGradGuard no_grad;
    std::vector<Tensor> gradients, squares;
    for (Tensor &parameter : parameters) gradients.push_back(parameter.grad());
    Tensor scale = weight.sum().clamp_min(1e-12).reciprocal();
    if (options.gradient_norm > 0) {
      for (const Tensor &gradient : gradients) squares.push_back(gradient.square().sum());
      const Tensor norm = at::stack(squares).sum().sqrt() * scale;
      scale = scale * (options.gradient_norm / (norm + 1e-6)).clamp_max(1);
    }
    for (Tensor &gradient : gradients) gradient.mul_(scale);
    for (Tensor &count : steps) count.add_(1);
    at::_fused_adamw_(parameters, gradients, first_moments, second_moments, {}, steps, options.learning_rate, 0.9,
                      0.999, options.weight_decay, 1e-8, false, false);
    for (Tensor &parameter : parameters) parameter.mutable_grad().reset();
  }

  ctorch_shape shape;
  /// Its own, so that networks fitted side by side do not disturb each other.
  at::Generator generator;
  std::vector<std::pair<std::string, Tensor>> named;
  std::vector<Tensor> parameters, first_moments, second_moments, steps;
};

namespace {

struct LSTM : ctorch_network {
  LSTM(const ctorch_shape &shape, uint64_t seed) : ctorch_network(shape, seed) {
    weight_ih = learned("lstm.weight_ih", uniform({4 * hidden, shape.inputs}, hidden));
    weight_hh = learned("lstm.weight_hh", uniform({4 * hidden, hidden}, hidden));
    bias = learned("lstm.bias", uniform({4 * hidden}, hidden));
    head_weight = learned("lstm.head.weight", uniform({1, hidden + shape.extras}, hidden + shape.extras));
    head_bias = learned("lstm.head.bias", uniform({1}, hidden + shape.extras));
    second_bias = filled(4 * hidden, 0, false);
    history = on_device(at::arange(1 - shape.steps, 1, at::kLong)).unsqueeze(1);
  }

  Output forward(const ctorch_table &table, const Tensor &rows, bool training) override {
    Tensor steps = table.input.index_select(0, (rows.unsqueeze(0) + history).flatten())
                       .view({shape.steps, rows.numel(), shape.inputs});
    Tensor zero = at::zeros({1, rows.numel(), hidden}, table.input.options());
    auto [outputs, last_hidden, last_cell] =
        at::lstm(steps, {zero, zero}, {weight_ih, weight_hh, bias, second_bias}, true, 1, 0.0, training, false, false);
    Tensor latent = last_hidden.select(0, 0);
    Tensor joined = dropout(latent, training);
    if (shape.extras > 0) joined = at::cat({joined.to(at::kFloat), table.extra.index_select(0, rows)}, 1);
    return {at::linear(joined, head_weight, head_bias), latent};
  }

  Tensor weight_ih, weight_hh, bias, second_bias, head_weight, head_bias, history;
};

struct MLP : ctorch_network {
  struct Norm {
    Tensor weight, bias, mean, variance;
  };

  MLP(const ctorch_shape &shape, uint64_t seed) : ctorch_network(shape, seed) {
    const std::vector<int64_t> widths = {shape.inputs, 64, 32, 16, 1};
    for (size_t i = 0; i + 1 < widths.size(); ++i) {
      const std::string name = "mlp." + std::to_string(i);
      weights.push_back(learned(name + ".weight", uniform({widths[i + 1], widths[i]}, widths[i])));
      biases.push_back(learned(name + ".bias", uniform({widths[i + 1]}, widths[i])));
      if (i + 2 < widths.size()) norms.push_back(norm(name, widths[i + 1]));
    }
  }

  Norm norm(const std::string &name, int64_t width) {
    return {learned(name + ".norm.weight", filled(width, 1, true)),
            learned(name + ".norm.bias", filled(width, 0, true)),
            kept(name + ".norm.mean", filled(width, 0, false)),
            kept(name + ".norm.variance", filled(width, 1, false))};
  }

  Output forward(const ctorch_table &table, const Tensor &rows, bool training) override {
    Tensor values = table.input.index_select(0, rows);
    for (size_t i = 0; i < norms.size(); ++i) {
      values = at::linear(values, weights[i], biases[i]);
      values = at::batch_norm(values, norms[i].weight, norms[i].bias, norms[i].mean, norms[i].variance, training, 0.1,
                              1e-5, true);
      values = dropout(at::relu(values), training);
    }
    return {at::linear(values, weights.back(), biases.back()), {}};
  }

  std::vector<Tensor> weights, biases;
  std::vector<Norm> norms;
};

/// Pieces of nearly equal size, none above `batch`, so that no batch is too small to have a variance.
template <typename Body>
void for_batches(const int64_t *rows, int64_t count, int64_t batch, Body body) {
  const int64_t pieces = (count + batch - 1) / batch;
  const Tensor all = on_device(borrowed(rows, count));
  for (int64_t i = 0; i < pieces; ++i) {
    const int64_t from = i * count / pieces;
    const int64_t to = (i + 1) * count / pieces;
    body(all.slice(0, from, to), from, to);
  }
}

struct WeightedSum {
  void add(const Tensor &losses, const Tensor &weights) {
    at::NoGradGuard no_grad;
    const Tensor sums = at::stack({(losses * weights).sum(at::kDouble), weights.sum(at::kDouble)});
    total = total.defined() ? total + sums : sums;
  }
  ctorch_sum value() const {
    const Tensor sums = total.to(at::kCPU);
    return {sums.const_data_ptr<double>()[0], sums.const_data_ptr<double>()[1]};
  }
  Tensor total;
};

/// CUDA registers itself when its library loads; it is optional, so a failure to load means there is none.
void load_cuda() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&at::globalContext), &info) || !info.dli_fname) return;
  std::string path = info.dli_fname;
  path = path.substr(0, path.find_last_of('/') + 1) + "libtorch_cuda.so";
  dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
}

}  // namespace

const char *ctorch_last_error(void) { return last_error.c_str(); }

int ctorch_start(int threads) {
  return guarded([&] {
    static const bool loaded = [] {
      // cuBLAS is deterministic only with a workspace of fixed size, named before its first use.
      setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
      load_cuda();
      return true;
    }();
    (void)loaded;
    at::set_num_threads(threads);
    at::globalContext().setDeterministicAlgorithms(true, true);
    at::globalContext().setDeterministicFillUninitializedMemory(false);
    at::globalContext().setDeterministicCuDNN(true);
    at::globalContext().setBenchmarkCuDNN(false);
  });
}

int ctorch_uses_cuda(void) { return device().is_cuda() ? 1 : 0; }

int ctorch_table_create(const ctorch_columns *columns, ctorch_table **out) {
  return guarded([&] {
    auto table = std::make_unique<ctorch_table>();
    const int64_t rows = columns->rows;
    table->input = on_device(borrowed(columns->input, {rows, columns->inputs}));
    if (columns->extra) table->extra = on_device(borrowed(columns->extra, {rows, columns->extras}));
    if (columns->label) table->label = on_device(borrowed(columns->label, {rows}));
    if (columns->weight) table->weight = on_device(borrowed(columns->weight, {rows}));
    if (columns->offset) table->offset = on_device(borrowed(columns->offset, {rows}));
    *out = table.release();
  });
}

void ctorch_table_destroy(ctorch_table *table) { delete table; }

int ctorch_lstm_create(const ctorch_shape *shape, uint64_t seed, ctorch_network **out) {
  return guarded([&] { *out = new LSTM(*shape, seed); });
}

int ctorch_mlp_create(const ctorch_shape *shape, uint64_t seed, ctorch_network **out) {
  return guarded([&] { *out = new MLP(*shape, seed); });
}

void ctorch_network_destroy(ctorch_network *network) { delete network; }

int ctorch_train(ctorch_network *network, const ctorch_table *table, const int64_t *rows, int64_t count,
                 const ctorch_step *step, ctorch_sum *sum) {
  return guarded([&] {
    WeightedSum losses_seen;
    for_batches(rows, count, step->batch, [&](const Tensor &piece, int64_t, int64_t) {
      Batch batch = network->run(*table, piece, true);
      Tensor losses = network->losses(batch);
      network->step(losses, batch.weight, *step);
      losses_seen.add(losses, batch.weight);
    });
    *sum = losses_seen.value();
  });
}

int ctorch_evaluate(ctorch_network *network, const ctorch_table *table, const int64_t *rows, int64_t count,
                    ctorch_sum *sum) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    WeightedSum losses_seen;
    for_batches(rows, count, inference_batch, [&](const Tensor &piece, int64_t, int64_t) {
      Batch batch = network->run(*table, piece, false);
      losses_seen.add(network->losses(batch), batch.weight);
    });
    *sum = losses_seen.value();
  });
}

int ctorch_predict(ctorch_network *network, const ctorch_table *table, const int64_t *rows, int64_t count,
                   float *margins, float *latents) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    for_batches(rows, count, inference_batch, [&](const Tensor &piece, int64_t from, int64_t to) {
      const Output output = network->run(*table, piece, false).output;
      borrowed(margins + from, {to - from}).copy_(output.margin);
      if (latents) borrowed(latents + from * hidden, {to - from, hidden}).copy_(output.latent);
    });
  });
}

int64_t ctorch_tensor_count(const ctorch_network *network) { return network->named.size(); }

const char *ctorch_tensor_name(const ctorch_network *network, int64_t index) {
  return network->named[index].first.c_str();
}

int ctorch_tensor_shape(const ctorch_network *network, int64_t index, int64_t *shape) {
  const auto sizes = network->named[index].second.sizes();
  std::copy(sizes.begin(), sizes.end(), shape);
  return sizes.size();
}

int ctorch_tensor_read(const ctorch_network *network, int64_t index, float *values) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    const Tensor &tensor = network->named[index].second;
    borrowed(values, tensor.sizes()).copy_(tensor);
  });
}

int ctorch_tensor_write(ctorch_network *network, int64_t index, const float *values) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    const Tensor &tensor = network->named[index].second;
    tensor.copy_(borrowed(values, tensor.sizes()));
  });
}
