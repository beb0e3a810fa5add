/// How margins become answers: a version's `calibration.json`. A version has the models that have a calibrator here.
package struct Calibration: Sendable, Hashable, Codable {
  package var modelA: Calibrator?
  package var modelB: Calibrator?
  package var modelC: Calibrator?
  package var mlp: Calibrator?
  /// `nil` for no ensemble.
  package var ensemble: EnsembleWeights?
  /// What is answered without any model: the share of ups, or the mean percent change, in training. Windows have their
  /// closed form instead.
  package var baseRate: Double?

  package init(
    modelA: Calibrator? = nil, modelB: Calibrator? = nil, modelC: Calibrator? = nil, mlp: Calibrator? = nil,
    ensemble: EnsembleWeights? = nil, baseRate: Double? = nil
  ) {
    self.modelA = modelA
    self.modelB = modelB
    self.modelC = modelC
    self.mlp = mlp
    self.ensemble = ensemble
    self.baseRate = baseRate
  }
}
