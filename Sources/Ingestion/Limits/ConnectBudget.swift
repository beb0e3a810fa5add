package import Market

/// Keeps the number of new connections to one venue below its limit in any span of some minutes, over restarts too.
package struct ConnectBudget: Sendable {
  package struct Options: Hashable, Sendable {
    package var connects = 240
    package var spanMicroseconds: Int64 = 300_000_000

    package init() {}
  }

  /// What is stored: when the last connections were begun.
  package struct State: Hashable, Sendable, Codable {
    package fileprivate(set) var begun: [Timestamp] = []

    package init() {}
  }

  package private(set) var state: State
  private let options: Options

  package init(_ options: Options = Options()) { (self.options, state) = (options, State()) }

  /// Times that lie ahead are not believed.
  package init(restoring stored: State, _ options: Options = Options(), now: Timestamp) {
    self.options = options
    state = State()
    let from = now.adding(microseconds: -options.spanMicroseconds)
    state.begun = stored.begun.filter { $0 > from && $0 <= now }.sorted().suffix(options.connects)
  }

  /// A connection that may be begun is counted.
  package mutating func permit(now: Timestamp) -> WeightLimiter.Permit {
    state.begun.removeAll { now.microseconds - $0.microseconds >= options.spanMicroseconds }
    guard state.begun.count < options.connects else {
      return .wait(until: (state.begun.first ?? now).adding(microseconds: options.spanMicroseconds))
    }
    state.begun.append(now)
    return .go
  }
}
