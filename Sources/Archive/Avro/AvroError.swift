package import Compression

/// Why an Avro file could not be read or written.
package enum AvroError: Error, Hashable, Sendable {
  case notAvro(file: String)
  case truncated(file: String, offset: Int)
  /// - offset: in the file, where the block begins that is at fault, or the header.
  case damaged(file: String, offset: Int, reason: String)
  case badSchema(file: String, reason: String)
  case unknownCodec(file: String, codec: String)
  /// The file's schema gives no values of the one that is asked for.
  case otherSchema(file: String, reason: String)
  /// A value that is to be written has another type than the schema says, or is outside its range.
  case badValue(file: String, reason: String)
  case unpacking(CompressionError)
}

extension AvroError {
  /// What a command that meets this error ends with.
  package var exitCode: Int32 {
    switch self {
    case .badValue: 1
    case .unpacking(let error):
      switch error {
      case .cannotOpen, .cannotRead: 4
      case .cannotWrite: 1
      default: 3
      }
    default: 3
    }
  }
}

extension AvroError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notAvro(let file): "\(file): is no Avro object container file; it does not begin with 'Obj' and a 1"
    case .truncated(let file, let offset):
      "\(file): ends at byte \(offset), amid its data; the file was cut off, fetch it again"
    case .damaged(let file, let offset, let reason): "\(file): is damaged at byte \(offset): \(reason)"
    case .badSchema(let file, let reason): "\(file): its schema is wrong: \(reason)"
    case .unknownCodec(let file, let codec):
      "\(file): is compressed with '\(codec)'; null, deflate and zstandard can be read"
    case .otherSchema(let file, let reason): "\(file): holds other records: \(reason)"
    case .badValue(let file, let reason): "\(file): cannot be written: \(reason)"
    case .unpacking(let error): "\(error)"
    }
  }
}

/// Why a schema or a value is refused, for those who know the file to say it.
struct AvroFault: Error, Hashable {
  let reason: String

  init(_ reason: String) { self.reason = reason }

  /// A name from a file, short and without what a terminal would obey.
  static func shown(_ text: String) -> String {
    let printable = text.utf8.prefix(60).map { (32..<127).contains($0) ? $0 : UInt8(ascii: "?") }
    return "'" + String(decoding: printable, as: UTF8.self) + (text.utf8.count > 60 ? "…'" : "'")
  }
}
