import Glibc
import Market
import Operations
import Platform
import Serving
import TestSupport
import Testing
import Transport

/// What broken and hostile clients send.
struct GarbageTests {
  /// A server with everything that reads a body, a query or a frame.
  private struct Target {
    let server: HTTPServer
    let hub = Hub()

    init(
      _ options: HTTPServer.Options = .init(maxBodyBytes: 1 << 20), store: some StoreReading = BrokenStore()
    ) throws {
      let models = ServedModels(view: SampleModels.view, preset: SampleModels.direction)
      let routes =
        [.predict(models), .live] + Route.openInference(models, version: "1", ready: {})
        + Route.data(of: SampleModels.view, from: store)
      server = try HTTPServer(
        options,
        handler: APIServer(
          routes, hub: hub,
          doorkeeper: Doorkeeper(AccessPolicy(), seconds: { Double(SystemClock.monotonicNanoseconds()) / 1e9 })))
    }

    /// The answer to a damaged request or to damaged frames, by turns; `nil` if the connection does not end.
    func answer(to mutator: inout Mutator, round: Int) throws -> [UInt8]? {
      let peer = try LoopbackPeer(port: server.port)
      if round.isMultiple(of: 2) {
        peer.write(mutator.frame(of: GarbageTests.requests))
      } else {
        peer.write(GarbageTests.upgrade)
        for _ in 0..<3 { peer.write(mutator.frame(of: GarbageTests.frames)) }
      }
      peer.endWriting()
      return peer.readUntilClosed()
    }

    var isAlive: Bool {
      guard let peer = try? LoopbackPeer(port: server.port) else { return false }
      peer.write(Array("GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8))
      return peer.readUntilClosed().map { String(decoding: $0.prefix(15), as: UTF8.self) } == "HTTP/1.1 200 OK"
    }
  }

  private static let requests: [[UInt8]] = {
    let vector = SampleModels.json(SampleModels.vector(seed: 1))
    let bodies = [
      #"{"features":\#(vector),"target":"window-15m","window":{"minutes_left":5,"move_basis_points":1.5}}"#,
      #"{"inputs":[{"name":"features","shape":[1,2],"datatype":"FP32","data":[[1,2]]}],"outputs":[{"name":"x"}]}"#,
    ]
    let posts = zip(["/predict", "/v2/models/direction-15m/infer"], bodies).map { path, body in
      "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
    let gets = [
      "/v1/candles?symbol=binance:BTCUSDT&from=2024-03-01T12:00Z&limit=5", "/v1/predictions?target=window-15m",
      "/v2/models/direction-15m/versions/baseline", "/nothing%20here?a=%ff",
    ].map { "GET \($0) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer abc\r\nOrigin: http://b\r\n\r\n" }
    return (posts + gets).map { Array($0.utf8) }
  }()

  private static let upgrade = Array(
    ("GET /ws?topics=candles HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").utf8)

  /// Masked frames: text, ping, close, a fragment and its end, a continuation of nothing.
  private static let frames: [[UInt8]] = [
    frame(0x81, Array(#"{"topics":"predictions","symbols":"BTCUSDT"}"#.utf8)), frame(0x89, Array("ping".utf8)),
    frame(0x88, [3, 0xE8]), frame(0x01, Array(#"{"top"#.utf8)) + frame(0x80, Array(#"ics":"health"}"#.utf8)),
    frame(0x80, [1, 2, 3]), frame(0x82, (0..<200).map { UInt8($0) }),
  ]

  private static func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
    let length =
      payload.count < 126
      ? [0x80 | UInt8(payload.count)] : [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
    return [first] + length + [0, 0, 0, 0] + payload
  }

  /// Every answer is ours and none says that the server is at fault.
  private static func check(_ answer: [UInt8]?, seed: UInt64, round: Int) {
    guard let answer else {
      Issue.record("no end of the connection within 20 s; seed \(seed), round \(round)")
      return
    }
    let line = String(decoding: answer.prefix(12), as: UTF8.self)
    let isFault = line.hasPrefix("HTTP/1.1 5")
    #expect(answer.isEmpty || line.hasPrefix("HTTP/1.1 ") && !isFault, "\(line); seed \(seed), round \(round)")
  }

  @Test(.timeLimit(.minutes(Soak.minutes(30))), arguments: 0..<4) func `malformed requests and frames crash nothing`(
    seed: UInt64
  ) async throws {
    let target = try Target(store: ListingTests.store(of: RandomWalk()(seed: 5, count: 50)))
    try await onOwnThread {
      var mutator = Mutator(seed: seed)
      for round in 0..<Soak.count(500) {
        Self.check(try target.answer(to: &mutator, round: round), seed: seed, round: round)
      }
    }
    #expect(target.isAlive)
  }

  @Test(.timeLimit(.minutes(Soak.minutes(5)))) func `what is malformed is told so in the one shape of errors`()
    async throws
  {
    let target = try Target(.init(maxHeaderBytes: 4096, maxBodyBytes: 4096, requestTimeoutSeconds: 0.5))
    let wrong: [(bytes: String, code: String)] = [
      ("GET\r\n\r\n", "bad_request"), ("\u{16}\u{3}\u{1}", "bad_request"),
      ("GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 1000), "head_too_large"),
      ("POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n", "body_too_large"),
      ("POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "length_required"),
      ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", "bad_request"),
      // Slow ones: a head without its end, and half a body.
      ("GET / HTTP/1.1\r\nHost: a\r\n", "request_timeout"),
      ("POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{", "request_timeout"),
    ]
    try await onOwnThread {
      for (bytes, code) in wrong {
        let peer = try LoopbackPeer(port: target.server.port)
        peer.write(Array(bytes.utf8))
        let answer = String(decoding: peer.readUntilClosed() ?? [], as: UTF8.self)
        #expect(answer.contains("Content-Type: application/json"), "\(code): \(answer)")
        #expect(answer.contains(#"{"error":{"code":"\#(code)","#), "\(code): \(answer)")
      }
    }
  }

  /// In a process of its own, whose memory is nobody else's.
  @Test(.timeLimit(.minutes(Soak.minutes(10))))
  func `half-open sockets, heads of a megabyte and what is malformed leave no memory behind`() async {
    await #expect(processExitsWith: .success) {
      let target = try Target(
        .init(maxConnections: 512, idleTimeoutSeconds: 30),
        store: ListingTests.store(of: RandomWalk()(seed: 5, count: 50)))
      var mutator = Mutator(seed: 7)
      let megabyte = Array("GET / HTTP/1.1\r\nHost: a\r\nA: ".utf8) + [UInt8](repeating: 97, count: 1 << 20)
      func rounds(_ count: Int) -> Bool {
        var halfOpen: [LoopbackPeer] = []
        for _ in 0..<count {
          guard let loud = try? LoopbackPeer(port: target.server.port) else { return false }
          loud.write(megabyte)
          _ = loud.readUntilClosed()
          for round in 0..<10 { _ = try? target.answer(to: &mutator, round: round) }
          for text in ["", "GET / HT", "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n{"] {
            guard let silent = try? LoopbackPeer(port: target.server.port) else { return false }
            silent.write(Array(text.utf8))
            halfOpen.append(silent)
          }
        }
        return target.isAlive && halfOpen.count == 3 * count
      }
      guard rounds(50) else { exit(2) }
      FreeMemory.giveBack()
      let before = residentBytes()
      for _ in 0..<Soak.count(1) { guard rounds(100) else { exit(3) } }
      FreeMemory.giveBack()
      // What a connection or a buffer left behind would be hundreds of megabytes.
      exit(residentBytes() < before + 8 << 20 ? 0 : 4)
    }
  }
}

/// Of this process.
private func residentBytes() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var text = [CChar](repeating: 0, count: 128)
  guard fgets(&text, 128, file) != nil else { return 0 }
  let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
    separator: " ")
  return words.count > 1 ? (Int(words[1]) ?? 0) * 4096 : 0
}
