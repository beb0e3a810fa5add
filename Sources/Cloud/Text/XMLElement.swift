/// An element of an answer: its local name, its own text and what is in it. Attributes are passed over.
struct XMLElement: Hashable, Sendable {
  let name: String
  var text = ""
  var children: [XMLElement] = []

  subscript(_ name: String) -> XMLElement? { children.first { $0.name == name } }
  func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

  /// `nil` for what is no XML of the plain kind that services send: no document type, so no entities of its own, and
  /// neither deeper nor more than any answer has.
  init?(parsing bytes: [UInt8]) {
    var parser = XMLParser(bytes)
    guard let root = parser.document() else { return nil }
    self = root
  }

  init(name: String) { self.name = name }
}

private struct XMLParser {
  private let bytes: [UInt8]
  private var position = 0
  private var elements = 0
  private static let deepest = 16
  /// A listing of 1000 objects has 8000.
  private static let mostElements = 50_000

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() -> XMLElement? {
    take([0xEF, 0xBB, 0xBF])
    guard passOver(), let root = element(depth: 0), passOver(), position == bytes.count else { return nil }
    return root
  }

  private mutating func element(depth: Int) -> XMLElement? {
    elements += 1
    guard depth < Self.deepest, elements <= Self.mostElements, take("<"), let name = name() else { return nil }
    var element = XMLElement(name: Self.local(name))
    guard let isEmpty = restOfTag() else { return nil }
    if isEmpty { return element }
    var text: [UInt8] = []
    while position < bytes.count {
      if take("</") {
        guard self.name() == name else { return nil }
        skipSpace()
        guard take(">"), let whole = String(validating: text, as: UTF8.self) else { return nil }
        element.text = whole
        return element
      } else if take("<![CDATA[") {
        guard let end = find("]]>") else { return nil }
        text += bytes[position..<end]
        position = end + 3
      } else if isAt("<!--") || isAt("<?") {
        guard passNote() else { return nil }
      } else if isAt("<") {
        guard let child = self.element(depth: depth + 1) else { return nil }
        element.children.append(child)
      } else if take("&") {
        guard let character = reference() else { return nil }
        text += Array(String(character).utf8)
      } else {
        text.append(bytes[position])
        position += 1
      }
    }
    return nil
  }

  /// Passes attributes. Returns whether the element is at its end already.
  private mutating func restOfTag() -> Bool? {
    while true {
      skipSpace()
      if take("/>") { return true }
      if take(">") { return false }
      guard name() != nil else { return nil }
      skipSpace()
      guard take("=") else { return nil }
      skipSpace()
      guard position < bytes.count, bytes[position] == 0x22 || bytes[position] == 0x27 else { return nil }
      let quote = bytes[position]
      guard let end = bytes[(position + 1)...].firstIndex(of: quote) else { return nil }
      position = end + 1
    }
  }

  private mutating func name() -> ArraySlice<UInt8>? {
    let end = bytes[position...].firstIndex { !Self.isNameByte($0) } ?? bytes.count
    guard end > position, end - position <= 200 else { return nil }
    defer { position = end }
    return bytes[position..<end]
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x2D...0x2E, 0x30...0x3A, 0x5F:
      true
    default: byte >= 0x80
    }
  }

  private static func local(_ name: ArraySlice<UInt8>) -> String {
    let start = name.lastIndex(of: UInt8(ascii: ":")).map { $0 + 1 } ?? name.startIndex
    return String(decoding: name[start...], as: UTF8.self)
  }

  /// What follows an ampersand.
  private mutating func reference() -> Character? {
    guard let end = bytes[position...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else { return nil }
    let name = String(decoding: bytes[position..<end], as: UTF8.self)
    position = end + 1
    switch name {
    case "amp": return "&"
    case "lt": return "<"
    case "gt": return ">"
    case "quot": return "\""
    case "apos": return "'"
    default: break
    }
    guard name.hasPrefix("#") else { return nil }
    let digits = name.dropFirst()
    let code = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
    return code.flatMap { Unicode.Scalar($0) }.map { Character($0) }
  }

  // MARK: Between elements

  /// White space, comments and processing instructions.
  private mutating func passOver() -> Bool {
    skipSpace()
    while isAt("<!--") || isAt("<?") {
      guard passNote() else { return false }
      skipSpace()
    }
    return true
  }

  private mutating func passNote() -> Bool {
    let ending: StaticString = isAt("<!--") ? "-->" : "?>"
    guard let end = find(ending) else { return false }
    position = end + ending.utf8CodeUnitCount
    return true
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
  }

  // MARK: Bytes

  private func isAt(_ text: StaticString) -> Bool {
    position + text.utf8CodeUnitCount <= bytes.count
      && UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        .elementsEqual(bytes[position..<position + text.utf8CodeUnitCount])
  }

  private mutating func take(_ text: StaticString) -> Bool {
    guard isAt(text) else { return false }
    position += text.utf8CodeUnitCount
    return true
  }

  private mutating func take(_ mark: [UInt8]) {
    if bytes.starts(with: mark) { position += mark.count }
  }

  private func find(_ text: StaticString) -> Int? {
    let mark = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    guard position + mark.count <= bytes.count else { return nil }
    return (position...(bytes.count - mark.count)).first { bytes[$0..<$0 + mark.count].elementsEqual(mark) }
  }
}
