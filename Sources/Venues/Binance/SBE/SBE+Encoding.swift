package import Market

/// Messages as Binance sends them. `nil` where a value has no integer at its exponent, or a part is too long.
extension SBE {
  /// Trades of one time.
  package static func message(
    _ trades: [Trade], of symbol: Symbol, sent: Timestamp, _ exponents: Exponents = Exponents()
  ) -> [UInt8]? {
    guard let time = trades.first?.time, trades.count <= largestGroup else { return nil }
    var writer = Writer(.trades)
    writer.append(sent.microseconds)
    writer.append(time.microseconds)
    writer.append(exponents)
    writer.append(UInt16(ElementLength.trade))
    writer.append(UInt32(trades.count))
    for trade in trades {
      writer.append(trade.id)
      guard writer.append(trade.price, trade.quantity, exponents) else { return nil }
      writer.append(UInt8(trade.isTakerBuyer ? 0 : 1))
    }
    return writer.ended(with: symbol)
  }

  package static func message(
    _ quote: Quote, of symbol: Symbol, _ exponents: Exponents = Exponents()
  ) -> [UInt8]? {
    var writer = Writer(.bestBidAsk)
    writer.append(quote.time?.microseconds ?? .min)
    writer.append(quote.updateId ?? .min)
    writer.append(exponents)
    guard writer.append(quote.bidPrice, quote.bidQuantity, exponents),
      writer.append(quote.askPrice, quote.askQuantity, exponents)
    else { return nil }
    return writer.ended(with: symbol)
  }

  /// The top of a book, or a change of it.
  package static func message(
    _ book: BookUpdate, of symbol: Symbol, _ exponents: Exponents = Exponents()
  ) -> [UInt8]? {
    var writer = Writer(book.isSnapshot ? .depthSnapshot : .depthDiff)
    writer.append(book.time?.microseconds ?? .min)
    if !book.isSnapshot { writer.append(book.firstId ?? .min) }
    writer.append(book.lastId ?? .min)
    writer.append(exponents)
    guard writer.append(book.bids, exponents), writer.append(book.asks, exponents) else { return nil }
    return writer.ended(with: symbol)
  }

  private struct Writer {
    private var bytes: [UInt8] = []

    init(_ template: Template) {
      append(UInt16(template.blockLength))
      append(template.rawValue)
      append(schemaId)
      append(UInt16(0))
    }

    mutating func append(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ exponents: Exponents) {
      append(exponents.price)
      append(exponents.quantity)
    }

    mutating func append(_ price: Decimal8, _ quantity: Decimal8, _ exponents: Exponents) -> Bool {
      guard let price = price.mantissa(exponent: exponents.price),
        let quantity = quantity.mantissa(exponent: exponents.quantity)
      else { return false }
      append(price)
      append(quantity)
      return true
    }

    mutating func append(_ levels: [BookUpdate.Level], _ exponents: Exponents) -> Bool {
      guard levels.count <= largestGroup else { return false }
      append(UInt16(ElementLength.level))
      append(UInt16(levels.count))
      return levels.allSatisfy { append($0.price, $0.quantity, exponents) }
    }

    mutating func ended(with symbol: Symbol) -> [UInt8] {
      append(UInt8(symbol.name.utf8.count))
      return bytes + symbol.name.utf8
    }
  }
}
