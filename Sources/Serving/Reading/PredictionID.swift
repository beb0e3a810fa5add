package import Market

/// The name of one stored prediction of a view: everything that identifies it there, `1709294460000.window-15m.ModelA.20240301-1.live`.
package struct PredictionID: Hashable, Sendable, CustomStringConvertible {
  package let time: Timestamp
  package let target: PredictionTarget
  package let model: ModelName
  /// Empty for the baseline.
  package let version: String
  package let mode: Prediction.Mode

  package init(_ prediction: Prediction) {
    (time, target, model) = (prediction.time, prediction.target, prediction.modelName)
    (version, mode) = (prediction.version, prediction.mode)
  }

  package init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 5, let milliseconds = Int64(parts[0]), abs(milliseconds) < 1 << 50,
      let target = PredictionTarget(parts[1]), let model = ModelName(rawValue: String(parts[2])),
      parts[3].utf8.count <= Self.longestVersion, let mode = Prediction.Mode(rawValue: String(parts[4]))
    else { return nil }
    (time, self.target, self.model) = (Timestamp(milliseconds: milliseconds), target, model)
    (version, self.mode) = (String(parts[3]), mode)
  }

  private static let longestVersion = 64

  package var description: String {
    "\(time.milliseconds).\(target).\(model.rawValue).\(version).\(mode.rawValue)"
  }
}
