import Market

/// The resting orders after a trade: a function of that trade alone.
struct SimulatedBook: Sendable {
  /// Levels a side that exist at all.
  static let depth = 100
  /// Added to a trade's id.
  private static let firstUpdateId: Int64 = 1_000_000

  let updateId: Int64
  /// Of the trade that made it so.
  let time: Timestamp
  /// Best first.
  let bids: [BookUpdate.Level]
  let asks: [BookUpdate.Level]

  static func updateId(after aggregate: AggregateTrade) -> Int64 { firstUpdateId + aggregate.id }

  /// The taker's price is the best one of the side that was met; the other side is a tick away.
  init(after aggregate: AggregateTrade, grid: PriceGrid, seed: UInt64, depth: Int = depth) {
    updateId = Self.updateId(after: aggregate)
    time = aggregate.time
    let price = grid.ticks(aggregate.price)
    let ask = aggregate.isTakerBuyer ? price : price + 1
    let id = updateId
    func level(_ ticks: Int64) -> BookUpdate.Level {
      BookUpdate.Level(price: grid.price(ticks), quantity: Self.quantity(at: ticks, id, grid, seed))
    }
    asks = (0..<Int64(depth)).map { level(ask + $0) }
    bids = (1...Int64(depth)).prefix { ask - $0 > 0 }.map { level(ask - $0) }
  }

  /// Changes once in 32 updates, at each price at another time.
  private static func quantity(at ticks: Int64, _ updateId: Int64, _ grid: PriceGrid, _ seed: UInt64) -> Decimal8 {
    let price = UInt64(bitPattern: ticks)
    let phase = (price &* 0x9E37_79B9_7F4A_7C15) >> 59
    var random = SplitMix64(seed: seed ^ (price << 24) ^ ((UInt64(bitPattern: updateId) &+ phase) >> 5))
    let lots = Int128(1 + random.next() % 500)
    return Decimal8(units: lots * Int128(max(grid.step, 1_000_000))) ?? .zero
  }

  var quote: Quote? {
    guard let bid = bids.first, let ask = asks.first else { return nil }
    return Quote(
      updateId: updateId, time: time, bidPrice: bid.price, bidQuantity: bid.quantity, askPrice: ask.price,
      askQuantity: ask.quantity)
  }

  /// What leads from an earlier book to this one.
  func changes(since earlier: SimulatedBook) -> BookUpdate {
    BookUpdate(
      isSnapshot: false, firstId: earlier.updateId + 1, lastId: updateId, time: time,
      bids: Self.changes(from: earlier.bids, to: bids) { $0 > $1 },
      asks: Self.changes(from: earlier.asks, to: asks) { $0 < $1 })
  }

  private static func changes(
    from old: [BookUpdate.Level], to new: [BookUpdate.Level], isBetter: (Decimal8, Decimal8) -> Bool
  ) -> [BookUpdate.Level] {
    var changes: [BookUpdate.Level] = []
    var (left, right) = (old[...], new[...])
    while let a = left.first ?? right.first, let b = right.first ?? left.first {
      if !left.isEmpty, right.isEmpty || isBetter(a.price, b.price) {
        changes.append(BookUpdate.Level(price: a.price, quantity: .zero))
        left.removeFirst()
      } else if !right.isEmpty, left.isEmpty || isBetter(b.price, a.price) {
        changes.append(b)
        right.removeFirst()
      } else {
        if a.quantity != b.quantity { changes.append(b) }
        left.removeFirst()
        right.removeFirst()
      }
    }
    return changes
  }
}
