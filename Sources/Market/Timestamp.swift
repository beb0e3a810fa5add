/// An instant as microseconds since 1970-01-01T00:00:00Z, without leap seconds.
package struct Timestamp: Hashable, Comparable, Sendable, TextCodable {
  package var microseconds: Int64

  package init(microseconds: Int64) { self.microseconds = microseconds }

  package init(milliseconds: Int64) { microseconds = milliseconds * 1000 }

  package init(minute: Int64) { microseconds = minute * Self.microsecondsPerMinute }

  package static let microsecondsPerMinute: Int64 = 60_000_000
  package static let microsecondsPerDay: Int64 = 86_400_000_000
  package static let distantPast = Timestamp(microseconds: .min)
  package static let distantFuture = Timestamp(microseconds: .max)

  package var milliseconds: Int64 { microseconds.flooredQuotient(1000) }

  /// Whole minutes since 1970, rounded down.
  package var minute: Int64 { microseconds.flooredQuotient(Self.microsecondsPerMinute) }

  /// Whole days since 1970, rounded down.
  package var day: Int64 { microseconds.flooredQuotient(Self.microsecondsPerDay) }

  package var isMinuteAligned: Bool { microseconds % Self.microsecondsPerMinute == 0 }

  package static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }

  package func adding(minutes: Int) -> Timestamp {
    Timestamp(microseconds: microseconds + Int64(minutes) * Self.microsecondsPerMinute)
  }

  package func adding(microseconds delta: Int64) -> Timestamp { Timestamp(microseconds: microseconds + delta) }

  /// Whole minutes from `other` to `self`; negative if `self` is earlier.
  package func minutes(since other: Timestamp) -> Int {
    Int((microseconds - other.microseconds).flooredQuotient(Self.microsecondsPerMinute))
  }
}

extension Int64 {
  /// Quotient rounded toward negative infinity; `divisor` must be positive.
  package func flooredQuotient(_ divisor: Int64) -> Int64 {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
