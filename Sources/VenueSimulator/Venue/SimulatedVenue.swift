package import Market
package import Venues

/// One venue over its real protocols: bytes in, bytes out, by a clock that the caller moves.
package struct SimulatedVenue: Sendable {
  /// The path that the venue is at, such as `binance`.
  package let name: String
  private var dialect: any Dialect
  private var reader: MarketReader
  private var sockets: [Int: SimulatedSocket] = [:]
  /// Sockets by number, so that equal instants come in one order.
  private var order: [Int] = []
  private var random: SplitMix64
  private var instants: [(time: Timestamp, fault: Fault)]
  /// Frames and closings that come later, by time.
  private var scheduled: [Scheduled] = []

  private struct Scheduled {
    let time: Timestamp
    let socket: Int
    /// `nil` closes the socket.
    let frame: Frame?
  }

  init(_ name: String, _ dialect: any Dialect, _ market: SimulatedMarket, _ faults: FaultPlan, seed: UInt64) {
    let plan = faults.of(name)
    self.name = name
    self.dialect = dialect
    reader = MarketReader(market, plan)
    random = SplitMix64(seed: seed ^ name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
    instants = plan.instants
  }

  /// The closed minutes that a perfect reader has at `now`, in their last version.
  package func truth(of symbol: Symbol, at now: Timestamp) -> [Candle] {
    reader.series(symbol.name).map { reader.closedCandles($0, at: now) } ?? []
  }

  /// What a minute is made of on this venue; `nil` where there is none.
  package mutating func synthesised(_ symbol: Symbol, minute: Timestamp) -> SynthesisedMinute? {
    guard let series = reader.series(symbol.name), let index = reader.market.series[series].index(containing: minute)
    else { return nil }
    return reader.minute(series, index)
  }

  /// An oracle's observations of a minute.
  package mutating func ticks(of symbol: Symbol, minute: Timestamp) -> [OracleTick] {
    guard let series = reader.series(symbol.name), let index = reader.market.series[series].index(containing: minute)
    else { return [] }
    return reader.ticks(series, index)
  }

  /// The whole book as it stands at `now`; `nil` before the first trade.
  package mutating func bookSnapshot(_ symbol: Symbol, at now: Timestamp) -> BookUpdate? {
    guard let series = reader.series(symbol.name), let book = reader.book(series, at: now) else { return nil }
    return BookUpdate(
      isSnapshot: true, firstId: book.updateId, lastId: book.updateId, time: book.time, bids: book.bids,
      asks: book.asks)
  }

  package var openSockets: [Int] { order }

  // MARK: Requests

  package mutating func answer(_ request: VenueRequest, at now: Timestamp) -> SimulatedAnswer {
    if let fault = reader.faults.active(.status, at: now) {
      var answer = dialect.refusal(status: Int(fault.amount), at: reader.stamp(now))
      let seconds = reader.faults.remainingMicroseconds(of: fault, at: now) / 1_000_000 + 1
      answer.headers.append(VenueHeader("Retry-After", String(seconds)))
      return answer
    }
    var answer = dialect.answer(request, &reader, at: now)
    if let fault = reader.faults.active(.slow, at: now) { answer.delayMicroseconds = fault.amount * 1_000_000 }
    if reader.faults.active(.truncate, at: now) != nil { answer.cutAfterBytes = answer.body.count / 2 }
    return answer
  }

  // MARK: Sockets

  package mutating func open(
    _ id: Int, path: String, headers: [VenueHeader], at now: Timestamp
  ) -> SimulatedAcceptance {
    if reader.faults.active(.disconnect, at: now) != nil { return .refused(status: 503, body: []) }
    var socket = SimulatedSocket(id: id, openedAt: now, path: path, headers: headers)
    if let refusal = dialect.open(&socket, &reader, at: now) {
      return .refused(status: refusal.status, body: refusal.body)
    }
    sockets[id] = socket
    order.append(id)
    order.sort()
    return .accepted
  }

  package mutating func receive(_ text: [UInt8], from id: Int, at now: Timestamp) {
    guard var socket = sockets.removeValue(forKey: id) else { return }
    socket.hasSpoken = true
    dialect.receive(text, &socket, &reader, at: now)
    sockets[id] = socket
  }

  /// The client has closed it, or its line is dead.
  package mutating func close(_ id: Int) {
    sockets[id] = nil
    order.removeAll { $0 == id }
    scheduled.removeAll { $0.socket == id }
  }

  /// Closes every socket properly: there is no more data.
  package mutating func closeAll(at now: Timestamp) -> [SimulatedOutput] {
    let outputs = order.map { SimulatedOutput.close(socket: $0, time: now, code: 1000) }
    for id in order { close(id) }
    return outputs
  }

  // MARK: Time

  /// When something happens next; `nil` if never.
  package var nextDue: Timestamp? {
    var due = instants.first?.time ?? .distantFuture
    due = min(due, scheduled.first?.time ?? .distantFuture)
    for socket in sockets.values {
      if !socket.outbox.isEmpty || socket.closing != nil { return .distantPast }
      due = min(due, expiry(of: socket))
      for feed in socket.feeds { due = min(due, feed.due) }
    }
    return due < .distantFuture ? due : nil
  }

  /// What happens up to `now`, in order.
  package mutating func advance(to now: Timestamp) -> [SimulatedOutput] {
    var outputs: [SimulatedOutput] = []
    flush(at: now, &outputs)
    while let next = nextStep(), next.time <= now {
      switch next {
      case .instant: happen(&outputs)
      case .scheduled:
        let item = scheduled.removeFirst()
        guard sockets[item.socket] != nil else { continue }
        if let frame = item.frame {
          emit(frame, to: item.socket, at: item.time, &outputs)
        } else {
          end(item.socket, code: 1001, at: item.time, &outputs)
        }
      case .expiry(let id, let time): end(id, code: 1008, at: time, &outputs)
      case .feed(let id, let index, let time): tell(id, index, at: time, &outputs)
      }
    }
    return outputs
  }

  private enum Step {
    case instant(Timestamp)
    case scheduled(Timestamp)
    case expiry(Int, Timestamp)
    case feed(socket: Int, index: Int, Timestamp)

    var time: Timestamp {
      switch self {
      case .instant(let time), .scheduled(let time), .expiry(_, let time), .feed(_, _, let time): time
      }
    }
  }

  private func nextStep() -> Step? {
    var best = Timestamp.distantFuture
    var step: Step?
    func offer(_ time: Timestamp, _ candidate: @autoclosure () -> Step) {
      guard time < best else { return }
      (best, step) = (time, candidate())
    }
    if let time = instants.first?.time { offer(time, .instant(time)) }
    if let time = scheduled.first?.time { offer(time, .scheduled(time)) }
    for id in order {
      guard let socket = sockets[id] else { continue }
      offer(expiry(of: socket), .expiry(id, expiry(of: socket)))
      for index in socket.feeds.indices {
        offer(socket.feeds[index].due, .feed(socket: id, index: index, socket.feeds[index].due))
      }
    }
    return step
  }

  private func expiry(of socket: SimulatedSocket) -> Timestamp {
    let usual = socket.openedAt.adding(microseconds: dialect.lifetimeSeconds * 1_000_000)
    guard let fault = reader.faults.faults.last(where: { $0.kind == .lifetime }) else { return usual }
    let begin = reader.faults.start.adding(microseconds: fault.atMicroseconds)
    let short = max(begin, socket.openedAt.adding(microseconds: fault.amount * Timestamp.microsecondsPerMinute))
    return short < begin.adding(microseconds: fault.lastingMicroseconds) ? min(short, usual) : usual
  }

  // MARK: Steps

  private mutating func tell(_ id: Int, _ index: Int, at time: Timestamp, _ outputs: inout [SimulatedOutput]) {
    guard var socket = sockets.removeValue(forKey: id) else { return }
    var frames: [Frame] = []
    if let event = socket.feeds[index].take(&reader) {
      frames = dialect.frames(for: event, of: socket.feeds[index], &socket, &reader, at: time)
    }
    sockets[id] = socket
    for frame in frames { deliver(frame, to: id, at: time, &outputs) }
  }

  private mutating func flush(at now: Timestamp, _ outputs: inout [SimulatedOutput]) {
    for id in order {
      guard let socket = sockets[id], !socket.outbox.isEmpty || socket.closing != nil else { continue }
      sockets[id]?.outbox = []
      for frame in socket.outbox { deliver(frame, to: id, at: now, &outputs) }
      if let code = socket.closing { end(id, code: code, at: now, &outputs) }
    }
  }

  private mutating func end(_ id: Int, code: UInt16?, at time: Timestamp, _ outputs: inout [SimulatedOutput]) {
    outputs.append(.close(socket: id, time: time, code: code))
    close(id)
  }

  private mutating func happen(_ outputs: inout [SimulatedOutput]) {
    let (time, fault) = instants.removeFirst()
    for id in order {
      guard let socket = sockets[id] else { continue }
      if fault.kind == .disconnect {
        end(id, code: nil, at: time, &outputs)
      } else {
        if let notice = dialect.shutdownNotice(socket, at: reader.stamp(time)) {
          deliver(notice, to: id, at: time, &outputs)
        }
        schedule(Scheduled(time: time.adding(microseconds: fault.amount * 1_000_000), socket: id, frame: nil))
      }
    }
  }

  private mutating func schedule(_ item: Scheduled) {
    scheduled.insert(item, at: scheduled.firstIndex { $0.time > item.time } ?? scheduled.endIndex)
  }

  // MARK: Faults of frames

  private mutating func deliver(
    _ frame: Frame, to id: Int, at time: Timestamp, _ outputs: inout [SimulatedOutput]
  ) {
    let faults = reader.faults
    guard !faults.faults.isEmpty else { return emit(frame, to: id, at: time, &outputs) }
    if faults.active(.silence, at: time) != nil { return }
    if frame.kind == .closedBar {
      if faults.active(.partial, at: time) != nil { return }
      if let fault = faults.active(.late, at: time) {
        let later = time.adding(microseconds: fault.amount * 1_000_000)
        return schedule(Scheduled(time: later, socket: id, frame: frame))
      }
    }
    if frame.kind == .trade, let fault = faults.active(.missing, at: time),
      random.next() % UInt64(max(1, fault.amount)) == 0
    {
      return
    }
    let damaged = damaged(frame, at: time)
    if faults.active(.reorder, at: time) != nil, damaged.kind != .control {
      guard let held = sockets[id]?.held else {
        if random.next() % 2 == 0 { sockets[id]?.held = damaged } else { emit(damaged, to: id, at: time, &outputs) }
        return
      }
      sockets[id]?.held = nil
      emit(damaged, to: id, at: time, &outputs)
      return emit(held, to: id, at: time, &outputs)
    }
    if let held = sockets[id]?.held {
      sockets[id]?.held = nil
      emit(held, to: id, at: time, &outputs)
    }
    emit(damaged, to: id, at: time, &outputs)
    if damaged.kind != .control, faults.active(.duplicate, at: time) != nil {
      emit(damaged, to: id, at: time, &outputs)
    }
  }

  private mutating func damaged(_ frame: Frame, at time: Timestamp) -> Frame {
    guard frame.kind != .control, !frame.bytes.isEmpty, let fault = reader.faults.active(.malformed, at: time),
      random.next() % UInt64(max(1, fault.amount)) == 0
    else { return frame }
    var frame = frame
    let position = Int(random.next() % UInt64(frame.bytes.count))
    // Always to be seen: a binary message cut short, a text with a byte that no JSON has.
    switch frame.isBinary ? 0 : random.next() % 3 {
    case 0: frame.bytes.removeSubrange(position...)
    case 1: frame.bytes.insert(1, at: position)
    default: frame.bytes[position] = 2
    }
    return frame
  }

  private func emit(_ frame: Frame, to id: Int, at time: Timestamp, _ outputs: inout [SimulatedOutput]) {
    outputs.append(.frame(socket: id, time: time, bytes: frame.bytes, isBinary: frame.isBinary))
  }
}
