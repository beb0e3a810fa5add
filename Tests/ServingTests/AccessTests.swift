import Market
import Operations
import Platform
import Serving
import Synchronization
import TestSupport
import Testing
import Transport

/// Who is let in. These servers trust nobody, so that those on this machine count as strangers.
@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct AccessTests {
  private static let readSecret = "read-read-read-read-read"
  private static let adminSecret = "admin-admin-admin-admin"
  private static let routes = [
    Route("GET", "/read", "For all.", answer: .now { _ in .json(["ok": true]) }),
    Route("POST", "/change", "For few.", scope: .admin, answer: .now { _ in .json(["ok": true]) }),
  ]

  private static func policy(_ change: (inout AccessPolicy) -> Void = { _ in }) throws -> AccessPolicy {
    var policy = AccessPolicy(
      tokens: [try #require(AccessToken(readSecret, .read)), try #require(AccessToken(adminSecret, .admin))],
      trustsLoopback: false)
    change(&policy)
    return policy
  }

  private func ask(_ policy: AccessPolicy, hub: Hub? = nil, seconds: @escaping @Sendable () -> Double = { 0 }) throws
    -> Asking
  {
    try Asking(Self.routes, hub: hub, doorkeeper: Doorkeeper(policy, seconds: seconds))
  }

  private func authorization(_ value: String) -> [HTTPHeader] { [HTTPHeader("Authorization", value)] }

  @Test(arguments: [
    ("Bearer " + readSecret, 200, 403), ("bearer " + adminSecret, 200, 200), ("Bearer x", 401, 401),
    ("Bearer ", 401, 401),
    ("Basic bWU6cmVhZC1yZWFkLXJlYWQtcmVhZC1yZWFk", 200, 403), ("Basic bWU6cmVhZA==", 401, 401), ("Basic !", 401, 401),
    ("Digest x", 401, 401), (readSecret, 401, 401),
  ])
  func `a token opens what its scope allows`(credentials: String, reading: Int, changing: Int) async throws {
    let ask = try ask(try Self.policy())
    #expect(try await ask("/read", headers: authorization(credentials)).status == reading)
    #expect(try await ask("/change", method: "POST", headers: authorization(credentials)).status == changing)
  }

  @Test func `without a token a stranger learns nothing, not even which paths there are`() async throws {
    let ask = try ask(try Self.policy())
    for path in ["/read", "/nothing", "/openapi.json"] {
      let answer = try await ask(path)
      #expect(answer.status == 401)
      #expect(answer.headers["www-authenticate"]?.contains("Bearer") == true)
      #expect(try await ask.failure(path).code == "unauthorized")
    }
  }

  @Test func `who is on this machine needs no token, but a wrong one opens nothing there either`() async throws {
    let ask = try ask(try Self.policy { $0.trustsLoopback = true })
    #expect(try await ask("/change", method: "POST").status == 200)
    #expect(try await ask("/read", headers: authorization("Bearer wrong")).status == 401)
  }

  @Test func `a machine's other addresses are not loopback`() {
    #expect(ClientAddress(high: 0, low: 1).isLoopback)
    #expect(ClientAddress(high: 0, low: 0xFFFF_7F00_0001).isLoopback)
    #expect(ClientAddress(high: 0, low: 0xFFFF_7FFF_FFFE).isLoopback)
    for low: UInt64 in [0, 2, 0x7F00_0001, 0xFFFF_C000_0202, 0xFFFF_8000_0001, 0x1_FFFF_7F00_0001] {
      #expect(!ClientAddress(high: 0, low: low).isLoopback)
    }
    #expect(!ClientAddress(high: 1, low: 1).isLoopback)
  }

  @Test func `a short secret is no token, and a token tells nothing of its secret`() throws {
    #expect(AccessToken("0123456789012345678", .read) == nil)
    let token = try #require(AccessToken(Self.readSecret, .read))
    var dumped = ""
    dump(token, to: &dumped)
    #expect(!"\(token)".contains("read-read") && !dumped.contains("read-read"))
  }

  // MARK: Rate

  @Test func `who asks too often waits as he is told, others do not`() async throws {
    let clock = Mutex(0.0)
    let policy = try Self.policy {
      $0.requestsPerSecond = 2
      $0.burst = 3
    }
    let door = Doorkeeper(policy, seconds: { clock.withLock { $0 } })
    let ask = try Asking(Self.routes, doorkeeper: door)
    let token = authorization("Bearer " + Self.readSecret)
    for _ in 0..<3 { #expect(try await ask("/read", headers: token).status == 200) }
    let refused = try await ask("/read", headers: token)
    #expect(refused.status == 429 && refused.headers["retry-after"] == "1")
    #expect(try await ask("/read").status == 429, "guessing is counted too")
    #expect(try await ask("/read", headers: authorization("Bearer " + Self.adminSecret)).status == 200)
    clock.withLock { $0 = 0.5 }
    #expect(try await ask("/read", headers: token).status == 200)
    #expect(try await ask("/read", headers: token).status == 429)
  }

  // MARK: Other origins

  @Test func `pages of other origins are closed out unless they are named`() async throws {
    let friend = HTTPHeader("Origin", "https://friend.example")
    let ask = try ask(
      try Self.policy {
        $0.origins = ["https://friend.example"]
        $0.trustsLoopback = true
      })
    #expect(try await ask("/read", headers: [friend]).headers["access-control-allow-origin"] == friend.value)
    #expect(try await ask("/nothing", headers: [friend]).headers["access-control-allow-origin"] == friend.value)
    let stranger = HTTPHeader("Origin", "https://stranger.example")
    #expect(try await ask("/read", headers: [stranger]).headers["access-control-allow-origin"] == nil)
    let asked = HTTPHeader("Access-Control-Request-Method", "POST")
    let preflight = try await ask("/change", method: "OPTIONS", headers: [friend, asked])
    #expect(preflight.status == 204 && preflight.headers["access-control-allow-methods"] == "POST")
    #expect(try await ask("/change", method: "OPTIONS", headers: [stranger, asked]).status == 405)
  }

  @Test func `a socket is opened with a token, and by no page of another origin`() async throws {
    let hub = Hub()
    hub.publish(.health, of: nil, ["n": 1])
    let ask = try ask(try Self.policy { $0.origins = ["https://friend.example"] }, hub: hub)
    let token = HTTPHeader("Authorization", "Bearer " + Self.readSecret)
    await #expect(throws: TransportError.self) { _ = try await ask.socket() }
    await #expect(throws: TransportError.self) {
      _ = try await ask.socket(headers: [token, HTTPHeader("Origin", "https://stranger.example")])
    }
    for origin in ["https://friend.example", "http://127.0.0.1:\(ask.server.port)"] {
      let socket = try await ask.socket(headers: [token, HTTPHeader("Origin", origin)])
      #expect(try await socket.told()?.data == .init(n: 1))
    }
    #expect(try await ask.socket(headers: [token]).told()?.data == .init(n: 1))
  }
}
