extension Sequence<UInt8> {
  /// Two lower-case digits a byte.
  package var hexadecimal: String {
    if let text = withContiguousStorageIfAvailable(Hexadecimal.text) { return text }
    return Array(self).withUnsafeBufferPointer(Hexadecimal.text)
  }
}

extension [UInt8] {
  /// Reads digits of either case, without a prefix; `nil` for anything else or an odd number of them.
  package init?(hexadecimal text: some Collection<UInt8>) {
    let bytes: [UInt8]? =
      text.withContiguousStorageIfAvailable(Hexadecimal.bytes) ?? Array(text).withUnsafeBufferPointer(Hexadecimal.bytes)
    guard let bytes else { return nil }
    self = bytes
  }
}

/// The work itself, on plain memory: through a generic collection each digit would cost a call.
private enum Hexadecimal {
  static func text(of bytes: UnsafeBufferPointer<UInt8>) -> String {
    let digits: StaticString = "0123456789abcdef"
    return String(unsafeUninitializedCapacity: 2 * bytes.count) { text in
      for (index, byte) in bytes.enumerated() {
        text[2 * index] = digits.utf8Start[Int(byte >> 4)]
        text[2 * index + 1] = digits.utf8Start[Int(byte & 15)]
      }
      return 2 * bytes.count
    }
  }

  static func bytes(of text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard text.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 2)
    for index in stride(from: 0, to: text.count, by: 2) {
      guard let high = text[index].hexadecimalDigit, let low = text[index + 1].hexadecimalDigit else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }
}

extension UInt8 {
  fileprivate var hexadecimalDigit: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
