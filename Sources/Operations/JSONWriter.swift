/// Writes JSON as UTF-8, piece by piece and without a tree of values; commas are its own business.
package struct JSONWriter {
  package private(set) var bytes: [UInt8] = []
  /// What comes next follows another value of the same object or array.
  private var follows = false

  package init(reserving count: Int = 0) { bytes.reserveCapacity(count) }

  // MARK: Composites

  package mutating func beginObject() { begin(UInt8(ascii: "{")) }
  package mutating func endObject() { end(UInt8(ascii: "}")) }
  package mutating func beginArray() { begin(UInt8(ascii: "[")) }
  package mutating func endArray() { end(UInt8(ascii: "]")) }

  /// The value comes next.
  package mutating func name(_ name: String) {
    separate()
    append(quoted: name)
    bytes.append(UInt8(ascii: ":"))
    follows = false
  }

  /// One that needs no escapes.
  package mutating func name(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    append(name)
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
    follows = false
  }

  private mutating func begin(_ byte: UInt8) {
    separate()
    bytes.append(byte)
    follows = false
  }

  private mutating func end(_ byte: UInt8) {
    bytes.append(byte)
    follows = true
  }

  // MARK: Values

  package mutating func null() { word("null") }

  package mutating func value(_ value: Bool) { word(value ? "true" : "false") }

  package mutating func value(_ value: Int64) { literal(value.description) }

  /// `null` for a number that JSON cannot hold.
  package mutating func value(_ value: Double) { if value.isFinite { literal(value.description) } else { null() } }

  package mutating func value(_ value: String) {
    separate()
    append(quoted: value)
    follows = true
  }

  /// What is JSON already.
  package mutating func literal(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
    follows = true
  }

  // MARK: Members

  package mutating func member(_ name: StaticString, _ text: String?) {
    self.name(name)
    if let text { value(text) } else { null() }
  }

  package mutating func member(_ name: StaticString, _ number: Double?) {
    self.name(name)
    if let number { value(number) } else { null() }
  }

  // MARK: Bytes

  private mutating func separate() { if follows { bytes.append(UInt8(ascii: ",")) } }

  private mutating func word(_ word: StaticString) {
    separate()
    append(word)
    follows = true
  }

  private mutating func append(_ text: StaticString) { text.withUTF8Buffer { bytes.append(contentsOf: $0) } }

  private mutating func append(quoted text: String) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { text in
      // Nearly all have nothing to be escaped.
      if text.allSatisfy({ $0.standsForItself }) {
        bytes.append(contentsOf: text)
      } else {
        for byte in text { append(escaped: byte) }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func append(escaped byte: UInt8) {
    switch byte {
    case _ where byte.standsForItself: bytes.append(byte)
    case UInt8(ascii: "\n"): append("\\n")
    case UInt8(ascii: "\r"): append("\\r")
    case UInt8(ascii: "\t"): append("\\t")
    case ..<0x20:
      append(byte < 0x10 ? "\\u000" : "\\u00")
      bytes.append(contentsOf: String(byte, radix: 16).utf8)
    default:
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    }
  }
}

extension UInt8 {
  /// Inside a string; bytes of characters beyond ASCII do.
  fileprivate var standsForItself: Bool { self >= 0x20 && self != UInt8(ascii: "\"") && self != UInt8(ascii: "\\") }
}
