internal import Features
internal import Glibc
internal import Market

/// What the last trade price does over a horizon, for moments as they pass.
///
/// A move is certain when the next trade follows without a hole: what was missed before it could have changed the price.
struct MoveLabels {
  struct Move: Equatable {
    let row: Int
    let basisPoints: Double
  }

  private struct Following {
    let row: Int
    let price: Double
    let end: Timestamp
  }

  private let series: Series
  private let horizonMicroseconds: Int64
  private var trades = TradeWindow()
  /// Oldest first; those before `first` are done.
  private var following: [Following] = []
  private var first = 0
  /// Ended, and no trade has come since.
  private var unproven: [Move] = []

  init(_ series: Series, horizonSeconds: Int) {
    (self.series, horizonMicroseconds) = (series, Int64(horizonSeconds) * 1_000_000)
  }

  mutating func follow(row: Int, price: Double, from time: Timestamp) {
    following.append(Following(row: row, price: price, end: time.adding(microseconds: horizonMicroseconds)))
  }

  mutating func advance(to now: Timestamp) {
    while first < following.count, following[first].end <= now {
      let ended = following[first]
      first += 1
      guard let price = trades.lastPrice, price > 0 else { continue }
      unproven.append(Move(row: ended.row, basisPoints: 10_000 * log(price / ended.price)))
    }
    guard first > 1024, first > following.count / 2 else { return }
    following.removeFirst(first)
    first = 0
  }

  /// - Returns: what has become certain by this.
  mutating func take(_ event: TickEvent) -> [Move] {
    switch event {
    case .tradesBegin(series, let time):
      interrupt()
      trades.begin(at: time)
    case .interrupted(series): interrupt()
    case .trade(series, let trade):
      trades.add(trade)
      defer { unproven.removeAll() }
      return unproven
    default: break
    }
    return []
  }

  /// Trades may have been missed: no move across this is certain.
  mutating func interrupt() {
    trades.interrupt()
    following.removeAll()
    unproven.removeAll()
    first = 0
  }
}
