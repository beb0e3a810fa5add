package import Market

/// Makes candles of one series' trades, in whatever order they come, and gives those that are proven whole.
///
/// The ids prove it. A boundary between two minutes is known once the last trade before it and the first one after it
/// have neighbouring ids; a heartbeat with the id of the last trade, amid a minute, stands for either. A minute is
/// whole when both its boundaries are known and every id between them has come. So the first and the last minute of a
/// session are never given until their missing trades come, and neither is a minute with a hole.
///
/// Amounts are exact: quote volume sums exact products and is rounded once, half up, to eight places.
package struct TradeCandles: Sendable {
  package struct Options: Hashable, Sendable {
    /// Minutes that late trades can still complete or revise.
    package var keptMinutes = 120
    /// Runs of ids held at most; beyond, the lowest are forgotten.
    package var heldRuns = 4096
    /// Trades and heartbeats further ahead of the pipeline's clock are refused.
    package var aheadMicroseconds = 10 * Timestamp.microsecondsPerMinute
    /// Heartbeats so close to a minute's border prove nothing: their clock need not be that of the trades.
    package var borderMicroseconds: Int64 = 2_000_000

    package init() {}
  }

  private struct Minute {
    var draft: MinuteDraft?
    /// Smallest and largest id that a heartbeat of this minute named as the last trade's.
    var firstBeat: Int64?
    var lastBeat: Int64?
    var ids = 0
    /// Ids of the version that was given; none for a quiet minute.
    var givenIds: Int?
    var wasSealed = false

    var lowestId: Int64? { smaller(draft?.firstId, firstBeat.map { $0 + 1 }) }
    var highestId: Int64? { larger(draft?.lastId, lastBeat) }
  }

  private let options: Options
  private var known = KeyRanges()
  /// Every minute from `firstMinute` on.
  private var minutes: [Minute] = []
  private var firstMinute: Int64 = 0
  /// The last id before the first kept minute.
  private var idBeforeKept: Int64?
  /// Ids up to this one are received or reported as jumped.
  private var newestId: Int64?
  private var missing = KeyRanges()

  package init(_ options: Options = Options()) { self.options = options }

  /// Ids that were jumped over and have not come.
  package var missingIds: [Range<Int64>] { missing.runs }

  package var lastTradeId: Int64? { newestId }

  /// Goes on after the last id that an earlier process accounted for, so that a first trade further on is a jump. It
  /// proves no boundary between minutes.
  package mutating func resume(after id: Int64) { newestId = larger(newestId, id) }

  package mutating func receive(
    _ trade: Trade, _ provenance: Provenance = .live, now: Timestamp
  ) -> [SealingOutput] {
    guard let quote = MinuteDraft.quote(of: trade), trade.price.units > 0, trade.quantity.units > 0 else {
      return [.refused(reason: "trade \(trade.id) of \(trade.quantity) at \(trade.price)")]
    }
    guard trade.id >= 0, trade.id < .max - 1, trade.count > 0 else {
      return [.refused(reason: "trade \(trade.id) that counts \(trade.count)")]
    }
    if let refusal = refusal(of: trade.time, now) { return [refusal] }
    if known.contains(trade.id) || trade.id <= idBeforeKept ?? -1 { return [] }
    let changesNoBoundary = trade.id - 1 == newestId && trade.time.minute == newestMinute && minutes.last?.draft != nil
    var outputs = note(received: trade.id)
    let index = indexOfMinute(trade.time.minute)
    minutes[index].draft = minutes[index].draft ?? MinuteDraft(trade)
    minutes[index].draft?.add(trade, quote: quote, provenance)
    minutes[index].ids += 1
    if changesNoBoundary { return outputs }
    outputs += proven()
    forgetOldest()
    return outputs
  }

  /// The venue's word that by `time` the last trade was this one.
  package mutating func heartbeat(time: Timestamp, lastTradeId id: Int64, now: Timestamp) -> [SealingOutput] {
    guard id >= 0, id < .max - 1 else { return [.refused(reason: "heartbeat with last trade \(id)")] }
    if let refusal = refusal(of: time, now) { return [refusal] }
    var outputs: [SealingOutput] = []
    if let newestId, id > newestId {
      missing.insert((newestId + 1)..<(id + 1))
      outputs.append(.jumped(ids: (newestId + 1)..<(id + 1)))
    }
    if id > newestId ?? -1 { newestId = id }
    let inMinute = time.microseconds - time.minute * Timestamp.microsecondsPerMinute
    let border = options.borderMicroseconds
    guard inMinute >= border, inMinute < Timestamp.microsecondsPerMinute - border else { return outputs }
    let index = indexOfMinute(time.minute)
    minutes[index].lastBeat = larger(minutes[index].lastBeat, id)
    if let first = minutes[index].firstBeat, first <= id { return outputs }
    minutes[index].firstBeat = id
    outputs += proven()
    forgetOldest()
    return outputs
  }

  private func refusal(of time: Timestamp, _ now: Timestamp) -> SealingOutput? {
    if time > now.adding(microseconds: options.aheadMicroseconds) {
      return .refused(reason: "\(time) is ahead of \(now)")
    }
    guard let newestMinute else { return nil }
    let oldest = idBeforeKept == nil ? newestMinute - Int64(options.keptMinutes) + 1 : firstMinute
    return time.minute < oldest ? .refused(reason: "\(time) is too old to change a minute") : nil
  }

  private var newestMinute: Int64? { minutes.isEmpty ? nil : firstMinute + Int64(minutes.count) - 1 }

  private mutating func note(received id: Int64) -> [SealingOutput] {
    known.insert(id)
    if known.runs.count > options.heldRuns, let lowest = known.runs.first { known.remove(lowest) }
    guard let newest = newestId else {
      newestId = id
      return []
    }
    if id > newest {
      newestId = id
      guard id > newest + 1 else { return [] }
      missing.insert((newest + 1)..<id)
      if missing.runs.count > options.heldRuns, let lowest = missing.runs.first { missing.remove(lowest) }
      return [.jumped(ids: (newest + 1)..<id)]
    }
    guard missing.contains(id) else { return [] }
    missing.remove(id..<(id + 1))
    return [.recovered(ids: id..<(id + 1))]
  }

  private mutating func indexOfMinute(_ number: Int64) -> Int {
    if let newestMinute, number - newestMinute >= Int64(options.keptMinutes) { forget(minutes.count) }
    if minutes.isEmpty { firstMinute = number }
    if number < firstMinute {
      minutes.insert(contentsOf: repeatElement(Minute(), count: Int(firstMinute - number)), at: 0)
      firstMinute = number
    }
    let index = Int(number - firstMinute)
    if index >= minutes.count { minutes += repeatElement(Minute(), count: index - minutes.count + 1) }
    return index
  }

  private mutating func forgetOldest() { forget(max(minutes.count - options.keptMinutes, 0)) }

  private mutating func forget(_ count: Int) {
    guard count > 0 else { return }
    for minute in minutes[..<count] { idBeforeKept = larger(idBeforeKept, minute.highestId) }
    minutes.removeFirst(count)
    firstMinute += Int64(count)
    guard let idBeforeKept else { return }
    known.remove(0..<idBeforeKept)
    missing.remove(0..<idBeforeKept)
  }

  /// What the ids prove now and did not before.
  private mutating func proven() -> [SealingOutput] {
    var outputs: [SealingOutput] = []
    let lowest = lowestIdsFrom()
    var before = idBeforeKept
    for index in minutes.indices.dropLast() {
      let end = larger(before, minutes[index].highestId)
      if isWhole(lowest[index], before, end, lowest[index + 1]), minutes[index].givenIds != minutes[index].ids {
        outputs.append(given(index))
      }
      before = end
    }
    return outputs
  }

  /// Both boundaries are known, each by the highest id before it and the lowest one after it, and so is all between.
  private func isWhole(_ start: Int64?, _ beforeStart: Int64?, _ end: Int64?, _ afterEnd: Int64?) -> Bool {
    guard let start, let beforeStart, let end, let afterEnd else { return false }
    guard start <= beforeStart + 1, afterEnd <= end + 1 else { return false }
    return start > end || known.covers(start..<(end + 1))
  }

  /// For each kept minute the lowest id known to be of it or later.
  private func lowestIdsFrom() -> [Int64?] {
    var lowest = [Int64?](repeating: nil, count: minutes.count)
    var running: Int64?
    for index in minutes.indices.reversed() {
      running = smaller(running, minutes[index].lowestId)
      lowest[index] = running
    }
    return lowest
  }

  private mutating func given(_ index: Int) -> SealingOutput {
    let number = firstMinute + Int64(index)
    let isRevision = minutes[index].wasSealed
    minutes[index].givenIds = minutes[index].ids
    guard let draft = minutes[index].draft else { return .quiet(minute: number) }
    minutes[index].wasSealed = true
    return .sealed(SealedCandle(draft.candle(minute: number), draft.provenance, isRevision: isRevision))
  }
}

private func smaller(_ a: Int64?, _ b: Int64?) -> Int64? {
  guard let a, let b else { return a ?? b }
  return min(a, b)
}

private func larger(_ a: Int64?, _ b: Int64?) -> Int64? {
  guard let a, let b else { return a ?? b }
  return max(a, b)
}
