package import Market

/// A version beside the one that answers for its target.
///
/// Which version serves a decision is a function of view, target and decision time alone, so that whoever plays the
/// decisions again finds the same. A version that serves its target anyway adds nothing as an arm, and is silent as one.
package struct ServedArm<Version: Sendable>: Sendable {
  /// Of the line from 0 to 1 on which decisions fall: those it serves. `nil` answers all of them and serves none.
  package let part: Range<Double>?
  package let version: Version

  package init(part: Range<Double>?, version: Version) { (self.part, self.version) = (part, version) }

  package var arm: Prediction.Arm { part == nil ? .shadow : .split }
}

/// The line from 0 to 1 on which decisions fall.
package enum ArmLine {
  /// Lays shares of one target side by side from 0 on; `nil` has none.
  package static func parts(of shares: [Double?]) -> [Range<Double>?] {
    var end = 0.0
    return shares.map { share in
      guard let share else { return nil }
      let start = end
      end = min(1, end + share)
      return start..<end
    }
  }

  /// Where a decision falls, evenly spread.
  package static func place(of time: Timestamp, _ target: PredictionTarget, _ view: MarketView) -> Double {
    var hash = Fingerprint()
    hash.combine(view.description)
    hash.combine(target.description)
    hash.combine(UInt64(bitPattern: time.microseconds))
    // Neighbouring minutes differ in few bits, which the fingerprint alone does not spread to the first ones.
    var mixed = SplitMix64(seed: hash.value)
    return Double(mixed.next() >> 11) * 0x1p-53
  }
}
