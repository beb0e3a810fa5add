import CXGBoost

/// Examples as bin numbers, a byte a value: the form the histogram method trains on.
final class QuantileMatrix {
  let handle: cxgboost_handle
  private let library: XGBoostLibrary

  /// Bins are cut as in `reference` where one is given.
  init(
    _ examples: BoosterExamples, parameters: BoosterParameters, reference: QuantileMatrix? = nil,
    library: XGBoostLibrary
  ) throws {
    self.library = library
    let feed = try QuantileFeed(examples, library: library)
    let config = #"{"missing": NaN, "nthread": \#(parameters.threads), "max_bin": \#(parameters.bins)}"#
    var created: cxgboost_handle?
    try withExtendedLifetime(feed) {
      try library.call("bin the training rows") {
        $0.quantile_matrix_create(
          Unmanaged.passUnretained(feed).toOpaque(), feed.proxy, reference?.handle,
          { QuantileFeed.at($0).rewind() }, { QuantileFeed.at($0).next() }, config, &created)
      }
    }
    if let failure = feed.failure { throw failure }
    guard let created else { throw BoosterError.library(call: "bin the training rows", message: "no matrix") }
    handle = created
  }

  deinit { _ = library.functions.matrix_free(handle) }
}

/// Hands the library one batch after another; it walks them several times.
private final class QuantileFeed {
  let proxy: cxgboost_handle
  private(set) var failure: (any Error)?

  private let library: XGBoostLibrary
  private let examples: BoosterExamples
  private let stage: RowStage
  private var position = 0

  init(_ examples: BoosterExamples, library: XGBoostLibrary) throws {
    self.library = library
    self.examples = examples
    stage = RowStage(examples.blocks)
    proxy = try library.newProxy()
  }

  deinit { _ = library.functions.matrix_free(proxy) }

  static func at(_ address: UnsafeMutableRawPointer) -> QuantileFeed {
    Unmanaged<QuantileFeed>.fromOpaque(address).takeUnretainedValue()
  }

  func rewind() { position = 0 }

  /// 1 with a batch placed in the proxy, 0 at the end or after a failure.
  func next() -> Int32 {
    guard position < examples.rows.count, failure == nil else { return 0 }
    let end = min(position + RowStage.capacity, examples.rows.count)
    do {
      try place(examples.rows[position..<end])
    } catch {
      failure = error
      return 0
    }
    position = end
    return 1
  }

  private func place(_ rows: ArraySlice<Int>) throws {
    let interface = stage.gather(rows)
    try library.call("read rows") { $0.proxy_set_dense(proxy, interface) }
    try library.set("label", of: proxy, to: rows.map { examples.goals.labels[$0] })
    if let weights = examples.goals.weights { try library.set("weight", of: proxy, to: rows.map { weights[$0] }) }
    if let offsets = examples.goals.offsets { try library.set("base_margin", of: proxy, to: rows.map { offsets[$0] }) }
  }
}

extension XGBoostLibrary {
  func newProxy() throws -> cxgboost_handle {
    var created: cxgboost_handle?
    try call("make a matrix") { $0.proxy_create(&created) }
    guard let created else { throw BoosterError.library(call: "make a matrix", message: "no matrix") }
    return created
  }

  /// Copied by the library before it returns.
  func set(_ field: String, of matrix: cxgboost_handle, to values: [Float]) throws {
    try values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      let interface = arrayInterface(of: base, shape: "[\(values.count)]")
      try call("set \(field)") { $0.matrix_set_info(matrix, field, interface) }
    }
  }
}
