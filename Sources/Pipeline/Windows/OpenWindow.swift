package import Market

/// The clock-aligned window that an instant lies in; its end belongs to the next one.
package struct OpenWindow: Hashable, Sendable {
  package let start: Timestamp
  package let lengthMinutes: Int

  package init(containing time: Timestamp, lengthMinutes: Int) {
    start = Timestamp(minute: time.minute.flooredQuotient(Int64(lengthMinutes)) * Int64(lengthMinutes))
    self.lengthMinutes = lengthMinutes
  }

  package var end: Timestamp { start.adding(minutes: lengthMinutes) }

  package func minutesLeft(at time: Timestamp) -> Double { Double(end.microseconds - time.microseconds) / 6e7 }
}
