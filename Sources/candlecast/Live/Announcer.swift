import Market
import Operations
import Platform
import Serving

/// Tells the clients of a live feed what it does.
final class Announcer {
  private static let healthSeconds = 5.0
  private static let beatSeconds = 15.0

  private let hub: Hub
  private let pages: HealthPages
  private var toldAt = -Announcer.healthSeconds
  private var beatAt = 0.0

  private let rules: ServingRules
  private let intervals: ProbabilityIntervals

  init(_ hub: Hub, _ status: LiveStatus, _ rules: ServingRules) {
    (self.hub, self.rules, pages, intervals) = (hub, rules, HealthPages(status: status), status.intervals)
  }

  func tell(_ events: [MarketEvent], _ predictions: [Prediction]) {
    for case .candle(let series, let record) in events {
      hub.publish(
        .candles, of: series.symbol, key: series.description,
        ["series": .text(series.description), "candle": record.json])
    }
    for prediction in predictions {
      hub.publish(
        .predictions, of: prediction.view.price.symbol,
        key: "\(prediction.target)@\(prediction.view) \(prediction.modelName.rawValue)",
        rules.json(prediction, intervals, at: prediction.time))
    }
  }

  /// To be called at least once a second.
  func tellHealth(at time: Timestamp) {
    let seconds = SystemClock.seconds()
    if seconds - toldAt >= Self.healthSeconds {
      toldAt = seconds
      hub.publish(.health, of: nil, pages.feeder)
    }
    if seconds - beatAt >= Self.beatSeconds {
      beatAt = seconds
      hub.beat(at: time)
    }
  }
}
