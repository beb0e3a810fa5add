import Market
import Synchronization
import TestSupport
import Testing

@testable import Redis

/// What no decent server says.
struct BadServerTests {
  /// Greets as a server does and then says the text.
  private func trouble(_ text: String, change: (inout RedisOptions) -> Void = { _ in }) async throws -> RedisError? {
    let server = ScriptedServer { chunk in
      Array((chunk.starts(with: Array("*1\r\n$4\r\nPING".utf8)) ? "+PONG\r\n" : text).utf8)
    }
    var options = RedisOptions.patient(port: server.port)
    change(&options)
    let client = try RedisClient(options)
    return await error { () throws(RedisError) in try await client.send(RedisCommand("GET", "a")) }
  }

  @Test(arguments: [
    "HTTP/1.1 400 Bad Request\r\n", "$-5\r\n", ":12x\r\n", "*-7\r\n", "%1\r\n", "$99999999999999999999\r\nx\r\n",
    String(repeating: "*1\r\n", count: 20) + ":1\r\n",
  ])
  func `what is no answer is malformed`(text: String) async throws {
    #expect(try await trouble(text)?.kind == "malformed")
  }

  @Test func `an array that promises too much is refused before it is made`() async throws {
    #expect(try await trouble("*2147483647\r\n")?.kind == "replyTooLarge")
  }

  @Test func `an answer larger than may be is given up`() async throws {
    let server = try await RedisServer()
    let client = try server.client {
      $0.mostReplyBytes = 1 << 20
      $0.shortestConnection = .seconds(60)
    }
    try server.ask("SETRANGE", "big", "3000000", "x")
    #expect(
      await error { () throws(RedisError) in try await client.send(RedisCommand("GET", "big")) }?.kind
        == "replyTooLarge")
    let next = await error { () throws(RedisError) in try await client.send(RedisCommand("PING")) }
    #expect([nil, "connectionLost"].contains(next?.kind))
    #expect(try await client.untilAnswered() == .status("PONG"))
  }

  @Test func `an answer that nothing asked for ends the connection`() async throws {
    #expect(try await trouble("+OK\r\n+OK\r\n") == nil)
    let connections = Mutex(0)
    let server = ScriptedServer { _ in
      connections.withLock { $0 += 1 }
      return Array("+PONG\r\n+PONG\r\n".utf8)
    }
    let client = try RedisClient(.patient(port: server.port))
    while client.statistics.failedAttempts == 0 { await Task.yield() }
    #expect(client.statistics.lastTrouble?.kind == "malformed")
  }

  @Test func `a server that loads its data is waited for`() async throws {
    let questions = Mutex(0)
    let server = ScriptedServer { _ in
      let count = questions.withLock { count in
        count += 1
        return count
      }
      return Array((count < 3 ? "-LOADING Redis is loading the dataset in memory\r\n" : "+PONG\r\n").utf8)
    }
    let client = try RedisClient(.patient(port: server.port))
    let first = await error { () throws(RedisError) in try await client.send(RedisCommand("PING")) }
    #expect(first?.kind == "loading")
    #expect(try await client.untilAnswered() == .status("PONG"))
    #expect(client.statistics.failedAttempts == 2)
  }

  @Test func `a server that hangs up after each greeting is not asked without pause`() async throws {
    let server = ScriptedServer { chunk in
      chunk.starts(with: Array("*1\r\n$4\r\nPING".utf8)) && chunk.count == 14 ? Array("+PONG\r\n".utf8) : nil
    }
    var options = RedisOptions.patient(port: server.port)
    // Longer than a busy machine takes from one line to the next.
    let long = Duration.seconds(3600)
    (options.firstPause, options.longestPause, options.shortestConnection) = (long, long, long)
    let client = try RedisClient(options)
    let first = await error { () throws(RedisError) in try await client.send(RedisCommand("GET", "a")) }
    #expect(first?.kind == "connectionLost")
    let second = await error { () throws(RedisError) in try await client.send(RedisCommand("GET", "a")) }
    #expect(second?.kind == "connectionLost")
    #expect(client.statistics.refusals == 1)
  }

  @Test(arguments: Soak.seeds(20))
  func `damaged answers in any pieces end in values or in an error`(seed: UInt64) {
    let corpus = [
      "+OK\r\n", "-ERR no\r\n", ":-12\r\n", "$5\r\nhello\r\n", "$-1\r\n", "*0\r\n", "*-1\r\n",
      "*2\r\n$3\r\nabc\r\n*3\r\n:1\r\n$-1\r\n+x\r\n",
    ].map { Array($0.utf8) }
    var (mutator, random) = (Mutator(seed: seed), SplitMix64(seed: seed))
    for _ in 0..<200 {
      guard let reader = ReplyReader(mostBytes: 100_000) else { continue }
      var bytes = (0..<8).flatMap { _ in mutator.frame(of: corpus) }[...]
      do {
        while !bytes.isEmpty {
          let piece = Array(bytes.prefix(.random(in: 1...40, using: &random)))
          bytes = bytes.dropFirst(piece.count)
          try piece.withUnsafeBytes { try reader.feed($0) }
          while try reader.next() != nil {}
        }
      } catch {}
    }
  }
}
