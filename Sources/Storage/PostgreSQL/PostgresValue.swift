package import Market

/// One value bound to a `$1` of a statement.
package enum PostgresValue: Sendable {
  case integer(Int64?)
  case boolean(Bool)
  case double(Double?)
  case text(String?)
  case instant(Timestamp?)
  case decimal(Decimal8?)
  case price(OraclePrice?)
  /// All 64 bits, as a `NUMERIC(20,0)`.
  case hash(UInt64)

  /// The number of its type in the catalogue, the same in every database.
  var type: UInt32 {
    switch self {
    case .integer: 20
    case .boolean: 16
    case .double: 701
    case .text: 25
    case .instant: 1184
    case .decimal, .price, .hash: 1700
    }
  }

  func put(into buffer: inout PostgresBuffer) {
    switch self {
    case .integer(let number): buffer.put(field: number)
    case .boolean(let flag): buffer.put(field: flag)
    case .double(let number): buffer.put(field: number)
    case .text(let text): buffer.put(field: text)
    case .instant(let time): buffer.put(field: time)
    case .decimal(let decimal): buffer.put(field: decimal)
    case .price(let price): buffer.put(field: price)
    case .hash(let number): buffer.put(field: number, asNumericOfScale: 0)
    }
  }
}
