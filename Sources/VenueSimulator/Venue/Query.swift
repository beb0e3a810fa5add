/// A request's path and parameters, percent signs resolved.
struct Query {
  let path: String
  private let parameters: [(name: String, value: String)]

  init(_ target: String) {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    path = Self.plain(parts[0], plusIsSpace: false)
    parameters =
      parts.count < 2
      ? []
      : parts[1].split(separator: "&").map { pair in
        let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (Self.plain(sides[0]), sides.count > 1 ? Self.plain(sides[1]) : "")
      }
  }

  subscript(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

  var names: [String] { parameters.map(\.name) }

  private static func plain(_ text: Substring, plusIsSpace: Bool = true) -> String {
    guard text.contains("%") || (plusIsSpace && text.contains("+")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(code)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
