package import Market
package import Venues

/// Keeps one subscription of a venue alive over its sockets.
///
/// Judged is data, not pings. A socket that is silent, old, or about to be closed by the venue is replaced: a second one
/// is opened, and the first is dropped only when the second has brought data; both are heard until then. What comes
/// twice is dropped by those who make candles.
///
/// A silence may be the market's. It was, if the first socket speaks again beside the second, or the second is silent
/// too: then twice the silence is allowed from there on, until an hour has passed without such a mistake.
package struct LinkWatch: Sendable {
  package struct Options: Hashable, Sendable {
    /// Channels of the socket with the longest silence that is not suspicious. A heartbeat speaks for all of them.
    package var silenceMicroseconds: [Channel: Int64] = [:]
    /// More silence is not allowed, however often it was the market's, unless a channel's own is longer.
    package var longestSilenceMicroseconds: Int64 = 300_000_000
    /// How long it is remembered that a silence was the market's.
    package var patienceMicroseconds: Int64 = 3_600_000_000
    /// A subscription that has not brought data by then is taken to be wrong or lost.
    package var confirmMicroseconds: Int64 = 15_000_000
    package var connectMicroseconds: Int64 = 10_000_000
    /// The venue cuts the connection at this age.
    package var lifetimeMicroseconds: Int64 = 86_400_000_000
    /// A socket is replaced so long before its end, and up to `spreadMicroseconds` earlier still.
    package var marginMicroseconds: Int64 = 600_000_000
    package var spreadMicroseconds: Int64 = 300_000_000
    /// A socket is replaced at this age even if the venue would keep it longer.
    package var rotationMicroseconds = Int64.max
    /// How long both sockets are heard.
    package var overlapMicroseconds: Int64 = 5_000_000
    package var firstPauseMicroseconds: Int64 = 500_000
    package var longestPauseMicroseconds: Int64 = 60_000_000
    /// Pauses begin anew after so long without trouble.
    package var stableMicroseconds: Int64 = 60_000_000

    package init() {}
  }

  package enum Reason: String, Hashable, Sendable {
    case start, lost, silent, unconfirmed, rotation, shutdown, incomplete, timeout, replaced, needless
  }

  package enum Action: Hashable, Sendable {
    case connect(socket: Int, Reason)
    case close(socket: Int, Reason)
  }

  fileprivate struct Socket {
    let id: Int
    let reason: Reason
    let begunAt: Timestamp
    var openedAt: Timestamp?
    var confirmedAt: Timestamp?
    var replaceAt = Timestamp.distantFuture
    /// Why it has to go.
    var ending: Reason?
    var heard: [Channel: Timestamp] = [:]
    var newest: [Channel: Timestamp] = [:]
    /// Channels of which it has brought something new.
    var brought: Set<Channel> = []
  }

  /// A socket that is heard for some seconds more.
  private struct Retiring {
    let id: Int
    let at: Timestamp
    var reason = Reason.replaced
    /// Of these it has brought nothing, which is why it was replaced.
    var silent: Set<Channel> = []
  }

  private let options: Options
  private var random: SplitMix64
  private var current: Socket?
  private var next: Socket?
  private var retiring: [Retiring] = []
  /// How often the allowed silence was doubled, and until when that holds.
  private var doublings = 0
  private var patientUntil = Timestamp.distantPast
  /// What was silent then has been looked into.
  private var examinedAt = Timestamp.distantPast
  private var connectAt = Timestamp.distantPast
  private var failures = 0
  private var lastId = 0

  package init(_ options: Options, seed: UInt64) {
    self.options = options
    random = SplitMix64(seed: seed)
  }

  /// The socket whose data counts as the link's; others may bring the same beside it.
  package var currentSocket: Int? { current?.id }

  /// Everything that depends on time; to be called at `nextDue` and after every other input.
  package mutating func tick(now: Timestamp, _ budget: inout ConnectBudget) -> [Action] {
    if now >= patientUntil { doublings = 0 }
    var actions = retired(now)
    actions += givenUp(now)
    let need = need(now)
    if need == nil, let since = current?.confirmedAt, now.microseconds - since.microseconds > options.stableMicroseconds
    {
      failures = 0
    }
    guard let need, next == nil, now >= connectAt else { return actions }
    switch budget.permit(now: now) {
    case .wait(let until): connectAt = until
    case .go:
      lastId += 1
      next = Socket(id: lastId, reason: need, begunAt: now)
      actions.append(.connect(socket: lastId, need))
    }
    return actions
  }

  package mutating func opened(_ socket: Int, now: Timestamp) -> [Action] {
    guard next?.id == socket else {
      return current?.id == socket || retiring.contains { $0.id == socket } ? [] : [.close(socket: socket, .replaced)]
    }
    guard next?.openedAt == nil else { return [] }
    next?.openedAt = now
    let margin = min(options.marginMicroseconds, options.lifetimeMicroseconds / 10)
    let age = min(options.lifetimeMicroseconds - margin, options.rotationMicroseconds)
    let spread = Int64.random(in: 0...max(min(options.spreadMicroseconds, margin / 2, age / 10), 0), using: &random)
    next?.replaceAt = now.adding(microseconds: age - spread)
    for channel in options.silenceMicroseconds.keys { next?.heard[channel] = now }
    return []
  }

  /// Data of a channel, or a heartbeat when `channel` is `nil`. What is no newer than what the socket brought before is
  /// no sign of life.
  ///
  /// - Parameter isNews: nobody has said it before; a socket may begin with what another one said.
  package mutating func heard(
    _ socket: Int, _ channel: Channel?, eventTime: Timestamp?, isNews: Bool = true, now: Timestamp
  ) {
    if current?.id == socket {
      current?.note(channel, eventTime, isNews: isNews, now)
      standDown(now)
    } else if next?.id == socket, next?.openedAt != nil {
      next?.note(channel, eventTime, isNews: isNews, now)
      promote(now)
    } else if let index = retiring.firstIndex(where: { $0.id == socket }) {
      guard channel.map(retiring[index].silent.contains) ?? !retiring[index].silent.isEmpty else { return }
      retiring[index].silent = []
      wasQuiet(now)
    }
  }

  /// The first socket speaks again before the second has said anything.
  private mutating func standDown(_ now: Timestamp) {
    guard let second = next, second.reason == .silent, silentChannels(now).isEmpty else { return }
    retiring.append(Retiring(id: second.id, at: now, reason: .needless))
    next = nil
    wasQuiet(now)
  }

  private mutating func wasQuiet(_ now: Timestamp) {
    doublings = min(doublings + 1, Self.mostDoublings)
    patientUntil = now.adding(microseconds: options.patienceMicroseconds)
    examinedAt = now
  }

  private static let mostDoublings = 20

  private func allowed(_ silence: Int64) -> Int64 {
    min(silence << Int64(doublings), max(silence, options.longestSilenceMicroseconds))
  }

  private func silentChannels(_ now: Timestamp) -> Set<Channel> {
    Set(
      options.silenceMicroseconds.compactMap { channel, silence in
        guard let heard = current?.heard[channel] else { return nil }
        return now.microseconds - max(heard, examinedAt).microseconds > allowed(silence) ? channel : nil
      })
  }

  /// The venue says that it will close this socket.
  package mutating func announcedEnd(of socket: Int) {
    if current?.id == socket { current?.ending = .shutdown }
    if next?.id == socket { next?.ending = .shutdown }
  }

  /// Frames of this socket were lost, and only a new subscription makes up for them. One that is young stays, so that a
  /// line too slow for the venue is not opened anew all the time.
  package mutating func lostFrames(of socket: Int, now: Timestamp) {
    guard current?.id == socket, let since = current?.confirmedAt,
      now.microseconds - since.microseconds > options.stableMicroseconds
    else { return }
    current?.ending = .incomplete
  }

  /// The socket is closed, or could not be opened.
  package mutating func closed(_ socket: Int, _ reconnection: Reconnection = .backOff, now: Timestamp) {
    retiring.removeAll { $0.id == socket }
    if current?.id == socket {
      current = nil
    } else if next?.id == socket {
      next = nil
    } else {
      return
    }
    pause(now, reconnection)
  }

  package var nextDue: Timestamp {
    var due = retiring.map(\.at)
    if let next { due.append(deadline(of: next)) } else if isWanted { due.append(connectAt) }
    if let current {
      due.append(next == nil ? max(current.replaceAt, connectAt) : .distantFuture)
      for (channel, limit) in options.silenceMicroseconds where next == nil {
        guard let heard = current.heard[channel] else { continue }
        due.append(max(max(heard, examinedAt).adding(microseconds: allowed(limit) + 1), connectAt))
      }
    }
    return due.min() ?? .distantFuture
  }

  private var isWanted: Bool { current == nil || current?.ending != nil }

  private mutating func promote(_ now: Timestamp) {
    if let current {
      let silent = next?.reason == .silent ? silentChannels(now) : []
      retiring.append(
        Retiring(id: current.id, at: now.adding(microseconds: options.overlapMicroseconds), silent: silent))
    }
    current = next
    next = nil
  }

  private mutating func retired(_ now: Timestamp) -> [Action] {
    let due = retiring.filter { $0.at <= now }
    retiring.removeAll { $0.at <= now }
    for socket in due where !socket.silent.isEmpty {
      // It was the socket's silence if the other one brought what it lacked.
      if current?.brought.isDisjoint(with: socket.silent) ?? true { wasQuiet(now) } else { doublings = 0 }
    }
    return due.map { .close(socket: $0.id, $0.reason) }
  }

  /// A second socket that does not open, or opens and brings nothing.
  private mutating func givenUp(_ now: Timestamp) -> [Action] {
    guard let socket = next, now >= deadline(of: socket) else { return [] }
    next = nil
    pause(now)
    if socket.reason == .silent, socket.openedAt != nil, current != nil { wasQuiet(now) }
    return [.close(socket: socket.id, socket.openedAt == nil ? .timeout : .unconfirmed)]
  }

  private func deadline(of socket: Socket) -> Timestamp {
    socket.openedAt?.adding(microseconds: options.confirmMicroseconds)
      ?? socket.begunAt.adding(microseconds: options.connectMicroseconds)
  }

  private func need(_ now: Timestamp) -> Reason? {
    guard let current else { return lastId == 0 ? .start : .lost }
    if let ending = current.ending { return ending }
    if now >= current.replaceAt { return .rotation }
    return silentChannels(now).isEmpty ? nil : .silent
  }

  private mutating func pause(_ now: Timestamp, _ reconnection: Reconnection) {
    switch reconnection {
    case .backOff: pause(now)
    case .within(let seconds):
      connectAt = now.adding(microseconds: .random(in: 0...Int64(seconds) * 1_000_000, using: &random))
    case .useless(_, let seconds):
      connectAt = seconds.map { now.adding(microseconds: Int64($0) * 1_000_000) } ?? .distantFuture
    }
  }

  /// A random part of a span that doubles with every failure, so that many clients do not return together.
  private mutating func pause(_ now: Timestamp) {
    let span = min(options.firstPauseMicroseconds << Int64(min(failures, 30)), options.longestPauseMicroseconds)
    connectAt = now.adding(microseconds: .random(in: 0...max(span, 0), using: &random))
    failures += 1
  }
}

extension LinkWatch.Socket {
  fileprivate mutating func note(_ channel: Channel?, _ eventTime: Timestamp?, isNews: Bool, _ now: Timestamp) {
    if confirmedAt == nil { confirmedAt = now }
    guard let channel else {
      for key in heard.keys { heard[key] = now }
      brought.formUnion(heard.keys)
      return
    }
    if let eventTime {
      guard eventTime > newest[channel] ?? .distantPast else { return }
      newest[channel] = eventTime
    }
    if isNews { brought.insert(channel) }
    if heard[channel] != nil { heard[channel] = now }
  }
}
