import Ingestion
import Market
import TestSupport
import Testing
import Venues

struct LinkWatchTests {
  private let start = Timestamp("2025-01-01T12:00:00Z")!

  private func after(_ seconds: Double) -> Timestamp { start.adding(microseconds: Int64(seconds * 1_000_000)) }

  private func options(_ channels: [Channel: Int64] = [.trades: 10_000_000]) -> LinkWatch.Options {
    var options = LinkWatch.Options()
    options.silenceMicroseconds = channels
    return options
  }

  /// A link whose first socket has brought data at second 1.
  private func running(_ options: LinkWatch.Options, _ budget: inout ConnectBudget) -> LinkWatch {
    var link = LinkWatch(options, seed: 1)
    #expect(link.tick(now: start, &budget) == [.connect(socket: 1, .start)])
    #expect(link.opened(1, now: after(0.5)).isEmpty)
    link.heard(1, .trades, eventTime: after(1), now: after(1))
    #expect(link.currentSocket == 1)
    return link
  }

  @Test func `a silent socket is dropped only once another brings data`() {
    var budget = ConnectBudget()
    var link = running(options(), &budget)
    #expect(link.tick(now: after(11), &budget).isEmpty)
    #expect(link.nextDue == after(11.000001))
    #expect(link.tick(now: after(11.1), &budget) == [.connect(socket: 2, .silent)])
    _ = link.opened(2, now: after(11.5))
    #expect(link.tick(now: after(12), &budget).isEmpty)
    link.heard(2, .trades, eventTime: after(12), now: after(12))
    #expect(link.currentSocket == 2)
    #expect(link.tick(now: after(16.9), &budget).isEmpty)
    #expect(link.tick(now: after(17), &budget) == [.close(socket: 1, .replaced)])
  }

  @Test func `a quiet market keeps its socket and is asked less and less often`() {
    var budget = ConnectBudget()
    var link = running(options(), &budget)
    var connects = 0
    var open: Int?
    for second in 11..<3600 {
      for action in link.tick(now: after(Double(second)), &budget) {
        switch action {
        case .connect(let socket, _):
          connects += 1
          open = socket
        case .close(let socket, let reason):
          #expect(socket == open)
          #expect(reason == .unconfirmed)
        }
      }
      if let socket = open {
        _ = link.opened(socket, now: after(Double(second)))
        open = socket
      }
    }
    #expect(link.currentSocket == 1)
    #expect((10...20).contains(connects))
  }

  /// Both sockets bring a trade every so many seconds, the older one first or last.
  @Test(arguments: [true, false])
  func `a market of few trades costs some sockets an hour and not one for each pause`(isOlderFirst: Bool) {
    var budget = ConnectBudget()
    var link = running(options(), &budget)
    var sockets = [1]
    var connects: [Int] = []
    for second in 2..<6 * 3600 {
      let now = after(Double(second))
      for action in link.tick(now: now, &budget) {
        switch action {
        case .connect(let socket, _):
          connects.append(second)
          _ = link.opened(socket, now: now)
          sockets.append(socket)
        case .close(let socket, _): sockets.removeAll { $0 == socket }
        }
      }
      guard second.isMultiple(of: 40) else { continue }
      for socket in isOlderFirst ? sockets : sockets.reversed() {
        link.heard(socket, .trades, eventTime: now, now: now)
      }
    }
    #expect(sockets.count == 1)
    #expect((8...30).contains(connects.count), "\(connects)")
  }

  @Test func `after a mistake twice the silence is allowed, until a socket turns out to be dead`() {
    var budget = ConnectBudget()
    var link = running(options(), &budget)
    #expect(link.tick(now: after(12), &budget) == [.connect(socket: 2, .silent)])
    link.heard(1, .trades, eventTime: after(13), now: after(13))
    #expect(link.currentSocket == 1)
    #expect(link.tick(now: after(13), &budget) == [.close(socket: 2, .needless)])
    #expect(link.tick(now: after(33), &budget).isEmpty)
    #expect(link.tick(now: after(33.1), &budget) == [.connect(socket: 3, .silent)])
    _ = link.opened(3, now: after(33.5))
    link.heard(3, .trades, eventTime: after(34), now: after(34))
    #expect(link.tick(now: after(39), &budget) == [.close(socket: 1, .replaced)])
    #expect(link.tick(now: after(44), &budget).isEmpty)
    #expect(link.tick(now: after(44.1), &budget) == [.connect(socket: 4, .silent)])
  }

  @Test func `a heartbeat is a sign of life for every channel and a repetition is none`() {
    var budget = ConnectBudget()
    var link = running(options(), &budget)
    link.heard(1, nil, eventTime: nil, now: after(9))
    #expect(link.tick(now: after(18), &budget).isEmpty)
    link.heard(1, .trades, eventTime: after(1), now: after(18))
    #expect(link.tick(now: after(19.1), &budget) == [.connect(socket: 2, .silent)])
  }

  @Test func `each channel has its own silence`() {
    var budget = ConnectBudget()
    var link = running(options([.trades: 60_000_000, .klines: 5_000_000]), &budget)
    for second in 1..<6 { link.heard(1, .trades, eventTime: after(Double(second)), now: after(Double(second))) }
    #expect(link.tick(now: after(5.4), &budget).isEmpty)
    #expect(link.tick(now: after(5.6), &budget) == [.connect(socket: 2, .silent)])
  }

  @Test func `a subscription without data is wrong`() {
    var budget = ConnectBudget()
    var link = LinkWatch(options(), seed: 1)
    _ = link.tick(now: start, &budget)
    _ = link.opened(1, now: after(1))
    #expect(link.tick(now: after(15.9), &budget).isEmpty)
    #expect(link.tick(now: after(16), &budget).first == .close(socket: 1, .unconfirmed))
    #expect(link.tick(now: after(17), &budget) == [.connect(socket: 2, .lost)])
    #expect(link.tick(now: after(27), &budget).first == .close(socket: 2, .timeout))
  }

  @Test func `a socket is replaced before the venue cuts it, not all at one time`() {
    var moments: Set<Int> = []
    for seed in UInt64(0)..<20 {
      var budget = ConnectBudget()
      var options = options([:])
      options.confirmMicroseconds = 1_000_000_000
      var link = LinkWatch(options, seed: seed)
      _ = link.tick(now: start, &budget)
      _ = link.opened(1, now: start)
      link.heard(1, .trades, eventTime: nil, now: start)
      let due = link.nextDue
      #expect(link.tick(now: due, &budget) == [.connect(socket: 2, .rotation)])
      let hours = Double(due.microseconds - start.microseconds) / 3_600_000_000
      #expect(hours > 23.74 && hours <= 23 + 50.0 / 60)
      moments.insert(Int(due.microseconds / 1_000_000))
    }
    #expect(moments.count > 15)
  }

  @Test func `a socket that the venue is about to close is replaced at once`() {
    var budget = ConnectBudget()
    var link = running(options(), &budget)
    link.announcedEnd(of: 1)
    #expect(link.nextDue <= after(2))
    #expect(link.tick(now: after(2), &budget) == [.connect(socket: 2, .shutdown)])
    link.closed(1, now: after(3))
    _ = link.opened(2, now: after(3))
    link.heard(2, .trades, eventTime: after(3), now: after(3))
    #expect(link.currentSocket == 2)
    #expect(link.tick(now: after(20), &budget).contains(.connect(socket: 3, .silent)))
  }

  @Test func `pauses grow at random, up to the longest, and begin anew after success`() {
    var budget = ConnectBudget()
    var link = LinkWatch(options(), seed: 3)
    var now = start
    var pauses: [Double] = []
    for socket in 1...40 {
      #expect(link.tick(now: now, &budget) == [.connect(socket: socket, socket == 1 ? .start : .lost)])
      link.closed(socket, now: now)
      pauses.append(Double(link.nextDue.microseconds - now.microseconds) / 1_000_000)
      now = link.nextDue
    }
    #expect(pauses.allSatisfy { (0...60).contains($0) })
    #expect(pauses[0] <= 0.5)
    #expect(Set(pauses).count == 40)
    #expect(pauses.suffix(20).max()! > 40)
    _ = link.tick(now: now, &budget)
    _ = link.opened(41, now: now)
    link.heard(41, .trades, eventTime: nil, now: now)
    link.heard(41, .trades, eventTime: nil, now: now.adding(minutes: 2))
    _ = link.tick(now: now.adding(minutes: 2), &budget)
    link.closed(41, now: now.adding(minutes: 2))
    #expect(link.nextDue <= now.adding(minutes: 2).adding(microseconds: 500_000))
  }

  @Test func `a venue that has no use for a client is not asked again and again`() {
    var budget = ConnectBudget()
    var link = running(options(), &budget)
    link.closed(1, .useless(reason: "test", retrySeconds: 3600), now: after(2))
    #expect(link.tick(now: after(3601), &budget).isEmpty)
    #expect(link.tick(now: after(3602), &budget) == [.connect(socket: 2, .lost)])
    link.closed(2, .useless(reason: "test", retrySeconds: nil), now: after(3603))
    #expect(link.tick(now: start.adding(minutes: 1_000_000), &budget).isEmpty)
  }

  @Test func `a venue that moves its clients is come back to at a random moment`() {
    var moments: Set<Timestamp> = []
    for seed in UInt64(0)..<20 {
      var budget = ConnectBudget()
      var link = LinkWatch(options(), seed: seed)
      _ = link.tick(now: start, &budget)
      link.closed(1, .within(seconds: 10), now: after(1))
      moments.insert(link.nextDue)
    }
    #expect(moments.allSatisfy { $0 >= after(1) && $0 <= after(11) })
    #expect(moments.count == 20 && moments.contains { $0 > after(6) })
  }

  @Test func `a socket that lost frames is replaced, but not a young one`() {
    var budget = ConnectBudget()
    var link = running(options(), &budget)
    link.lostFrames(of: 1, now: after(30))
    link.heard(1, .trades, eventTime: after(61), now: after(61))
    #expect(link.tick(now: after(61.5), &budget).isEmpty)
    link.lostFrames(of: 1, now: after(62))
    #expect(link.tick(now: after(62), &budget) == [.connect(socket: 2, .incomplete)])
  }

  @Test func `the connection budget holds a link back`() {
    var limits = ConnectBudget.Options()
    limits.connects = 1
    var budget = ConnectBudget(limits)
    var link = running(options(), &budget)
    link.closed(1, now: after(2))
    #expect(link.tick(now: after(10), &budget).isEmpty)
    #expect(link.nextDue == after(300))
    #expect(link.tick(now: after(300), &budget) == [.connect(socket: 2, .lost)])
  }

  @Test(arguments: Soak.seeds(40)) func `whatever happens, a working socket is not dropped and few are open`(
    seed: UInt64
  ) {
    var random = SplitMix64(seed: seed)
    var budget = ConnectBudget()
    var link = LinkWatch(options(), seed: seed)
    var sockets: [Int: Bool] = [:]
    var now = start
    var newestData = start
    for _ in 0..<5000 {
      now = now.adding(microseconds: .random(in: 1...1_500_000, using: &random))
      for action in link.tick(now: now, &budget) {
        switch action {
        case .connect(let socket, _):
          #expect(sockets[socket] == nil)
          sockets[socket] = false
        case .close(let socket, let reason):
          #expect(link.currentSocket != socket, "\(reason)")
          sockets[socket] = nil
        }
      }
      #expect(sockets.count <= 4)
      for (socket, isOpen) in sockets.sorted(by: { $0.key < $1.key }) {
        switch Int.random(in: 0..<200, using: &random) {
        case 0:
          link.closed(socket, now: now)
          sockets[socket] = nil
        case 1: link.announcedEnd(of: socket)
        case 2..<100 where !isOpen:
          sockets[socket] = true
          #expect(link.opened(socket, now: now).isEmpty)
        case 2..<150 where isOpen:
          link.heard(socket, .trades, eventTime: now, now: now)
          newestData = now
        default: break
        }
      }
      #expect(link.nextDue <= now.adding(minutes: 1500))
    }
    #expect(now.microseconds - newestData.microseconds < 120_000_000)
  }
}
