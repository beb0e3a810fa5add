import Compression
import FoundationEssentials
import Market
import Venues

import class Foundation.Bundle

/// Recorded and documented messages of Binance.
enum BinanceSamples {
  static func bytes(_ name: String) throws -> [UInt8] { Array(try data(name)) }

  static func data(_ name: String) throws -> Data {
    try Data(contentsOf: URL(filePath: Bundle.module.bundlePath + "/Fixtures/binance/" + name))
  }

  static func answer(_ name: String, status: Int = 200, headers: [VenueHeader] = []) throws -> VenueAnswer {
    VenueAnswer(status: status, headers: headers, body: try bytes(name))
  }

  /// The message that `hex` of a sample holds.
  static func hex(_ name: String) throws -> [UInt8] {
    struct Sample: Decodable { var hex: String }
    return unhex(try JSONDecoder().decode(Sample.self, from: data(name)).hex)
  }

  static func unhex(_ text: String) -> [UInt8] {
    let digits = Array(text.utf8)
    return stride(from: 0, to: digits.count - 1, by: 2).map { index in
      UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16)!
    }
  }

  /// Frames of a recording, each line `<time> <frame>`, with or without a colon after the time.
  static func recording(_ name: String) throws -> [[UInt8]] {
    let source = try InputFile(path: Bundle.module.bundlePath + "/Fixtures/binance/" + name).unpacked()
    var text = [UInt8](repeating: 0, count: 16 << 20)
    var count = 0
    while case let read = try source.read(into: &text, from: count), read > 0 { count += read }
    return text[..<count].split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard line.first?.isDigit == true, let space = line.firstIndex(of: UInt8(ascii: " ")) else { return nil }
      return Array(line[(space + 1)...])
    }
  }
}

extension VenueProtocol {
  /// What a frame says.
  func messages(_ frame: [UInt8], isBinary: Bool = false) throws(VenueError) -> [VenueMessage] {
    var messages: [VenueMessage] = []
    try frame.withUnsafeBufferPointer { bytes throws(VenueError) in
      try decode(bytes, isBinary: isBinary) { messages.append($0) }
    }
    return messages
  }

  func messages(_ text: String) throws(VenueError) -> [VenueMessage] { try messages(Array(text.utf8)) }
}

/// Short names for values in tests.
protocol BinanceSuite {}

extension BinanceSuite {
  func dec(_ text: String) -> Decimal8 { Decimal8(text)! }

  func sym(_ text: String) -> Symbol { Symbol(text)! }

  func level(_ price: String, _ quantity: String) -> BookUpdate.Level {
    BookUpdate.Level(price: dec(price), quantity: dec(quantity))
  }
}
