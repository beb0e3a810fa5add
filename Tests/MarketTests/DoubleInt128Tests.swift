import Market
import Testing

struct DoubleInt128Tests {
  @Test(arguments: 0..<50 as Range<UInt64>)
  func `the nearest double is that of the standard library`(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    for _ in 0..<200 {
      let bits = Int.random(in: 0...127, using: &generator)
      let value: Int128 = Int128.random(in: .min ... .max, using: &generator) >> Int128(127 - bits)
      #expect(Double(nearest: value) == Double(value), "\(value)")
      // As near to one double as to the next, and a little beside that.
      let even: Int128 = (value >> 1) << 1
      let half: Int128 = even &+ ((1 as Int128) << Int128(max(0, bits - 54)))
      let three: [Int128] = [half &- 1, half, half &+ 1]
      for near in three { #expect(Double(nearest: near) == Double(near), "\(near)") }
    }
  }

  private static let ends: [Int128] = [
    0, 1, -1, .max, .min, Int128(Int64.max), Int128(Int64.min), Int128(UInt64.max), Int128(UInt64.max) + 1,
  ]

  @Test(arguments: ends) func `so are those at the ends`(value: Int128) {
    #expect(Double(nearest: value) == Double(value))
  }
}
