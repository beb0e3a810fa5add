import Redis
import TestSupport

extension RedisServer {
  func options(database: Int = 0, user: String? = nil) throws -> RedisOptions {
    RedisOptions(try RedisAddress(url: url + (database == 0 ? "" : "/\(database)")), seed: 1)
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
