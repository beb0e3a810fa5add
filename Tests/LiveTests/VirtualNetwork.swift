import Ingestion
import Market
import VenueSimulator
import Venues

/// The lines between one feed and one simulated venue, in virtual time: they delay, they stall, they are cut.
///
/// Within a socket the order stays; sockets and requests overtake each other.
struct VirtualNetwork {
  /// How good the lines are.
  struct Quality: Hashable {
    /// Of a usual way in one direction.
    var delayMicroseconds: ClosedRange<Int64> = 2_000...40_000
    /// Of a bad one.
    var stallMicroseconds: ClosedRange<Int64> = 200_000...6_000_000
    /// One way in so many is bad; 0 is never.
    var stallsOneIn: UInt64 = 0
    /// One request in so many is never answered; 0 is never.
    var losesOneIn: UInt64 = 0
    /// One cut in so many is not noticed by the client; 0 is never.
    var hidesCutsOneIn: UInt64 = 0

    static let good = Quality()
    static let bad = Quality(stallsOneIn: 150, losesOneIn: 40, hidesCutsOneIn: 3)
  }

  /// What reaches one of the two sides.
  enum Arrival {
    case opening(line: Int, SocketPlan)
    case text(line: Int, String)
    case hangingUp(line: Int)
    case question(process: Int, RequestID, VenueRequest)
    case input(process: Int, LiveInput, about: Question?)
  }

  /// A request with what the venue saw of it.
  struct Question {
    let request: VenueRequest
    let answeredAt: Timestamp
  }

  private struct Line {
    let process: Int
    let id: SocketID
    /// Frames do not overtake each other.
    var lastArrival = Timestamp.distantPast
    var isOpen = false
    /// The client has heard that it is closed.
    var isClosed = false
    /// What is under way on it does not arrive.
    var losesRest = false
  }

  private(set) var venue: SimulatedVenue
  private(set) var agenda = Agenda<Arrival>()
  private var lines: [Int: Line] = [:]
  private var lineOf: [Int: [SocketID: Int]] = [:]
  private var lastLine = 0
  private var quality: Quality
  private var random: SplitMix64
  /// Answers with these statuses that no fault of the plan asked for.
  private(set) var refusals: [Int: Int] = [:]

  init(_ venue: SimulatedVenue, _ quality: Quality, seed: UInt64) {
    (self.venue, self.quality) = (venue, quality)
    random = SplitMix64(seed: seed ^ 0x4E45_5457)
  }

  var nextTime: Timestamp? {
    guard let due = venue.nextDue else { return agenda.nextTime }
    return min(due, agenda.nextTime ?? .distantFuture)
  }

  var openLines: Int { lines.values.count { $0.isOpen && !$0.isClosed } }

  mutating func becomeGood() { quality = .good }

  // MARK: The client's side

  mutating func perform(_ action: LiveAction, of process: Int, now: Timestamp) {
    switch action {
    case .connect(let id, let plan):
      lastLine += 1
      lines[lastLine] = Line(process: process, id: id)
      lineOf[process, default: [:]][id] = lastLine
      agenda.add(.opening(line: lastLine, plan), at: later(now))
    case .send(let id, let texts):
      guard let line = lineOf[process]?[id] else { return }
      var time = now
      for text in texts {
        time = max(later(now), time)
        agenda.add(.text(line: line, text), at: time)
      }
    case .close(let id):
      guard let line = lineOf[process]?[id] else { return }
      agenda.add(.hangingUp(line: line), at: later(now))
      tell(line, closed: "closed by us", at: later(now))
    case .request(let id, let request, let timeout):
      let end = now.adding(microseconds: Int64(timeout * 1_000_000))
      guard !happens(oneIn: quality.losesOneIn) else {
        return agenda.add(.input(process: process, .answer(id, .failed(reason: "timed out")), about: nil), at: end)
      }
      agenda.add(.question(process: process, id, request), at: min(later(now), end))
    }
  }

  /// The process is gone: the venue notices sooner or later.
  mutating func forget(process: Int, now: Timestamp) {
    for line in (lineOf.removeValue(forKey: process) ?? [:]).values.sorted() {
      lines[line]?.isClosed = true
      agenda.add(.hangingUp(line: line), at: now.adding(microseconds: .random(in: 0...30_000_000, using: &random)))
    }
  }

  /// Something in between cuts every line.
  mutating func cut(now: Timestamp) {
    for (line, state) in lines.sorted(by: { $0.key < $1.key }) where !state.isClosed {
      venue.close(line)
      lines[line]?.isOpen = false
      lose(line, now: now)
    }
  }

  // MARK: Time

  /// What reaches the client at `nextTime`, or `nil` if that was nobody's but the venue's.
  mutating func step() -> (time: Timestamp, process: Int, input: LiveInput, about: Question?)? {
    let due = venue.nextDue ?? .distantFuture
    guard let time = agenda.nextTime, time <= due else {
      advance(to: due)
      return nil
    }
    // What the venue did before it hears the next thing.
    guard let (time, arrival) = agenda.removeFirst() else { return nil }
    switch arrival {
    case .opening(let line, let plan): open(line, plan, now: time)
    case .text(let line, let text): venue.receive(Array(text.utf8), from: line, at: time)
    case .hangingUp(let line):
      venue.close(line)
      lines[line]?.isOpen = false
      if lines[line]?.isClosed == true { lines[line] = nil }
    case .question(let process, let id, let request): answer(request, id, process, now: time)
    case .input(let process, let input, let question):
      if case .closed(let id, _, _) = input, let line = lineOf[process]?.removeValue(forKey: id) { lines[line] = nil }
      if case .frame(let id, _, _) = input, isLost(id, process) { return nil }
      return (time, process, input, question)
    }
    if venue.nextDue ?? .distantFuture <= time { advance(to: time) }
    return nil
  }

  private mutating func advance(to time: Timestamp) {
    let now = time == .distantPast ? agenda.nextTime ?? time : time
    for output in venue.advance(to: now) {
      switch output {
      case .frame(let line, let time, let bytes, let isBinary):
        guard let id = lines[line]?.id, lines[line]?.isClosed == false else { continue }
        deliver(.frame(id, bytes, isBinary: isBinary), on: line, now: time)
      case .close(let line, let time, let code):
        lines[line]?.isOpen = false
        if let code { tell(line, closed: "code \(code)", code, at: later(time)) } else { lose(line, now: time) }
      }
    }
  }

  private mutating func open(_ line: Int, _ plan: SocketPlan, now: Timestamp) {
    guard let state = lines[line], !state.isClosed else { return }
    switch venue.open(line, path: plan.path, headers: plan.headers, at: now) {
    case .accepted:
      lines[line]?.isOpen = true
      deliver(.opened(state.id), on: line, now: now)
    case .refused(let status, _): tell(line, closed: "refused with \(status)", at: later(now))
    }
  }

  private mutating func answer(_ request: VenueRequest, _ id: RequestID, _ process: Int, now: Timestamp) {
    let answer = venue.answer(request, at: now)
    refusals[answer.status, default: 0] += 1
    let isCut = answer.cutAfterBytes != nil
    let result = isCut ? RequestResult.failed(reason: "cut off") : .answered(answer.plain)
    let time = later(now.adding(microseconds: answer.delayMicroseconds))
    let question = isCut ? nil : Question(request: request, answeredAt: now)
    agenda.add(.input(process: process, .answer(id, result), about: question), at: time)
  }

  // MARK: Lines

  private mutating func deliver(_ input: LiveInput, on line: Int, now: Timestamp) {
    guard let state = lines[line] else { return }
    let time = max(later(now), state.lastArrival.adding(microseconds: 1))
    lines[line]?.lastArrival = time
    agenda.add(.input(process: state.process, input, about: nil), at: time)
  }

  private func isLost(_ id: SocketID, _ process: Int) -> Bool {
    lineOf[process]?[id].flatMap { lines[$0]?.losesRest } ?? true
  }

  /// The line is dead without a word; what is under way arrives or does not.
  private mutating func lose(_ line: Int, now: Timestamp) {
    lines[line]?.losesRest = random.next() % 2 == 0
    guard !happens(oneIn: quality.hidesCutsOneIn) else { return }
    tell(line, closed: "the connection was lost", at: later(now))
  }

  private mutating func tell(_ line: Int, closed reason: String, _ code: UInt16? = nil, at time: Timestamp) {
    guard let state = lines[line], !state.isClosed else { return }
    lines[line]?.isClosed = true
    let input = LiveInput.closed(state.id, code: code, reason: reason)
    agenda.add(.input(process: state.process, input, about: nil), at: max(time, state.lastArrival))
  }

  private mutating func later(_ now: Timestamp) -> Timestamp {
    let isBad = happens(oneIn: quality.stallsOneIn)
    return now.adding(
      microseconds: .random(in: isBad ? quality.stallMicroseconds : quality.delayMicroseconds, using: &random))
  }

  private mutating func happens(oneIn count: UInt64) -> Bool { count > 0 && random.next() % count == 0 }
}
