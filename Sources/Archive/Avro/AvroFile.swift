internal import Compression

/// What the reader and the writer of object container files agree on.
enum AvroFile {
  static let magic: [UInt8] = Array("Obj".utf8) + [1]
  static let syncLength = 16
  static let schemaKey = "avro.schema"
  static let codecKey = "avro.codec"
  /// Of one block, packed or not.
  static let largestBlock = 16 << 20
  static let largestHeader = 4 << 20
  static let mostHeaderEntries = 1000
}

/// How the blocks of a file are compressed.
package enum AvroCodec: String, Sendable, CaseIterable {
  case null
  case deflate
  case zstandard

  var packing: PackedBlock? {
    switch self {
    case .null: nil
    case .deflate: .deflate
    case .zstandard: .zstd
    }
  }
}
