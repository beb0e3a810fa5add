internal import Glibc
import Market

/// `tape-<start, UTC>-<number>.ctape`. Within a folder numbers rise, whatever the clock did.
struct SegmentName: Hashable, Comparable {
  static let ending = ".ctape"

  let text: String
  let sequence: Int

  init(startNanoseconds: Int64, sequence: Int) {
    let start = Timestamp(microseconds: startNanoseconds.flooredQuotient(1_000_000_000) * 1_000_000)
    let time = start.description.filter { $0 != "-" && $0 != ":" }
    let digits = String(sequence)
    let number = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    (text, self.sequence) = ("tape-\(time)-\(number)\(Self.ending)", sequence)
  }

  init?(_ text: String) {
    guard text.hasPrefix("tape-"), text.hasSuffix(Self.ending),
      let number = text.dropLast(Self.ending.count).split(separator: "-").last, number.utf8.allSatisfy(\.isDigit),
      let sequence = Int(number), sequence <= UInt32.max
    else { return nil }
    (self.text, self.sequence) = (text, sequence)
  }

  static func < (a: SegmentName, b: SegmentName) -> Bool { (a.sequence, a.text) < (b.sequence, b.text) }

  /// Oldest first.
  static func all(in folder: String) throws(TapeError) -> [SegmentName] {
    try FolderListing.names(in: folder).compactMap { SegmentName($0) }.sorted()
  }
}

enum FolderListing {
  /// Without `.` and `..`, in no order.
  static func names(in folder: String) throws(TapeError) -> [String] {
    guard let handle = opendir(folder) else {
      throw .cannotRead(path: folder, reason: String(cString: strerror(errno)))
    }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// In bytes; `nil` if it is gone.
  static func size(of path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : nil
  }
}
