import Market

extension SBE {
  /// Calls `receive` for each trade of the message, or once for its quote or book. Trades before a bad one stand.
  package static func decode(
    _ frame: UnsafeBufferPointer<UInt8>, _ receive: (VenueMessage) -> Void
  ) throws(VenueError) {
    var reader = try Reader(frame)
    switch reader.template {
    case .bestBidAsk: receive(try reader.quote())
    case .trades: try reader.trades(receive)
    case .depthSnapshot, .depthDiff: receive(try reader.book())
    }
  }

  /// Reads one message from front to back; nothing is loaded before its length was checked.
  private struct Reader {
    let template: Template
    private let bytes: UnsafeRawBufferPointer
    /// Where the first group or the symbol begins, and then what is not read yet.
    private var position: Int
    private let version: UInt16

    @inline(__always)
    init(_ frame: UnsafeBufferPointer<UInt8>) throws(VenueError) {
      bytes = UnsafeRawBufferPointer(frame)
      guard bytes.count >= headerLength else {
        throw .malformed(offset: bytes.count, reason: "shorter than a message header")
      }
      let header = bytes.loadUnaligned(as: UInt64.self).littleEndian
      let schema = UInt16(truncatingIfNeeded: header >> 32)
      guard schema == schemaId else { throw .unknown(kind: "SBE schema \(schema)") }
      let id = UInt16(truncatingIfNeeded: header >> 16)
      guard let template = Template(rawValue: id) else { throw .unknown(kind: "SBE template \(id)") }
      let blockLength = Int(UInt16(truncatingIfNeeded: header))
      guard blockLength >= template.blockLength else {
        throw .malformed(offset: 0, reason: "a block of \(blockLength) bytes in template \(id)")
      }
      position = headerLength + blockLength
      guard position <= bytes.count else {
        throw .malformed(offset: bytes.count, reason: "a block of \(blockLength) bytes does not fit")
      }
      self.template = template
      version = UInt16(truncatingIfNeeded: header >> 48)
    }

    // MARK: Messages

    @inline(__always)
    mutating func quote() throws(VenueError) -> VenueMessage {
      let exponents = exponents(at: 16)
      let bid = try price(at: headerLength + 18, exponents)
      let bidQuantity = try quantity(at: headerLength + 26, exponents)
      let ask = try price(at: headerLength + 34, exponents)
      let askQuantity = try quantity(at: headerLength + 42, exponents)
      let symbol = try symbol()
      return .quote(
        symbol,
        Quote(
          updateId: try updateId(at: 8), time: try time(at: 0), bidPrice: bid, bidQuantity: bidQuantity, askPrice: ask,
          askQuantity: askQuantity))
    }

    mutating func trades(_ receive: (VenueMessage) -> Void) throws(VenueError) {
      guard let time = try time(at: 8) else { throw .badValue(field: "transactTime", value: "null", reason: "no time") }
      let exponents = exponents(at: 16)
      let group = try group(elementLength: ElementLength.trade, countLength: 4)
      let symbol = try symbol()
      for start in group {
        let id: Int64 = load(start)
        guard id >= 0 else { throw .badValue(field: "trade id", value: "\(id)", reason: "below zero") }
        let price = try price(at: start + 8, exponents)
        let quantity = try quantity(at: start + 16, exponents)
        guard quantity.units > 0 else { throw .badValue(field: "qty", value: "\(quantity)", reason: "not above zero") }
        let isBuyerMaker = bytes[start + 24]
        guard isBuyerMaker <= 1 else {
          throw .badValue(field: "isBuyerMaker", value: "\(isBuyerMaker)", reason: "neither 0 nor 1")
        }
        receive(
          .trade(
            symbol, Trade(id: id, time: time, price: price, quantity: quantity, isTakerBuyer: isBuyerMaker == 0)))
      }
    }

    mutating func book() throws(VenueError) -> VenueMessage {
      let isSnapshot = template == .depthSnapshot
      let exponents = exponents(at: isSnapshot ? 16 : 24)
      let first = try updateId(at: 8)
      let last = isSnapshot ? first : try updateId(at: 16)
      if let first, let last, first > last {
        throw .badValue(field: "firstBookUpdateId", value: "\(first)", reason: "above the last, \(last)")
      }
      let bids = try levels(exponents)
      let asks = try levels(exponents)
      let symbol = try symbol()
      let time = try time(at: 0)
      return .book(
        symbol,
        BookUpdate(isSnapshot: isSnapshot, firstId: first, lastId: last, time: time, bids: bids, asks: asks))
    }

    private mutating func levels(_ exponents: Exponents) throws(VenueError) -> [BookUpdate.Level] {
      let group = try group(elementLength: ElementLength.level, countLength: 2)
      var levels: [BookUpdate.Level] = []
      levels.reserveCapacity(group.underestimatedCount)
      for start in group {
        let price = try price(at: start, exponents)
        levels.append(BookUpdate.Level(price: price, quantity: try quantity(at: start + 8, exponents)))
      }
      return levels
    }

    // MARK: Parts

    /// Where the elements of the next group begin; the group has been passed then.
    private mutating func group(
      elementLength known: Int, countLength: Int
    ) throws(VenueError) -> StrideTo<Int> {
      let start = position + 2 + countLength
      guard start <= bytes.count else { throw .malformed(offset: position, reason: "a group's dimension is cut") }
      let length = Int(load(position) as UInt16)
      let count = countLength == 4 ? Int(load(position + 2) as UInt32) : Int(load(position + 2) as UInt16)
      guard count <= largestGroup else { throw .malformed(offset: position, reason: "a group of \(count) elements") }
      guard length >= known || count == 0 else {
        throw .malformed(offset: position, reason: "elements of \(length) bytes")
      }
      guard count * length <= bytes.count - start else {
        throw .malformed(offset: position, reason: "\(count) elements of \(length) bytes do not fit")
      }
      position = start + count * length
      return stride(from: start, to: position, by: max(1, length))
    }

    /// The last part. What follows it can only be something that a newer version has added.
    @inline(__always)
    private mutating func symbol() throws(VenueError) -> Symbol {
      guard position < bytes.count else { throw .malformed(offset: position, reason: "no symbol") }
      let end = position + 1 + Int(bytes[position])
      guard end == bytes.count else {
        if version > 0 { throw .unknown(kind: "SBE template \(template.rawValue) version \(version)") }
        throw .malformed(offset: position, reason: "the symbol does not end with the message")
      }
      let text = UnsafeBufferPointer(rebasing: bytes.assumingMemoryBound(to: UInt8.self)[(position + 1)..<end])
      position = end
      guard let symbol = Symbol(utf8: text) else {
        throw .badValue(field: "symbol", value: text.shown, reason: "no name of an instrument")
      }
      return symbol
    }

    @inline(__always)
    private func load<Value: FixedWidthInteger>(_ offset: Int) -> Value {
      Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    @inline(__always)
    private func exponents(at offset: Int) -> Exponents {
      Exponents(price: load(headerLength + offset), quantity: load(headerLength + offset + 1))
    }

    /// `nil` for the null value.
    @inline(__always)
    private func optional(at offset: Int) -> Int64? {
      let value: Int64 = load(headerLength + offset)
      return value == .min ? nil : value
    }

    @inline(__always)
    private func updateId(at offset: Int) throws(VenueError) -> Int64? {
      guard let id = optional(at: offset) else { return nil }
      guard id >= 0 else { throw .badValue(field: "update id", value: "\(id)", reason: "below zero") }
      return id
    }

    @inline(__always)
    private func time(at offset: Int) throws(VenueError) -> Timestamp? {
      guard let value = optional(at: offset) else { return nil }
      guard (1..<10_000_000_000_000_000).contains(value) else {
        throw .badValue(field: "time", value: "\(value)", reason: "not between 1970 and 2286")
      }
      return Timestamp(microseconds: value)
    }

    @inline(__always)
    private func price(at offset: Int, _ exponents: Exponents) throws(VenueError) -> Decimal8 {
      let price = try decimal(load(offset), exponents.price)
      guard price.units > 0 else { throw .badValue(field: "price", value: "\(price)", reason: "not above zero") }
      return price
    }

    @inline(__always)
    private func quantity(at offset: Int, _ exponents: Exponents) throws(VenueError) -> Decimal8 {
      let quantity = try decimal(load(offset), exponents.quantity)
      guard quantity.units >= 0 else { throw .badValue(field: "qty", value: "\(quantity)", reason: "below zero") }
      return quantity
    }

    @inline(__always)
    private func decimal(_ mantissa: Int64, _ exponent: Int8) throws(VenueError) -> Decimal8 {
      let value =
        exponent == -8 && mantissa != .min
        ? Decimal8(units: Int128(mantissa)) : Decimal8(mantissa: mantissa, exponent: exponent)
      guard let value else {
        throw .badValue(
          field: "mantissa", value: "\(mantissa)e\(exponent)", reason: "null, or not a decimal of eight places")
      }
      return value
    }
  }
}

extension Decimal8 {
  /// `mantissa` × 10^`exponent`; `nil` for the null values of SBE, out of range, or below eight places.
  init?(mantissa: Int64, exponent: Int8) {
    guard mantissa != .min, exponent != .min else { return nil }
    guard mantissa != 0 else {
      self = .zero
      return
    }
    var units = Int128(mantissa)
    let power = Int(exponent) + 8
    // Beyond this nothing is in range, and the product might not even fit into 128 bits.
    guard abs(power) < 20 else { return nil }
    for _ in 0..<abs(power) {
      if power > 0 {
        units *= 10
      } else {
        guard units % 10 == 0 else { return nil }
        units /= 10
      }
    }
    self.init(units: units)
  }

  /// The integer that times 10^`exponent` is this; `nil` if there is none of 64 bits.
  func mantissa(exponent: Int8) -> Int64? {
    var mantissa = units
    let power = Int(exponent) + 8
    guard abs(power) <= 16 else { return units == 0 ? 0 : nil }
    for _ in 0..<abs(power) {
      if power < 0 {
        mantissa *= 10
      } else {
        guard mantissa % 10 == 0 else { return nil }
        mantissa /= 10
      }
    }
    guard let mantissa = Int64(exactly: mantissa), mantissa != .min else { return nil }
    return mantissa
  }
}
