package import Market

/// How often it went up after probabilities that are near each other, told decision by decision.
///
/// Outcomes of decisions soon after each other have most of their time in common, so as many are counted as independent
/// as follow each other without overlapping. Of fewer than `fewest` nothing is said.
package struct SettledBins: Sendable {
  /// Of equal width over 0 to 1.
  package static let binCount = 10
  package static let fewest = 10

  private struct Bin {
    var count = 0
    var ups = 0.0
    var independent = 0
    /// When the outcome is over that was counted as independent last.
    var end = Timestamp.distantPast
  }

  private var bins = [Bin](repeating: Bin(), count: binCount)

  package init() {}

  /// Decisions come in the order of their times; one that comes late counts, and not as independent.
  ///
  /// - Parameters:
  ///   - label: 1 for up, 0 for down.
  ///   - span: from the decision until its outcome is certain.
  package mutating func add(_ probability: Double, label: Double, span: Range<Timestamp>) {
    guard let place = Self.place(of: probability), (0...1).contains(label) else { return }
    bins[place].count += 1
    bins[place].ups += label
    guard span.lowerBound >= bins[place].end else { return }
    bins[place].independent += 1
    bins[place].end = span.upperBound
  }

  /// Where the share lies that went up after probabilities like this one; `nil` where too little is known.
  package func interval(of probability: Double) -> WilsonInterval? {
    guard let place = Self.place(of: probability), bins[place].independent >= Self.fewest else { return nil }
    return WilsonInterval(share: bins[place].ups / Double(bins[place].count), of: bins[place].independent)
  }

  private static func place(of probability: Double) -> Int? {
    guard (0...1).contains(probability) else { return nil }
    return min(binCount - 1, Int(probability * Double(binCount)))
  }
}
