internal import Glibc

/// What is still said of a prediction some time after it was made.
package struct ServingRules: Hashable, Sendable {
  package static let expiredState = "abstain:expired"

  /// What is left of its confidence after a minute, 0–1.
  package var decayPerMinute: Double
  /// An older one is not given as current.
  package var maxAgeSeconds: Double
  /// A smaller confidence asks for no action; nothing is hidden by it.
  package var actionableConfidence: Double

  package init(decayPerMinute: Double = 0.95, maxAgeSeconds: Double = 300, actionableConfidence: Double = 0.6) {
    (self.decayPerMinute, self.maxAgeSeconds) = (decayPerMinute, maxAgeSeconds)
    self.actionableConfidence = actionableConfidence
  }

  /// A prediction as it is given at some time: its probability as it was, its confidence decayed. One that has expired
  /// says nothing.
  package func served(_ prediction: Prediction, at now: Timestamp) -> Prediction {
    let age = Double(max(0, now.microseconds - prediction.time.microseconds)) / 1e6
    var served = prediction
    guard now < prediction.expiresAt, age <= maxAgeSeconds else {
      (served.probabilityUp, served.changePercent, served.confidence) = (nil, nil, nil)
      served.forecast = prediction.forecast.map {
        PriceForecast(current: $0.current, inputAgeMilliseconds: $0.inputAgeMilliseconds, source: $0.source)
      }
      served.state = Self.expiredState
      served.reason = "it was made \(Int(age)) s ago, for the time until \(prediction.expiresAt)"
      return served
    }
    served.confidence = prediction.confidence.map { $0 * pow(decayPerMinute, age / 60) }
    return served
  }

  /// - Parameter prediction: as it is served.
  package func isActionable(_ prediction: Prediction) -> Bool {
    (prediction.confidence ?? 0) >= actionableConfidence && !prediction.state.hasPrefix("abstain:")
  }
}

extension Prediction {
  /// From then on its outcome is known, or can be.
  package var expiresAt: Timestamp {
    switch target {
    case .window(let minutes), .openWindow(let minutes):
      ClockWindow(containing: time, lengthMinutes: minutes).end
    case .direction, .change, .move: time.adding(microseconds: Int64(target.horizonSeconds) * 1_000_000)
    }
  }
}
