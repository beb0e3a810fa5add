import Market
import Testing

struct TimestampTests {
  @Test func `the first and the last instant can be told`() {
    #expect(Timestamp.distantPast.description < Timestamp.distantFuture.description)
  }

  @Test(arguments: [
    ("2024-03-31T23:59:00Z", 1_711_929_540_000), ("2024-02-29", 1_709_164_800_000),
    ("2024-03-01T12:30", 1_709_296_200_000), ("2024-03-01T14:30:00+02:00", 1_709_296_200_000),
    ("1711929540000", 1_711_929_540_000), ("2024-03-01 12:30:00.250Z", 1_709_296_200_250),
  ])
  func `reads ISO 8601 and Unix milliseconds`(text: String, milliseconds: Int64) {
    #expect(Timestamp(text)?.milliseconds == milliseconds)
  }

  @Test(arguments: [
    "", "yesterday", "2023-02-29", "2024-13-01", "2024-01-01T24:00", "2024-01-01T10", "1711", "99999999999999999",
  ])
  func `refuses what is no time`(text: String) {
    #expect(Timestamp(text) == nil)
  }

  @Test(arguments: 0..<200)
  func `prints what it reads`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let time = Timestamp(microseconds: Int64.random(in: 0..<7_000_000_000_000_000, using: &generator))
    #expect(Timestamp(time.description) == time)
  }

  @Test func `days before 1970 round down`() {
    #expect(Timestamp(microseconds: -1).day == -1)
    #expect(CivilDate(day: -1).description == "1969-12-31")
  }

  @Test func `the first and the last of all can be printed`() {
    #expect(Timestamp(microseconds: .min).description == "-290308-12-21T19:59:05.224192Z")
    #expect(Timestamp(microseconds: .max).description.hasSuffix("T04:00:54.775807Z"))
  }
}
