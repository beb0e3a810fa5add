import Market

/// Why a record of a file makes no row.
struct BadRecord: Error {
  let reason: String
}

/// The fields of a record in the order of our schema.
struct ArchiveRow {
  private let values: [AvroValue]
  private let names: [String]

  init(_ value: AvroValue, _ names: [String]) throws(BadRecord) {
    guard case .record(let values) = value, values.count == names.count else { throw BadRecord(reason: "no record") }
    (self.values, self.names) = (values, names)
  }

  func isNull(_ slot: Int) -> Bool { values[slot] == .null }

  func decimal(_ slot: Int) throws(BadRecord) -> Decimal8 {
    guard let value = try optionalDecimal(slot) else { throw bad(slot) }
    return value
  }

  func optionalDecimal(_ slot: Int) throws(BadRecord) -> Decimal8? {
    switch values[slot] {
    case .null: return nil
    case .decimal(let units):
      guard let value = Decimal8(units: units) else { throw bad(slot) }
      return value
    default: throw bad(slot)
    }
  }

  func text(_ slot: Int, longest: Int = 200) throws(BadRecord) -> String {
    guard case .text(let value) = values[slot], value.utf8.count <= longest else { throw bad(slot) }
    return value
  }

  func optionalInteger(_ slot: Int) throws(BadRecord) -> Int64? {
    switch values[slot] {
    case .null: return nil
    case .integer(let value): return value
    default: throw bad(slot)
    }
  }

  func integer(_ slot: Int) throws(BadRecord) -> Int64 {
    guard let value = try optionalInteger(slot) else { throw bad(slot) }
    return value
  }

  func optionalNumber(_ slot: Int) throws(BadRecord) -> Double? {
    switch values[slot] {
    case .null: return nil
    case .number(let value) where value.isFinite: return value
    default: throw bad(slot)
    }
  }

  /// A `timestamp-micros`.
  func time(_ slot: Int) throws(BadRecord) -> Timestamp {
    let time = Timestamp(microseconds: try integer(slot))
    guard Self.range.contains(time) else { throw bad(slot) }
    return time
  }

  /// A `timestamp-millis`.
  func milliseconds(_ slot: Int) throws(BadRecord) -> Timestamp {
    let value = try integer(slot)
    guard value.magnitude < UInt64(Int64.max / 1000), Self.range.contains(Timestamp(milliseconds: value)) else {
      throw bad(slot)
    }
    return Timestamp(milliseconds: value)
  }

  func record(_ slot: Int, _ names: [String]) throws(BadRecord) -> ArchiveRow { try ArchiveRow(values[slot], names) }

  /// Its own series, or what is missing of it from another.
  func series(venue: Int, symbol: Int, else other: Series) throws(BadRecord) -> Series {
    let (venueName, symbolName) = (try text(venue), try text(symbol))
    let found = (
      venueName.isEmpty ? other.venue : Venue(venueName), symbolName.isEmpty ? other.symbol : Symbol(symbolName)
    )
    guard let foundVenue = found.0 else { throw bad(venue) }
    guard let foundSymbol = found.1 else { throw bad(symbol) }
    return Series(foundVenue, foundSymbol)
  }

  func bad(_ slot: Int) -> BadRecord {
    BadRecord(reason: "\(names[slot]) is \(AvroFault.shown("\(values[slot])"))")
  }

  /// 1970 to 2200, as everywhere.
  private static let range = Timestamp(microseconds: 0)..<Timestamp(milliseconds: 7_289_568_000_000)
}

extension AvroValue {
  init(_ value: Decimal8) { self = .decimal(value.units) }
  init(_ value: Decimal8?) { self = value.map { .decimal($0.units) } ?? .null }
  init(_ value: Int64?) { self = value.map { .integer($0) } ?? .null }
  init(_ value: Double?) { self = value.map { .number($0) } ?? .null }
  init(_ time: Timestamp) { self = .integer(time.microseconds) }
}
