/// Eight numbers that move together: one AVX2 register. Of the wider type the compiler makes quarters and shuffles them.
typealias Lanes = SIMD8<Float>

/// e to the power of each lane, within 2 units in the last place; arguments are held within ±87.
///
/// Splits x into n·ln 2 + r; the polynomial in r is that of Cephes `expf`. Adding 1.5·2²³ rounds to the nearest integer
/// and leaves it in the low bits, from where it becomes the exponent: `rounded` and conversions are not vectorised.
@inline(__always)
func exponential(_ argument: Lanes) -> Lanes {
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
  let exponent = (unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &<< 23) &+ 0x3F80_0000
  return p * unsafeBitCast(exponent, to: Lanes.self)
}

/// 1 / (1 + e⁻ˣ), within 1e-7.
@inline(__always)
func sigmoid(_ x: Lanes) -> Lanes { 1 / (1 + exponential(-x)) }

/// The hyperbolic tangent, within 2e-7.
@inline(__always)
func hyperbolicTangent(_ x: Lanes) -> Lanes { 1 - 2 / (1 + exponential(x + x)) }

/// Thirty-two numbers in four registers.
struct Lanes32: Sendable, Hashable {
  var a: Lanes
  var b: Lanes
  var c: Lanes
  var d: Lanes

  static let zero = Lanes32(a: .zero, b: .zero, c: .zero, d: .zero)

  @inline(__always)
  init(a: Lanes, b: Lanes, c: Lanes, d: Lanes) { (self.a, self.b, self.c, self.d) = (a, b, c, d) }

  @inline(__always)
  init(_ source: UnsafePointer<Lanes>) { self.init(a: source[0], b: source[1], c: source[2], d: source[3]) }

  /// Adds four registers of weights times one value.
  @inline(__always)
  mutating func add(_ weights: UnsafePointer<Lanes>, times value: Lanes) {
    a = a.addingProduct(weights[0], value)
    b = b.addingProduct(weights[1], value)
    c = c.addingProduct(weights[2], value)
    d = d.addingProduct(weights[3], value)
  }

  @inline(__always)
  func map(_ transform: (Lanes) -> Lanes) -> Lanes32 {
    Lanes32(a: transform(a), b: transform(b), c: transform(c), d: transform(d))
  }

  @inline(__always)
  static func * (x: Lanes32, y: Lanes32) -> Lanes32 {
    Lanes32(a: x.a * y.a, b: x.b * y.b, c: x.c * y.c, d: x.d * y.d)
  }

  @inline(__always)
  static func + (x: Lanes32, y: Lanes32) -> Lanes32 {
    Lanes32(a: x.a + y.a, b: x.b + y.b, c: x.c + y.c, d: x.d + y.d)
  }

  var sum: Float { ((a + b) + (c + d)).sum() }

  /// Calls `body` with the numbers in memory.
  @inline(__always)
  func withValues<T>(_ body: (UnsafePointer<Float>) -> T) -> T {
    withUnsafePointer(to: self) { pointer in
      pointer.withMemoryRebound(to: Lanes.self, capacity: 4) { lanes in
        lanes.withMemoryRebound(to: Float.self, capacity: 32) { body($0) }
      }
    }
  }
}
