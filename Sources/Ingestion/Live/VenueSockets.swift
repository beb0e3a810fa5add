import Market
import Venues

/// The sockets of one venue: which of them are open, and what is said on them unasked.
struct VenueSockets: Sendable {
  private let feed: Int
  private let symbols: [Symbol]
  private let channels: Set<Channel>
  private var watches: [LinkWatch] = []
  private(set) var budget: ConnectBudget
  /// Open sockets by number, with the time of the next text that keeps them open.
  private var open: [Int: KeepAlive?] = [:]
  private(set) var connects = 0
  /// Those that we are closing.
  private var unwanted: Set<Int> = []
  /// The number of the last frame of each socket that numbers them.
  private var sequences: [Int: Int64] = [:]

  private struct KeepAlive: Sendable {
    let text: String
    let intervalMicroseconds: Int64
    var dueAt: Timestamp
  }

  init(
    _ plan: FeedPlan, index: Int, _ feed: any FeedProtocol, _ thresholds: LiveThresholds, seed: UInt64,
    memory: FeedMemory?, now: Timestamp
  ) {
    self.feed = index
    symbols = plan.series.map(\.symbol)
    channels = Set(plan.channels)
    budget = memory.map { ConnectBudget(restoring: $0.connects, now: now) } ?? ConnectBudget()
    guard !channels.isEmpty else { return }
    for (position, socket) in feed.sockets(for: symbols, channels, now: now).enumerated() {
      let options = LinkWatch.Options(
        thresholds, channels: plan.channels, lifetimeSeconds: socket.lifetimeSeconds)
      watches.append(LinkWatch(options, seed: seed &+ UInt64(index) << 32 &+ UInt64(position)))
    }
  }

  /// Every subscription has a socket that brought data.
  var isConnected: Bool { watches.allSatisfy { $0.currentSocket != nil } }

  mutating func tick(_ protocol: any FeedProtocol, _ now: Timestamp, _ output: inout LiveOutput) {
    for link in watches.indices {
      for action in watches[link].tick(now: now, &budget) { perform(action, link, `protocol`, now, &output) }
    }
    for (number, keepAlive) in open {
      guard var keepAlive, now >= keepAlive.dueAt else { continue }
      keepAlive.dueAt = now.adding(microseconds: keepAlive.intervalMicroseconds)
      open[number] = keepAlive
      output.actions.append(.send(id(number), texts: [keepAlive.text]))
    }
  }

  /// - Returns: whether it opened beside another one, so that nothing before the newest data can be missing.
  mutating func opened(
    _ number: Int, _ protocol: any FeedProtocol, _ now: Timestamp, _ output: inout LiveOutput
  ) -> Bool {
    let (link, socket) = parts(of: number)
    let isSecond = watches[link].currentSocket != nil
    for action in watches[link].opened(socket, now: now) { perform(action, link, `protocol`, now, &output) }
    let plan = `protocol`.sockets(for: symbols, channels, now: now)[link]
    open[number] = plan.keepAlive.map {
      let interval = Int64($0.intervalSeconds) * 1_000_000
      return KeepAlive(text: $0.text, intervalMicroseconds: interval, dueAt: now.adding(microseconds: interval))
    }
    if !plan.greetings.isEmpty { output.actions.append(.send(id(number), texts: plan.greetings)) }
    return isSecond
  }

  mutating func heard(
    _ number: Int, _ channel: Channel?, _ time: Timestamp?, isNews: Bool = true, _ now: Timestamp
  ) {
    let (link, socket) = parts(of: number)
    watches[link].heard(socket, channel, eventTime: time, isNews: isNews, now: now)
  }

  mutating func announcedEnd(of number: Int) {
    let (link, socket) = parts(of: number)
    watches[link].announcedEnd(of: socket)
  }

  /// - Returns: how many frames of the socket are missing before this one.
  mutating func skipped(_ number: Int, _ sequence: Int64) -> Int64 {
    let last = sequences[number] ?? sequence - 1
    sequences[number] = max(last, sequence)
    return max(sequence - last - 1, 0)
  }

  /// Frames of it were lost, so that a book made of them is wrong.
  mutating func lostFrames(of number: Int, _ now: Timestamp) {
    guard channels.contains(.books) else { return }
    let (link, socket) = parts(of: number)
    watches[link].lostFrames(of: socket, now: now)
  }

  /// - Returns: whether it was we who closed it.
  mutating func closed(_ number: Int, _ reconnection: Reconnection, _ now: Timestamp) -> Bool {
    let (link, socket) = parts(of: number)
    open.removeValue(forKey: number)
    sequences.removeValue(forKey: number)
    watches[link].closed(socket, reconnection, now: now)
    return unwanted.remove(number) != nil
  }

  private mutating func perform(
    _ action: LinkWatch.Action, _ link: Int, _ protocol: any FeedProtocol, _ now: Timestamp,
    _ output: inout LiveOutput
  ) {
    switch action {
    case .connect(let socket, let reason):
      connects += 1
      let number = number(link, socket)
      output.actions.append(.connect(id(number), `protocol`.sockets(for: symbols, channels, now: now)[link]))
      output.notes.append(
        LiveNote(.info, "link", nil, "\(`protocol`.venue): connecting socket \(number) (\(reason.rawValue))"))
    case .close(let socket, let reason):
      let number = number(link, socket)
      unwanted.insert(number)
      output.actions.append(.close(id(number)))
      output.notes.append(
        LiveNote(.info, "link", nil, "\(`protocol`.venue): closing socket \(number) (\(reason.rawValue))"))
    }
  }

  private func id(_ number: Int) -> SocketID { SocketID(feed: feed, number: number) }

  /// Sockets of all subscriptions in one count.
  private func number(_ link: Int, _ socket: Int) -> Int { socket * watches.count + link }

  private func parts(of number: Int) -> (link: Int, socket: Int) { (number % watches.count, number / watches.count) }
}
