package import Market

/// Corrects the arrival times of a recording whose clock was behind the venue's, so that nothing arrives before it
/// happened.
package struct ArrivalClock: Hashable, Sendable {
  /// What is added to the recorder's clock: the largest lead of an event over its arrival so far.
  package private(set) var offsetMicroseconds: Int64
  private let largestOffsetMicroseconds: Int64

  /// - Parameters:
  ///   - offset: what an earlier pass over the recording found, to correct it from its first record on.
  ///   - largest: an event further ahead is wrong itself and changes nothing.
  package init(offsetMicroseconds offset: Int64 = 0, largestOffsetMicroseconds largest: Int64 = 3_600_000_000) {
    (offsetMicroseconds, largestOffsetMicroseconds) = (max(offset, 0), largest)
  }

  /// The corrected arrival; it rises if the recorded ones do.
  package mutating func arrival(_ recorded: Timestamp, of eventTime: Timestamp?) -> Timestamp {
    if let eventTime {
      let lead = eventTime.microseconds.subtractingReportingOverflow(recorded.microseconds)
      if !lead.overflow, lead.partialValue <= largestOffsetMicroseconds {
        offsetMicroseconds = max(offsetMicroseconds, lead.partialValue)
      }
    }
    return recorded.adding(microseconds: offsetMicroseconds)
  }
}
