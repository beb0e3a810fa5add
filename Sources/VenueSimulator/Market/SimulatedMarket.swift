package import Ingestion
package import Market

/// What a simulator plays: recorded minutes of some instruments, split into a past and a stream.
package struct SimulatedMarket: Sendable {
  let series: [SimulatedSeries]
  /// When the stream begins: what closed before is history.
  package let split: Timestamp
  /// When the last minute closes.
  package let end: Timestamp

  package struct Options: Hashable, Sendable {
    /// How much of the end of the data is streamed.
    package var streamedMicroseconds: Int64
    /// Where the split is moved to, by whole minutes down; `nil` keeps the recorded time.
    package var splitAt: Timestamp?
    package var seed: UInt64

    package init(
      streamedMicroseconds: Int64 = Timestamp.microsecondsPerDay, splitAt: Timestamp? = nil, seed: UInt64 = 1
    ) {
      (self.streamedMicroseconds, self.splitAt, self.seed) = (streamedMicroseconds, splitAt, seed)
    }
  }

  /// - Parameter recordings: minutes of each instrument in order, all in the same recorded time.
  package init(_ recordings: [Symbol: [Candle]], _ options: Options = Options()) throws(SimulationError) {
    let candles = recordings.values.flatMap { [$0.first, $0.last] }.compactMap { $0 }
    guard let first = candles.map(\.openTime).min(), let last = candles.map(\.closeTime).max() else { throw .noData }
    for (symbol, candles) in recordings {
      if let odd = candles.first(where: { $0.isBeyondArithmetic }) {
        throw .unplayable(symbol: symbol, time: odd.openTime)
      }
    }
    let recorded = Timestamp(minute: max(first, last.adding(microseconds: -options.streamedMicroseconds)).minute)
    let shift = options.splitAt.map { $0.minute - recorded.minute } ?? 0
    split = recorded.adding(minutes: Int(shift))
    end = last.adding(minutes: Int(shift))
    series = recordings.sorted { $0.key.name < $1.key.name }.map { symbol, candles in
      SimulatedSeries(symbol, candles: candles, shiftMinutes: shift, seed: options.seed)
    }
  }

  package var symbols: [Symbol] { series.map(\.symbol) }

  /// Reads candle files of any format that `import` reads. Files of one instrument may overlap; later ones win.
  package static func recordings(
    in files: [(path: String, symbol: Symbol)]
  ) throws(ImportError) -> [Symbol: [Candle]] {
    var recordings: [Symbol: [Candle]] = [:]
    for (path, symbol) in files {
      let reader = try CandleFileReader(path: path)
      var candles: [Candle] = []
      while let next = try reader.next() { candles += next }
      recordings[symbol] = merged(recordings[symbol] ?? [], with: candles)
    }
    return recordings
  }

  private static func merged(_ earlier: [Candle], with later: [Candle]) -> [Candle] {
    guard let last = earlier.last, let first = later.first else { return earlier + later }
    if last.openTime < first.openTime { return earlier + later }
    let byTime = Dictionary((earlier + later).map { ($0.openTime, $0) }, uniquingKeysWith: { $1 })
    return byTime.values.sorted { $0.openTime < $1.openTime }
  }
}

extension Candle {
  /// Prices above 10 million or volumes above 40 billion would overflow sums of products.
  fileprivate var isBeyondArithmetic: Bool {
    high.units > 1_000_000_000_000_000 || (volume?.units ?? 0) > 4_000_000_000_000_000_000
  }
}

/// Why a simulation cannot begin.
package enum SimulationError: Error, Hashable, Sendable, CustomStringConvertible {
  case noData
  case unplayable(symbol: Symbol, time: Timestamp)

  package var description: String {
    switch self {
    case .noData: "there are no candles to play"
    case .unplayable(let symbol, let time):
      "\(symbol) at \(time): a price above 10 million or a volume above 40 billion cannot be played"
    }
  }
}
