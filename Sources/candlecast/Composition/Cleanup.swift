import Market
import Models
import Operations
import Storage

/// Takes away what is past its age, and says first which registered versions were trained on it.
struct Cleanup {
  let policy: RetentionPolicy
  let registry: Registry
  let log: Log

  /// - Returns: what was said.
  @discardableResult
  func run(in store: any Store, at now: Timestamp) throws -> RemovedRows {
    for expiring in try store.expiringCandles(policy, at: now) { name(expiring) }
    let removed = try store.removeExpired(policy, at: now)
    log.write(
      .info, "cleanup", removed.isEmpty ? "nothing is past its age" : "removed what is past its age",
      context: [
        .init("candles", JSONValue(removed.candles)), .init("predictions", JSONValue(removed.predictions)),
        .init("features", JSONValue(removed.features)), .init("rest", JSONValue(removed.rest)),
      ])
    return removed
  }

  private func name(_ expiring: ExpiringCandles) {
    log.write(
      .info, "cleanup",
      "\(expiring.rows) candles of \(expiring.series) from \(expiring.range.lowerBound) to "
        + "\(expiring.range.upperBound) go", symbol: expiring.series.symbol)
    for version in versions(trainedOn: expiring) {
      log.write(
        .warning, "cleanup",
        "version \(version.name) was trained on candles of \(expiring.series) from \(version.range.lowerBound) to "
          + "\(version.range.upperBound), of which some go now; it can be served but not be trained or checked again",
        symbol: expiring.series.symbol)
    }
  }

  private func versions(trainedOn expiring: ExpiringCandles) -> [(name: VersionName, range: Range<Timestamp>)] {
    guard let state = try? registry.state() else { return [] }
    return state.order.compactMap { name in
      guard let record = try? state.record(name), !record.isArchived, record.slot.view.series.contains(expiring.series),
        let card = try? registry.directory(of: name).card()
      else { return nil }
      let range = card.dataset.from..<card.dataset.to
      return range.overlaps(expiring.range) ? (name, range) : nil
    }
  }
}

extension RetentionPolicy {
  init(_ configuration: Configuration) {
    self.init()
    candlesDays = configuration.integer("data.retention_candles_days") ?? candlesDays
    predictionsDays = configuration.integer("data.retention_predictions_days") ?? predictionsDays
    featuresDays = configuration.integer("data.retention_features_days") ?? featuresDays
    restDays = configuration.integer("data.retention_days") ?? restDays
  }
}
