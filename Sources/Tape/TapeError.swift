package import Compression

/// Why a tape or a recording cannot be written or read.
package enum TapeError: Error, Hashable, Sendable {
  case badOptions(reason: String)
  /// The folder may not hold even one segment.
  case capTooSmall(capBytes: Int, segmentBytes: Int)
  /// Another process writes to this folder.
  case inUse(folder: String)
  case cannotWrite(path: String, reason: String)
  case cannotRead(path: String, reason: String)
  case unpacking(CompressionError)
  case notATape(file: String)
  case otherVersion(file: String, version: Int)
  /// Bytes that were written whole have changed since.
  case damaged(file: String, offset: Int, reason: String)
  /// Nothing in a folder can be replayed.
  case empty(folder: String)
  case badLine(file: String, line: Int, value: String, rule: String)
  case malformedAnswer(offset: Int, reason: String)

  /// What a command that meets this error ends with.
  package var exitCode: Int32 {
    switch self {
    case .badOptions, .capTooSmall: 2
    case .inUse, .cannotWrite, .cannotRead, .unpacking(.cannotOpen), .unpacking(.cannotRead): 4
    default: 3
    }
  }
}

extension TapeError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badOptions(let reason): "the tape's options do not fit together: \(reason)"
    case .capTooSmall(let cap, let segment):
      "the tape may take \(cap) bytes, but one segment may take \(segment); allow more or make segments smaller"
    case .inUse(let folder): "\(folder): another process records here; stop it or record to another folder"
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    case .cannotRead(let path, let reason): "\(path): cannot be read: \(reason)"
    case .unpacking(let error): "\(error)"
    case .notATape(let file): "\(file): is not a tape segment; its first bytes are others"
    case .otherVersion(let file, let version):
      "\(file): has tape format \(version), but this program reads format \(SegmentHeader.version); use a newer one"
    case .damaged(let file, let offset, let reason):
      "\(file): damaged at byte \(offset): \(reason); restore the file, or skip what is damaged and count it"
    case .empty(let folder): "\(folder): holds no tape (*.ctape) and no recording (*.gz, *.zst, *.txt)"
    case .badLine(let file, let line, let value, let rule):
      "\(file):\(line): '\(value)' stands where the rule is: \(rule)"
    case .malformedAnswer(let offset, let reason): "malformed recorded answer at byte \(offset): \(reason)"
    }
  }
}
