import FoundationEssentials
import Market
import TestSupport
import Testing
import Transport

@testable import Cloud

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct CloudWatchTests {
  private static let now = Timestamp("2026-11-21T12:00:59.438Z")!

  private static func datum(_ name: String, _ value: MetricDatum.Value, dimensions: Int = 1) -> MetricDatum {
    MetricDatum(
      name, value, unit: .milliseconds, dimensions: (0..<dimensions).map { .init("d\($0)", "v") }, time: now)
  }

  private static func client(_ script: Scripted) throws -> (CloudWatchClient, HTTPServer) {
    let server = try HTTPServer(handler: script)
    var surroundings = Calm().surroundings
    surroundings.now = { now }
    return (
      CloudWatchClient(try HTTPClient(), try .testing("http://127.0.0.1:\(server.port)"), surroundings), server
    )
  }

  @Test func `moto takes metrics and lists them`() async throws {
    let moto = try await MotoServer.shared.value
    let http = try HTTPClient()
    let client = CloudWatchClient(http, try .testing(moto.url), Calm().surroundings)
    let space = "Test-" + UUID().uuidString
    let time = Calm.now
    let dropped = try await client.put(
      [
        MetricDatum("latency", .one(1.5), unit: .milliseconds, dimensions: [.init("svc", "ingest")], time: time),
        MetricDatum("sizes", .statistics(count: 2, sum: 3, minimum: 1, maximum: 2), unit: .bytes, time: time),
        MetricDatum("many", .many([.init(1, count: 3), .init(2)]), time: time),
        MetricDatum("bad", .one(.nan), time: time),
      ], namespace: space)
    #expect(dropped.counts == [.value: 1])
    let answer = try await http.send(
      HTTPRequest(
        method: "POST", url: moto.url + "/",
        headers: [
          HTTPHeader("Content-Type", "application/x-www-form-urlencoded"),
          HTTPHeader("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/monitoring/aws4_request"),
        ], body: Array("Action=ListMetrics&Version=2010-08-01&Namespace=\(space)".utf8),
        timeoutSeconds: Patience.seconds))
    let text = String(decoding: answer.body, as: UTF8.self)
    for name in ["latency", "sizes", "many"] { #expect(text.contains("<MetricName>\(name)</MetricName>"), "\(text)") }
    #expect(!text.contains("bad"))
  }

  @Test func `the request has the documented form`() async throws {
    let script = Scripted(.text(200, "{}"))
    let (client, server) = try Self.client(script)
    var datum = Self.datum("latency", .many([.init(1.5, count: 3), .init(2.5)]))
    datum.isHighResolution = true
    _ = try await client.put([datum], namespace: "Btc")
    let json = try #require(script.seen.first?.json)
    #expect(script.seen.first?.headers["x-amz-target"] == "GraniteServiceVersion20100801.PutMetricData")
    let sample = try #require(JSONTree(parsing: try Fixture.bytes("cloudwatch_put_metric_data_json.json")))
    let (made, given) = (json["MetricData"]?.elements?[0], sample["MetricData"]?.elements?[0])
    guard case .object(let members)? = made, case .object(let others)? = given else {
      Issue.record("\(json)")
      return
    }
    #expect(Set(members.keys) == Set(others.keys))
    #expect(made?["Values"]?.elements?.map(\.double) == [1.5, 2.5])
    #expect(made?["StorageResolution"]?.integer == 1)
    #expect(made?["Timestamp"] == .number("1795262459.438"))
    await server.stop()
  }

  @Test func `more than a request may hold goes in several, and what none may hold is counted`() async throws {
    let script = Scripted(.text(200, "{}"))
    let (client, server) = try Self.client(script)
    var data = (0..<1500).map { Self.datum("m\($0)", .one(Double($0))) }
    data.append(Self.datum("values", .many((0..<400).map { .init(Double($0)) })))
    data += [
      Self.datum("nan", .one(.nan)), Self.datum("inf", .one(-.infinity)), Self.datum("huge", .one(0x1p361)),
      Self.datum("none", .many([])), Self.datum("dims", .one(1), dimensions: 31), Self.datum("", .one(1)),
    ]
    data.append(MetricDatum("old", .one(1), time: Self.now.adding(minutes: -15 * 1440)))
    data.append(MetricDatum("early", .one(1), time: Self.now.adding(minutes: 121)))
    data.append(MetricDatum("empty", .one(1), dimensions: [.init("a", "")], time: Self.now))
    let dropped = try await client.put(data, namespace: "Btc")
    #expect(dropped.counts == [.value: 4, .dimensions: 2, .name: 1, .time: 2])
    let sent = script.seen.compactMap { $0.json?["MetricData"]?.elements }
    #expect(sent.map(\.count) == [1000, 503])
    #expect(sent.flatMap(\.self).allSatisfy { ($0["Values"]?.elements?.count ?? 0) <= 150 })
    await server.stop()
  }

  @Test func `a request stays below a megabyte`() async throws {
    let script = Scripted(.text(200, "{}"))
    let (client, server) = try Self.client(script)
    let long = String(repeating: "x", count: 1000)
    let data = (0..<300).map { number in
      MetricDatum("m\(number)", .one(1), dimensions: (0..<10).map { .init("d\($0)", long) }, time: Self.now)
    }
    #expect(try await client.put(data, namespace: "Btc").total == 0)
    #expect(script.seen.count > 2 && script.seen.allSatisfy { $0.body.count <= 1 << 20 })
    await server.stop()
  }

  @Test(arguments: ["AWS/EC2", "", ":a", "a b", String(repeating: "a", count: 256)])
  func `a namespace that is refused is refused here`(name: String) async throws {
    let script = Scripted(.text(200, "{}"))
    let (client, _) = try Self.client(script)
    guard case .invalid = await cloudError({ try await client.put([], namespace: name) }) else {
      Issue.record("taken")
      return
    }
    #expect(throws: CloudError.self) { try EmbeddedMetrics([], namespace: name, at: Self.now) }
  }

  @Test func `a log line has the documented form`() throws {
    let time = Timestamp(milliseconds: 1_795_181_659_438)
    let metrics = try EmbeddedMetrics(
      [MetricDatum("latency", .one(1.2), unit: .milliseconds, dimensions: [.init("svc", "ingest")], time: time)],
      namespace: "Btc", at: time)
    #expect(metrics.lines.count == 1 && metrics.dropped.total == 0)
    #expect(
      JSONTree(parsing: Array(metrics.lines[0].utf8)) == JSONTree(parsing: try Fixture.bytes("cloudwatch_emf.json")))
  }

  @Test func `log lines share what they can and keep to their limits`() throws {
    var data = (0..<150).map { Self.datum("m\($0)", .one(Double($0))) }
    data.append(Self.datum("other", .one(1), dimensions: 2))
    data.append(Self.datum("many", .many((0..<250).map { .init(Double($0)) }), dimensions: 3))
    data.append(Self.datum("d0", .one(1)))
    data.append(Self.datum("_aws", .one(1)))
    data.append(Self.datum("statistics", .statistics(count: 1, sum: 1, minimum: 1, maximum: 1)))
    data.append(Self.datum("nan", .one(.nan)))
    let metrics = try EmbeddedMetrics(data, namespace: "Btc", at: Self.now)
    #expect(metrics.dropped.counts == [.name: 2, .form: 1, .value: 1])
    let trees = try metrics.lines.map { try #require(JSONTree(parsing: Array($0.utf8))) }
    let counts = trees.compactMap {
      $0["_aws"]?["CloudWatchMetrics"]?.elements?[0]["Metrics"]?.elements?.count
    }
    #expect(counts == [100, 50, 1, 1, 1, 1])
    #expect(trees[3]["many"]?.elements?.count == 100 && trees[5]["many"]?.elements?.count == 50)
    #expect(metrics.lines.allSatisfy { $0.utf8.count <= 256 << 10 && !$0.contains("\n") })
  }
}
