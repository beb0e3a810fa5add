import FoundationEssentials
import Ingestion
import Market
import Operations
import Platform
import Serving
import TestSupport
import Testing
import Transport

@testable import candlecast

/// What the knobs of the server change, each seen from outside.
@Suite(.serialized) struct ServerKnobTests {
  private static let secret = "a-secret-of-more-than-twenty-bytes"

  /// Serves what a feed would, without one, and asks it.
  private func serve(
    _ knobs: [String: String], _ ask: (LiveStatus.Ports) async throws -> Void
  ) async throws {
    let context = try Desk(knobs).context()
    let status = LiveStatus()
    let view = MarketView(price: Series(.binance, .btcusdt))
    status.models = ServedModels(view: view, preset: context.target)
    let content = try LiveContent(
      context, status, view: view, charts: nil, latest: LatestPredictions(ServingRules(context.configuration))
    ).routes(from: nil)
    let server = try LiveServer(
      status, try ServerSetting(context.configuration), content, store: LateStore(context.log))
    do { try await ask(server.ports) } catch {
      await server.stop()
      throw error
    }
    await server.stop()
  }

  private func get(
    _ port: Int, _ path: String, _ headers: [HTTPHeader] = [], scheme: String = "http", caFile: String? = nil
  ) async throws -> HTTPAnswer {
    let client = try HTTPClient(.init(caFile: caFile))
    return try await client.send(
      HTTPRequest(
        url: "\(scheme)://127.0.0.1:\(port)\(path)", headers: headers, timeoutSeconds: Patience.seconds))
  }

  @Test func `the models' API has a port of its own when it is wanted`() async throws {
    try await serve([:]) { ports async throws in #expect(ports.api == nil) }
    try await serve(["server.api": "true", "server.api_port": "0"]) { ports async throws in
      let port = try #require(ports.api)
      #expect(try await get(port, "/health").status == 200)
      #expect(try await get(port, "/v2/models/direction-15m").status == 200)
      #expect(try await get(port, "/v1/candles").status == 404)
      let answer = try await HTTPClient(.init()).send(
        HTTPRequest(
          method: "POST", url: "http://127.0.0.1:\(port)/predict", body: Array(#"{"features":[1]}"#.utf8),
          timeoutSeconds: Patience.seconds))
      #expect(answer.status == 422)
    }
  }

  @Test func `tokens open what they are for, once this machine is trusted no more`() async throws {
    try await serve(["server.read_token": Self.secret, "server.trust_loopback": "false"]) { ports async throws in
      for port in [ports.feeder, try #require(ports.gapHandler)] {
        #expect(try await get(port, "/health").status == 401)
        let token = HTTPHeader("Authorization", "Bearer " + Self.secret)
        #expect(try await get(port, "/health", [token]).status == 200)
      }
    }
    try await serve(["server.admin_token": Self.secret]) { ports async throws in
      #expect(try await get(ports.feeder, "/health").status == 200)
      let token = HTTPHeader("Authorization", "Bearer " + Self.secret)
      #expect(try await get(ports.feeder, "/health", [token]).status == 200)
    }
  }

  @Test func `the rate of one client is what is set`() async throws {
    let knobs = ["server.request_burst": "3", "server.requests_per_second": "0.001", "server.trust_loopback": "false"]
    try await serve(knobs) { ports async throws in
      var statuses: [Int] = []
      for _ in 0..<4 { statuses.append(try await get(ports.feeder, "/health").status) }
      #expect(statuses == [401, 401, 401, 429])
    }
    try await serve(knobs.merging(["server.requests_per_second": "0"]) { $1 }) { ports async throws in
      for _ in 0..<6 { #expect(try await get(ports.feeder, "/health").status == 401) }
    }
  }

  @Test func `pages of the origins that are set may read`() async throws {
    let origin = HTTPHeader("Origin", "https://example.org")
    for (knobs, expected) in [(["server.cors_origins": "https://example.org"], origin.value), ([:], nil)] {
      try await serve(knobs) { ports async throws in
        let answer = try await get(ports.feeder, "/health", [origin])
        #expect(answer.headers.first { $0.name.lowercased() == "access-control-allow-origin" }?.value == expected)
      }
    }
  }

  @Test func `heads and bodies are as long as they may be`() async throws {
    let long = HTTPHeader("X-Long", String(repeating: "a", count: 3000))
    try await serve(["server.max_header_bytes": "2048"]) { ports async throws in
      #expect(try await get(ports.feeder, "/health", [long]).status == 431)
    }
    try await serve([:]) { ports async throws in #expect(try await get(ports.feeder, "/health", [long]).status == 200) }
    let body = Array(repeating: UInt8(ascii: " "), count: 3000)
    for (knobs, status) in [(["server.max_body_bytes": "2048"], 413), ([:], 400)] {
      try await serve(knobs) { ports async throws in
        let request = HTTPRequest(
          method: "POST", url: "http://127.0.0.1:\(ports.feeder)/predict", body: body,
          timeoutSeconds: Patience.seconds)
        #expect(try await HTTPClient(.init()).send(request).status == status)
      }
    }
  }

  @Test func `connections are as many and as patient as they may be`() throws {
    let knobs = ["server.max_connections": "7", "server.request_seconds": "2.5", "server.idle_seconds": "9"]
    let options = try ServerSetting(try Desk(knobs).configuration()).options(port: 1)
    #expect(options.maxConnections == 7 && options.requestTimeoutSeconds == 2.5 && options.idleTimeoutSeconds == 9)
    #expect(options.maxBodyBytes == 1 << 20 && options.tls == nil && options.port == 1)
  }

  private static let question = "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"

  @Test(arguments: [("1", false), ("2", true)])
  func `a connection more than may be is refused`(most: String, isServed: Bool) async throws {
    try await serve(["server.max_connections": most]) { ports async throws in
      let (first, second) = try await DedicatedThread.run { () throws -> (String, String) in
        let first = try LoopbackPeer(port: ports.feeder, patienceSeconds: Int(Patience.seconds))
        return try withExtendedLifetime(first) {
          first.write(Self.question)
          let head = first.readHead()
          let second = try LoopbackPeer(port: ports.feeder, patienceSeconds: Int(Patience.seconds))
          second.write(Self.question)
          return (head, second.readHead())
        }
      }
      #expect(first.hasPrefix("HTTP/1.1 200 ") && second.hasPrefix("HTTP/1.1 200 ") == isServed, "\(second)")
    }
  }

  @Test func `a request that takes longer than it may is told so, and who says nothing for longer is dropped`()
    async throws
  {
    for (knob, text, answer) in [
      ("server.request_seconds", "GET /he", "HTTP/1.1 408 "), ("server.idle_seconds", Self.question, "HTTP/1.1 200 "),
    ] {
      try await serve([knob: "0.3"]) { ports async throws in
        let told = try await DedicatedThread.run { () throws -> [UInt8]? in
          let peer = try LoopbackPeer(port: ports.feeder, patienceSeconds: Int(Patience.seconds))
          peer.write(text)
          return peer.readUntilClosed()
        }
        #expect(told.map { String(decoding: $0, as: UTF8.self) }?.hasPrefix(answer) == true, "\(knob)")
      }
    }
  }

  @Test func `with a certificate and its key TLS is spoken`() async throws {
    let desk = try Desk()
    let (certificate, key) = (desk.folder.path + "/c.pem", desk.folder.path + "/k.pem")
    let maker = ChildProcess(
      executable: "/usr/bin/openssl",
      arguments: [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
      ])
    _ = try maker.run(shouldStop: { false }) { _, _ in }
    try await serve(["server.tls_certificate": certificate, "server.tls_key": key]) { ports async throws in
      #expect(try await get(ports.feeder, "/health", scheme: "https", caFile: certificate).status == 200)
      await #expect(throws: TransportError.self) { _ = try await get(ports.feeder, "/health") }
    }
  }

  @Test(arguments: [
    (["server.read_token": "short"], "server.read_token is shorter than 20 bytes"),
    (["server.tls_key": "/tmp/key.pem"], "go together"),
  ])
  func `what cannot be meant is refused before anything is served`(knobs: [String: String], part: String) throws {
    let configuration = try Desk(knobs).configuration()
    let error = #expect(throws: CommandError.self) { try ServerSetting(configuration) }
    #expect(error?.description.contains(part) == true && error?.description.contains("short\"") == false)
    #expect(error?.exitCode == .wrongUsage)
  }
}
