import Glibc

/// What the kernel says of this process.
enum ProcessFacts {
  /// Memory that is not of a file.
  static var privateBytes: Int {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var sum = 0
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, CInt(line.count), file) != nil {
      let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split {
        $0.isWhitespace
      }
      guard words.first == "RssAnon:" || words.first == "RssShmem:", words.count > 1 else { continue }
      sum += (Int(words[1]) ?? 0) * 1024
    }
    return sum
  }
}
