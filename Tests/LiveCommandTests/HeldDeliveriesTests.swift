import Market
import Streams
import Testing

@testable import candlecast

struct HeldDeliveriesTests {
  private static func delivery(_ number: Int, bytes: Int) -> Delivery {
    Delivery(
      record: StreamRecord(id: "\(number)", key: "BTCUSDT", body: [UInt8](repeating: 0, count: bytes)),
      position: StreamPosition(shard: "0", sequence: "\(number)"), attempt: 1)
  }

  private static func moment(_ number: Int) -> Timestamp { Timestamp(milliseconds: Int64(number) * 1500) }

  @Test func `what nothing reaches back to is released, each once`() {
    var held = HeldDeliveries()
    for number in 0..<10 { held.hold(Self.delivery(number, bytes: 10), at: Self.moment(number)) }
    held.release(before: Self.moment(4))
    #expect(held.takeReleased().map(\.record.id) == ["0", "1", "2", "3"])
    #expect(held.takeReleased().isEmpty)
    held.release(before: .distantFuture)
    #expect(held.takeReleased().count == 6)
  }

  @Test(arguments: [(1, 6000), (200_000, 500)])
  func `what comes again is bounded, so that a publisher is not waited for for ever`(bytes: Int, count: Int) {
    var held = HeldDeliveries()
    var (newest, released) = (0, 0)
    // All of one moment, as history that is told once more.
    for number in 0..<count {
      held.hold(Self.delivery(number, bytes: bytes), at: Self.moment(1))
      let given = held.takeReleased()
      #expect(given.map(\.record.id) == (0..<given.count).map { "\(released + $0)" })
      (newest, released) = (number, released + given.count)
    }
    let rest = newest + 1 - released
    #expect(rest > 0 && rest <= 5000 && rest * bytes <= 16 << 20)
  }
}
