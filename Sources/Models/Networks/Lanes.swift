/// Sixteen numbers that move together; two AVX2 registers.
typealias Lanes = SIMD16<Float>

extension Lanes {
  /// e to the power of each lane, within 2 units in the last place; arguments are held within ±87.
  ///
  /// Splits x into n·ln 2 + r; the polynomial in r is that of Cephes `expf`. Adding 1.5·2²³ rounds to the nearest integer
  /// and leaves it in the low bits, from where it becomes the exponent: `rounded` and conversions are not vectorised.
  @inline(__always)
  static func exp(_ argument: Lanes) -> Lanes {
    var x = argument.replacing(with: -87, where: argument .< -87)
    x.replace(with: 87, where: x .> 87)
    let magic = Lanes(repeating: 12_582_912)
    let shifted = magic.addingProduct(x, 1.442_695_04)
    let n = shifted - magic
    var r = x.addingProduct(n, -0.693_359_375)
    r = r.addingProduct(n, 2.121_944_4e-4)
    var p = Lanes(repeating: 1.987_569_15e-4)
    p = Lanes(repeating: 1.398_199_95e-3).addingProduct(p, r)
    p = Lanes(repeating: 8.333_451_9e-3).addingProduct(p, r)
    p = Lanes(repeating: 4.166_579_6e-2).addingProduct(p, r)
    p = Lanes(repeating: 1.666_666_55e-1).addingProduct(p, r)
    p = Lanes(repeating: 5.000_000_1e-1).addingProduct(p, r)
    p = (r + 1).addingProduct(p, r * r)
    let exponent = (unsafeBitCast(shifted, to: SIMD16<UInt32>.self) &<< 23) &+ 0x3F80_0000
    return p * unsafeBitCast(exponent, to: Lanes.self)
  }

  /// 1 / (1 + e⁻ˣ), within 1e-7.
  @inline(__always)
  static func sigmoid(_ x: Lanes) -> Lanes { 1 / (1 + exp(-x)) }

  /// The hyperbolic tangent, within 2e-7.
  @inline(__always)
  static func tanh(_ x: Lanes) -> Lanes { 1 - 2 / (1 + exp(x + x)) }
}
