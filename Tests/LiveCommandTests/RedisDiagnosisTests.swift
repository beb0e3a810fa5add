import Dispatch
import TestSupport
import Testing

@testable import candlecast

/// What `doctor` says of the Redis between roles.
struct RedisDiagnosisTests {
  /// On a thread of its own, because a verb blocks the one it runs on.
  private func findings(_ server: RedisServer, _ knobs: [String: String] = [:]) async throws -> [Finding] {
    let place = ["redis.host": "127.0.0.1", "redis.port": "\(server.port)"]
    return try await withCheckedThrowingContinuation { continuation in
      DispatchQueue(label: "doctor").async {
        continuation.resume(
          with: Result {
            let context = try Desk().context(place.merging(knobs) { $1 })
            return Diagnosis.all(context).filter { $0.subject == "Redis" }
          })
      }
    }
  }

  @Test func `a server without an append-only file is warned of until it has one`() async throws {
    let server = try await RedisServer(["--appendonly", "no"])
    let without = try await findings(server)
    #expect(without.map(\.state) == [.warning])
    #expect(without.first?.fact.contains("set appendonly yes") == true)
    try server.ask("CONFIG", "SET", "appendonly", "yes")
    let with = try await findings(server)
    #expect(with.map(\.state) == [.fine])
    #expect(with.first?.fact.contains(":\(server.port)") == true)
  }

  @Test func `each reason to lose events is told`() async throws {
    let server = try await RedisServer(["--appendonly", "no", "--maxmemory-policy", "allkeys-lru"])
    let facts = try await findings(server).map(\.fact)
    #expect(facts.contains { $0.contains("appendonly") } && facts.contains { $0.contains("allkeys-lru") }, "\(facts)")
  }

  @Test func `a server that is not there is missing, and its password is not shown`() async throws {
    let server = try await RedisServer(password: "hunter2-right")
    let wrong = try await findings(server, ["redis.password": "hunter2-wrong"])
    #expect(wrong.map(\.state) == [.missing])
    #expect(wrong.first?.fact.contains("password is wrong") == true && wrong.first?.fact.contains("hunter2") == false)
    server.kill()
    let absent = try await findings(server)
    #expect(absent.map(\.state) == [.missing])
    #expect(absent.first?.fact.contains("is the server running") == true)
  }

  @Test func `where one process plays all roles nobody is asked`() throws {
    #expect(Diagnosis.redis(try Desk().context()).map(\.state) == [.fine])
  }
}
