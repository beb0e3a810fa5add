/// A command and its arguments, which may be any bytes.
package struct RedisCommand: Hashable, Sendable {
  /// The first of the words, for errors; arguments may be secret.
  package let name: String
  let words: [[UInt8]]

  package init(_ name: String, _ arguments: [Argument] = []) {
    self.name = name
    words = [Array(name.utf8)] + arguments.map(\.bytes)
  }

  package init(_ name: String, _ arguments: Argument...) { self.init(name, arguments) }

  package struct Argument: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    let bytes: [UInt8]

    package init(stringLiteral value: String) { bytes = Array(value.utf8) }
    package init(_ value: some StringProtocol) { bytes = Array(value.utf8) }
    package init(_ value: some BinaryInteger) { bytes = Array(String(value).utf8) }
    package init(bytes: [UInt8]) { self.bytes = bytes }
  }

  /// As it is sent.
  func write(to output: inout [UInt8]) {
    Self.write("*", words.count, to: &output)
    for word in words {
      Self.write("$", word.count, to: &output)
      output += word
      output += [0x0D, 0x0A]
    }
  }

  private static func write(_ kind: StaticString, _ count: Int, to output: inout [UInt8]) {
    output.append(kind.utf8Start.pointee)
    output += String(count).utf8
    output += [0x0D, 0x0A]
  }
}
