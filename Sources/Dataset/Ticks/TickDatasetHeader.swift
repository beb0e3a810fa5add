internal import Features
package import Market

/// What a dataset of the tick cadence says of itself; JSON in front of the columns.
package struct TickDatasetHeader: Codable, Equatable, Sendable {
  package var schema = 1
  package var view: String
  package var intervalMilliseconds: Int64
  package var horizonSeconds: Int
  package var inputNames: [String]
  package var inputsHash: String
  /// The trades are made up by a simulator.
  package var isSynthetic: Bool
  package var rows = 0
  /// Moments at which trades were coming.
  package var points = 0
  /// Those of them that make no row, because something was not known.
  package var incomplete = 0
  /// How often each input was not known at such a moment.
  package var missing: [String: Int] = [:]
  /// Rows without a label, because trades may have been missed before it was certain.
  package var unlabelled = 0

  package init(view: MarketView, intervalMilliseconds: Int64, horizonSeconds: Int, isSynthetic: Bool) {
    self.view = view.description
    self.intervalMilliseconds = intervalMilliseconds
    self.horizonSeconds = horizonSeconds
    inputNames = TickInputs.names
    inputsHash = TickInputs.hash.description
    self.isSynthetic = isSynthetic
  }

  /// How long trades were coming.
  package var hours: Double { Double(points) * Double(intervalMilliseconds) / 3_600_000 }
}
