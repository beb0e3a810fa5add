import Redis
import TestSupport

extension RedisOptions {
  /// Waits as long as it takes on a machine that has much else to do.
  static func patient(_ address: RedisAddress) -> RedisOptions {
    var options = RedisOptions(address, seed: 1)
    (options.timeout, options.connectTimeout) = (.seconds(60), .seconds(60))
    return options
  }

  static func patient(port: UInt16) -> RedisOptions { patient(RedisAddress(port: port)) }
}

extension RedisServer {
  func options(database: Int = 0) throws -> RedisOptions {
    .patient(try RedisAddress(url: url + (database == 0 ? "" : "/\(database)")))
  }

  func client(_ change: (inout RedisOptions) -> Void = { _ in }) throws -> RedisClient {
    var options = try options()
    change(&options)
    return try RedisClient(options)
  }
}

extension RedisClient {
  /// Asks until there is an answer.
  func untilAnswered(_ command: RedisCommand = RedisCommand("PING")) async throws -> RedisValue {
    while true {
      do {
        return try await send(command)
      } catch {
        guard error.isTransient else { throw error }
        try await Task.sleep(for: .milliseconds(5))
      }
    }
  }
}

/// The error that a call ends with.
func error(of body: () async throws(RedisError) -> some Any) async -> RedisError? {
  do throws(RedisError) {
    _ = try await body()
    return nil
  } catch {
    return error
  }
}

extension RedisError {
  /// The name of its case.
  var kind: String { String("\(Mirror(reflecting: self).children.first?.label ?? "")") }
}
