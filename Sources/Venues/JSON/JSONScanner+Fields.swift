import Market

/// Values that venues call differently and mean the same by.
extension JSONScanner {
  /// An id or a count.
  @inline(__always)
  mutating func id(_ field: StaticString) throws(VenueError) -> Int64 {
    try Self.notNegative(try integer(), field)
  }

  @inline(__always)
  mutating func quotedId(_ field: StaticString) throws(VenueError) -> Int64 {
    try Self.notNegative(try quotedInteger(), field)
  }

  @inline(__always)
  private static func notNegative(_ value: Int64, _ field: StaticString) throws(VenueError) -> Int64 {
    guard value >= 0 else { throw .badValue(field: "\(field)", value: "\(value)", reason: "below zero") }
    return value
  }

  @inline(__always)
  mutating func price(_ field: StaticString) throws(VenueError) -> Decimal8 {
    let value = try decimal()
    guard value.units > 0 else { throw .badValue(field: "\(field)", value: "\(value)", reason: "not above zero") }
    return value
  }

  @inline(__always)
  mutating func amount(_ field: StaticString) throws(VenueError) -> Decimal8 {
    let value = try decimal()
    guard value.units >= 0 else { throw .badValue(field: "\(field)", value: "\(value)", reason: "below zero") }
    return value
  }

  /// Pairs of price and quantity.
  mutating func levels() throws(VenueError) -> [BookUpdate.Level] {
    var levels: [BookUpdate.Level] = []
    try array { scanner, _ throws(VenueError) in
      var (price, quantity): (Decimal8?, Decimal8?)
      try scanner.array { scanner, index throws(VenueError) in
        switch index {
        case 0: price = try scanner.price("price")
        case 1: quantity = try scanner.amount("quantity")
        default: try scanner.skip()
        }
      }
      guard let price, let quantity else { throw scanner.malformed("a level without price or quantity") }
      levels.append(BookUpdate.Level(price: price, quantity: quantity))
    }
    return levels
  }
}

extension Candle {
  /// Itself, if a market can have had it.
  func checked() throws(VenueError) -> Candle {
    guard let (rule, field) = violation else { return self }
    throw .badValue(field: field, value: "\(openTime)", reason: "broken rule: \(rule.rawValue)")
  }
}
