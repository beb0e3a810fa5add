import Market

/// The trades of one minute so far, in whatever order they came.
struct MinuteDraft: Sendable {
  private(set) var firstId: Int64
  private(set) var lastId: Int64
  private(set) var count: Int64 = 0
  private(set) var provenance: Provenance = .live
  private var open: Decimal8
  private var high: Decimal8
  private var low: Decimal8
  private var close: Decimal8
  private var volume = Decimal8.zero.units
  private var takerBuyVolume = Decimal8.zero.units
  /// Exact, with sixteen fraction digits.
  private var quote: Int128 = 0
  private var takerBuyQuote: Int128 = 0

  init(_ trade: Trade) {
    (firstId, lastId) = (trade.id, trade.id)
    (open, high, low, close) = (trade.price, trade.price, trade.price, trade.price)
  }

  /// `nil` if price times quantity is beyond any volume that can be stored.
  static func quote(of trade: Trade) -> Int128? {
    let (product, overflow) = trade.price.units.multipliedReportingOverflow(by: trade.quantity.units)
    return overflow || product >= Self.quoteLimit ? nil : product
  }

  private static let quoteLimit: Int128 = 10_000_000_000_000_000_000_000_000_000

  /// Each id once.
  mutating func add(_ trade: Trade, quote product: Int128, _ source: Provenance) {
    if trade.id <= firstId { (firstId, open) = (trade.id, trade.price) }
    if trade.id >= lastId { (lastId, close) = (trade.id, trade.price) }
    high = max(high, trade.price)
    low = min(low, trade.price)
    volume += trade.quantity.units
    quote += product
    if trade.isTakerBuyer {
      takerBuyVolume += trade.quantity.units
      takerBuyQuote += product
    }
    count = count.addingReportingOverflow(trade.count).partialValue
    if source != .live { provenance = source }
  }

  func candle(minute: Int64) -> Candle {
    Candle(
      openTime: Timestamp(minute: minute), open: open, high: high, low: low, close: close,
      volume: Decimal8(units: volume), quoteVolume: Self.rounded(quote), trades: count,
      takerBuyBase: Decimal8(units: takerBuyVolume), takerBuyQuote: Self.rounded(takerBuyQuote))
  }

  /// Sixteen fraction digits to eight, half up; only the sum is rounded.
  private static func rounded(_ exact: Int128) -> Decimal8? {
    Decimal8(units: (exact + Decimal8.scale / 2) / Decimal8.scale)
  }
}
