import Market
import Tape
import TestSupport
import Testing

struct TapeAnswerTests {
  @Test(arguments: [
    TapeAnswer(
      request: 42,
      outcome: .answer(
        status: 200, headers: [.init("X-MBX-USED-WEIGHT-1M", "12"), .init("Retry-After", "")],
        body: Array("{\"serverTime\":1499827319559}".utf8))),
    TapeAnswer(request: 0, outcome: .answer(status: 503, headers: [], body: [])),
    TapeAnswer(request: .max, outcome: .failure("the connection was reset")),
    TapeAnswer(request: -1, outcome: .failure("")),
  ])
  func `an answer is read back as it was`(answer: TapeAnswer) throws {
    #expect(try TapeAnswer(payload: answer.payload) == answer)
    for count in 0..<answer.payload.count {
      #expect(throws: TapeError.self) { try TapeAnswer(payload: Array(answer.payload.prefix(count))) }
    }
    #expect(throws: TapeError.self) { try TapeAnswer(payload: answer.payload + [0]) }
  }

  @Test(arguments: Soak.seeds(20))
  func `no bytes make it fail otherwise than with an error`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let start: [UInt8] = Bool.random(using: &random) ? [1, 2, 0] : [1]
    for _ in 0..<1000 {
      let bytes =
        start + (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      do { _ = try TapeAnswer(payload: bytes) } catch {}
    }
  }
}
