import Market

extension JSONScanner {
  /// A time of this century in whole milliseconds.
  mutating func milliseconds(_ field: String) throws(VenueError) -> Timestamp {
    try time(field, unitsPerSecond: 1000)
  }

  /// A time of this century in whole seconds.
  mutating func seconds(_ field: String) throws(VenueError) -> Timestamp {
    try time(field, unitsPerSecond: 1)
  }

  private mutating func time(_ field: String, unitsPerSecond: Int64) throws(VenueError) -> Timestamp {
    let value = try integer()
    guard let time = Timestamp(plausible: value, unitsPerSecond: unitsPerSecond) else {
      throw .badValue(field: field, value: String(value), reason: "not a time between 2000 and 2100")
    }
    return time
  }
}

extension Timestamp {
  /// `nil` outside the years 2000 to 2099: a time in another unit, or nonsense.
  init?(plausible value: Int64, unitsPerSecond: Int64) {
    let century = (946_684_800 * unitsPerSecond)..<(4_102_444_800 * unitsPerSecond)
    guard century.contains(value) else { return nil }
    self.init(microseconds: value * (1_000_000 / unitsPerSecond))
  }
}
