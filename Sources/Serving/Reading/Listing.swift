internal import Market
internal import Operations

/// Rows with the instant at which the next page begins.
struct Listing: Sendable {
  static let schema = schema(of: ["type": "object"])

  static func schema(of row: JSONValue) -> JSONValue {
    [
      "type": "object", "required": ["series", "rows", "next"],
      "properties": [
        "series": ["type": "string"], "rows": ["type": "array", "items": row],
        "next": ["type": ["string", "null"]],
      ],
    ]
  }

  private(set) var rows: [JSONValue] = []
  private(set) var next: Timestamp?
  private let limit: Int
  /// Instant of the newest row.
  private var newest: Timestamp?

  init(limit: Int) { self.limit = limit }

  /// - Parameter read: gives every row with its instant to what it is given, ascending.
  mutating func fill(_ read: ((Timestamp, JSONValue) throws -> Void) throws -> Void) throws {
    do {
      try read { time, row in try add(time, row) }
    } catch is Enough {}
  }

  /// Rows of one instant are never parted, so that `next` leaves none out.
  private mutating func add(_ time: Timestamp, _ row: JSONValue) throws {
    if rows.count >= limit, newest != time {
      next = time
      throw Enough()
    }
    rows.append(row)
    newest = time
  }

  func json(of series: Series) -> JSONValue {
    ["series": .text(series.description), "rows": .array(rows), "next": JSONValue(next?.description)]
  }
}
