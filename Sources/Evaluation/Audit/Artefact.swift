package import Market

/// Something decided by a moment, as bytes that can be compared: a feature, a label, a scaler, a fold, a prediction.
package struct Artefact: Hashable, Sendable {
  /// What it is, such as `feature rsi_14`.
  package let name: String
  /// Which of many, such as the decision's time.
  package let time: Timestamp?
  package let bytes: [UInt8]

  package init(_ name: String, at time: Timestamp? = nil, bytes: [UInt8]) {
    (self.name, self.time, self.bytes) = (name, time, bytes)
  }

  package init(_ name: String, at time: Timestamp? = nil, _ values: [Double]) {
    self.init(name, at: time, bytes: values.flatMap { withUnsafeBytes(of: $0.bitPattern) { Array($0) } })
  }

  package init(_ name: String, at time: Timestamp? = nil, _ values: [Float]) {
    self.init(name, at: time, bytes: values.flatMap { withUnsafeBytes(of: $0.bitPattern) { Array($0) } })
  }

  package init(_ name: String, at time: Timestamp? = nil, _ text: String) {
    self.init(name, at: time, bytes: Array(text.utf8))
  }
}
