internal import Market

/// The name of a version and of its folder: 1–80 lower-case letters, digits, `.`, `_` or `-`, the first a letter or digit.
package struct VersionName: Hashable, Comparable, Sendable, TextCodable {
  package let description: String

  package init?(_ text: some StringProtocol) {
    let bytes = text.utf8
    guard (1...80).contains(bytes.count), bytes.allSatisfy(Self.isAllowed), let first = bytes.first,
      first != UInt8(ascii: "."), first != UInt8(ascii: "-"), first != UInt8(ascii: "_"),
      RegistryAlias(rawValue: String(text)) == nil
    else { return nil }
    description = String(text)
  }

  package static func < (a: VersionName, b: VersionName) -> Bool { a.description < b.description }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 97...122, UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
    default: false
    }
  }
}
