package import Market

/// What a client needs of the world beside the network.
package struct Surroundings: Sendable {
  /// Of the day: signatures hold it, and services refuse one that is more than a few minutes wrong.
  package var now: @Sendable () -> Timestamp
  /// At least 0, less than 1.
  package var chance: @Sendable () -> Double
  /// Waits so many seconds; throws if the task is cancelled.
  package var pause: @Sendable (_ seconds: Double) async throws -> Void

  package init(
    now: @escaping @Sendable () -> Timestamp, chance: @escaping @Sendable () -> Double,
    pause: @escaping @Sendable (_ seconds: Double) async throws -> Void
  ) {
    (self.now, self.chance, self.pause) = (now, chance, pause)
  }
}
