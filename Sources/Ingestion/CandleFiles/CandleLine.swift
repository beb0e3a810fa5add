import Market

/// What one line of a candle file says.
enum CandleLine {
  case candle(Candle)
  case fault(column: Int, rule: String)
  /// Its times have another unit than the file's earlier lines.
  case otherUnit

  init(_ scanner: inout FieldScanner, layout: CandleLayout, unit: inout TimeUnit?) {
    switch layout {
    case .own: self = Self.own(&scanner)
    case .binance: self = Self.binance(&scanner, &unit)
    }
  }

  private static func own(_ scanner: inout FieldScanner) -> CandleLine {
    let time = scanner.required(scanner.integer())
    if let time, !TimeUnit.milliseconds.isPlausible(time) { scanner.fail(TimeUnit.rule) }
    let open = scanner.required(scanner.price())
    let high = scanner.required(scanner.price())
    let low = scanner.required(scanner.price())
    let close = scanner.required(scanner.price())
    let volume = scanner.amount()
    let quoteVolume = scanner.amount()
    let trades = scanner.integer()
    let takerBuyBase = scanner.amount()
    let takerBuyQuote = scanner.amount()
    guard scanner.isComplete, let time, let open, let high, let low, let close else { return fault(of: scanner) }
    return .candle(
      Candle(
        openTime: Timestamp(milliseconds: time), open: open, high: high, low: low, close: close, volume: volume,
        quoteVolume: quoteVolume, trades: trades, takerBuyBase: takerBuyBase, takerBuyQuote: takerBuyQuote))
  }

  private static func binance(_ scanner: inout FieldScanner, _ unit: inout TimeUnit?) -> CandleLine {
    let time = scanner.required(scanner.integer())
    if let time, !TimeUnit(of: time).isPlausible(time) { scanner.fail(TimeUnit.rule) }
    let open = scanner.required(scanner.price())
    let high = scanner.required(scanner.price())
    let low = scanner.required(scanner.price())
    let close = scanner.required(scanner.price())
    let volume = scanner.amount()
    let closing = scanner.required(scanner.integer())
    if let time, let closing, TimeUnit(of: time) == TimeUnit(of: closing), !isWithinMinute(closing, of: time) {
      scanner.fail("the candle closes within a minute of its open time")
    }
    let quoteVolume = scanner.amount()
    let trades = scanner.integer()
    let takerBuyBase = scanner.amount()
    let takerBuyQuote = scanner.amount()
    scanner.ignore()
    guard scanner.isComplete, let time, let closing, let open, let high, let low, let close else {
      return fault(of: scanner)
    }
    let lineUnit = TimeUnit(of: time)
    guard lineUnit == unit ?? lineUnit, lineUnit == TimeUnit(of: closing) else { return .otherUnit }
    unit = lineUnit
    return .candle(
      Candle(
        openTime: Timestamp(microseconds: time * lineUnit.rawValue), open: open, high: high, low: low, close: close,
        volume: volume, quoteVolume: quoteVolume, trades: trades, takerBuyBase: takerBuyBase,
        takerBuyQuote: takerBuyQuote))
  }

  private static func fault(of scanner: FieldScanner) -> CandleLine {
    let fault = scanner.faultOrExcess
    return .fault(column: fault.column, rule: fault.rule)
  }

  /// Exchanges cut a candle short when they halt, so it need not fill its minute.
  private static func isWithinMinute(_ closing: Int64, of time: Int64) -> Bool {
    closing > time && closing < time + 60_000_000 / TimeUnit(of: time).rawValue
  }
}
