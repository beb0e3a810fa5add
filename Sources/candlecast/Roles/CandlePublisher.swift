import Market
import Streams

/// Tells the role that makes features of the candles that were stored.
struct CandlePublisher: Sendable {
  let stream: any EventStream
  let view: MarketView
  /// `stream`, or `replay` for what is played back.
  let source: String

  /// - Parameter knownAt: when they were stored.
  func publish(_ events: [MarketEvent], knownAt: Timestamp) async throws(StreamError) {
    try await stream.publish(records(events, knownAt))
  }

  /// As `publish`, for callers that may block.
  func wait(_ events: [MarketEvent], knownAt: Timestamp) throws {
    let records = records(events, knownAt)
    guard !records.isEmpty else { return }
    try Blocking.run { [stream] in try await stream.publish(records) }
  }

  private func records(_ events: [MarketEvent], _ knownAt: Timestamp) -> [StreamRecord] {
    events.compactMap { event in
      guard case .candle(let series, var record) = event, view.series.contains(series) else { return nil }
      record.knownAt = knownAt
      let made = StreamEvent.candle(
        CandleEvent(series: series, record: record, ingestTime: knownAt, source: source)
      ).record
      // All series of a view keep their order among each other.
      return StreamRecord(id: made.id, key: view.price.symbol.name, body: made.body)
    }
  }
}
