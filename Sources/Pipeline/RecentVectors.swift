internal import Features
internal import Market
internal import Models

/// The newest feature vectors with their candles: what sequences and windows are rebuilt from after late truth.
struct RecentVectors {
  static let capacity = 60

  private let featureSet: FeatureSet
  private let capacity: Int
  private var width: Int { featureSet.count }
  private var vectors: [Float]
  private var candles: [FeatureInput] = []
  /// Where the next one goes once the ring is full.
  private var next = 0

  init(_ featureSet: FeatureSet, capacity: Int = Self.capacity) {
    (self.featureSet, self.capacity) = (featureSet, capacity)
    vectors = [Float](repeating: .nan, count: capacity * featureSet.count)
    candles.reserveCapacity(capacity)
  }

  var count: Int { candles.count }

  mutating func append(_ engine: borrowing FeatureEngine) {
    guard let candle = engine.newest else { return }
    let slot = next
    if candles.count < capacity { candles.append(candle) } else { candles[slot] = candle }
    next = slot + 1 == capacity ? 0 : slot + 1
    let (featureSet, start) = (featureSet, slot * width)
    var span = vectors.mutableSpan
    engine.write(featureSet, into: &span, at: start)
  }

  /// Puts refolded candles in the place of the newest ones, from the first refolded minute on.
  mutating func replaceTail(with refolded: RecentVectors) {
    guard let first = refolded.oldest else { return }
    var merged = RecentVectors(featureSet)
    forEach { candle, vector in
      if candle.openTime < first.openTime { merged.append(candle, vector) }
    }
    refolded.forEach { merged.append($0, $1) }
    self = merged
  }

  /// Oldest first.
  func forEach(_ body: (FeatureInput, UnsafeBufferPointer<Float>) -> Void) {
    vectors.withUnsafeBufferPointer { vectors in
      for age in stride(from: candles.count - 1, through: 0, by: -1) {
        let slot = slot(age: age)
        body(candles[slot], UnsafeBufferPointer(rebasing: vectors[slot * width..<(slot + 1) * width]))
      }
    }
  }

  func withNewest<R>(_ body: (UnsafeBufferPointer<Float>) -> R) -> R {
    let slot = slot(age: 0)
    return vectors.withUnsafeBufferPointer {
      body(UnsafeBufferPointer(rebasing: $0[slot * width..<(slot + 1) * width]))
    }
  }

  var newest: FeatureInput? { candles.isEmpty ? nil : candles[slot(age: 0)] }

  var newestVector: [Float] { candles.isEmpty ? [] : withNewest { Array($0) } }

  /// Of the bits of the newest vector and the window's state.
  func inputHash(_ window: WindowState?) -> UInt64 {
    withNewest { Fingerprint($0, window).value }
  }

  private var oldest: FeatureInput? { candles.isEmpty ? nil : candles[slot(age: candles.count - 1)] }

  private func slot(age: Int) -> Int { (next - 1 - age + 2 * capacity) % capacity }

  /// Oldest first.
  var points: [FeatureVector] {
    var points: [FeatureVector] = []
    forEach { points.append(FeatureVector(candle: $0, vector: Array($1))) }
    return points
  }

  /// Of the minutes of another, those that are not the same here; oldest first.
  func changes(in other: RecentVectors) -> [FeatureVector] {
    let known = Dictionary(points.map { ($0.candle.openTime, $0) }) { _, newer in newer }
    return other.points.filter { known[$0.candle.openTime]?.isSame(as: $0) != true }
  }

  /// Puts minutes, oldest first, in the place of those of the same time, or between those around them.
  mutating func put(_ changes: [FeatureVector]) {
    var merged = RecentVectors(featureSet, capacity: capacity)
    var rest = changes[...]
    forEach { candle, vector in
      while let first = rest.first, first.candle.openTime < candle.openTime { merged.append(rest.removeFirst()) }
      if rest.first?.candle.openTime == candle.openTime {
        merged.append(rest.removeFirst())
      } else {
        merged.append(candle, vector)
      }
    }
    for point in rest { merged.append(point) }
    self = merged
  }

  mutating func append(_ point: FeatureVector) {
    point.vector.withUnsafeBufferPointer { append(point.candle, $0) }
  }

  private mutating func append(_ candle: FeatureInput, _ vector: UnsafeBufferPointer<Float>) {
    let slot = next
    if candles.count < capacity { candles.append(candle) } else { candles[slot] = candle }
    next = slot + 1 == capacity ? 0 : slot + 1
    for column in 0..<width { vectors[slot * width + column] = vector[column] }
  }
}
