import Cloud
import Market
import Operations
import Redis
import Storage
import Streams
import Transport

/// The streams between the roles.
struct RoleStreams {
  /// What carries them.
  enum Kind: String {
    case redis
    case kinesis
  }

  /// From `ingest` to `features`.
  static let candles = "candles"
  /// From `features` to `predict`.
  static let features = "features"

  let context: CommandContext

  var kind: Kind { context.configuration.text("stream.kind").flatMap { Kind(rawValue: $0) } ?? .redis }

  /// The stream of a name, with the one group that reads it.
  func stream(_ name: String) throws -> any EventStream {
    switch kind {
    case .redis: try redis(name)
    case .kinesis: try kinesis(name)
    }
  }

  private func redis(_ name: String) throws(CommandError) -> RedisStream {
    var options = RedisStreamOptions(groups: [Self.group(of: name)])
    options.name = parts(name).joined(separator: ":")
    do throws(StreamError) {
      return try RedisStream(options, redis: RedisOptions(context.redisAddress, seed: context.seed))
    } catch {
      throw CommandError(.unreachable, "\(error)")
    }
  }

  private func kinesis(_ name: String) throws -> KinesisStream {
    try checkStoreIsShared()
    let options = try kinesisOptions(name)
    return try KinesisStream(
      options, try kinesisClient(), checkpoints: StoredCheckpoints { try context.openForWriting() })
  }

  func checkStoreIsShared() throws(CommandError) {
    guard case .postgres = context.store else {
      throw CommandError(
        .wrongUsage,
        "\(context.store) belongs to one process, and roles that meet over Kinesis share its checkpoints in their store: "
          + "give --store postgres://USER@HOST/DATABASE")
    }
  }

  func kinesisClient(backoff: Backoff = .init(), timeoutSeconds: Double = 30) throws -> KinesisClient {
    let http = try HTTPClient(HTTPClient.Options(context.configuration))
    return KinesisClient(
      http, try context.cloudAccess(), .ofThisMachine, backoff: backoff, timeoutSeconds: timeoutSeconds)
  }

  func kinesisOptions(_ name: String) throws(CommandError) -> KinesisStreamOptions {
    // Colons have no place in the name of a stream there.
    let options = KinesisStreamOptions(name: parts(name).joined(separator: "-"), groups: [Self.group(of: name)])
    do throws(StreamError) {
      try options.validate()
    } catch {
      throw CommandError(.wrongUsage, "\(error): change stream.name")
    }
    return options
  }

  private func parts(_ name: String) -> [String] {
    [context.configuration.text("stream.name") ?? "candlecast", context.priceSymbol, name]
  }

  static func group(of name: String) -> String { name == candles ? "features" : "predict" }
}

extension CommandContext {
  var priceSymbol: String { view.price.symbol.name.filter { $0 != "/" } }

  var redisAddress: RedisAddress {
    RedisAddress(
      host: configuration.text("redis.host") ?? "localhost",
      port: UInt16(clamping: configuration.integer("redis.port") ?? 6379), user: configuration.text("redis.user"),
      password: configuration.text("redis.password").map { Secret($0) },
      database: configuration.integer("redis.database") ?? 0)
  }

  /// `nil` unless the configuration asks for it; who has chosen Kinesis need not have Redis.
  func featureCache() throws -> FeatureCache? {
    guard configuration.boolean("redis.cache") ?? true else { return nil }
    guard RoleStreams(context: self).kind == .redis || configuration.isSet("redis.cache") else { return nil }
    var options = FeatureCacheOptions()
    options.featuresKeyPrefix = configuration.text("redis.features_key_prefix") ?? options.featuresKeyPrefix
    options.predictionKey = configuration.text("redis.prediction_key") ?? options.predictionKey
    options.mostAgeMilliseconds = TickCadence(configuration).maxInputAgeMilliseconds
    return FeatureCache(try RedisClient(RedisOptions(redisAddress, seed: seed)), options)
  }
}
