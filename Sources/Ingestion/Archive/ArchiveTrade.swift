package import Market

/// A row of a trade archive.
package struct ArchiveTrade: Hashable, Sendable {
  package var trade: Trade
  /// Of the single trades it stands for; its own id where it is one.
  package var firstId: Int64
  package var lastId: Int64
  /// As the file says, for what it is worth; `nil` where it has no such column.
  package var isBestMatch: Bool?
}

/// What one line of a trade file says.
enum TradeLine {
  case trade(ArchiveTrade)
  case fault(column: Int, rule: String)
  /// Its time has another unit than the file's earlier lines.
  case otherUnit

  init(_ scanner: inout FieldScanner, _ layout: TradeLayout, unit: inout TimeUnit?) {
    let id = scanner.required(scanner.integer())
    let price = scanner.required(scanner.price())
    if let price, price <= .zero { scanner.fail("a price is over zero") }
    let quantity = scanner.required(scanner.price())
    if let quantity, quantity <= .zero { scanner.fail("a quantity is over zero") }
    let (first, last) = Self.ids(&scanner, layout, id)
    let time = scanner.required(scanner.integer())
    if let time, !TimeUnit(of: time).isPlausible(time) { scanner.fail(TimeUnit.rule) }
    let isBuyerMaker = scanner.required(scanner.boolean())
    let isBestMatch = layout.hasBestMatch ? scanner.required(scanner.boolean()) : nil
    guard scanner.isComplete, let id, let price, let quantity, let first, let last, let time, let isBuyerMaker else {
      let fault = scanner.faultOrExcess
      self = .fault(column: fault.column, rule: fault.rule)
      return
    }
    let lineUnit = TimeUnit(of: time)
    guard lineUnit == unit ?? lineUnit else {
      self = .otherUnit
      return
    }
    unit = lineUnit
    self = .trade(
      ArchiveTrade(
        trade: Trade(
          id: id, time: Timestamp(microseconds: time * lineUnit.rawValue), price: price, quantity: quantity,
          isTakerBuyer: !isBuyerMaker, count: last - first + 1),
        firstId: first, lastId: last, isBestMatch: isBestMatch))
  }

  private static func ids(
    _ scanner: inout FieldScanner, _ layout: TradeLayout, _ id: Int64?
  ) -> (first: Int64?, last: Int64?) {
    guard layout.kind == .aggTrades else {
      _ = scanner.required(scanner.amount())
      return (id, id)
    }
    let first = scanner.required(scanner.integer())
    let last = scanner.required(scanner.integer())
    if let first, let last, last < first { scanner.fail("the last id is not below the first") }
    return (first, last)
  }
}
