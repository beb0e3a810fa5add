package import Market
package import Venues

/// Takes the finished minutes out of one series' candle stream.
///
/// A minute that the venue reports as closed is whole, whenever the connection began. One that was seen open and that
/// the stream has left without closing it must be asked for; its partial values are never given.
package struct KlineCandles: Sendable {
  package struct Options: Hashable, Sendable {
    /// Minutes of which the given version is remembered, to know a repetition from a revision.
    package var keptMinutes = 120
    /// Klines further ahead of the pipeline's clock are refused.
    package var aheadMicroseconds = 10 * Timestamp.microsecondsPerMinute

    package init() {}
  }

  private let options: Options
  private var given: [Int64: Kline] = [:]
  private var open: Set<Int64> = []
  private var newest: Int64?

  package init(_ options: Options = Options()) { self.options = options }

  package mutating func receive(_ kline: Kline, now: Timestamp) -> [SealingOutput] {
    if let (rule, field) = kline.candle.violation {
      return [.refused(reason: "kline of \(kline.candle.openTime): \(field) breaks “\(rule.rawValue)”")]
    }
    if kline.candle.openTime > now.adding(microseconds: options.aheadMicroseconds) {
      return [.refused(reason: "kline of \(kline.candle.openTime) is ahead of \(now)")]
    }
    let minute = kline.candle.openTime.minute
    var outputs = advance(to: minute)
    if kline.isClosed {
      open.remove(minute)
      if let sealed = sealed(kline, minute) { outputs.append(sealed) }
    } else if given[minute] == nil, minute == newest {
      open.insert(minute)
    }
    return outputs
  }

  private mutating func advance(to minute: Int64) -> [SealingOutput] {
    guard minute > newest ?? .min else { return [] }
    newest = minute
    let left = open.sorted()
    open.removeAll()
    let oldest = minute - Int64(options.keptMinutes)
    given = given.filter { $0.key > oldest }
    return left.map { .unfinished(minute: $0) }
  }

  private mutating func sealed(_ kline: Kline, _ minute: Int64) -> SealingOutput? {
    let isForgotten = newest.map { minute <= $0 - Int64(options.keptMinutes) } ?? false
    if let earlier = given[minute] {
      guard kline.time >= earlier.time, kline.candle != earlier.candle else { return nil }
    }
    let isRevision = isForgotten || given[minute] != nil
    if !isForgotten { given[minute] = kline }
    return .sealed(SealedCandle(kline.candle, .live, isRevision: isRevision))
  }
}
