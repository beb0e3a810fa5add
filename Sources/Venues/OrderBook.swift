package import Market

/// A local copy of a venue's order book, kept by the venue's own procedure and given up when anything was missed.
package struct OrderBook: Sendable {
  package let numbering: Numbering
  /// Worse levels than so many a side are forgotten; `nil` keeps all.
  package let depthLimit: Int?
  /// The last update in the book; `nil` before the first snapshot and where the venue has no ids.
  package private(set) var lastId: Int64?
  /// At the start, and after every break.
  package private(set) var needsSnapshot = true

  private var bidSide = Side(isBid: true)
  private var askSide = Side(isBid: false)
  /// Updates that may follow a snapshot that is still to come.
  private var waiting: [BookUpdate] = []
  private static let mostWaiting = 4096

  /// How update ids tell that nothing was missed.
  package enum Numbering: Sendable {
    /// An update covers `firstId...lastId` and the next one begins after it. The snapshot is asked for apart, while
    /// updates already come: they wait for it (Binance).
    case ranges
    /// One more with each update; snapshots come in between and replace the book whatever their id (Bybit).
    case steps
    /// No ids: that the connection lost nothing must be known otherwise (Coinbase).
    case none
  }

  package enum Outcome: Hashable, Sendable {
    case applied
    /// Older than the book, or before the snapshot that a stream sends first.
    case ignored
    /// Kept until the snapshot is there.
    case waiting
    case needsSnapshot(Break)
  }

  package enum Break: Hashable, Sendable {
    case missing(after: Int64, next: Int64)
    /// Updates between this snapshot and the first one seen are missing: ask for a newer snapshot.
    case tooOld(snapshot: Int64, firstUpdate: Int64)
    case crossed(bid: Decimal8, ask: Decimal8)
    case noIds
  }

  package init(_ numbering: Numbering, depthLimit: Int? = nil) {
    (self.numbering, self.depthLimit) = (numbering, depthLimit)
  }

  package var bestBid: BookUpdate.Level? { needsSnapshot ? nil : bidSide.levels.last }
  package var bestAsk: BookUpdate.Level? { needsSnapshot ? nil : askSide.levels.last }

  /// Best first; empty while a snapshot is needed.
  package func bids(_ count: Int = .max) -> [BookUpdate.Level] { bidSide.levels.suffix(count).reversed() }
  package func asks(_ count: Int = .max) -> [BookUpdate.Level] { askSide.levels.suffix(count).reversed() }

  package mutating func apply(_ update: BookUpdate) -> Outcome {
    if update.isSnapshot { return load(update) }
    return needsSnapshot ? wait(update) : follow(update)
  }

  // MARK: Snapshot

  private mutating func wait(_ update: BookUpdate) -> Outcome {
    guard numbering == .ranges else { return .ignored }
    guard update.firstId != nil, update.lastId != nil else { return .needsSnapshot(.noIds) }
    // The oldest go: a newer snapshot has to come then.
    if waiting.count == Self.mostWaiting { waiting.removeFirst(Self.mostWaiting / 2) }
    waiting.append(update)
    return .waiting
  }

  private mutating func load(_ snapshot: BookUpdate) -> Outcome {
    if numbering == .ranges {
      guard let id = snapshot.lastId else { return .needsSnapshot(.noIds) }
      if let lastId, id < lastId { return .ignored }
      if let first = firstWaiting(after: id), first > id, first - 1 > id {
        return .needsSnapshot(.tooOld(snapshot: id, firstUpdate: first))
      }
    }
    bidSide.load(snapshot.bids, depthLimit)
    askSide.load(snapshot.asks, depthLimit)
    lastId = snapshot.lastId
    needsSnapshot = false
    if let crossing { return giveUp(crossing) }
    return catchUp()
  }

  /// Where the first update that is not part of the snapshot begins. By Binance's rule, in both forms that circulate,
  /// that is at most the id after the snapshot's.
  private func firstWaiting(after id: Int64) -> Int64? {
    waiting.first { ($0.lastId ?? .min) > id }?.firstId
  }

  private mutating func catchUp() -> Outcome {
    let updates = waiting
    waiting = []
    for (index, update) in updates.enumerated() {
      if case .needsSnapshot(let reason) = follow(update) {
        waiting = Array(updates[index...])
        return .needsSnapshot(reason)
      }
    }
    return .applied
  }

  // MARK: Updates

  private mutating func follow(_ update: BookUpdate) -> Outcome {
    if numbering != .none {
      guard let first = update.firstId, let last = update.lastId, let known = lastId else { return giveUp(.noIds) }
      if last <= known { return .ignored }
      if first > known, first - 1 > known {
        let outcome = giveUp(.missing(after: known, next: first))
        _ = wait(update)
        return outcome
      }
      lastId = last
    }
    for level in update.bids { bidSide.set(level, depthLimit) }
    for level in update.asks { askSide.set(level, depthLimit) }
    if let crossing { return giveUp(crossing) }
    return .applied
  }

  private var crossing: Break? {
    guard let bid = bidSide.levels.last, let ask = askSide.levels.last, bid.price >= ask.price else { return nil }
    return .crossed(bid: bid.price, ask: ask.price)
  }

  private mutating func giveUp(_ reason: Break) -> Outcome {
    self = OrderBook(numbering, depthLimit: depthLimit)
    return .needsSnapshot(reason)
  }
}

extension OrderBook {
  /// Levels from the worst to the best, so that what changes most moves least.
  private struct Side: Sendable {
    let isBid: Bool
    private(set) var levels: [BookUpdate.Level] = []

    init(isBid: Bool) { self.isBid = isBid }

    mutating func load(_ snapshot: [BookUpdate.Level], _ limit: Int?) {
      levels = []
      levels.reserveCapacity(snapshot.count)
      for level in snapshot.sorted(by: { isWorse($0.price, $1.price) }) { set(level, nil) }
      forget(beyond: limit)
    }

    mutating func set(_ level: BookUpdate.Level, _ limit: Int?) {
      let index = place(of: level.price)
      let isKnown = index < levels.count && levels[index].price == level.price
      switch (isKnown, level.quantity.units > 0) {
      case (true, true): levels[index] = level
      case (true, false): levels.remove(at: index)
      case (false, true):
        levels.insert(level, at: index)
        forget(beyond: limit)
      case (false, false): break
      }
    }

    private mutating func forget(beyond limit: Int?) {
      if let limit, levels.count > limit { levels.removeFirst(levels.count - limit) }
    }

    /// The first level that is not worse.
    private func place(of price: Decimal8) -> Int {
      var (low, high) = (0, levels.count)
      while low < high {
        let middle = (low + high) / 2
        if isWorse(levels[middle].price, price) { low = middle + 1 } else { high = middle }
      }
      return low
    }

    private func isWorse(_ a: Decimal8, _ b: Decimal8) -> Bool { isBid ? a < b : a > b }
  }
}
