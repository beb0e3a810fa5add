import CTorch

/// A network inside libtorch, with its optimiser and its own random numbers. One thread at a time may use it; several
/// networks may be fitted side by side.
package final class Network {
  package static let latents = 32

  package let parameters: NetworkParameters
  package let time: LibraryTime

  private let handle: OpaquePointer

  /// Weights drawn from `parameters.seed`.
  package init(_ parameters: NetworkParameters, inputs: Int, extras: Int = 0) throws {
    let time = LibraryTime()
    var shape = ctorch_shape(
      inputs: Int64(inputs), extras: Int64(extras), steps: Int64(parameters.steps), dropout: parameters.dropout,
      loss: parameters.objective == .logistic ? ctorch_log_loss : ctorch_squared_error)
    var created: OpaquePointer?
    try time.measure {
      try checkTorch("start", ctorch_start(Int32(parameters.threads)))
      switch parameters.kind {
      case .sequence: try checkTorch("make a network", ctorch_lstm_create(&shape, parameters.seed, &created))
      case .perceptron: try checkTorch("make a network", ctorch_mlp_create(&shape, parameters.seed, &created))
      }
    }
    guard let created else { throw NetworkError.library(call: "make a network", message: "no network") }
    (handle, self.parameters, self.time) = (created, parameters, time)
  }

  deinit { ctorch_network_destroy(handle) }

  /// Known once a network was made: that is what looks for a device.
  package static var usesCUDA: Bool { ctorch_uses_cuda() == 1 }

  /// Margins (log-odds, or values for a regression) of `rows`, offsets included.
  package func margins(of examples: NetworkExamples, rows: [Int]) throws -> [Float] {
    try predict(examples, rows: rows, latents: nil)
  }

  /// Margins, and the last hidden state of each sequence as a row of 32.
  package func marginsAndLatents(
    of examples: NetworkExamples, rows: [Int]
  ) throws -> (margins: [Float], latents: Matrix) {
    precondition(parameters.kind == .sequence, "only sequences have latents")
    var latents = [Float](repeating: 0, count: rows.count * Self.latents)
    let margins = try latents.withUnsafeMutableBufferPointer {
      try predict(examples, rows: rows, latents: $0.baseAddress)
    }
    return (margins, Matrix(columns: Self.latents, values: latents))
  }

  /// Every tensor by name, running statistics of batch norm among them.
  package func state() throws -> [String: Tensor] {
    var state: [String: Tensor] = [:]
    for index in 0..<ctorch_tensor_count(handle) {
      let shape = shape(of: index)
      var values = [Float](repeating: 0, count: shape.reduce(1, *))
      try checkTorch("read weights", ctorch_tensor_read(handle, index, &values))
      state[name(of: index)] = Tensor(shape: shape, values: values)
    }
    return state
  }

  package func load(_ state: [String: Tensor]) throws {
    for index in 0..<ctorch_tensor_count(handle) {
      let (name, shape) = (name(of: index), shape(of: index))
      guard let tensor = state[name], tensor.shape == shape else {
        throw NetworkError.mismatch(tensor: name, expected: shape, found: state[name]?.shape)
      }
      try checkTorch("write weights", ctorch_tensor_write(handle, index, tensor.values))
    }
  }

  /// One pass over `rows` in the order given, at one rate; the mean loss each batch had before its step.
  func train(_ table: OpaquePointer, rows: ArraySlice<Int>, learningRate: Double) throws -> WeightedSum {
    var step = ctorch_step(
      batch: Int64(parameters.batch), learning_rate: learningRate, weight_decay: parameters.weightDecay,
      gradient_norm: parameters.gradientNorm)
    let picked = rows.map(Int64.init)
    var sum = ctorch_sum()
    try call("train") { ctorch_train(handle, table, picked, Int64(picked.count), &step, &sum) }
    return WeightedSum(value: sum.loss, weight: sum.weight)
  }

  func evaluate(_ table: OpaquePointer, rows: [Int]) throws -> Double {
    let picked = rows.map(Int64.init)
    var sum = ctorch_sum()
    try call("evaluate") { ctorch_evaluate(handle, table, picked, Int64(picked.count), &sum) }
    return WeightedSum(value: sum.loss, weight: sum.weight).mean
  }

  private func predict(
    _ examples: NetworkExamples, rows: [Int], latents: UnsafeMutablePointer<Float>?
  ) throws -> [Float] {
    let picked = rows.map(Int64.init)
    var margins = [Float](repeating: 0, count: rows.count)
    try examples.withTable { table in
      try call("predict") { ctorch_predict(handle, table, picked, Int64(picked.count), &margins, latents) }
    }
    return margins
  }

  /// The number of threads is a property of the calling thread, which need not be the one of the call before.
  private func call(_ purpose: String, _ body: () -> Int32) throws {
    try time.measure {
      try checkTorch("start", ctorch_start(Int32(parameters.threads)))
      try checkTorch(purpose, body())
    }
  }

  private func name(of index: Int64) -> String {
    ctorch_tensor_name(handle, index).map { String(cString: $0) } ?? ""
  }

  private func shape(of index: Int64) -> [Int] {
    var sizes: [Int64] = [0, 0]
    let dimensions = ctorch_tensor_shape(handle, index, &sizes)
    return sizes.prefix(Int(dimensions)).map(Int.init)
  }
}

struct WeightedSum {
  var value = 0.0
  var weight = 0.0

  var mean: Double { value / weight }

  static func += (sum: inout WeightedSum, other: WeightedSum) {
    sum.value += other.value
    sum.weight += other.weight
  }
}
