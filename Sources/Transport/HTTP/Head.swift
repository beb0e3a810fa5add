/// The lines before a body, kept as they came and read where somebody asks.
struct Head: Hashable, Sendable {
  /// Why a head is refused, and with which status a server says so.
  struct Malformed: Error, Equatable {
    let status: Int
    let reason: String
  }

  private struct Field: Hashable {
    let name: Range<Int>
    /// Without blanks around it.
    let value: Range<Int>
  }

  /// With the empty line at the end.
  private let bytes: [UInt8]
  private let firstLineEnd: Int
  private let fields: [Field]

  /// The number of bytes up to and with the empty line, if it is there. `from` is where to begin looking: everything
  /// before it was looked at already.
  static func length(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var index = max(3, start)
    while index < bytes.count {
      if bytes[index] == 10, bytes[index - 1] == 13, bytes[index - 2] == 10, bytes[index - 3] == 13 { return index + 1 }
      index += 1
    }
    return nil
  }

  /// `bytes` ends with the empty line. Every line is checked here, so that reading cannot fail.
  init(_ bytes: [UInt8]) throws(Malformed) {
    let span = bytes.span
    guard let end = Self.lineEnd(span, 0) else { throw Malformed(status: 400, reason: "a line does not end") }
    for index in 0..<end where !span[index].isFieldByte || span[index] == 9 {
      throw Malformed(status: 400, reason: "control characters in the first line")
    }
    var fields: [Field] = []
    fields.reserveCapacity(Self.usualFields)
    var start = end + 2
    while let end = Self.lineEnd(span, start), end > start {
      fields.append(try Self.field(span, start..<end))
      start = end + 2
    }
    guard start == bytes.count - 2 else { throw Malformed(status: 400, reason: "the head ends early") }
    (self.bytes, firstLineEnd, self.fields) = (bytes, end, fields)
  }

  private static let usualFields = 8

  private static func field(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(Malformed) -> Field {
    var colon = line.lowerBound
    while colon < line.upperBound, bytes[colon].isTokenByte { colon += 1 }
    guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == UInt8(ascii: ":") else {
      throw Malformed(status: 400, reason: "a header line has no name")
    }
    for index in colon..<line.upperBound where !bytes[index].isFieldByte {
      throw Malformed(status: 400, reason: "control characters in a header")
    }
    var (first, last) = (colon + 1, line.upperBound)
    while first < last, bytes[first] == 32 || bytes[first] == 9 { first += 1 }
    while last > first, bytes[last - 1] == 32 || bytes[last - 1] == 9 { last -= 1 }
    return Field(name: line.lowerBound..<colon, value: first..<last)
  }

  var firstLine: String { String(decoding: bytes[..<firstLineEnd], as: UTF8.self) }

  /// Words of the first line, split at single blanks; at most three.
  func words() -> [String] {
    var words: [String] = []
    words.reserveCapacity(3)
    var start = 0
    while words.count < 2, let blank = bytes[start..<firstLineEnd].firstIndex(of: 32) {
      words.append(String(decoding: bytes[start..<blank], as: UTF8.self))
      start = blank + 1
    }
    words.append(String(decoding: bytes[start..<firstLineEnd], as: UTF8.self))
    return words
  }

  var headers: [HTTPHeader] {
    fields.map { HTTPHeader(String(decoding: bytes[$0.name], as: UTF8.self), text($0)) }
  }

  /// The first one under this name, in either case.
  subscript(_ name: StaticString) -> String? { name.withUTF8Buffer { first(UnsafeRawBufferPointer($0)) } }

  func first(_ name: String) -> String? {
    var name = name
    return name.withUTF8 { first(UnsafeRawBufferPointer($0)) }
  }

  func count(_ name: StaticString) -> Int {
    name.withUTF8Buffer { wanted in
      fields.count { isSame($0.name, UnsafeRawBufferPointer(wanted)) }
    }
  }

  /// Whether one of the comma-separated words under this name is `word`.
  func list(_ name: StaticString, has word: String) -> Bool {
    name.withUTF8Buffer { wanted in
      fields.contains { field in
        guard isSame(field.name, UnsafeRawBufferPointer(wanted)) else { return false }
        let words = bytes[field.value].split(separator: UInt8(ascii: ","))
        return words.contains { String(decoding: $0, as: UTF8.self)[...].trimmed.isSameToken(as: word) }
      }
    }
  }

  private func first(_ wanted: UnsafeRawBufferPointer) -> String? {
    fields.first { isSame($0.name, wanted) }.map(text)
  }

  private func text(_ field: Field) -> String { String(decoding: bytes[field.value], as: UTF8.self) }

  private func isSame(_ name: Range<Int>, _ wanted: UnsafeRawBufferPointer) -> Bool {
    guard name.count == wanted.count else { return false }
    for (offset, index) in name.enumerated() where bytes[index].lowercaseASCII != wanted[offset].lowercaseASCII {
      return false
    }
    return true
  }

  /// Where the CR of the line beginning at `start` stands.
  private static func lineEnd(_ bytes: Span<UInt8>, _ start: Int) -> Int? {
    var index = start
    while index < bytes.count, bytes[index] != 13 { index += 1 }
    return index + 1 < bytes.count && bytes[index + 1] == 10 ? index : nil
  }
}
