package import Market

/// Makes one candle a minute out of what a view reads, in the order in which a live reader had it.
///
/// A view of one series gives its candles as they come: a minute later than all before is the next, to be decided on;
/// everything else is late truth. Where another series gives the volumes, a minute is whole when both its candles are
/// there, and these rules say when it is decided on:
/// - When the price candle comes and the volume candle is there: at once.
/// - Else when the volume candle comes, if it comes within `graceMicroseconds` of the price candle.
/// - Else without volumes, as of the end of that grace. There is no clock here: the end is seen when a later event comes,
///   or when `advance` says how late it is, and what is decided is the same whoever says so.
/// - Minutes are decided on in their order, so one that waits makes later ones wait.
/// - Volumes after that, like corrections and price candles of earlier minutes, are late truth. So is a price candle that
///   the volume series is `keptMinutes` ahead of.
///
/// Of the volume series nothing but volume, trade count and taker volume is looked at: a candle that changes nothing in
/// these changes nothing at all.
package struct CandleJoin: Sendable {
  /// Event time from a price candle's availability.
  package static let graceMicroseconds: Int64 = 5_000_000
  package static let keptMinutes = RewindableFeatures.keptMinutes

  package enum Step: Hashable, Sendable {
    /// The next minute, and when everything that its decision reads was available.
    case next(FeatureInput, availableAt: Timestamp)
    /// A minute that was decided on, or that came too late to be.
    case late(FeatureInput, availableAt: Timestamp)
    /// Something came of a minute that is no longer kept: what stands in the store is needed.
    case forgotten(openTime: Timestamp, availableAt: Timestamp)
  }

  package let view: MarketView
  private let forgets: Bool
  /// By minute since 1970; empty for a view of one series.
  private var minutes: [Int64: Minute] = [:]
  /// In order of their minutes; the first one waits, or one before it did.
  private var waiting: [Waiting] = []
  /// What follows from the events so far, taken from `position` on.
  private var steps: [Step] = []
  private var position = 0
  private var newestPrice: Timestamp?
  private var newest = Timestamp.distantPast
  private var time = Timestamp.distantPast

  fileprivate struct Minute {
    /// Prices are NaN before the price candle is there, volumes before the volume candle is.
    var candle: FeatureInput
    var hasPrices = false
    var hasVolumes = false
  }

  private struct Waiting {
    let minute: Int64
    let deadline: Timestamp
    let isLate: Bool
  }

  /// - Parameter forgets: keep only the newest `keptMinutes`.
  package init(_ view: MarketView, forgets: Bool = true) {
    (self.view, self.forgets) = (view, forgets)
    steps.reserveCapacity(16)
  }

  package func reads(_ series: Series) -> Bool { series == view.price || series == view.volume }

  /// Open times of the minutes that are not yet given out.
  package func isWaiting(_ openTime: Timestamp) -> Bool { waiting.contains { $0.minute == openTime.minute } }

  /// Takes a candle of one of the view's series; others are not looked at.
  package mutating func take(_ event: borrowing MarketEvent) {
    switch event {
    case .candle(let series, let record):
      guard reads(series) else { return }
      advance(to: record.availableAt)
      time = max(time, record.availableAt)
      newest = max(newest, record.candle.openTime)
      if view.volume == nil {
        takeWhole(record.candle)
      } else if series == view.price {
        takePrices(record)
      } else {
        takeVolumes(record.candle)
      }
      forgetOld()
    }
  }

  /// It is this late: what has waited for its volumes for longer than the grace waits no more.
  package mutating func advance(to time: Timestamp) {
    while let first = waiting.first, first.deadline < time {
      self.time = max(self.time, first.deadline)
      giveFirst()
      giveReady()
    }
  }

  /// What follows from the events taken, one by one.
  package mutating func next() -> Step? {
    guard position < steps.count else {
      steps.removeAll(keepingCapacity: true)
      position = 0
      return nil
    }
    defer { position += 1 }
    return steps[position]
  }

  private mutating func takeWhole(_ candle: Candle) {
    let isLate = newestPrice.map { candle.openTime <= $0 } ?? false
    if !isLate { newestPrice = candle.openTime }
    let input = FeatureInput(candle)
    steps.append(isLate ? .late(input, availableAt: time) : .next(input, availableAt: time))
  }

  private mutating func takePrices(_ record: CandleRecord) {
    let candle = record.candle
    let minute = candle.openTime.minute
    let isForgotten = isForgotten(candle.openTime)
    let isLate = isForgotten || newestPrice.map { candle.openTime <= $0 } ?? false
    newestPrice = max(newestPrice ?? candle.openTime, candle.openTime)
    guard !(isForgotten && forgets) else { return forgotten(candle.openTime) }
    minutes[minute, default: Minute(candle: FeatureInput(unpriced: candle.openTime))].setPrices(candle)
    guard !isWaiting(candle.openTime) else { return }
    let deadline = record.availableAt.adding(microseconds: Self.graceMicroseconds)
    let place = waiting.firstIndex { $0.minute > minute } ?? waiting.count
    waiting.insert(Waiting(minute: minute, deadline: isLate ? .distantPast : deadline, isLate: isLate), at: place)
    giveReady()
  }

  private mutating func takeVolumes(_ candle: Candle) {
    guard !(forgets && isForgotten(candle.openTime)) else { return forgotten(candle.openTime) }
    let minute = candle.openTime.minute
    let isChanged = minutes[minute, default: Minute(candle: FeatureInput(unpriced: candle.openTime))].setVolumes(candle)
    guard isChanged, let known = minutes[minute], known.hasPrices else { return }
    if isWaiting(candle.openTime) { giveReady() } else { steps.append(.late(known.candle, availableAt: time)) }
  }

  private func isForgotten(_ openTime: Timestamp) -> Bool { openTime < newest.adding(minutes: -Self.keptMinutes) }

  private mutating func forgotten(_ openTime: Timestamp) {
    steps.append(.forgotten(openTime: openTime, availableAt: time))
  }

  private mutating func giveReady() {
    while let first = waiting.first, first.isLate || minutes[first.minute]?.hasVolumes == true { giveFirst() }
  }

  private mutating func giveFirst() {
    let first = waiting.removeFirst()
    guard let candle = minutes[first.minute]?.candle else { return }
    steps.append(first.isLate ? .late(candle, availableAt: time) : .next(candle, availableAt: time))
  }

  private mutating func forgetOld() {
    guard forgets, minutes.count > 2 * Self.keptMinutes else { return }
    let first = min(newest.minute - Int64(Self.keptMinutes), waiting.first?.minute ?? .max)
    minutes = minutes.filter { $0.key >= first }
  }
}

extension CandleJoin.Minute {
  fileprivate mutating func setPrices(_ prices: Candle) {
    let volumes = candle
    candle = FeatureInput(prices: prices, volumes: nil)
    (candle.volume, candle.trades, candle.takerBuyBase) = (volumes.volume, volumes.trades, volumes.takerBuyBase)
    hasPrices = true
  }

  /// Whether they are others than before.
  fileprivate mutating func setVolumes(_ volumes: Candle) -> Bool {
    let (hadVolumes, before) = (hasVolumes, candle)
    candle.volume = volumes.volume?.doubleValue ?? .nan
    candle.trades = volumes.trades.map(Double.init) ?? .nan
    candle.takerBuyBase = volumes.takerBuyBase?.doubleValue ?? .nan
    hasVolumes = true
    return !hadVolumes || !candle.hasVolumes(of: before)
  }
}

extension FeatureInput {
  fileprivate init(unpriced openTime: Timestamp) {
    self.init(openTime: openTime, open: .nan, high: .nan, low: .nan, close: .nan)
  }

  /// Bit for bit, so that what is not known equals what is not known.
  fileprivate func hasVolumes(of other: FeatureInput) -> Bool {
    volume.bitPattern == other.volume.bitPattern && trades.bitPattern == other.trades.bitPattern
      && takerBuyBase.bitPattern == other.takerBuyBase.bitPattern
  }
}
