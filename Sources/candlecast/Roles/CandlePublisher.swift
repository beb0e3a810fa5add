import Market
import Streams

/// Tells the role that makes features of the candles that were stored, and of what happened between them.
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

  /// Tells of what happened between candles; `wait` is the same for callers that may block.
  func publish(_ batches: [TickBatch]) async throws(StreamError) {
    guard !batches.isEmpty else { return }
    try await stream.publish(batches.map(record))
  }

  func wait(_ batches: [TickBatch]) throws {
    guard !batches.isEmpty else { return }
    let records = batches.map(record)
    try Blocking.run { [stream] in try await stream.publish(records) }
  }

  private func record(_ batch: TickBatch) -> StreamRecord {
    let made = StreamEvent.ticks(batch).record
    return StreamRecord(id: made.id, key: view.price.symbol.name, body: made.body)
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
