internal import FoundationEssentials

/// Why a file of tensors, or one of them, is refused.
package enum TensorError: Error, Equatable, CustomStringConvertible {
  case malformed(reason: String)
  case missing(name: String)
  case wrongShape(name: String, expected: String, actual: [Int])
  case notFinite(name: String)

  package var description: String {
    switch self {
    case .malformed(let reason): "not a safetensors file: \(reason)"
    case .missing(let name): "the tensor “\(name)” is missing"
    case .wrongShape(let name, let expected, let actual): "the tensor “\(name)” is \(actual), expected \(expected)"
    case .notFinite(let name): "the tensor “\(name)” holds a value that is not finite"
    }
  }
}

/// Named arrays of finite 32-bit floats, row by row, and their file format `safetensors`.
package struct Tensors: Sendable, Equatable {
  package struct Tensor: Sendable, Equatable {
    package let shape: [Int]
    package let values: [Float]

    /// `nil` unless the shape holds as many values as there are.
    package init?(shape: [Int], values: [Float]) {
      guard Tensors.elementCount(shape) == values.count else { return nil }
      (self.shape, self.values) = (shape, values)
    }
  }

  package private(set) var byName: [String: Tensor] = [:]

  package init() {}

  package subscript(name: String) -> Tensor? {
    get { byName[name] }
    set { byName[name] = newValue }
  }

  func vector(_ name: String, count: Int) throws(TensorError) -> [Float] {
    guard let tensor = byName[name] else { throw .missing(name: name) }
    guard tensor.shape == [count] else { throw .wrongShape(name: name, expected: "[\(count)]", actual: tensor.shape) }
    return tensor.values
  }

  /// A matrix of so many rows, and columns if given.
  func matrix(_ name: String, rows: Int, columns: Int? = nil) throws(TensorError) -> Matrix {
    guard let tensor = byName[name] else { throw .missing(name: name) }
    guard tensor.shape.count == 2, tensor.shape[0] == rows, columns == nil || tensor.shape[1] == columns else {
      let expected = "[\(rows), \(columns.map { "\($0)" } ?? "n")]"
      throw .wrongShape(name: name, expected: expected, actual: tensor.shape)
    }
    return Matrix(rows: rows, columns: tensor.shape[1], values: tensor.values)
  }

  struct Matrix {
    let rows: Int
    let columns: Int
    let values: [Float]

    /// Column by column in groups of eight rows, as a product with a vector reads it.
    var columnLanes: [Lanes] {
      (0..<columns).flatMap { column in
        (0..<rows).map { values[$0 * columns + column] }.lanes
      }
    }
  }

  fileprivate static func elementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for side in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: side)
      guard side >= 0, !overflow else { return nil }
      count = product
    }
    return count
  }
}

extension [Float] {
  /// In groups of eight; the count must be a multiple of that.
  var lanes: [Lanes] {
    stride(from: 0, to: count, by: 8).map { start in Lanes(self[start..<start + 8]) }
  }
}

/// The file: eight bytes of header length, a JSON header of name, type, shape and offsets, then the values, little-endian.
extension Tensors {
  private struct Entry: Codable {
    let dtype: String
    let shape: [Int]
    let data_offsets: [Int]
  }

  private static let largestHeader = 1 << 20

  package init(safetensors bytes: [UInt8]) throws(TensorError) {
    guard bytes.count >= 8 else { throw .malformed(reason: "it has \(bytes.count) bytes") }
    let length = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= Self.largestHeader, Int(length) <= bytes.count - 8 else {
      throw .malformed(reason: "its header claims \(length) bytes")
    }
    let header = Data(bytes[8..<8 + Int(length)])
    let body = bytes[(8 + Int(length))...]
    let entries = try Self.entries(header)
    var end = 0
    for (name, entry) in entries {
      guard entry.dtype == "F32" else { throw .malformed(reason: "“\(name)” is \(entry.dtype), only F32 is read") }
      guard let count = Self.elementCount(entry.shape), count <= body.count / 4, entry.data_offsets.count == 2,
        entry.data_offsets[0] == end, entry.data_offsets[1] == end + 4 * count, end + 4 * count <= body.count
      else { throw .malformed(reason: "“\(name)” does not lie where the header says") }
      let slice = body[(body.startIndex + end)..<(body.startIndex + end + 4 * count)]
      let values = Self.floats(slice)
      guard values.allSatisfy(\.isFinite) else { throw .notFinite(name: name) }
      byName[name] = Tensor(shape: entry.shape, values: values)
      end += 4 * count
    }
    guard end == body.count else { throw .malformed(reason: "\(body.count - end) bytes belong to no tensor") }
  }

  /// In the order of their offsets; equal offsets can only be those of empty tensors.
  private static func entries(_ header: Data) throws(TensorError) -> [(String, Entry)] {
    struct Header: Decodable {
      var entries: [String: Entry] = [:]

      init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for key in container.allKeys where key.stringValue != "__metadata__" {
          entries[key.stringValue] = try container.decode(Entry.self, forKey: key)
        }
      }
    }
    struct Key: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }
      init?(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }
    do {
      let entries = try JSONDecoder().decode(Header.self, from: header).entries
      return entries.map { ($0.key, $0.value) }.sorted {
        ($0.1.data_offsets.first ?? 0, $0.1.data_offsets.last ?? 0, $0.0)
          < ($1.1.data_offsets.first ?? 0, $1.1.data_offsets.last ?? 0, $1.0)
      }
    } catch {
      throw .malformed(reason: "its header is not what it should be")
    }
  }

  private static func floats(_ bytes: ArraySlice<UInt8>) -> [Float] {
    bytes.withUnsafeBytes { raw in
      stride(from: 0, to: raw.count, by: 4).map { at in
        Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
      }
    }
  }

  /// The same tensors give the same bytes: names in order, the header padded to eight bytes.
  package var safetensors: [UInt8] {
    var end = 0
    var fields: [String] = []
    var body: [UInt8] = []
    for (name, tensor) in byName.sorted(by: { $0.key < $1.key }) {
      let start = end
      end += 4 * tensor.values.count
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      fields.append("\(quoted(name)):{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(start),\(end)]}")
      for value in tensor.values { Swift.withUnsafeBytes(of: value.bitPattern.littleEndian) { body += $0 } }
    }
    var header = Array("{\(fields.joined(separator: ","))}".utf8)
    header += [UInt8](repeating: 32, count: (8 - header.count % 8) % 8)
    let length = Swift.withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
    return length + header + body
  }

  private func quoted(_ name: String) -> String {
    "\"" + name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
