internal import Crypto
internal import FoundationEssentials
internal import Glibc

/// A read-only file in memory.
final class MappedFile: Sendable {
  private let start: UInt
  let count: Int

  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: start), count: count)
  }

  init(path: String) throws(DatasetError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0, information.st_size > 0 else { throw .notADataset(path: path) }
    count = Int(information.st_size)
    guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    start = UInt(bitPattern: address)
  }

  deinit { munmap(UnsafeMutableRawPointer(bitPattern: start), count) }

  // MARK: Layout

  /// The header's length is a column of its own, aligned like one.
  private static let lengthOffset = 64
  private static let headerStart = lengthOffset + 8
  private static let longestHeader: UInt64 = 1 << 20

  private var headerLength: UInt64 { bytes.loadUnaligned(fromByteOffset: Self.lengthOffset, as: UInt64.self) }

  /// Where columns begin; to be asked after the header was read.
  var columnStart: Int { Self.headerStart + Int(headerLength) }

  func header<Header: Decodable>(
    _ type: Header.Type, magic: [UInt8], path: String
  ) throws(DatasetError) -> Header {
    guard count > Self.headerStart, bytes.prefix(8).elementsEqual(magic) else { throw .notADataset(path: path) }
    guard headerLength < Self.longestHeader, columnStart <= count else {
      throw .damaged(path: path, what: "header of \(headerLength) bytes")
    }
    guard let header = try? JSONDecoder().decode(type, from: Data(bytes[Self.headerStart..<columnStart])) else {
      throw .damaged(path: path, what: "unreadable header")
    }
    return header
  }

  /// The SHA-256 that stands at the end of the columns, if it is theirs.
  func digest(of end: Int, path: String) throws(DatasetError) -> String {
    guard count == end + 64 else { throw .damaged(path: path, what: "\(count) bytes instead of \(end + 64)") }
    var hash = SHA256()
    hash.update(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
    let digest = String(decoding: bytes[end...], as: UTF8.self)
    guard hash.hexDigest() == digest else { throw .damaged(path: path, what: "its checksum differs") }
    return digest
  }

  func column<Element>(_ offset: Int, _ count: Int) -> UnsafeBufferPointer<Element> {
    UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count * MemoryLayout<Element>.stride])
      .assumingMemoryBound(to: Element.self)
  }
}
