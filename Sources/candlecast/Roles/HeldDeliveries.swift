import Market
import Streams

/// What was worked on and has to come again to a process that takes over, since what follows reaches back to it.
struct HeldDeliveries {
  /// Well below what a publisher holds: one that waits for us to release what we hold for its next record would wait
  /// for ever.
  private static let mostBytes = 16 << 20
  private static let most = 5000

  private var held: [(delivery: Delivery, time: Timestamp)] = []
  private var bytes = 0
  private(set) var released: [Delivery] = []

  /// - Parameter time: of what it tells.
  mutating func hold(_ delivery: Delivery, at time: Timestamp) {
    held.append((delivery, time))
    bytes += delivery.record.body.count
    var count = 0
    var rest = bytes
    while rest > Self.mostBytes || held.count - count > Self.most {
      rest -= held[count].delivery.record.body.count
      count += 1
    }
    release(first: count)
  }

  /// One that says what another that is held has said. Were it held too, the bound would let go of what it repeats.
  mutating func pass(_ repeated: Delivery) { released.append(repeated) }

  mutating func release(before time: Timestamp) { release(first: held.firstIndex { $0.time >= time } ?? held.count) }

  private mutating func release(first count: Int) {
    guard count > 0 else { return }
    released += held[..<count].map(\.delivery)
    bytes -= held[..<count].reduce(0) { $0 + $1.delivery.record.body.count }
    held.removeFirst(count)
  }

  /// Those that need not come again, each once.
  mutating func takeReleased() -> [Delivery] {
    defer { released = [] }
    return released
  }
}
