internal import Features
package import Market

/// Folds candles in the order in which a live reader had them into decision rows, and keeps their final prices.
///
/// A candle that comes late makes no row, since live made no decision on it; it changes the rows after its arrival, just
/// as it changed what live computed from then on.
package struct DatasetBuilder: ~Copyable {
  private static let sequenceMinutes = 60

  private let range: Range<Timestamp>
  private let featureSet: FeatureSet
  private var join: CandleJoin
  private var writer: DatasetWriter
  private var features = RewindableFeatures()
  private var candles: [FeatureInput] = []
  private var excluded: Set<Timestamp> = []
  private var vector: [Float]
  private var amendedUntil = Timestamp.distantPast
  /// Late truth from before every checkpoint waits for the next row: however much of it comes together, it is folded once.
  private var isStale = false

  /// Rows of a view; they are kept for candles that open in `header`'s range, earlier candles only build up state.
  package init(_ view: MarketView, header: DatasetHeader, expectedCandles: Int) {
    precondition(header.view == view.description, "a header for \(header.view)")
    featureSet = .of(view)
    join = CandleJoin(view, forgets: false)
    range = Timestamp(microseconds: header.fromMicroseconds)..<Timestamp(microseconds: header.toMicroseconds)
    writer = DatasetWriter(header: header, expectedRows: expectedCandles)
    vector = [Float](repeating: .nan, count: featureSet.count)
    candles.reserveCapacity(expectedCandles)
  }

  /// Events come in the order of their availability.
  package mutating func take(_ event: MarketEvent) {
    join.take(event)
    fold()
  }

  /// Nothing more comes that was available by `time`.
  package mutating func advance(to time: Timestamp) {
    join.advance(to: time)
    fold()
  }

  private mutating func fold() {
    while let step = join.next() {
      switch step {
      case .next(let candle, let time): append(candle, availableAt: time)
      case .late(let candle, let time): amend(candle, at: time)
      case .forgotten: preconditionFailure("a join that keeps everything has forgotten something")
      }
    }
  }

  /// Minutes whose prices must not make a label.
  package mutating func exclude(_ openTimes: Set<Timestamp>) { excluded = openTimes }

  /// What windows begin and end at, for prices that do not settle at the minutes' closes.
  package mutating func settle(at instants: [SettledInstant]) { writer.settle(at: instants) }

  /// Returns the file's SHA-256.
  package consuming func write(to path: String) throws(DatasetError) -> String {
    for candle in candles {
      let isLabel = !excluded.contains(candle.openTime)
      writer.appendMinute(
        openTime: candle.openTime, open: isLabel ? candle.open : .nan, close: isLabel ? candle.close : .nan)
    }
    return try writer.write(to: path)
  }

  private mutating func append(_ candle: FeatureInput, availableAt time: Timestamp) {
    if isStale { foldAgain() }
    features.update(candle)
    candles.append(candle)
    guard range.contains(candle.openTime) else { return }
    writeVector()
    let row = DatasetRow(
      openTime: candle.openTime, availableAt: time, open: candle.open, close: candle.close,
      candlesSinceRestart: Int32(clamping: features.engine.candlesSinceRestart),
      isNearAmendment: candle.openTime.adding(minutes: 1) < amendedUntil)
    writer.append(row, vector: vector)
  }

  private mutating func amend(_ candle: FeatureInput, at time: Timestamp) {
    amendedUntil = max(amendedUntil, time.adding(minutes: Self.sequenceMinutes + 1))
    let position = position(of: candle.openTime)
    if position < candles.count, candles[position].openTime == candle.openTime {
      candles[position] = candle
    } else {
      candles.insert(candle, at: position)
    }
    guard !isStale, case .needsRebuild = features.amend([candle]) else { return }
    isStale = true
  }

  private mutating func foldAgain() {
    features = RewindableFeatures()
    for candle in candles { features.update(candle) }
    isStale = false
  }

  /// The array is moved out and back, so that writing neither copies it nor the engine.
  private mutating func writeVector() {
    var values: [Float] = []
    swap(&values, &vector)
    var span = values.mutableSpan
    features.engine.write(featureSet, into: &span)
    swap(&values, &vector)
  }

  private func position(of time: Timestamp) -> Int {
    var (low, high) = (0, candles.count)
    while low < high {
      let middle = (low + high) / 2
      if candles[middle].openTime < time { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
