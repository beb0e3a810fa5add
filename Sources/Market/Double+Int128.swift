extension Double {
  /// The nearest double, of two as near the even one. `Double(_:)` gives the same and takes a hundred times as long.
  package init(nearest value: Int128) {
    if let small = Int64(exactly: value) {
      self = Double(small)
      return
    }
    let magnitude = value.magnitude
    let excess = max(0, UInt128.bitWidth - magnitude.leadingZeroBitCount - UInt64.bitWidth)
    let top = UInt64(truncatingIfNeeded: magnitude >> UInt128(excess))
    // What is cut off can only tell which way to round, and one bit far below the last that is kept says that.
    let rest = magnitude & ((1 << UInt128(excess)) - 1)
    let rounded = Double(top | (rest == 0 ? 0 : 1))
    let scaled = Double(sign: .plus, exponent: excess, significand: rounded)
    self = value < 0 ? -scaled : scaled
  }
}
