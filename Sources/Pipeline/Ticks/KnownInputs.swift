internal import Features
internal import Market

/// The last known value of each tick input.
struct KnownInputs: Hashable, Sendable {
  /// What is older than so is not used at all.
  static let longestMilliseconds: Int64 = 600_000

  private struct Known: Hashable, Sendable {
    let value: Double
    let time: Timestamp
  }

  struct Completed {
    /// Gaps are filled with what was known last.
    var inputs: TickInputs
    /// Names of those whose last value is older than inputs may be.
    var outdated: [String]
  }

  private var values = [Known?](repeating: nil, count: TickInputs.names.count)
  private var reference: Known?

  /// - Parameter maxAgeMilliseconds: a value that is no older is as good as a new one.
  mutating func complete(_ inputs: TickInputs, maxAgeMilliseconds: Int64) -> Completed {
    var completed = Completed(inputs: inputs, outdated: [])
    for place in inputs.values.indices {
      let isOutdated = Self.fill(&completed.inputs.values[place], &values[place], inputs.time, maxAgeMilliseconds)
      if isOutdated { completed.outdated.append(TickInputs.names[place]) }
    }
    if Self.fill(&completed.inputs.reference, &reference, inputs.time, maxAgeMilliseconds) {
      completed.outdated.append("mean_close_60m")
    }
    return completed
  }

  /// - Returns: whether an old value stands there now.
  private static func fill(
    _ value: inout Double?, _ known: inout Known?, _ time: Timestamp, _ maxAgeMilliseconds: Int64
  ) -> Bool {
    if let value {
      known = Known(value: value, time: time)
      return false
    }
    guard let last = known, time.milliseconds - last.time.milliseconds <= longestMilliseconds else { return false }
    value = last.value
    return time.milliseconds - last.time.milliseconds > maxAgeMilliseconds
  }
}
