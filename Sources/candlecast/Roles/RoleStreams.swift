import Market
import Operations
import Redis
import Streams

/// The streams between the roles.
struct RoleStreams {
  /// From `ingest` to `features`.
  static let candles = "candles"
  /// From `features` to `predict`.
  static let features = "features"

  let context: CommandContext

  /// The stream of a name, with the one group that reads it.
  func stream(_ name: String) throws -> any EventStream {
    var options = RedisStreamOptions(groups: [Self.group(of: name)])
    options.name = "\(context.configuration.text("stream.name") ?? "candlecast"):\(context.priceSymbol):\(name)"
    do throws(StreamError) {
      return try RedisStream(options, redis: RedisOptions(context.redisAddress, seed: context.seed))
    } catch {
      throw CommandError(.unreachable, "\(error)")
    }
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
}
