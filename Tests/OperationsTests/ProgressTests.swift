import Operations
import Testing

struct ProgressTests {
  @Test func `shows share, rate and the time left`() {
    let progress = Progress(done: 250_000, total: 1_000_000, elapsedSeconds: 1)
    #expect(
      progress.line(label: "import", unit: "candles", columns: 120)
        == "import  25 % [#####---------------] 250,000 of 1,000,000 candles, 250,000/s, 3 s left")
  }

  @Test func `without a total there is no share and no end`() {
    let progress = Progress(done: 10, total: nil, elapsedSeconds: 2)
    #expect(progress.line(label: "replay", unit: "minutes", columns: 80) == "replay 10 minutes, 5/s")
    #expect(progress.secondsLeft == nil)
  }

  @Test func `never promises a time before anything is done, and fits the line`() {
    #expect(Progress(done: 0, total: 10, elapsedSeconds: 1).secondsLeft == nil)
    #expect(Progress(done: 10, total: 10, elapsedSeconds: 1).secondsLeft == nil)
    #expect(Progress(done: 5, total: 0, elapsedSeconds: 1).line(label: "x", unit: "y", columns: 10).count <= 10)
  }

  @Test(arguments: [(0.2, "1 s"), (59, "59 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")])
  func `says durations shortly`(seconds: Double, text: String) {
    #expect(Progress.duration(seconds) == text)
  }

  @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")])
  func `groups thousands`(number: Int, text: String) {
    #expect(number.grouped == text)
  }
}
