/// Why the bytes of a file could not be had.
package enum CompressionError: Error, Hashable, Sendable {
  case cannotOpen(path: String, reason: String)
  case cannotRead(path: String, reason: String)
  /// The file ends before its contents do.
  case truncated(path: String, format: String)
  case corrupt(path: String, format: String, reason: String)
  case unsupported(path: String, format: String, reason: String)
  /// The contents are larger than the reader allows, or than the format can say.
  case tooLarge(path: String, limitBytes: Int)
  case cannotWrite(path: String, reason: String)
}

extension CompressionError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .cannotOpen(let path, let reason): "\(path): cannot be opened: \(reason)"
    case .cannotRead(let path, let reason): "\(path): cannot be read: \(reason)"
    case .truncated(let path, let format):
      "\(path): the \(format) data end too early; the file was cut off, fetch it again"
    case .corrupt(let path, let format, let reason): "\(path): the \(format) data are damaged: \(reason)"
    case .unsupported(let path, let format, let reason): "\(path): this \(format) file cannot be read: \(reason)"
    case .tooLarge(let path, let limit): "\(path): holds more than \(limit) bytes, the most that is allowed here"
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    }
  }
}
