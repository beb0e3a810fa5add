import Market
import Streams

/// What was worked on and has to come again to a process that takes over, since what follows reaches back to it.
struct HeldDeliveries {
  private var held: [(delivery: Delivery, time: Timestamp)] = []
  private(set) var released: [Delivery] = []

  /// - Parameter time: of what it tells.
  mutating func hold(_ delivery: Delivery, at time: Timestamp) { held.append((delivery, time)) }

  mutating func release(before time: Timestamp) {
    let count = held.firstIndex { $0.time >= time } ?? held.count
    released += held[..<count].map(\.delivery)
    held.removeFirst(count)
  }

  /// Those that need not come again, each once.
  mutating func takeReleased() -> [Delivery] {
    defer { released = [] }
    return released
  }
}
