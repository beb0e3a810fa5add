import Market
import Models
import Serving
import Synchronization
import TestSupport
import Testing
import Transport

/// Who may have another version put into production, and what is said to whom it is refused.
@Suite(.timeLimit(.minutes(Soak.minutes(1)))) struct PromotionTests {
  private static let readSecret = "read-read-read-read-read"
  private static let adminSecret = "admin-admin-admin-admin"
  private static let view = MarketView(price: Series(.binance, .btcusdt))
  private static let target = PredictionTarget.window(lengthMinutes: 15)
  private static let name = VersionName("a-1")!
  private static let slot = RegistrySlot(view, target)

  /// What was asked of the registry.
  private final class Registry: Sendable {
    private let changes = Mutex<[RegistryChange]>([])

    var asked: [RegistryChange] { changes.withLock(\.self) }

    func make(_ change: RegistryChange) throws -> VersionName {
      changes.withLock { $0.append(change) }
      return PromotionTests.name
    }
  }

  private func ask(_ registry: Registry, trustsLoopback: Bool = false, origins: Set<String> = []) throws -> Asking {
    let tokens = [
      try #require(AccessToken(Self.readSecret, .read)), try #require(AccessToken(Self.adminSecret, .admin)),
    ]
    let policy = AccessPolicy(tokens: tokens, trustsLoopback: trustsLoopback, origins: origins)
    return try Asking(
      Route.promotions(of: Self.view, preset: Self.target) { try registry.make($0) },
      doorkeeper: Doorkeeper(policy, seconds: { 0 }))
  }

  private static func bearer(_ secret: String) -> HTTPHeader { HTTPHeader("Authorization", "Bearer " + secret) }

  @Test func `only an admin may, from anywhere but this machine`() async throws {
    let registry = Registry()
    let ask = try ask(registry)
    for path in ["/v1/models/a-1/promote", "/v1/models/rollback"] {
      #expect(try await ask(path, method: "POST").status == 401)
      #expect(try await ask(path, method: "POST", headers: [Self.bearer(Self.readSecret)]).status == 403)
      #expect(try await ask(path, headers: [Self.bearer(Self.adminSecret)]).status == 405)
    }
    #expect(registry.asked.isEmpty)
    for path in ["/v1/models/a-1/promote", "/v1/models/rollback", "/v1/models/rollback?target=direction-5m"] {
      let answer = try await ask(path, method: "POST", headers: [Self.bearer(Self.adminSecret)])
      #expect(answer.status == 200 && String(decoding: answer.body, as: UTF8.self) == #"{"production":"a-1"}"#)
    }
    let other = RegistrySlot(Self.view, .direction(horizonMinutes: 5))
    #expect(registry.asked == [.promote(Self.name), .rollback(Self.slot), .rollback(other)])
  }

  @Test func `this machine may, but no page that its browser shows`() async throws {
    let registry = Registry()
    let ask = try ask(registry, trustsLoopback: true, origins: ["https://friend.example"])
    let path = "/v1/models/a-1/promote"
    #expect(try await ask(path, method: "POST").status == 200)
    #expect(try await ask(path, method: "POST", headers: [Self.bearer(Self.readSecret)]).status == 403)
    for (origin, host, status) in [
      ("https://stranger.example", nil, 403), ("null", nil, 403), ("https://friend.example", nil, 200),
      ("http://127.0.0.1:\(ask.server.port)", nil, 200), ("http://localhost:1", "localhost:1", 200),
      ("http://[::1]:1", "[::1]:1", 200),
      // A name that a stranger has let lead here.
      ("http://stranger.example", "stranger.example", 403), ("http://127.evil.example", "127.evil.example", 403),
    ] as [(String, String?, Int)] {
      let headers = [HTTPHeader("Origin", origin)] + (host.map { [HTTPHeader("Host", $0)] } ?? [])
      #expect(try await ask(path, method: "POST", headers: headers).status == status, "\(origin) \(host ?? "")")
    }
    let ours = [
      HTTPHeader("Origin", "http://our.example"), HTTPHeader("Host", "our.example"), Self.bearer(Self.adminSecret),
    ]
    #expect(try await ask(path, method: "POST", headers: ours).status == 200)
  }

  @Test(arguments: [
    (RegistryError.unknownVersion(name), 404, "unknown_version"),
    (.gateRefused(name, reason: "no skill over the baseline"), 409, "gate_refused"),
    (.synthetic(name), 409, "synthetic"),
    (.archived(name), 409, "archived"), (.alreadyInProduction(name), 409, "already_in_production"),
    (.nothingToRollBackTo(slot: slot), 409, "nothing_to_roll_back_to"),
    (.differs(name, expected: "a", actual: "b"), 409, "version_damaged"),
    (.damaged(file: "/secret/journal.jsonl", line: 1, reason: "no JSON"), 409, "registry_damaged"),
    (.locked(path: "/secret/lock"), 429, "busy"),
  ])
  func `what the registry refuses is said with its reason`(error: RegistryError, status: Int, code: String) async throws
  {
    let ask = try Asking(Route.promotions(of: Self.view, preset: Self.target) { _ in throw error })
    let failure = try await ask.failure("/v1/models/a-1/promote", method: "POST")
    #expect(failure.status == status && failure.code == code)
    #expect(!failure.message.contains("/secret"), "\(failure.message)")
    if case .gateRefused(_, let reason) = error { #expect(failure.message.contains(reason)) }
  }

  @Test(arguments: ["%00", "A", "..", "latest", String(repeating: "a", count: 300), "%2e%2e%2fa"])
  func `what is no version's name is unknown`(text: String) async throws {
    let registry = Registry()
    let ask = try Asking(Route.promotions(of: Self.view, preset: Self.target) { try registry.make($0) })
    #expect(try await ask("/v1/models/\(text)/promote", method: "POST").status == 404)
    #expect(registry.asked.isEmpty)
  }
}
