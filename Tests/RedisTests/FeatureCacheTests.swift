import Glibc
import Market
import TestSupport
import Testing

@testable import Redis

struct FeatureCacheTests {
  private static let now = Timestamp(milliseconds: 1_638_360_000_000)

  private static var patient: FeatureCacheOptions {
    var options = FeatureCacheOptions()
    options.timeout = .seconds(60)
    return options
  }

  private static func point(_ offset: Int64 = 0) -> FeaturePoint {
    var point = FeaturePoint(symbol: .btcusdt, timestamp: Timestamp(milliseconds: now.milliseconds + offset))
    (point.price, point.volume, point.vwap) = (45230.50, 123.45, 45225.30)
    (point.priceChange1m, point.priceChange5m, point.volumeAverage1m) = (0.02, 0.15, 100.32)
    (point.bidAskSpread, point.orderBookImbalance, point.tradeIntensity) = (0.05, 0.12, 1.5)
    (point.rsi5m, point.macdSignal, point.bollingerPosition) = (65.2, 0.8, 0.3)
    return point
  }

  private static let prediction = CachedPrediction(
    symbol: .btcusdt, timestamp: now, currentPrice: 45230.5, predictedPrice: 45231.25, horizonSeconds: 60,
    confidence: 0.55, modelVersion: "v1", featuresAgeMilliseconds: 12, latencyMilliseconds: 3, source: "redis")

  @Test func `a point is written under the names of the seed, in its order`() {
    #expect(
      String(decoding: Self.point().json, as: UTF8.self) == """
        {"symbol": "BTCUSDT", "timestamp": 1638360000000, "price": 45230.5, "volume": 123.45, "vwap": 45225.3, \
        "price_change_1m": 0.02, "price_change_5m": 0.15, "volume_avg_1m": 100.32, "bid_ask_spread": 0.05, \
        "order_book_imbalance": 0.12, "trade_intensity": 1.5, "rsi_5m": 65.2, "macd_signal": 0.8, \
        "bollinger_position": 0.3}
        """)
    #expect(
      String(decoding: Self.prediction.json, as: UTF8.self) == """
        {"symbol": "BTCUSDT", "timestamp": 1638360000000, "current_price": 45230.5, "predicted_price": 45231.25, \
        "prediction_horizon_seconds": 60, "confidence": 0.55, "model_version": "v1", "features_age_ms": 12, \
        "inference_latency_ms": 3, "source": "redis"}
        """)
  }

  @Test(arguments: Soak.seeds(200)) func `any point is read as it was written`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var point = FeaturePoint(
      symbol: .bitcoinUSD, timestamp: Timestamp(milliseconds: .random(in: 0...4_000_000_000_000, using: &random)))
    for (_, path) in FeaturePoint.namedValues where Bool.random(using: &random) {
      let value = Double(bitPattern: random.next())
      point[keyPath: path] = value.isFinite ? value : nil
    }
    if Bool.random(using: &random) { point.source = "fall\"back\\\n\u{1}é" }
    #expect(try FeaturePoint(json: point.json) == point)
  }

  @Test(arguments: Soak.seeds(20)) func `a damaged point is a point or an error`(seed: UInt64) {
    var mutator = Mutator(seed: seed)
    for _ in 0..<200 {
      let text = mutator.frame(of: [Self.point().json, Self.prediction.json])
      if let point = try? FeaturePoint(json: text) { #expect((try? FeaturePoint(json: point.json)) == point) }
      if let read = try? CachedPrediction(json: text) { #expect((try? CachedPrediction(json: read.json)) == read) }
    }
  }

  @Test func `the last ten points are kept, newest first, for as long as they live`() async throws {
    let server = try await RedisServer()
    let cache = FeatureCache(try server.client(), Self.patient)
    for offset in 0..<12 { #expect(await cache.store(Self.point(Int64(offset))) == .stored) }
    let expected = (2..<12).reversed().map { Self.point(Int64($0)) }
    let now = Timestamp(milliseconds: Self.now.milliseconds + 4011)
    #expect(await cache.features(.btcusdt, now: now) == .fresh(expected, ageMilliseconds: 4000))
    #expect(try server.ask("LLEN", "features:BTCUSDT") == ":10")
    let left = try #require(Int(try server.ask("PTTL", "features:BTCUSDT").dropFirst()))
    #expect((1...3_600_000).contains(left))
  }

  @Test func `a point that comes twice stands there once`() async throws {
    let server = try await RedisServer()
    let cache = FeatureCache(try server.client(), Self.patient)
    for offset in [0, 1, 1, 0] as [Int64] { await cache.store(Self.point(offset)) }
    #expect(try server.ask("LLEN", "features:BTCUSDT") == ":2")
  }

  @Test func `what is older than five seconds is stale, what is not there is missing`() async throws {
    let server = try await RedisServer()
    let cache = FeatureCache(try server.client(), Self.patient)
    #expect(await cache.features(.btcusdt, now: Self.now) == .missing)
    #expect(await cache.prediction(.btcusdt, now: Self.now) == .missing)
    await cache.store(Self.point())
    await cache.store(Self.prediction)
    func at(_ offset: Int64) -> Timestamp { Timestamp(milliseconds: Self.now.milliseconds + offset) }
    #expect(
      await cache.features(.btcusdt, now: at(5000)) == .fresh([Self.point()], ageMilliseconds: 5000))
    #expect(await cache.features(.btcusdt, now: at(5001)) == .stale([Self.point()], ageMilliseconds: 5001))
    #expect(await cache.features(.btcusdt, now: at(-5001)) == .stale([Self.point()], ageMilliseconds: -5001))
    #expect(await cache.prediction(.btcusdt, now: at(7000)) == .stale(Self.prediction, ageMilliseconds: 7000))
    #expect(try server.ask("GET", "prediction:BTCUSDT:latest") == String(decoding: Self.prediction.json, as: UTF8.self))
    let statistics = cache.statistics
    #expect([statistics.writes, statistics.fresh, statistics.stale, statistics.missing] == [2, 1, 3, 2])
  }

  @Test func `a point that nobody renews is gone`() async throws {
    let server = try await RedisServer()
    var options = Self.patient
    options.timeToLive = .milliseconds(20)
    let cache = FeatureCache(try server.client(), options)
    await cache.store(Self.point())
    while await cache.features(.btcusdt, now: Self.now) != .missing { await Task.yield() }
  }

  @Test func `keys are where they are set to be`() async throws {
    var options = Self.patient
    let ether = try #require(Symbol("ETHUSDT"))
    #expect(options.predictionKey(.btcusdt) == "prediction:BTCUSDT:latest")
    #expect(options.predictionKey(ether) == "prediction:ETHUSDT:latest")
    options.predictionKey = "p/{symbol}/BTCUSDT"
    #expect(options.predictionKey(ether) == "p/ETHUSDT/BTCUSDT")
    options.featuresKeyPrefix = "test:f"
    let server = try await RedisServer()
    await FeatureCache(try server.client(), options).store(Self.point())
    #expect(try server.ask("EXISTS", "test:f:BTCUSDT") == ":1")
  }

  @Test func `what others have put there is unreadable, not wrong`() async throws {
    let server = try await RedisServer()
    let cache = FeatureCache(try server.client(), Self.patient)
    try server.ask("LPUSH", "features:BTCUSDT", "{\"symbol\": 1}")
    try server.ask("SET", "prediction:BTCUSDT:latest", "soon")
    guard case .unreadable = await cache.features(.btcusdt, now: Self.now) else {
      Issue.record("points")
      return
    }
    guard case .unreadable = await cache.prediction(.btcusdt, now: Self.now) else {
      Issue.record("prediction")
      return
    }
    try server.ask("SET", "features:BTCUSDT", "x")
    guard case .unavailable(.wrongType) = await cache.features(.btcusdt, now: Self.now) else {
      Issue.record("a text")
      return
    }
  }

  @Test(arguments: ["killed", "stopped", "full", "read-only"])
  func `whatever is wrong with the server the caller goes on, and the cache comes back`(trouble: String) async throws {
    let server = try await RedisServer()
    let client = try server.client { $0.connectTimeout = .milliseconds(100) }
    var options = FeatureCacheOptions()
    options.timeout = .milliseconds(50)
    let cache = FeatureCache(client, options)
    while await cache.store(Self.point()) != .stored {}
    let before = cache.statistics.unavailable
    switch trouble {
    case "killed": server.kill()
    case "stopped": server.pause()
    case "full": try server.ask("CONFIG", "SET", "maxmemory", "1")
    default: try server.ask("REPLICAOF", "127.0.0.1", "1")
    }
    for _ in 0..<5 { #expect(await cache.store(Self.point()) != .stored) }
    #expect(cache.statistics.unavailable == before + 5)
    switch trouble {
    case "killed": try await server.start()
    case "stopped": server.resume()
    case "full": try server.ask("CONFIG", "SET", "maxmemory", "0")
    default: try server.ask("REPLICAOF", "NO", "ONE")
    }
    while await cache.store(Self.point(1)) != .stored { await Task.yield() }
    guard case .fresh = await cache.features(.btcusdt, now: Self.now) else {
      Issue.record("not back")
      return
    }
  }
}
