import CXGBoost

/// Gradient-boosted trees, fitted and evaluated by libxgboost.
package final class Booster {
  package struct Progress: Sendable, Equatable {
    /// Rounds finished, out of `rounds` at most.
    package let round: Int
    package let rounds: Int
    /// Log-loss or root mean squared error on the validation rows, if there are any.
    package let validation: Double?
  }

  /// The best validation score and the number of rounds that reached it.
  package struct Best: Sendable, Equatable {
    package let rounds: Int
    package let validation: Double
  }

  /// `nil` if there was no validation set.
  package private(set) var best: Best?
  package let time: LibraryTime

  private let handle: cxgboost_handle
  private let library: XGBoostLibrary

  /// A model read back from its JSON.
  package convenience init(json: [UInt8]) throws {
    try self.init(caching: [], library: .shared(), time: LibraryTime())
    try call("read a model") { functions in
      json.withUnsafeBytes { bytes in
        bytes.baseAddress.map { functions.booster_load(handle, $0, UInt64(bytes.count)) } ?? -1
      }
    }
  }

  private init(caching matrices: [QuantileMatrix], library: XGBoostLibrary, time: LibraryTime) throws {
    var created: cxgboost_handle?
    let cached: [cxgboost_handle?] = matrices.map(\.handle)
    try library.call("make a model") { $0.booster_create(cached, UInt64(cached.count), &created) }
    guard let created else { throw BoosterError.library(call: "make a model", message: "no model") }
    (handle, self.library, self.time) = (created, library, time)
  }

  private init(adopting handle: cxgboost_handle, library: XGBoostLibrary, time: LibraryTime) {
    (self.handle, self.library, self.time) = (handle, library, time)
  }

  deinit { _ = library.functions.booster_free(handle) }

  /// Fits trees, and with validation rows keeps the rounds up to the best score.
  ///
  /// `observe` is called after every round; an error it throws ends the fit and is passed on.
  package static func fit(
    _ parameters: BoosterParameters, training: BoosterExamples, validation: BoosterExamples? = nil,
    observe: (Progress) throws -> Void = { _ in }
  ) throws -> Booster {
    guard !training.rows.isEmpty else { throw BoosterError.noExamples(set: "training") }
    if let validation, validation.rows.isEmpty { throw BoosterError.noExamples(set: "validation") }
    let library = try XGBoostLibrary.shared()
    let time = LibraryTime()
    let trained = try time.measure { try QuantileMatrix(training, parameters: parameters, library: library) }
    let judged = try time.measure {
      try validation.map { try QuantileMatrix($0, parameters: parameters, reference: trained, library: library) }
    }
    let booster = try Booster(caching: [trained] + (judged.map { [$0] } ?? []), library: library, time: time)
    for setting in parameters.settings(base: training.base(for: parameters.objective)) {
      try booster.call("set \(setting.name)") { $0.booster_set(booster.handle, setting.name, setting.value) }
    }
    try booster.run(parameters, training: trained, validation: judged, observe: observe)
    guard let best = booster.best, best.rounds < parameters.rounds else { return booster }
    return try booster.prefix(rounds: best.rounds)
  }

  /// Margins (log-odds, or values for a regression) of `rows`, offsets included.
  package func margins(of blocks: [Matrix], rows: [Int], offsets: [Float]? = nil) throws -> [Float] {
    let stage = RowStage(blocks)
    let proxy = try library.newProxy()
    defer { _ = library.functions.matrix_free(proxy) }
    var margins: [Float] = []
    margins.reserveCapacity(rows.count)
    for start in stride(from: 0, to: rows.count, by: RowStage.capacity) {
      let batch = rows[start..<min(start + RowStage.capacity, rows.count)]
      let interface = stage.gather(batch)
      if let offsets { try library.set("base_margin", of: proxy, to: batch.map { offsets[$0] }) }
      var (shape, dimensions, values): (UnsafePointer<UInt64>?, UInt64, UnsafePointer<Float>?) = (nil, 0, nil)
      try call("predict") {
        $0.booster_predict_dense(
          handle, interface, Self.marginConfig, offsets == nil ? nil : proxy, &shape, &dimensions, &values)
      }
      margins.append(contentsOf: UnsafeBufferPointer(start: values, count: batch.count))
    }
    return margins
  }

  /// The model as XGBoost's JSON: the same bytes for the same data, parameters and seed.
  package func json() throws -> [UInt8] {
    var (length, bytes): (UInt64, UnsafePointer<CChar>?) = (0, nil)
    try call("save the model") { $0.booster_save(handle, #"{"format": "json"}"#, &length, &bytes) }
    return Array(UnsafeRawBufferPointer(start: bytes, count: Int(length)))
  }

  private static let marginConfig =
    #"{"type": 1, "training": false, "iteration_begin": 0, "iteration_end": 0, "strict_shape": false, "#
    + #""cache_id": 0, "missing": NaN}"#

  private func run(
    _ parameters: BoosterParameters, training: QuantileMatrix, validation: QuantileMatrix?,
    observe: (Progress) throws -> Void
  ) throws {
    for round in 0..<parameters.rounds {
      try call("grow a tree") { $0.booster_update(handle, Int32(round), training.handle) }
      let score = try validation.map { try evaluate(round, on: $0) }
      if let score { record(score, rounds: round + 1) }
      try observe(Progress(round: round + 1, rounds: parameters.rounds, validation: score))
      if let best, round + 1 - best.rounds >= parameters.patience { return }
    }
  }

  private func record(_ score: Double, rounds: Int) {
    // The library adds scores up per thread, so their last digits are not to decide between two rounds.
    if let best, score > best.validation - 1e-9 { return }
    best = Best(rounds: rounds, validation: score)
  }

  private func evaluate(_ round: Int, on matrix: QuantileMatrix) throws -> Double {
    var handles: [cxgboost_handle?] = [matrix.handle]
    var text: UnsafePointer<CChar>?
    try call("evaluate") { functions in
      "validation".withCString { name in
        var names = [name]
        return functions.booster_evaluate(handle, Int32(round), &handles, &names, 1, &text)
      }
    }
    // "[0]\tvalidation-logloss:0.6931"
    let line = text.map { String(cString: $0) } ?? ""
    guard let score = line.split(separator: ":").last.flatMap({ Double($0) }) else {
      throw BoosterError.noScore(text: line)
    }
    return score
  }

  private func prefix(rounds: Int) throws -> Booster {
    var sliced: cxgboost_handle?
    try call("cut the model") { $0.booster_slice(handle, 0, Int32(rounds), 1, &sliced) }
    guard let sliced else { throw BoosterError.library(call: "cut the model", message: "no model") }
    let booster = Booster(adopting: sliced, library: library, time: time)
    booster.best = best
    return booster
  }

  private func call(_ purpose: String, _ body: (cxgboost_api) -> Int32) throws {
    try time.measure { try library.call(purpose, body) }
  }
}
