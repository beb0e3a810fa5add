import Market
import Testing

@testable import Models

struct TensorsTests {
  @Test func `reads what the Python library wrote`() throws {
    let tensors = try Golden.tensors()
    #expect(tensors["lstm.weight_ih"]?.shape == [128, 18])
    #expect(tensors["lstm.bias"]?.values.first == Golden.uniforms(seed: 13, count: 1)[0] * 0.25)
  }

  @Test func `what is written is read, and writing twice gives the same bytes`() throws {
    let tensors = try Golden.tensors()
    let bytes = tensors.safetensors
    #expect(try Tensors(safetensors: bytes) == tensors)
    #expect(try Tensors(safetensors: bytes).safetensors == bytes)
  }

  @Test(arguments: 0..<500)
  func `a mutated or truncated file is refused or read, and never traps`(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    var tensors = Tensors()
    tensors["a"] = Tensors.Tensor(shape: [2, 3], values: [1, 2, 3, 4, 5, 6])
    tensors["b"] = Tensors.Tensor(shape: [1], values: [7])
    var bytes = tensors.safetensors
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
    }
    if seed.isMultiple(of: 3) { bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator)) }
    guard let read = try? Tensors(safetensors: bytes) else { return }
    #expect(read.byName.values.allSatisfy { $0.shape.reduce(1, *) == $0.values.count })
  }

  @Test(arguments: [
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
    #"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, #"{"a":1}"#, #"[]"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
  ])
  func `offsets and shapes that lie are refused`(header: String) {
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    let bytes = length + Array(header.utf8) + [UInt8](repeating: 0, count: 8)
    #expect(throws: TensorError.self) { try Tensors(safetensors: bytes) }
  }

  @Test func `a header of impossible length is refused`() {
    #expect(throws: TensorError.self) { try Tensors(safetensors: [UInt8](repeating: 255, count: 64)) }
  }

  @Test func `a value that is not finite is refused`() {
    var tensors = Tensors()
    tensors["a"] = Tensors.Tensor(shape: [1], values: [.nan])
    #expect(throws: TensorError.notFinite(name: "a")) { try Tensors(safetensors: tensors.safetensors) }
  }
}
