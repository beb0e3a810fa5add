import Features
import Glibc
import Market
import Testing

@Suite struct WindowTrackerTests {
  private func candle(_ minute: Int64, open: Double = 100, close: Double = 100) -> FeatureInput {
    FeatureInput(openTime: Timestamp(minute: minute), open: open, high: 200, low: 50, close: close)
  }

  @Test func `a whole window counts down and ends without a decision`() {
    var tracker = WindowTracker(lengthMinutes: 5)
    var left: [Int?] = []
    for minute in 100..<106 {
      tracker.update(candle(Int64(minute)))
      left.append(tracker.minutesLeft)
    }
    #expect(left == [4, 3, 2, 1, nil, 4])
  }

  @Test func `the move is measured from the open of the first minute`() {
    var tracker = WindowTracker(lengthMinutes: 15)
    tracker.update(candle(30, open: 100, close: 101))
    tracker.update(candle(31, open: 101, close: 102))
    #expect(tracker.strike == 100)
    #expect(tracker.moveBasisPoints == 1e4 * log(1.02))
    #expect(tracker.windowStart == Timestamp(minute: 30))
  }

  @Test func `an absent minute silences the rest of its window`() {
    var tracker = WindowTracker(lengthMinutes: 5)
    for minute in [100, 102] { tracker.update(candle(Int64(minute))) }
    #expect(!tracker.isComplete && tracker.minutesLeft == nil && tracker.moveBasisPoints == nil)
    tracker.update(candle(105))
    #expect(tracker.minutesLeft == 4)
  }

  @Test func `a window joined in the middle has no strike`() {
    var tracker = WindowTracker(lengthMinutes: 60)
    tracker.update(candle(61))
    #expect(tracker.strike == nil && tracker.minutesLeft == nil)
  }
}
