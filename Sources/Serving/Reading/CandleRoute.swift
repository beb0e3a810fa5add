package import Market
package import Operations
internal import Storage
internal import Transport

extension Route {
  /// - Parameter preset: the series that is meant where none is named; its venue is that of a bare symbol.
  package static func candles(of preset: Series, from store: some StoreReading) -> Route {
    Route(
      "GET", "/v1/candles", "One-minute candles as they are stored, ascending.",
      parameters: [Parameter("symbol", .series, "series (default: \(preset))")] + PageRange.parameters,
      schema: Listing.schema,
      answer: .later { request throws(APIFailure) in
        let page = try PageRange(request)
        let series = request.series("symbol", venue: preset.venue) ?? preset
        let listing = try await store.read { store in try candles(of: series, page, in: store) }
        return .json(listing.json(of: series))
      })
  }

  private static func candles(of series: Series, _ page: PageRange, in store: any Store) throws -> Listing {
    guard let summary = try store.summary(of: series) else {
      throw APIFailure(404, "unknown_series", "nothing is stored of \(series)")
    }
    var listing = Listing(limit: page.limit)
    try listing.fill { add in
      try store.readCandles(series, in: page.range(newest: summary.lastOpenTime), asOf: .distantFuture) { batch in
        for record in batch { try add(record.candle.openTime, record.json) }
      }
    }
    return listing
  }
}

/// Rows with the instant at which the next page begins.
struct Listing: Sendable {
  static let schema: JSONValue = [
    "type": "object", "required": ["series", "rows", "next"],
    "properties": [
      "series": ["type": "string"], "rows": ["type": "array", "items": ["type": "object"]],
      "next": ["type": ["string", "null"]],
    ],
  ]

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

extension CandleRecord {
  /// Decimals as text: exactly as the venue sent them.
  package var json: JSONValue {
    [
      "open_time": .text(candle.openTime.description), "open": .text(candle.open.description),
      "high": .text(candle.high.description), "low": .text(candle.low.description),
      "close": .text(candle.close.description), "volume": JSONValue(candle.volume?.description),
      "quote_volume": JSONValue(candle.quoteVolume?.description),
      "trades": candle.trades.map { .integer(Int64($0)) } ?? .null,
      "taker_buy_base": JSONValue(candle.takerBuyBase?.description),
      "taker_buy_quote": JSONValue(candle.takerBuyQuote?.description),
      "available_at": .text(availableAt.description), "known_at": .text(knownAt.description),
      "provenance": .text(provenance.name), "availability_assumed": .boolean(isAvailabilityAssumed),
    ]
  }
}
