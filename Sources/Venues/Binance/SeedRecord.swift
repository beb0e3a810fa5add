package import Market

/// Fixed records with doubles and numbered symbols, in the layout of C structs with natural alignment, little endian.
///
/// Some recorders write them and call them Binance SBE. They are not: what Binance sends is `SBE`.
package enum SeedRecord: Hashable, Sendable {
  case trade(Symbol, Trade)
  case quote(Symbol, Quote)
  /// One level of a book that changed with these updates.
  case level(Symbol, BookUpdate)

  /// The number of a record's layout.
  package enum Kind: UInt16, Sendable, CaseIterable {
    case trade = 1
    case bestBidAsk = 2
    case depthUpdate = 3

    /// `sizeof` of the struct.
    package var length: Int {
      switch self {
      case .trade: 48
      case .bestBidAsk: 56
      case .depthUpdate: 64
      }
    }
  }

  /// - Parameter symbols: what the recorder's numbers stand for.
  package init(
    _ kind: Kind, _ bytes: UnsafeBufferPointer<UInt8>, symbols: [UInt32: Symbol]
  ) throws(VenueError) {
    guard bytes.count == kind.length else {
      throw .malformed(offset: 0, reason: "\(bytes.count) bytes, a record of kind \(kind.rawValue) has \(kind.length)")
    }
    let fields = Fields(bytes: UnsafeRawBufferPointer(bytes))
    switch kind {
    case .trade:
      let trade = Trade(
        id: try fields.id(8), time: try fields.time(0), price: try fields.price(24),
        quantity: try fields.price(32), isTakerBuyer: !(try fields.flag(40)))
      self = .trade(try fields.symbol(16, symbols), trade)
    case .bestBidAsk:
      let quote = Quote(
        time: try fields.time(0), bidPrice: try fields.price(16), bidQuantity: try fields.amount(24),
        askPrice: try fields.price(32), askQuantity: try fields.amount(40))
      self = .quote(try fields.symbol(8, symbols), quote)
    case .depthUpdate:
      let level = BookUpdate.Level(price: try fields.price(40), quantity: try fields.amount(48))
      let (first, last) = (try fields.id(16), try fields.id(24))
      guard first <= last else { throw .badValue(field: "first_update_id", value: "\(first)", reason: "above \(last)") }
      let isAsk = try fields.flag(32)
      let update = BookUpdate(
        isSnapshot: false, firstId: first, lastId: last, time: try fields.time(0), bids: isAsk ? [] : [level],
        asks: isAsk ? [level] : [])
      self = .level(try fields.symbol(8, symbols), update)
    }
  }

  private struct Fields {
    let bytes: UnsafeRawBufferPointer

    func load<Value: FixedWidthInteger>(_ offset: Int) -> Value {
      Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    func symbol(_ offset: Int, _ symbols: [UInt32: Symbol]) throws(VenueError) -> Symbol {
      let number: UInt32 = load(offset)
      guard let symbol = symbols[number] else {
        throw .badValue(field: "symbol_id", value: "\(number)", reason: "stands for no symbol")
      }
      return symbol
    }

    func id(_ offset: Int) throws(VenueError) -> Int64 {
      let value: UInt64 = load(offset)
      guard let id = Int64(exactly: value) else {
        throw .badValue(field: "id", value: "\(value)", reason: "above 63 bits")
      }
      return id
    }

    func time(_ offset: Int) throws(VenueError) -> Timestamp {
      let value: UInt64 = load(offset)
      guard (1..<10_000_000_000_000_000).contains(value) else {
        throw .badValue(field: "timestamp", value: "\(value)", reason: "not between 1970 and 2286")
      }
      return Timestamp(microseconds: Int64(value))
    }

    func flag(_ offset: Int) throws(VenueError) -> Bool {
      guard bytes[offset] <= 1 else {
        throw .badValue(field: "byte \(offset)", value: "\(bytes[offset])", reason: "neither 0 nor 1")
      }
      return bytes[offset] == 1
    }

    func price(_ offset: Int) throws(VenueError) -> Decimal8 {
      let value = try amount(offset)
      guard value.units > 0 else {
        throw .badValue(field: "byte \(offset)", value: "\(value)", reason: "not above zero")
      }
      return value
    }

    func amount(_ offset: Int) throws(VenueError) -> Decimal8 {
      let value = Double(bitPattern: load(offset))
      guard let amount = Decimal8(rounding: value), amount.units >= 0 else {
        throw .badValue(field: "byte \(offset)", value: "\(value)", reason: "not an amount below a trillion")
      }
      return amount
    }
  }
}

extension SeedRecord {
  /// The record as a recorder writes it; `nil` without a number for the symbol, a time, or the one level of a change.
  package func bytes(symbols: [UInt32: Symbol]) -> [UInt8]? {
    switch self {
    case .trade(let symbol, let trade):
      guard var record = Record(.trade, time: trade.time, symbol, at: 16, symbols) else { return nil }
      record.set(8, UInt64(bitPattern: trade.id))
      record.set(24, trade.price.doubleValue.bitPattern)
      record.set(32, trade.quantity.doubleValue.bitPattern)
      record.set(40, UInt8(trade.isTakerBuyer ? 0 : 1))
      return record.bytes
    case .quote(let symbol, let quote):
      guard var record = Record(.bestBidAsk, time: quote.time, symbol, at: 8, symbols) else { return nil }
      for (index, value) in [quote.bidPrice, quote.bidQuantity, quote.askPrice, quote.askQuantity].enumerated() {
        record.set(16 + 8 * index, value.doubleValue.bitPattern)
      }
      return record.bytes
    case .level(let symbol, let update):
      guard var record = Record(.depthUpdate, time: update.time, symbol, at: 8, symbols), let first = update.firstId,
        let last = update.lastId, update.bids.count + update.asks.count == 1,
        let level = update.bids.first ?? update.asks.first
      else { return nil }
      record.set(16, UInt64(bitPattern: first))
      record.set(24, UInt64(bitPattern: last))
      record.set(32, UInt8(update.asks.isEmpty ? 0 : 1))
      record.set(40, level.price.doubleValue.bitPattern)
      record.set(48, level.quantity.doubleValue.bitPattern)
      return record.bytes
    }
  }

  private struct Record {
    private(set) var bytes: [UInt8]

    init?(_ kind: Kind, time: Timestamp?, _ symbol: Symbol, at offset: Int, _ symbols: [UInt32: Symbol]) {
      guard let time, let number = symbols.first(where: { $0.value == symbol })?.key else { return nil }
      bytes = [UInt8](repeating: 0, count: kind.length)
      set(0, UInt64(bitPattern: time.microseconds))
      set(offset, number)
    }

    mutating func set(_ offset: Int, _ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
    }
  }
}

extension Decimal8 {
  /// The nearest decimal of eight places; `nil` for what is not finite or out of range.
  init?(rounding value: Double) {
    guard value.isFinite, value.magnitude < 1e12 else { return nil }
    self.init(units: Int128((value * 100_000_000).rounded()))
  }
}
