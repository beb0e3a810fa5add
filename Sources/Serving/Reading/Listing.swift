internal import Market
internal import Operations

/// Rows with the instant at which the next page begins, or ends where the newest come first.
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
  private let isDescending: Bool
  /// Instant of the row that came last.
  private var last: Timestamp?

  /// - Parameter isDescending: the newest row comes first, and `next` is the exclusive end of the next page.
  init(limit: Int, isDescending: Bool = false) { (self.limit, self.isDescending) = (limit, isDescending) }

  /// - Parameter read: gives every row with its instant to what it is given, in order.
  mutating func fill(_ read: ((Timestamp, JSONValue) throws -> Void) throws -> Void) throws {
    do {
      try read { time, row in
        guard add(time, row) else { throw Enough() }
      }
    } catch is Enough {}
  }

  /// Rows of one instant are never parted, so that `next` leaves none out. False once there is no place for more.
  mutating func add(_ time: Timestamp, _ row: JSONValue) -> Bool {
    if rows.count >= limit, last != time {
      next = isDescending ? last : time
      return false
    }
    rows.append(row)
    last = time
    return true
  }

  func json(of series: Series) -> JSONValue {
    ["series": .text(series.description), "rows": .array(rows), "next": JSONValue(next?.description)]
  }
}
