import Operations
import Redis
import Streams

extension Diagnosis {
  /// The server between the roles; nobody is asked where nothing needs one.
  static func redis(_ context: CommandContext) -> [Finding] {
    let isKinesis = RoleStreams(context: context).kind == .kinesis
    guard isKinesis ? isCacheChosen(context.configuration) : isRedisWanted(context.configuration) else {
      let reason = isKinesis ? "Kinesis stands between the roles" : "one process plays all roles"
      return [Finding("Redis", .fine, "is not needed: \(reason)")]
    }
    let options = RedisOptions(context.redisAddress, seed: context.seed)
    do {
      let durability = try Blocking.run { try await RedisDurability(asking: try RedisClient(options)) }
      guard durability.warnings.isEmpty else {
        return durability.warnings.map { Finding("Redis", .warning, "\(options.address): \($0)") }
      }
      return [Finding("Redis", .fine, "\(options.address), keeps an append-only file")]
    } catch {
      return [Finding("Redis", .missing, "\(error)")]
    }
  }

  private static func isRedisWanted(_ configuration: Configuration) -> Bool {
    isSplit(configuration) || configuration.isSet("redis.host") || configuration.isSet("redis.port")
  }

  private static func isCacheChosen(_ configuration: Configuration) -> Bool {
    configuration.isSet("redis.cache") && configuration.boolean("redis.cache") == true
  }

  /// This process does not play all roles.
  static func isSplit(_ configuration: Configuration) -> Bool {
    Set(configuration.list("roles")) != Set(Role.allCases.map(\.rawValue))
  }
}
