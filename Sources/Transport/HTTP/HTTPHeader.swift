package struct HTTPHeader: Hashable, Sendable {
  package let name: String
  package let value: String

  package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}

extension [HTTPHeader] {
  /// The first value under this name; names are compared without regard to case.
  package subscript(_ name: String) -> String? {
    first { name.isSameToken(as: $0.name) }?.value
  }
}

extension StringProtocol {
  /// ASCII letters are equal in either case, everything else byte by byte.
  func isSameToken(as other: some StringProtocol) -> Bool {
    utf8.elementsEqual(other.utf8) { $0.lowercaseASCII == $1.lowercaseASCII }
  }
}

extension UInt8 {
  var lowercaseASCII: UInt8 { self &- 65 < 26 ? self | 0x20 : self }

  /// May stand in a method or a header name (RFC 9110, section 5.6.2).
  var isTokenByte: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E:
      true
    default: false
    }
  }

  /// May stand in a header's value: all but controls, with the tab allowed.
  var isFieldByte: Bool { self >= 0x20 && self != 0x7F || self == 9 }
}

extension HTTPHeader {
  var isSendable: Bool {
    !name.isEmpty && name.utf8.allSatisfy(\.isTokenByte) && value.utf8.allSatisfy(\.isFieldByte)
  }
}
