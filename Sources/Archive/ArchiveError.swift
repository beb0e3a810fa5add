package import Storage

/// Why something was not archived or not taken out of an archive.
package enum ArchiveError: Error, Hashable, Sendable {
  case object(ObjectError)
  case avro(AvroError)
  case storing(StoreError)
  case noChecksum(object: String)
  case badChecksum(object: String)
  case unknownContent(file: String)
  /// Nothing was taken from the file.
  case badRow(file: String, row: Int, reason: String)
  /// What is named has no files of an archive.
  case empty(String)
  /// Others wrote the same day again and again meanwhile.
  case contended(object: String)

  /// What a command that meets this error ends with.
  package var exitCode: Int32 {
    switch self {
    case .object(let error): error.exitCode
    case .storing(let error): error.exitCode
    case .avro(let error): error.exitCode
    case .empty: 4
    case .contended: 1
    case .noChecksum, .badChecksum, .unknownContent, .badRow: 3
    }
  }
}

extension ArchiveError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .object(let error): "\(error)"
    case .avro(let error): "\(error)"
    case .storing(let error): "\(error)"
    case .noChecksum(let object):
      "\(object): has no \(object.split(separator: "/").last ?? "")\(ArchiveKey.checksumEnding) beside it, so it cannot "
        + "be verified; `candlecast archive` for that day completes it"
    case .badChecksum(let object): "\(object): does not begin with a SHA-256"
    case .unknownContent(let file): "\(file): its records are neither candles, nor trades, nor predictions"
    case .badRow(let file, let row, let reason):
      "\(file): record \(row): \(reason); nothing was imported from this file (`--on-error skip` leaves such rows out)"
    case .empty(let name): "\(name): holds no .avro files"
    case .contended(let object): "\(object): others write it at the same time; try again later"
    }
  }
}
