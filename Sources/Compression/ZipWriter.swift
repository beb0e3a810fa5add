/// Writes a zip to a sink from front to back, so sizes and checksums stand behind each member and in the directory
/// (PKWARE APPNOTE 4.3.9), without zip64.
package final class ZipWriter {
  package enum Method: Int, Sendable {
    case stored = 0
    case deflated = 8
  }

  private struct Member {
    let name: [UInt8]
    let method: Method
    let headerOffset: Int
    var checksum = CRC32()
    var size = 0
  }

  private static let largest = Int(UInt32.max) - 1
  /// Sizes follow the data; names are UTF-8.
  private static let flags = 0x0808
  /// 1980-01-01, the first day that zip knows: the same contents make the same zip.
  private static let date = 0x21

  private let sink: any ByteSink
  private let path: String
  private var written = 0
  private var members = 0
  private var directory: [UInt8] = []

  /// - Parameter name: what errors call it.
  package init(_ sink: any ByteSink, name: String = "zip") { (self.sink, path) = (sink, name) }

  /// Adds one member, read to its end in bounded memory.
  package func add(
    _ name: String, _ contents: any ByteSource, method: Method = .deflated
  ) throws(CompressionError) {
    var member = Member(name: Array(name.utf8.prefix(0xFFFF)), method: method, headerOffset: written)
    guard members < 0xFFFE else { throw .tooLarge(path: path, limitBytes: Self.largest) }
    try put(header(of: member))
    let start = written
    try copy(contents, to: &member)
    let compressed = written - start
    guard written <= Self.largest, member.size <= Self.largest else {
      throw .tooLarge(path: path, limitBytes: Self.largest)
    }
    try put(word32(0x0807_4B50) + sizes(of: member, compressed: compressed))
    directory += entry(of: member, compressed: compressed)
    members += 1
  }

  package func add(_ name: String, _ contents: [UInt8], method: Method = .deflated) throws(CompressionError) {
    try add(name, PlainSource(InputBytes(contents, name: name)), method: method)
  }

  /// Writes the directory; nothing may be added afterwards.
  package func finish() throws(CompressionError) {
    let offset = written
    guard offset + directory.count <= Self.largest else { throw .tooLarge(path: path, limitBytes: Self.largest) }
    try put(directory)
    let counts = word16(members) + word16(members)
    try put(word32(0x0605_4B50) + word32(0) + counts + word32(directory.count) + word32(offset) + word16(0))
  }

  private func copy(_ contents: any ByteSource, to member: inout Member) throws(CompressionError) {
    let encoder = member.method == .deflated ? DeflateEncoder(sink, wrapper: .none, level: 6) : nil
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try contents.read(into: &buffer, from: 0)
      guard count > 0 else { break }
      member.size += count
      member.checksum.update(buffer[..<count])
      if let encoder { try encoder.write(buffer[..<count]) } else { try put(buffer[..<count]) }
    }
    try encoder?.finish()
    written += encoder?.written ?? 0
  }

  private func put(_ bytes: [UInt8]) throws(CompressionError) { try put(bytes[...]) }

  private func put(_ bytes: ArraySlice<UInt8>) throws(CompressionError) {
    try sink.write(bytes)
    written += bytes.count
  }

  private func header(of member: Member) -> [UInt8] {
    let times = word16(0) + word16(Self.date)
    return word32(0x0403_4B50) + word16(20) + word16(Self.flags) + word16(member.method.rawValue) + times
      + word32(0) + word32(0) + word32(0) + word16(member.name.count) + word16(0) + member.name
  }

  private func sizes(of member: Member, compressed: Int) -> [UInt8] {
    word32(Int(member.checksum.value)) + word32(compressed) + word32(member.size)
  }

  private func entry(of member: Member, compressed: Int) -> [UInt8] {
    let start = word32(0x0201_4B50) + word16(20) + word16(20) + word16(Self.flags) + word16(member.method.rawValue)
    let lengths = word16(member.name.count) + word16(0) + word16(0)
    let rest = word16(0) + word16(0) + word32(0) + word32(member.headerOffset)
    return start + word16(0) + word16(Self.date) + sizes(of: member, compressed: compressed) + lengths + rest
      + member.name
  }

  private func word16(_ value: Int) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8 & 0xFF)] }

  private func word32(_ value: Int) -> [UInt8] { word16(value & 0xFFFF) + word16(value >> 16 & 0xFFFF) }
}
