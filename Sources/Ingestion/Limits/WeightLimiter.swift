package import Market

/// Keeps the requests to one venue below its weight limit, which counts by address and by fixed minute of its clock.
///
/// All times are the venue's. Its state outlives the process: a program that crashes and starts again and again counts
/// on where it stopped, and stays silent for as long as the venue has said.
package struct WeightLimiter: Sendable {
  package struct Options: Hashable, Sendable {
    /// Weight per minute; the venue's own word replaces it.
    package var limit = 1200
    /// Weight per second, where a venue counts so; `nil` is no such limit.
    package var perSecond: Int?
    /// Of the limits, so much is used: others may share the address.
    package var share = 0.8
    package var firstPauseMicroseconds: Int64 = 10_000_000
    package var longestPauseMicroseconds: Int64 = 600_000_000
    /// A ban without a word of its length; it doubles with each.
    package var firstBanMicroseconds: Int64 = 120_000_000

    package init() {}
  }

  package enum Permit: Hashable, Sendable {
    /// The weight is counted as used.
    case go
    case wait(until: Timestamp)
  }

  /// What is stored.
  package struct State: Hashable, Sendable, Codable {
    package fileprivate(set) var minute: Int64 = .min
    package fileprivate(set) var used = 0
    package fileprivate(set) var blockedUntil: Timestamp?
    /// The venue has banned this address.
    package fileprivate(set) var isBanned = false
    /// Refusals since the last answer that was none.
    package fileprivate(set) var strikes = 0

    package init() {}
  }

  package private(set) var state: State
  private var options: Options
  /// Weight used in the newest second; what a crash forgets of it is no more than a second's.
  private var second = (number: Int64.min, used: 0)

  package init(_ options: Options = Options()) {
    (self.options, state) = (options, State())
  }

  /// Goes on where an earlier process stopped. A block beyond the longest ban there is, three days, is not believed.
  package init(restoring stored: State, _ options: Options = Options(), now: Timestamp) {
    (self.options, state) = (options, stored)
    state.used = max(stored.used, 0)
    state.strikes = min(max(stored.strikes, 0), 30)
    state.minute = min(stored.minute, now.minute)
    if let until = stored.blockedUntil {
      state.blockedUntil = min(until, now.adding(microseconds: Self.longestBanMicroseconds))
    }
  }

  /// Weight per minute as the venue says it.
  package mutating func learned(limit: Int) {
    if limit > 0 { options.limit = limit }
  }

  package var usableWeight: Int { max(Int(Double(options.limit) * options.share), 1) }

  /// A request heavier than a whole minute's share may go alone.
  package mutating func permit(_ weight: Int, now: Timestamp) -> Permit {
    if let until = state.blockedUntil {
      guard now >= until else { return .wait(until: until) }
      (state.blockedUntil, state.isBanned) = (nil, false)
    }
    turn(to: now)
    guard state.used == 0 || weight <= usableWeight - state.used else {
      return .wait(until: Timestamp(minute: state.minute + 1))
    }
    if let until = fullSecond(weight, now: now) { return .wait(until: until) }
    state.used += max(weight, 0)
    second.used += max(weight, 0)
    return .go
  }

  /// When the next second begins, if this one has no room.
  private mutating func fullSecond(_ weight: Int, now: Timestamp) -> Timestamp? {
    let number = now.microseconds.flooredQuotient(1_000_000)
    if number > second.number { second = (number, 0) }
    guard let limit = options.perSecond, second.used > 0,
      weight > max(Int(Double(limit) * options.share), 1) - second.used
    else { return nil }
    return Timestamp(microseconds: (second.number + 1) * 1_000_000)
  }

  /// An answer that was no refusal, with the weight that the venue has counted, if it said so. Of a request sent in
  /// another minute nothing is learned.
  package mutating func answered(used: Int?, sentAt: Timestamp, now: Timestamp) {
    if state.blockedUntil == nil { state.strikes = 0 }
    turn(to: now)
    guard let used, used >= 0, sentAt.minute == state.minute else { return }
    state.used = max(state.used, min(used, Int(Int32.max)))
  }

  /// The venue refused with 429 or 418; nothing is sent to it before the end of the pause.
  package mutating func refused(status: Int, retryAfterSeconds: Int?, now: Timestamp) {
    let isBan = status == 418
    state.strikes = min(state.strikes + 1, 30)
    let first = isBan ? options.firstBanMicroseconds : options.firstPauseMicroseconds
    let longest = isBan ? Self.longestBanMicroseconds : options.longestPauseMicroseconds
    let said = retryAfterSeconds.map { Int64(min(max($0, 1), Self.longestBanSeconds)) * 1_000_000 }
    let grown = min(first << Int64(min(state.strikes - 1, 20)), longest)
    let until = now.adding(microseconds: said ?? grown)
    state.blockedUntil = max(state.blockedUntil ?? until, until)
    state.isBanned = state.isBanned || isBan
  }

  private static let longestBanSeconds = 3 * 86_400
  private static let longestBanMicroseconds = Int64(longestBanSeconds) * 1_000_000

  /// The count begins anew with the venue's minute. A clock that goes back a little does not give the minute again.
  private mutating func turn(to now: Timestamp) {
    guard now.minute > state.minute else { return }
    (state.minute, state.used) = (now.minute, 0)
  }
}
