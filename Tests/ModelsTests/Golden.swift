import FoundationEssentials
import Glibc
import Market
import Testing

@testable import Models

/// The files that Scripts/golden/make_models.py made, and the rows that it drew.
enum Golden {
  static func bytes(_ name: String) throws -> [UInt8] {
    let here = URL(filePath: #filePath).deletingLastPathComponent()
    return Array(try Data(contentsOf: here.appending(path: "Fixtures/\(name)")))
  }

  static func floats(_ name: String) throws -> [Float] {
    let bytes = try bytes(name)
    return stride(from: 0, to: bytes.count, by: 4).map { at in
      Float(bitPattern: bytes[at..<at + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
  }

  static func tensors() throws -> Tensors { try Tensors(safetensors: try bytes("weights.safetensors")) }

  /// Floats in −4 to 4, exact in 24 bits.
  static func uniform(_ generator: inout SplitMix64) -> Float {
    Float(Double(generator.next() >> 40) / 2_097_152 - 4)
  }

  static func uniforms(seed: UInt64, count: Int) -> [Float] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in uniform(&generator) }
  }

  /// Sixteenths in −4 to 4; one in sixteen is missing.
  static func gridded(_ generator: inout SplitMix64) -> Float {
    let bits = generator.next()
    return bits & 15 == 0 ? .nan : Float(Double(bits >> 57) / 16 - 4)
  }

  /// Rows that are compared with the libraries: all 10,000 where the kernels are fast.
  static var rowCount: Int {
    #if DEBUG
    200
    #else
    10_000
    #endif
  }
}

func sigmoid(_ x: Float) -> Double { 1 / (1 + exp(-Double(x))) }
