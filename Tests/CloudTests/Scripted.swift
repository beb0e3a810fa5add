import FoundationEssentials
import Glibc
import Market
import Synchronization
import Transport

@testable import Cloud

/// Answers requests as a test says, in order; the last answer is given again and again.
final class Scripted: HTTPHandler {
  struct Seen: Sendable {
    let method: String
    let target: String
    let headers: [HTTPHeader]
    let body: [UInt8]

    var json: JSONTree? { JSONTree(parsing: body) }
  }

  typealias Answer = @Sendable (Seen) -> ServerResponse

  private struct State {
    var answers: [Answer]
    var seen: [Seen] = []
  }

  private let state: Mutex<State>

  init(_ answers: [Answer]) { state = Mutex(State(answers: answers)) }

  convenience init(_ answers: ServerResponse...) { self.init(answers.map { answer in { _ in answer } }) }

  var seen: [Seen] { state.withLock { $0.seen } }

  func handle(_ request: ServerRequest, _ reply: ServerReply) {
    let seen = Seen(method: request.method, target: request.target, headers: request.headers, body: request.body)
    let answer = state.withLock { state in
      state.seen.append(seen)
      return state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0]
    }
    reply.send(answer(seen))
  }
}

extension ServerResponse {
  static func text(_ status: Int, _ text: String = "", _ headers: [HTTPHeader] = []) -> ServerResponse {
    ServerResponse(status: status, headers: headers, body: Array(text.utf8))
  }

  static func s3Error(
    _ status: Int, _ code: String, message: String = "words", more: String = "", _ headers: [HTTPHeader] = []
  ) -> ServerResponse {
    text(status, "<Error><Code>\(code)</Code><Message>\(message)</Message>\(more)</Error>", headers)
  }

  static func jsonError(_ status: Int, _ type: String, _ message: String = "words") -> ServerResponse {
    text(status, #"{"__type":"\#(type)","message":"\#(message)"}"#)
  }
}

/// The machine's clock, chance that is always one half, and pauses that are counted and not made.
final class Calm: Sendable {
  private let waited = Mutex<[Double]>([])

  var pauses: [Double] { waited.withLock { $0 } }

  var surroundings: Surroundings {
    Surroundings(
      now: { Calm.now },
      chance: { 0.5 },
      pause: { seconds in
        try Task.checkCancellation()
        self.waited.withLock { $0.append(seconds) }
      })
  }

  static var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }
}

extension CloudAccess {
  static func testing(_ url: String, region: String = "us-east-1") throws -> CloudAccess {
    try CloudAccess(
      credentials: try CloudCredentials(accessKeyId: "AKIDEXAMPLE", secretAccessKey: Secret("sesame-secret")),
      region: region, endpoints: ["": try CloudEndpoint(url)])
  }
}

/// The error of what must fail with one.
func cloudError<Value>(_ body: () async throws -> Value) async -> CloudError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? CloudError
  }
}
