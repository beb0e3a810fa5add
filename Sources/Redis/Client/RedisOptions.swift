/// How a client treats a server. Times are what a local network needs.
package struct RedisOptions: Hashable, Sendable {
  package var address: RedisAddress
  /// For a command without a time of its own, from the call to the answer.
  package var timeout = Duration.seconds(1)
  /// For making a connection, entering included.
  package var connectTimeout = Duration.seconds(2)
  /// The pause after the first failed attempt; each following one is up to twice as long.
  package var firstPause = Duration.milliseconds(50)
  package var longestPause = Duration.seconds(2)
  /// After a connection that lasted for less there is a pause too.
  package var shortestConnection = Duration.seconds(1)
  /// Calls that wait for answers at a time; more are refused.
  package var mostCalls = 10_000
  /// Bytes of commands that wait at a time; more are refused.
  package var mostBytes = 64 << 20
  package var mostReplyBytes = 64 << 20
  /// Pauses differ from client to client, so that they do not come back all at once.
  package var seed: UInt64

  package init(_ address: RedisAddress, seed: UInt64) { (self.address, self.seed) = (address, seed) }
}

/// What a client has seen so far.
package struct RedisStatistics: Hashable, Sendable {
  package var isConnected = false
  /// Connections made; each is of another generation.
  package var connections: UInt64 = 0
  package var failedAttempts: UInt64 = 0
  package var lostConnections: UInt64 = 0
  package var commands: UInt64 = 0
  package var timeouts: UInt64 = 0
  package var refusals: UInt64 = 0
  /// Why the newest attempt failed or connection was lost; stays after the next success.
  package var lastTrouble: RedisError?

  package init() {}
}
