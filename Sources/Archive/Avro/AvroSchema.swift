/// A schema of Avro 1.11. Its types are in one list and refer to one another by place in it, so that a type may hold
/// itself.
package struct AvroSchema: Sendable {
  /// As it was read, and as it stands in the header of a file.
  package let text: String
  let types: [AvroType]
  let root: Int

  static let longestText = 1 << 20

  init(_ text: [UInt8]) throws(AvroFault) {
    guard text.count <= Self.longestText else { throw AvroFault("it has more than \(Self.longestText) bytes") }
    var builder = AvroSchemaBuilder()
    root = try builder.add(try SchemaJSON(text), namespace: nil)
    types = builder.finished
    self.text = String(decoding: text, as: UTF8.self)
  }

  /// A schema that this program is written with.
  init(own text: String) {
    do {
      try self.init(Array(text.utf8))
    } catch {
      preconditionFailure("a schema of ours: \(error.reason)")
    }
  }

  /// Names of the fields of a record, in their order; none of any other type.
  package var fieldNames: [String] {
    guard case .record(let record) = types[root].shape else { return [] }
    return record.fields.map(\.name)
  }
}

struct AvroType: Hashable, Sendable {
  var shape: Shape
  var logical: Logical?

  enum Shape: Hashable, Sendable {
    case null, boolean, int, long, float, double, bytes, string
    case array(of: Int)
    case map(of: Int)
    case union([Int])
    case record(Record)
    case enumeration(Enumeration)
    case fixed(Fixed)
  }

  /// Those that change what a value means here; a type with any other is what it would be without.
  enum Logical: Hashable, Sendable {
    case decimal(precision: Int, scale: Int)
    case timestamp(TimeUnit)
  }

  /// Of a timestamp; the raw values are units a second.
  enum TimeUnit: Int64, Hashable, Sendable {
    case milliseconds = 1_000
    case microseconds = 1_000_000
    case nanoseconds = 1_000_000_000
  }

  struct Name: Hashable, Sendable {
    /// With its namespace.
    let full: String
    /// With their namespaces.
    let aliases: [String]

    var last: Substring { full.split(separator: ".").last ?? "" }

    /// What a writer calls `other` is what a reader calls `self`. Namespaces may differ.
    func means(_ other: Name) -> Bool { last == other.last || aliases.contains(other.full) }
  }

  struct Record: Hashable, Sendable {
    let name: Name
    var fields: [Field]
  }

  struct Field: Hashable, Sendable {
    let name: String
    let aliases: [String]
    let type: Int
    let fallback: SchemaJSON?
  }

  struct Enumeration: Hashable, Sendable {
    let name: Name
    let symbols: [String]
    let fallback: String?
  }

  struct Fixed: Hashable, Sendable {
    let name: Name
    let size: Int
  }

  /// As a schema writes it.
  var kind: String {
    switch shape {
    case .null: "null"
    case .boolean: "boolean"
    case .int: "int"
    case .long: "long"
    case .float: "float"
    case .double: "double"
    case .bytes: "bytes"
    case .string: "string"
    case .array: "array"
    case .map: "map"
    case .union: "union"
    case .record: "record"
    case .enumeration: "enum"
    case .fixed: "fixed"
    }
  }
}
