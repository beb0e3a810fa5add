import FoundationEssentials
import Market
import Venues

import class Foundation.Bundle

enum OracleFixture {
  static func bytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(fileURLWithPath: Bundle.module.bundlePath + "/Fixtures/" + name)))
  }

  /// Without the white space between JSON's parts.
  static func compact(_ name: String) throws -> String {
    var inString = false
    var isEscaped = false
    let kept = try bytes(name).filter { byte in
      if !inString, [0x20, 0x0A, 0x0D, 0x09].contains(byte) { return false }
      if byte == UInt8(ascii: "\""), !isEscaped { inString.toggle() }
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
      return true
    }
    return String(decoding: kept, as: UTF8.self)
  }

  static func decoded<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
    try JSONDecoder().decode(type, from: Data(bytes(name)))
  }

  static func answer(_ name: String, status: Int = 200) throws -> VenueAnswer {
    VenueAnswer(status: status, body: try bytes(name))
  }
}

extension FeedProtocol {
  func messages(_ frame: [UInt8]) throws(VenueError) -> [VenueMessage] {
    try frame.withUnsafeBufferPointer { bytes throws(VenueError) in
      var messages: [VenueMessage] = []
      try decode(bytes, isBinary: false) { messages.append($0) }
      return messages
    }
  }

  func messages(_ text: String) throws(VenueError) -> [VenueMessage] { try messages(Array(text.utf8)) }

  func ticks(_ text: String) throws(VenueError) -> [OracleTick] { try messages(text).ticks }
}

extension [VenueMessage] {
  var ticks: [OracleTick] { compactMap { if case .oracle(let tick) = $0 { tick } else { nil } } }
}

extension VenueAnswer {
  init(_ text: String, status: Int = 200) { self.init(status: status, body: Array(text.utf8)) }
}
