import FoundationEssentials
import Synchronization
import Transport

/// A connection to a browser, over which it and all its pages are told what to do and tell what happens.
final class DevTools: Sendable {
  struct Refusal: Error, CustomStringConvertible {
    let description: String
  }

  /// What a call is given.
  enum Parameter: Encodable, ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral
  {
    case text(String)
    case flag(Bool)
    case number(Int)
    case object([String: Parameter])
    case list([Parameter])

    init(stringLiteral value: String) { self = .text(value) }
    init(booleanLiteral value: Bool) { self = .flag(value) }
    init(integerLiteral value: Int) { self = .number(value) }
    init(dictionaryLiteral elements: (String, Parameter)...) {
      self = .object(Dictionary(uniqueKeysWithValues: elements))
    }
    init(arrayLiteral elements: Parameter...) { self = .list(elements) }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .text(let text): try container.encode(text)
      case .flag(let flag): try container.encode(flag)
      case .number(let number): try container.encode(number)
      case .object(let members): try container.encode(members)
      case .list(let elements): try container.encode(elements)
      }
    }
  }

  struct Nothing: Decodable {}

  private struct Call: Encodable {
    let id: Int
    let method: String
    let params: [String: Parameter]
    let sessionId: String?
  }

  private struct Envelope: Decodable {
    let id: Int?
    let sessionId: String?
  }

  private struct Answer<Value: Decodable>: Decodable {
    struct Failure: Decodable { let message: String }

    let result: Value?
    let error: Failure?
  }

  private struct State {
    var calls = 0
    var waiting: [Int: CheckedContinuation<[UInt8], any Error>] = [:]
    /// By session.
    var complaints: [String: [String]] = [:]
    var hasEnded = false
  }

  private let socket: WebSocket
  private let state = Mutex(State())

  init(_ url: String) async throws {
    socket = try await WebSocketClient().connect(WebSocketRequest(url: url, maxMessageBytes: 64 << 20))
    Task { await read() }
  }

  func close() { socket.close() }

  /// What pages of a session have complained of.
  func complaints(of session: String) -> [String] { state.withLock { $0.complaints[session] ?? [] } }

  @discardableResult
  func call<Value: Decodable>(
    _ method: String, _ parameters: [String: Parameter] = [:], in session: String? = nil,
    as type: Value.Type = Nothing.self
  ) async throws -> Value {
    let id = state.withLock { state in
      state.calls += 1
      return state.calls
    }
    let text = try JSONEncoder().encode(Call(id: id, method: method, params: parameters, sessionId: session))
    let bytes = try await withCheckedThrowingContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.hasEnded { state.waiting[id] = continuation }
        return !state.hasEnded
      }
      guard isOpen else {
        return continuation.resume(throwing: Refusal(description: "\(method): the browser has ended"))
      }
      Task { try? await socket.send(.text(Array(text))) }
    }
    let answer = try JSONDecoder().decode(Answer<Value>.self, from: Data(bytes))
    guard let value = answer.result else {
      throw Refusal(description: "\(method): \(answer.error?.message ?? "no answer")")
    }
    return value
  }

  private func read() async {
    while let message = await socket.next() { hear(message.message.bytes) }
    let left = state.withLock { state in
      state.hasEnded = true
      defer { state.waiting = [:] }
      return state.waiting.values
    }
    for continuation in left { continuation.resume(throwing: Refusal(description: "the browser has ended")) }
  }

  private func hear(_ bytes: [UInt8]) {
    let data = Data(bytes)
    guard let envelope = try? JSONDecoder().decode(Envelope.self, from: data) else { return }
    if let id = envelope.id {
      let continuation = state.withLock { $0.waiting.removeValue(forKey: id) }
      continuation?.resume(returning: bytes)
    } else if let session = envelope.sessionId, let complaint = Complaint(data) {
      state.withLock { $0.complaints[session, default: []].append(complaint.text) }
    }
  }
}

/// An event that should not happen on a page: an error, a warning, or something that could not be loaded.
private struct Complaint {
  private struct Event: Decodable {
    let method: String
    let params: Parameters
  }

  private struct Parameters: Decodable {
    struct Details: Decodable {
      struct Thrown: Decodable { let description: String? }

      let text: String
      let exception: Thrown?
    }
    struct Entry: Decodable {
      let level: String
      let text: String
      let url: String?
    }
    struct Response: Decodable {
      let status: Int
      let url: String
    }
    struct Argument: Decodable {
      enum Key: CodingKey { case value, description }

      let text: String

      init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        text =
          (try? container.decode(String.self, forKey: .description))
          ?? (try? container.decode(String.self, forKey: .value)) ?? "a value"
      }
    }

    let type: String?
    let args: [Argument]?
    let exceptionDetails: Details?
    let entry: Entry?
    let response: Response?
    let errorText: String?
    let canceled: Bool?
  }

  let text: String

  /// `nil` for what happens on any page.
  init?(_ data: Data) {
    guard let event = try? JSONDecoder().decode(Event.self, from: data) else { return nil }
    let facts = event.params
    switch event.method {
    case "Runtime.exceptionThrown":
      text = "exception: \(facts.exceptionDetails?.text ?? "") \(facts.exceptionDetails?.exception?.description ?? "")"
    case "Runtime.consoleAPICalled" where ["error", "warning", "assert"].contains(facts.type):
      text = "console: " + (facts.args ?? []).map(\.text).joined(separator: " ")
    case "Log.entryAdded" where facts.entry?.level == "error" || facts.entry?.level == "warning":
      text = "log: \(facts.entry?.text ?? "") \(facts.entry?.url ?? "")"
    case "Network.responseReceived" where (facts.response?.status ?? 0) >= 400:
      text = "status \(facts.response?.status ?? 0): \(facts.response?.url ?? "")"
    case "Network.loadingFailed" where facts.canceled != true: text = "not loaded: \(facts.errorText ?? "")"
    default: return nil
    }
  }
}
