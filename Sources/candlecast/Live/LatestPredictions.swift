import Market
import Operations
import Serving
import Storage
import Synchronization

/// The newest prediction of each model for each target, as it is given at the time it is asked for.
final class LatestPredictions: Sendable {
  private struct Maker: Hashable, Comparable {
    let target: String
    let model: String

    static func < (a: Maker, b: Maker) -> Bool { (a.target, a.model) < (b.target, b.model) }
  }

  let rules: ServingRules
  private let intervals: ProbabilityIntervals
  private let newest = Mutex<[Maker: Prediction]>([:])

  init(_ rules: ServingRules, _ intervals: ProbabilityIntervals = ProbabilityIntervals()) {
    (self.rules, self.intervals) = (rules, intervals)
  }

  func note(_ predictions: [Prediction]) {
    guard !predictions.isEmpty else { return }
    newest.withLock { newest in
      for prediction in predictions {
        newest[Maker(target: prediction.target.description, model: prediction.modelName.rawValue)] = prediction
      }
    }
  }

  func json(at now: Timestamp) -> JSONValue {
    let predictions = newest.withLock(\.self).sorted { $0.key < $1.key }.map(\.value)
    return [
      "time": .text(now.description), "predictions": .array(predictions.map { rules.json($0, intervals, at: now) }),
    ]
  }

  /// - Parameter store: what each request reads; without one it is told what is at hand.
  func route(
    of view: MarketView, from store: (some StoreReading)?, _ now: @escaping @Sendable () -> Timestamp
  ) -> Route {
    let answer: Route.Answer =
      if let store {
        .later { _ throws(APIFailure) in
          let now = now()
          return .json(try await store.read { try self.stored(of: view, at: now, in: $0).json(at: now) })
        }
      } else {
        .now { _ in .json(self.json(at: now())) }
      }
    return Route(
      "GET", "/v1/predictions/latest", "The newest prediction of each model for each target, as it holds now.",
      schema: ["type": "object", "required": ["time", "predictions"]], answer: answer)
  }

  /// Those that are stored and young enough to be given as current.
  private func stored(of view: MarketView, at now: Timestamp, in store: any Store) throws -> LatestPredictions {
    let oldest = now.adding(microseconds: -Int64(rules.maxAgeSeconds * 1e6))
    let filter = PredictionFilter(
      range: oldest..<now.adding(microseconds: 1), view: view, mode: .live, arms: Prediction.Arm.served)
    let found = LatestPredictions(rules, intervals)
    try store.readPredictions(filter) { found.note($0) }
    return found
  }
}

extension ServingRules {
  /// A prediction as it is served, with whether to act on it and until when it holds.
  func json(_ prediction: Prediction, _ intervals: ProbabilityIntervals, at now: Timestamp) -> JSONValue {
    let served = served(prediction, at: now)
    let told = served.json(intervals.interval(of: served))
    guard case .object(let members) = told else { return told }
    var all = members
    if prediction.forecast == nil { all.append(.init("expires_at", .text(prediction.expiresAt.description))) }
    return .object(all + [.init("actionable", .boolean(isActionable(served)))])
  }
}
