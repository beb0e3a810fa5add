package import Market
package import Storage

/// How far a venue's clock is ahead of ours, from its answers to what time it is.
///
/// A sample is taken as in NTP: the venue read its clock somewhere between our question and its answer, so the offset is
/// known to half the round trip. The estimate is the median of the last few samples.
package struct ClockSkew: Sendable {
  package struct Options: Hashable, Sendable {
    package var samples = 7
    package var warningMicroseconds: Int64 = 250_000
    /// Fewer samples warn of nothing.
    package var leastSamples = 3

    package init() {}
  }

  package struct Estimate: Hashable, Sendable {
    /// What to add to our clock to have the venue's.
    package let offsetMicroseconds: Int64
    /// The true offset is at most so far away.
    package let boundMicroseconds: Int64
  }

  private let series: Series
  private let options: Options
  private var samples: [Estimate] = []
  /// What is at least to be added to our clock to have the venue's: its last answer is from before it arrived.
  private var leastOffsetMicroseconds: Int64?
  private var open: QualityEvent?

  /// - Parameter series: what its events are filed under.
  package init(_ series: Series, _ options: Options = Options(), events: [QualityEvent] = []) {
    (self.series, self.options) = (series, options)
    open = events.last { $0.series == series && $0.type == Self.type && $0.resolvedAt == nil }
  }

  private static let type = "clock_skew"

  package var estimate: Estimate? {
    guard !samples.isEmpty else { return nil }
    return samples.sorted { $0.offsetMicroseconds < $1.offsetMicroseconds }[(samples.count - 1) / 2]
  }

  /// Our clock's time in the venue's.
  package func venueTime(_ now: Timestamp) -> Timestamp {
    now.adding(microseconds: estimate?.offsetMicroseconds ?? 0)
  }

  /// What the venue's clock shows now, or has shown already; `nil` before its first answer, however long that took.
  package func leastVenueTime(_ now: Timestamp) -> Timestamp? {
    (estimate?.offsetMicroseconds ?? leastOffsetMicroseconds).map { now.adding(microseconds: $0) }
  }

  /// A sample whose round trip was too long to say anything about the bound is not used.
  package mutating func measured(venue: Timestamp, sent: Timestamp, received: Timestamp) -> QualityEvent? {
    let least = venue.microseconds.subtractingReportingOverflow(received.microseconds)
    if !least.overflow, least.partialValue != .min { leastOffsetMicroseconds = least.partialValue }
    let trip = received.microseconds.subtractingReportingOverflow(sent.microseconds)
    guard !trip.overflow, trip.partialValue >= 0, trip.partialValue / 2 <= options.warningMicroseconds else {
      return nil
    }
    let middle = sent.adding(microseconds: trip.partialValue / 2)
    let offset = venue.microseconds.subtractingReportingOverflow(middle.microseconds)
    guard !offset.overflow, offset.partialValue != .min else { return nil }
    samples.append(
      Estimate(offsetMicroseconds: offset.partialValue, boundMicroseconds: (trip.partialValue + 1) / 2))
    if samples.count > options.samples { samples.removeFirst() }
    return verdict(received)
  }

  private mutating func verdict(_ now: Timestamp) -> QualityEvent? {
    guard let estimate, samples.count >= options.leastSamples else { return nil }
    let isBad = abs(estimate.offsetMicroseconds) > options.warningMicroseconds
    if isBad, open == nil {
      let (offset, bound) = (estimate.offsetMicroseconds, estimate.boundMicroseconds)
      open = QualityEvent(
        series: series, type: Self.type, createdAt: now,
        details: #"{"offset_microseconds":\#(offset),"bound_microseconds":\#(bound)}"#)
      return open
    }
    guard !isBad, var event = open else { return nil }
    open = nil
    event.resolvedAt = max(now, event.createdAt)
    return event
  }
}
