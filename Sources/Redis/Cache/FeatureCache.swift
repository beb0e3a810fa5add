package import Market
internal import Synchronization

/// The newest features and predictions in Redis, for processes that need them within a millisecond.
///
/// Nothing here keeps the caller from going on: whatever is wrong with Redis is an outcome, and is counted. When it is
/// well again, the next call works.
package final class FeatureCache: Sendable {
  private let client: RedisClient
  package let options: FeatureCacheOptions
  private let counts = Mutex(FeatureCacheStatistics())

  package init(_ client: RedisClient, _ options: FeatureCacheOptions = FeatureCacheOptions()) {
    (self.client, self.options) = (client, options)
  }

  package var statistics: FeatureCacheStatistics { counts.withLock(\.self) }

  /// Puts a point before the others of its symbol. The same point twice stands there once.
  @discardableResult
  package func store(_ point: FeaturePoint) async -> CacheWrite {
    let (key, json) = (RedisCommand.Argument(options.featuresKey(point.symbol)), point.json)
    return await write([
      RedisCommand("LREM", key, "0", .init(bytes: json)),
      RedisCommand("LPUSH", key, .init(bytes: json)),
      RedisCommand("LTRIM", key, "0", .init(options.points - 1)),
      RedisCommand("PEXPIRE", key, lifetime),
    ])
  }

  /// Takes the place of the symbol's prediction.
  @discardableResult
  package func store(_ prediction: CachedPrediction) async -> CacheWrite {
    let key = RedisCommand.Argument(options.predictionKey(prediction.symbol))
    return await write([RedisCommand("SET", key, .init(bytes: prediction.json), "PX", lifetime)])
  }

  /// The kept points of a symbol, newest first; as old as the newest is.
  package func features(_ symbol: Symbol, now: Timestamp) async -> CacheReading<[FeaturePoint]> {
    let command = RedisCommand("LRANGE", .init(options.featuresKey(symbol)), "0", .init(options.points - 1))
    return await read(command, now: now) { (answer: RedisValue) throws(JSONMembersError) in
      guard let entries = answer.array else { throw JSONMembersError(description: "no list") }
      var points: [FeaturePoint] = []
      for entry in entries { points.append(try FeaturePoint(json: entry.bytes ?? [])) }
      return points.first.map { (points, $0.timestamp) }
    }
  }

  package func prediction(_ symbol: Symbol, now: Timestamp) async -> CacheReading<CachedPrediction> {
    await read(RedisCommand("GET", .init(options.predictionKey(symbol))), now: now) {
      (answer: RedisValue) throws(JSONMembersError) in
      guard !answer.isNull else { return nil }
      let prediction = try CachedPrediction(json: answer.bytes ?? [])
      return (prediction, prediction.timestamp)
    }
  }

  private var lifetime: RedisCommand.Argument { .init(max(1, options.timeToLive.nanoseconds / 1_000_000)) }

  private func write(_ commands: [RedisCommand]) async -> CacheWrite {
    do throws(RedisError) {
      if commands.count == 1 {
        _ = try await client.send(commands[0], timeout: options.timeout)
      } else {
        _ = try await client.transaction(commands, timeout: options.timeout)
      }
      counts.withLock { $0.writes += 1 }
      return .stored
    } catch {
      counts.withLock { $0.fail(error) }
      return .unavailable(error)
    }
  }

  private func read<Value: Sendable>(
    _ command: RedisCommand, now: Timestamp,
    _ value: (RedisValue) throws(JSONMembersError) -> (Value, Timestamp)?
  ) async -> CacheReading<Value> {
    let answer: RedisValue
    do throws(RedisError) {
      answer = try await client.send(command, timeout: options.timeout)
    } catch {
      counts.withLock { $0.fail(error) }
      return .unavailable(error)
    }
    do throws(JSONMembersError) {
      let reading = try value(answer).map { judge($0, $1, now) } ?? .missing
      counts.withLock { $0.count(reading) }
      return reading
    } catch {
      counts.withLock { $0.unreadable += 1 }
      return .unreadable(reason: error.description)
    }
  }

  /// What is from much later than now has a wrong clock, and is no better than what is old.
  private func judge<Value>(_ value: Value, _ time: Timestamp, _ now: Timestamp) -> CacheReading<Value> {
    let age = now.milliseconds - time.milliseconds
    return abs(age) <= options.mostAgeMilliseconds
      ? .fresh(value, ageMilliseconds: max(0, age)) : .stale(value, ageMilliseconds: age)
  }
}

package enum CacheWrite: Hashable, Sendable {
  case stored
  /// The caller goes on without.
  case unavailable(RedisError)
}

/// What the cache has, and how far to trust it.
package enum CacheReading<Value: Sendable>: Sendable {
  case fresh(Value, ageMilliseconds: Int64)
  /// Older than it may be; negative where its time is yet to come.
  case stale(Value, ageMilliseconds: Int64)
  case missing
  /// Something else stands under the key.
  case unreadable(reason: String)
  /// The caller goes on without.
  case unavailable(RedisError)
}

extension CacheReading: Equatable where Value: Equatable {}

/// Outcomes so far.
package struct FeatureCacheStatistics: Hashable, Sendable {
  package var writes: UInt64 = 0
  package var fresh: UInt64 = 0
  package var stale: UInt64 = 0
  package var missing: UInt64 = 0
  package var unreadable: UInt64 = 0
  /// Calls that went on without the cache.
  package var unavailable: UInt64 = 0
  package var lastTrouble: RedisError?

  package init() {}

  mutating func fail(_ error: RedisError) {
    unavailable += 1
    lastTrouble = error
  }

  mutating func count<Value>(_ reading: CacheReading<Value>) {
    switch reading {
    case .fresh: fresh += 1
    case .stale: stale += 1
    case .missing: missing += 1
    case .unreadable, .unavailable: break
    }
  }
}
