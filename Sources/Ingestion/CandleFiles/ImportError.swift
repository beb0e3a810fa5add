package import Compression
package import Storage
package import Tape

/// A row of a candle file that breaks a rule.
package struct BadRow: Hashable, Sendable, CustomStringConvertible {
  package let file: String
  /// Counted from 1, the header included; of a Parquet file the row.
  package let line: Int
  package let field: String
  package let value: String
  package let rule: String

  package var description: String { "\(file):\(line): \(field) is '\(value)', but the rule is: \(rule)" }
}

/// Why nothing was taken from a file.
package enum ImportError: Error, Hashable, Sendable {
  case badRow(BadRow)
  case empty(file: String)
  case unknownHeader(file: String, found: String)
  /// Of a file that should hold trades.
  case noTrades(file: String)
  case unknownTrades(file: String, found: String)
  case mixedUnits(file: String, line: Int)
  case lineTooLong(file: String, line: Int)
  case checksumDiffers(file: String, expected: String, found: String)
  case checksumUnreadable(file: String)
  case unpacking(CompressionError)
  case storing(StoreError)
  case recording(TapeError)

  /// What a command that meets this error ends with.
  package var exitCode: Int32 {
    switch self {
    case .storing(let error): error.exitCode
    case .recording(let error): error.exitCode
    case .unpacking(.cannotOpen), .unpacking(.cannotRead): 4
    default: 3
    }
  }
}

extension ImportError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .badRow(let row): "\(row); nothing was imported from this file (`--on-error skip` leaves such rows out)"
    case .empty(let file): "\(file): holds no candles"
    case .unknownHeader(let file, let found):
      "\(file): neither a candle file nor Binance klines; its first line is '\(found)'"
    case .noTrades(let file): "\(file): holds no trades"
    case .unknownTrades(let file, let found):
      "\(file): neither Binance trades nor aggTrades; its first line is '\(found)'"
    case .mixedUnits(let file, let line): "\(file):\(line): times change between milliseconds and microseconds"
    case .lineTooLong(let file, let line): "\(file):\(line): a line of more than \(CandleTextReader.longestLine) bytes"
    case .checksumDiffers(let file, let expected, let found):
      "\(file): its SHA-256 is \(found), but \(file).CHECKSUM says \(expected); fetch the file again"
    case .checksumUnreadable(let file): "\(file).CHECKSUM: does not begin with a SHA-256"
    case .unpacking(let error): "\(error)"
    case .storing(let error): "\(error)"
    case .recording(let error): "\(error)"
    }
  }
}
