package import Market
package import Operations
internal import Synchronization
internal import Transport

/// Tells what happens to everybody who has joined.
///
/// Every message is one line of JSON with `type`, `symbol`, `sequence` and `data`. The sequence counts the messages of
/// one type and symbol, so that a client sees what it has missed. Who joins gets the newest of each first.
package final class Hub: Sendable {
  private struct Subject: Hashable {
    let topic: Subscription.Topic
    let symbol: Symbol?
  }

  /// What was told of a subject.
  private struct Account {
    var sequence: UInt64 = 0
    /// By key.
    var newest: [String: (sequence: UInt64, bytes: [UInt8])] = [:]
  }

  private struct State {
    var audience = Audience()
    var accounts: [Subject: Account] = [:]
    var sent: UInt64 = 0
    var slow: UInt64 = 0

    mutating func send(_ bytes: [UInt8], to groups: [[ServerSocket]]) {
      for group in groups {
        let refusing = ServerSocket.send(.text(bytes), to: group)
        sent += UInt64(group.count - refusing.count)
        for socket in refusing where socket.closing == nil { drop(socket) }
      }
    }

    /// One that does not keep up is dropped, so that it slows nobody else.
    private mutating func drop(_ socket: ServerSocket) {
      guard audience.remove(socket) else { return }
      slow += 1
      socket.close(code: 1008, reason: "slow")
    }

    mutating func tellNewest(_ subscription: Subscription, to socket: ServerSocket) {
      for (subject, account) in accounts where subscription.wants(subject.topic, of: subject.symbol) {
        for message in account.newest.values.sorted(by: { $0.sequence < $1.sequence }) {
          send(message.bytes, to: [[socket]])
        }
      }
    }
  }

  package struct Statistics: Hashable, Sendable {
    package let members: Int
    package let sent: UInt64
    /// Clients that were dropped because they did not keep up.
    package let slow: UInt64
  }

  private let state = Mutex(State())

  package init() {}

  package var statistics: Statistics {
    state.withLock { Statistics(members: $0.audience.count, sent: $0.sent, slow: $0.slow) }
  }

  /// - Parameter key: of several messages about one symbol the newest of each key is what a joining client is told.
  package func publish(_ topic: Subscription.Topic, of symbol: Symbol?, key: String = "", _ data: JSONValue) {
    state.withLock { state in
      let subject = Subject(topic: topic, symbol: symbol)
      let sequence = state.accounts[subject, default: Account()].sequence + 1
      let message: JSONValue = [
        "type": .text(topic.rawValue), "symbol": JSONValue(symbol?.name), "sequence": .integer(Int64(sequence)),
        "data": data,
      ]
      let bytes = message.bytes
      state.accounts[subject, default: Account()].sequence = sequence
      state.accounts[subject, default: Account()].newest[key] = (sequence, bytes)
      state.send(bytes, to: state.audience.wanting(topic, of: symbol))
    }
  }

  /// So that clients know that nothing happening is not nothing heard.
  package func beat(at time: Timestamp) {
    let message: JSONValue = ["type": "heartbeat", "time": .text(time.description)]
    let bytes = message.bytes
    state.withLock { state in
      state.send(bytes, to: state.audience.all)
    }
  }

  // MARK: Members

  func subscription(of query: Substring?) throws(APIFailure) -> Subscription {
    let request = try APIRequest(
      query, places: [:], nil,
      of: [Parameter("topics", .text, "comma-separated"), Parameter("symbols", .text, "comma-separated")])
    return try Subscription(topics: request.text("topics"), symbols: request.text("symbols"))
  }

  func join(_ socket: ServerSocket) {
    let query = socket.target.firstIndex(of: "?").map { socket.target[socket.target.index(after: $0)...] }
    // It was accepted, so it can be read.
    let subscription = (try? subscription(of: query)) ?? .all
    state.withLock { state in
      state.audience.seat(socket, for: subscription)
      state.tellNewest(subscription, to: socket)
    }
  }

  func leave(_ socket: ServerSocket) { state.withLock { _ = $0.audience.remove(socket) } }

  /// A client may subscribe anew with `{"topics":"predictions","symbols":"BTCUSDT"}`.
  func take(_ message: WebSocketMessage, from socket: ServerSocket) {
    let subscription: Subscription
    do throws(APIFailure) {
      subscription = try HubCommand.subscription(message)
    } catch {
      socket.send(.text(error.response.body))
      return
    }
    state.withLock { state in
      guard state.audience.contains(socket) else { return }
      state.audience.seat(socket, for: subscription)
      state.tellNewest(subscription, to: socket)
    }
  }
}
