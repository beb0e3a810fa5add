import Glibc
import Market
import TestSupport
import Testing

@testable import Redis

struct RedisClientTests {
  @Test func `a thousand callers at once each get their own answer`() async throws {
    let server = try await RedisServer()
    let client = try server.client()
    try await withThrowingTaskGroup { group in
      for number in 0..<1000 {
        group.addTask {
          let answer = try await client.send(RedisCommand("ECHO", .init(number)))
          #expect(answer.text == String(number))
        }
      }
      try await group.waitForAll()
    }
    #expect(client.statistics.connections == 1)
    #expect(client.statistics.commands == 1000)
  }

  @Test func `commands of one pipeline are answered in order, and one error stops none`() async throws {
    let server = try await RedisServer()
    let client = try server.client()
    let answers = try await client.pipeline([
      RedisCommand("SET", "a", "1"), RedisCommand("LPUSH", "a", "x"), RedisCommand("INCR", "a"),
      RedisCommand("GET", "none"), RedisCommand("MGET", "a", "none"),
    ])
    let place = client.options.address.description
    #expect(
      answers == [
        .status("OK"), .error(.wrongType(server: place, command: "LPUSH")), .integer(2), .null,
        .array([.bytes([50]), .null]),
      ])
  }

  @Test func `any bytes come back as they went`() async throws {
    let server = try await RedisServer()
    let client = try server.client()
    let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    _ = try await client.send(RedisCommand("SET", "k\r\n\0", .init(bytes: bytes)))
    #expect(try await client.send(RedisCommand("GET", "k\r\n\0")).bytes == bytes)
  }

  @Test func `a transaction that one command spoils changes nothing`() async throws {
    let server = try await RedisServer()
    let client = try server.client()
    let trouble = await error { () throws(RedisError) in
      try await client.transaction([RedisCommand("SET", "a", "1"), RedisCommand("NOSUCH")])
    }
    #expect(trouble?.kind == "refused")
    #expect(try await client.send(RedisCommand("GET", "a")) == .null)
    #expect(
      try await client.transaction([RedisCommand("SET", "a", "1"), RedisCommand("GET", "a")])
        == [.status("OK"), .bytes([49])])
  }

  @Test func `a call that is cancelled ends at once and the connection goes on`() async throws {
    let server = try await RedisServer()
    let client = try server.client { $0.timeout = .seconds(60) }
    _ = try await client.send(RedisCommand("PING"))
    let task = Task { await error { () throws(RedisError) in try await client.send(RedisCommand("BLPOP", "q", "0")) } }
    while client.statistics.commands < 2 { await Task.yield() }
    task.cancel()
    #expect(await task.value?.kind == "cancelled")
    try server.ask("LPUSH", "q", "x")
    #expect(try await client.send(RedisCommand("ECHO", "y")).text == "y")
    #expect(client.statistics.connections == 1)
  }

  @Test func `a call that was cancelled before it began is not sent`() async throws {
    let server = try await RedisServer()
    let client = try server.client()
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return await error { () throws(RedisError) in try await client.send(RedisCommand("SET", "a", "1")) }
    }
    task.cancel()
    #expect(await task.value?.kind == "cancelled")
    #expect(try await client.send(RedisCommand("GET", "a")) == .null)
  }

  @Test func `an answer that is late is a timeout and is not taken for another's`() async throws {
    let server = try await RedisServer()
    let client = try server.client()
    let blocked = RedisCommand("BLPOP", "q", "0")
    #expect(
      await error { () throws(RedisError) in try await client.send(blocked, timeout: .milliseconds(20)) }
        == .timeout(server: client.options.address.description, command: "BLPOP", milliseconds: 20))
    #expect(try await client.untilAnswered(RedisCommand("ECHO", "x")).text == "x")
    #expect(client.statistics.timeouts == 1)
  }

  @Test func `where nobody listens calls fail at once, and work once somebody does`() async throws {
    let server = try await RedisServer()
    server.kill()
    let client = try server.client()
    let trouble = await error { () throws(RedisError) in try await client.send(RedisCommand("PING")) }
    #expect(trouble?.kind == "cannotConnect")
    #expect(trouble?.description.contains("127.0.0.1:\(server.port)") == true)
    try await server.start()
    #expect(try await client.untilAnswered() == .status("PONG"))
  }

  @Test func `after the server was killed and started again the client is back by itself`() async throws {
    let server = try await RedisServer(["--appendonly", "yes", "--appendfsync", "always"])
    let client = try server.client()
    for round in 0..<3 {
      _ = try await client.untilAnswered(RedisCommand("INCR", "n"))
      server.kill()
      let trouble = await error { () throws(RedisError) in try await client.send(RedisCommand("PING")) }
      #expect(["connectionLost", "cannotConnect"].contains(trouble?.kind), "\(round)")
      try await server.start()
    }
    #expect(try await client.untilAnswered(RedisCommand("GET", "n")).text == "3")
    #expect(client.statistics.lostConnections == 3)
    #expect(client.statistics.connections == 4)
  }

  @Test func `a server that stands still is given up, answered for at once, and found again`() async throws {
    let server = try await RedisServer()
    let client = try server.client {
      $0.timeout = .milliseconds(50)
      $0.connectTimeout = .milliseconds(100)
    }
    _ = try await client.untilAnswered()
    server.pause()
    let before = client.statistics
    while client.statistics.failedAttempts < before.failedAttempts + 2 {
      let trouble = await error { () throws(RedisError) in try await client.send(RedisCommand("PING")) }
      #expect(["timeout", "cannotConnect"].contains(trouble?.kind))
    }
    let refusals = client.statistics.refusals
    #expect(await error { () throws(RedisError) in try await client.send(RedisCommand("PING")) } != nil)
    #expect(client.statistics.refusals == refusals + 1)
    server.resume()
    #expect(try await client.untilAnswered() == .status("PONG"))
  }

  @Test func `more calls than may wait are refused`() async throws {
    let server = try await RedisServer()
    let client = try server.client {
      $0.mostCalls = 10
      $0.timeout = .seconds(60)
    }
    _ = try await client.send(RedisCommand("PING"))
    server.pause()
    let kinds = await withTaskGroup { group in
      for _ in 0..<15 {
        group.addTask { await error { () throws(RedisError) in try await client.send(RedisCommand("PING")) }?.kind }
      }
      var kinds: [String?] = []
      for await kind in group {
        kinds.append(kind)
        if kinds.count == 5 { server.resume() }
      }
      return kinds
    }
    #expect(kinds.count { $0 == "overloaded" } == 5)
    #expect(kinds.count { $0 == nil } == 10)
  }

  @Test func `full, read-only and foreign servers are told apart`() async throws {
    let server = try await RedisServer()
    let client = try server.client()
    try server.ask("CONFIG", "SET", "maxmemory", "1")
    let set = RedisCommand("SET", "a", "1")
    #expect(await error { () throws(RedisError) in try await client.send(set) }?.kind == "outOfMemory")
    #expect(await error { () throws(RedisError) in try await client.transaction([set]) }?.kind == "outOfMemory")
    try server.ask("CONFIG", "SET", "maxmemory", "0")
    try server.ask("REPLICAOF", "127.0.0.1", "1")
    #expect(await error { () throws(RedisError) in try await client.send(set) }?.kind == "readOnly")
    try server.ask("REPLICAOF", "NO", "ONE")
    #expect(try await client.send(set) == .status("OK"))
  }

  @Test func `each mistake in entering is named, and no password is shown`() async throws {
    let server = try await RedisServer(password: "hunter2-right")
    try server.ask("ACL", "SETUSER", "reader", "on", ">hunter2-reader", "~*", "+get", "+ping")
    func trouble(_ login: String, _ rest: String = "") async throws -> RedisError {
      let address = try RedisAddress(url: "redis://\(login)127.0.0.1:\(server.port)\(rest)")
      let client = try RedisClient(RedisOptions(address, seed: 1))
      let trouble = await error { () throws(RedisError) in try await client.send(RedisCommand("SET", "a", "1")) }
      return try #require(trouble)
    }
    #expect(try await trouble("").kind == "passwordMissing")
    #expect(try await trouble(":hunter2-wrong@").kind == "passwordWrong")
    #expect(try await trouble("nobody:hunter2-wrong@").kind == "passwordWrong")
    #expect(try await trouble("reader:hunter2-reader@").kind == "notPermitted")
    #expect(try await trouble(":hunter2-right@", "/99").kind == "noSuchDatabase")
    #expect(try await !trouble("nobody:hunter2-wrong@").description.contains("hunter2"))
    let open = try await RedisServer()
    let client = try RedisClient(
      RedisOptions(try RedisAddress(url: "redis://:hunter2@127.0.0.1:\(open.port)"), seed: 1))
    #expect(
      await error { () throws(RedisError) in try await client.send(RedisCommand("PING")) }?.kind == "passwordNotWanted")
  }

  @Test func `databases are apart`() async throws {
    let server = try await RedisServer()
    let (first, second) = (try server.client(), try RedisClient(try server.options(database: 3)))
    _ = try await first.send(RedisCommand("SET", "a", "1"))
    #expect(try await second.send(RedisCommand("GET", "a")) == .null)
  }

  @Test func `a closed client says so`() async throws {
    let server = try await RedisServer()
    let client = try server.client { $0.timeout = .seconds(60) }
    _ = try await client.send(RedisCommand("PING"))
    let task = Task { await error { () throws(RedisError) in try await client.send(RedisCommand("BLPOP", "q", "0")) } }
    while client.statistics.commands < 2 { await Task.yield() }
    client.close()
    #expect(await task.value?.kind == "closed")
    #expect(await error { () throws(RedisError) in try await client.send(RedisCommand("PING")) }?.kind == "closed")
  }
}
