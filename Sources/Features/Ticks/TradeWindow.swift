package import Market

/// The trades of the last minutes of event time, with exact sums: they do not depend on what came before the window or
/// in which order it came.
package struct TradeWindow: Sendable {
  /// Volume, mean price, number and first price are of this long.
  package static let seconds: Int64 = 60
  /// The first price of this long is known too.
  package static let longSeconds: Int64 = 300

  private struct Entry: Sendable {
    let id: Int64
    let time: Timestamp
    let price: Decimal8
    let quantity: Decimal8
    let count: Int64

    func precedes(_ other: Entry) -> Bool { (time, id) < (other.time, other.id) }
  }

  /// In order of their times, and of their ids in one instant.
  private var entries: [Entry] = []
  /// The first one of the long window, and of the short one.
  private var first = 0
  private var firstShort = 0
  private var quantityUnits: Int128 = 0
  /// Price times quantity, both in units of 10⁻⁸.
  private var paidUnits: Int128 = 0
  private var count: Int64 = 0
  /// From when on every trade is in; `nil` while that is not known of any time.
  private var coveredFrom: Timestamp?
  private var now = Timestamp.distantPast

  package init() {}

  /// From here on every trade comes. What came before counts no more, since there may be holes in it.
  package mutating func begin(at time: Timestamp) {
    self = TradeWindow()
    (coveredFrom, now) = (time, time)
  }

  /// Trades may have been missed; nothing is known before the next `begin`.
  package mutating func interrupt() { self = TradeWindow() }

  /// Takes a trade in; one that came before, or that is too old to count, changes nothing.
  package mutating func add(_ trade: Trade) {
    guard coveredFrom != nil else { return }
    let entry = Entry(
      id: trade.id, time: trade.time, price: trade.price, quantity: trade.quantity, count: trade.count)
    advance(to: trade.time)
    guard trade.time > now.adding(microseconds: -Self.longSeconds * 1_000_000) else { return }
    var place = entries.count
    while place > first, !entries[place - 1].precedes(entry) {
      if entries[place - 1].id == entry.id { return }
      place -= 1
    }
    insert(entry, at: place)
  }

  private mutating func insert(_ entry: Entry, at place: Int) {
    if place == entries.count { entries.append(entry) } else { entries.insert(entry, at: place) }
    if isShort(entry) { count(entry, 1) } else { firstShort += 1 }
  }

  /// It is at least this late: what is older than the windows leaves them.
  package mutating func advance(to time: Timestamp) {
    guard time > now else { return }
    now = time
    while firstShort < entries.count, !isShort(entries[firstShort]) {
      count(entries[firstShort], -1)
      firstShort += 1
    }
    let end = now.adding(microseconds: -Self.longSeconds * 1_000_000)
    while first < firstShort, entries[first].time <= end { first += 1 }
    guard first > 1024, first > entries.count / 2 else { return }
    entries.removeFirst(first)
    (first, firstShort) = (0, firstShort - first)
  }

  private func isShort(_ entry: Entry) -> Bool { entry.time > now.adding(microseconds: -Self.seconds * 1_000_000) }

  private mutating func count(_ entry: Entry, _ sign: Int128) {
    quantityUnits += sign * entry.quantity.units
    paidUnits += sign * entry.price.units * entry.quantity.units
    count += Int64(sign) * entry.count
  }

  private func isCovered(_ seconds: Int64) -> Bool {
    coveredFrom.map { $0 <= now.adding(microseconds: -seconds * 1_000_000) } ?? false
  }

  // MARK: Values

  /// Of the newest trade, however old it is; `nil` if none has come.
  package var lastPrice: Double? { entries.last?.price.doubleValue }

  package var lastTime: Timestamp? { entries.last?.time }

  /// Base asset; `nil` while the window is not covered, like all that follows.
  package var volume: Double? { isCovered(Self.seconds) ? Double(nearest: quantityUnits) / 1e8 : nil }

  /// `nil` without a trade too.
  package var meanPrice: Double? {
    guard isCovered(Self.seconds), quantityUnits > 0 else { return nil }
    return Double(nearest: paidUnits) / Double(nearest: quantityUnits * Decimal8.scale)
  }

  /// Trades a second, each that the venue reports as one counted by the trades it stands for.
  package var intensity: Double? { isCovered(Self.seconds) ? Double(count) / Double(Self.seconds) : nil }

  /// (last − first) / first over the window; `nil` without a trade too.
  package var change: Double? { isCovered(Self.seconds) ? change(from: firstShort) : nil }

  /// The same over the long window.
  package var longChange: Double? { isCovered(Self.longSeconds) ? change(from: first) : nil }

  private func change(from place: Int) -> Double? {
    guard place < entries.count, let last = entries.last else { return nil }
    let start = entries[place].price
    guard start.units > 0 else { return nil }
    return Double(nearest: last.price.units - start.units) / Double(nearest: start.units)
  }

  /// Prices of the window with their times, oldest first.
  package var prices: [(time: Timestamp, price: Double)] {
    entries[firstShort...].map { ($0.time, $0.price.doubleValue) }
  }
}
