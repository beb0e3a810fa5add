import Glibc

/// Memory of this process as the kernel counts it.
enum ProcessMemory {
  /// `nil` if the kernel does not tell.
  static var residentBytes: Int? { sum(of: ["VmRSS:"]) }

  /// What is not of a file; `nil` if the kernel does not tell.
  static var privateBytes: Int? { sum(of: ["RssAnon:", "RssShmem:"]) }

  private static func sum(of names: Set<Substring>) -> Int? {
    guard let file = fopen("/proc/self/status", "r") else { return nil }
    defer { fclose(file) }
    var sum: Int?
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, CInt(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let words = text.split(whereSeparator: \.isWhitespace)
      guard words.count > 1, names.contains(words[0]), let kilobytes = Int(words[1]) else { continue }
      sum = (sum ?? 0) + kilobytes * 1024
    }
    return sum
  }
}
