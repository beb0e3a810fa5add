/// The lines before a body, kept as they came and read where somebody asks.
struct Head: Hashable, Sendable {
  /// Why a head is refused, and with which status a server says so.
  struct Malformed: Error, Equatable {
    let status: Int
    let reason: String
  }

  /// With the empty line at the end.
  private let bytes: [UInt8]
  /// Of the first header line.
  private let fieldsStart: Int

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
    guard let end = Self.lineEnd(bytes, 0) else { throw Malformed(status: 400, reason: "a line does not end") }
    (self.bytes, fieldsStart) = (bytes, end + 2)
    guard bytes[..<end].allSatisfy({ $0.isFieldByte && $0 != 9 }) else {
      throw Malformed(status: 400, reason: "control characters in the first line")
    }
    var start = fieldsStart
    while let end = Self.lineEnd(bytes, start), end > start {
      guard let colon = bytes[start..<end].firstIndex(of: UInt8(ascii: ":")), colon > start,
        bytes[start..<colon].allSatisfy(\.isTokenByte)
      else { throw Malformed(status: 400, reason: "a header line has no name") }
      guard bytes[colon..<end].allSatisfy(\.isFieldByte) else {
        throw Malformed(status: 400, reason: "control characters in a header")
      }
      start = end + 2
    }
    guard start == bytes.count - 2 else { throw Malformed(status: 400, reason: "the head ends early") }
  }

  var firstLine: String { String(decoding: bytes[..<(fieldsStart - 2)], as: UTF8.self) }

  /// Words of the first line, split at single blanks; at most three.
  func words() -> [String] {
    bytes[..<(fieldsStart - 2)].split(separator: 32, maxSplits: 2, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  var headers: [HTTPHeader] {
    var headers: [HTTPHeader] = []
    forEachField { name, value in
      headers.append(
        HTTPHeader(String(decoding: bytes[name], as: UTF8.self), String(decoding: bytes[value], as: UTF8.self)))
      return true
    }
    return headers
  }

  /// The first one under this name, in either case.
  subscript(_ name: StaticString) -> String? { name.withUTF8Buffer { first(UnsafeRawBufferPointer($0)) } }

  func first(_ name: String) -> String? {
    var name = name
    return name.withUTF8 { first(UnsafeRawBufferPointer($0)) }
  }

  func count(_ name: StaticString) -> Int {
    var count = 0
    name.withUTF8Buffer { wanted in
      forEachField { name, _ in
        if isSame(name, UnsafeRawBufferPointer(wanted)) { count += 1 }
        return true
      }
    }
    return count
  }

  /// Whether one of the comma-separated words under this name is `word`.
  func list(_ name: StaticString, has word: String) -> Bool {
    var isThere = false
    name.withUTF8Buffer { wanted in
      forEachField { name, value in
        guard isSame(name, UnsafeRawBufferPointer(wanted)) else { return true }
        let words = bytes[value].split(separator: UInt8(ascii: ","))
        isThere = words.contains { String(decoding: $0, as: UTF8.self)[...].trimmed.isSameToken(as: word) }
        return !isThere
      }
    }
    return isThere
  }

  private func first(_ wanted: UnsafeRawBufferPointer) -> String? {
    var found: String?
    forEachField { name, value in
      guard isSame(name, wanted) else { return true }
      found = String(decoding: bytes[value], as: UTF8.self)
      return false
    }
    return found
  }

  private func isSame(_ name: Range<Int>, _ wanted: UnsafeRawBufferPointer) -> Bool {
    guard name.count == wanted.count else { return false }
    for (offset, index) in name.enumerated() where bytes[index].lowercaseASCII != wanted[offset].lowercaseASCII {
      return false
    }
    return true
  }

  /// Until `take` returns false; values are without blanks around them.
  private func forEachField(_ take: (_ name: Range<Int>, _ value: Range<Int>) -> Bool) {
    var start = fieldsStart
    while let end = Self.lineEnd(bytes, start), end > start {
      let colon = bytes[start..<end].firstIndex(of: UInt8(ascii: ":")) ?? end
      var (first, last) = (min(colon + 1, end), end)
      while first < last, bytes[first] == 32 || bytes[first] == 9 { first += 1 }
      while last > first, bytes[last - 1] == 32 || bytes[last - 1] == 9 { last -= 1 }
      guard take(start..<colon, first..<last) else { return }
      start = end + 2
    }
  }

  /// Where the CR of the line beginning at `start` stands.
  private static func lineEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
    var index = start
    while index + 1 < bytes.count {
      if bytes[index] == 13 { return bytes[index + 1] == 10 ? index : nil }
      index += 1
    }
    return nil
  }
}
