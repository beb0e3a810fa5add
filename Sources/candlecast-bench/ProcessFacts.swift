import Glibc

/// What the kernel says of processes.
enum ProcessFacts {
  /// Memory of this one that is not of a file.
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

  /// What a process has had of the processors, the kernel's work for it included.
  static func processorMicroseconds(of process: String) -> Double {
    guard let file = fopen("/proc/\(process)/stat", "r") else { return .nan }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 1024)
    guard fgets(&line, CInt(line.count), file) != nil else { return .nan }
    // The second word is the program's name in brackets and may have blanks.
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let words = text.split(separator: ")").last?.split(separator: " ") ?? []
    guard words.count > 12, let user = Double(words[11]), let system = Double(words[12]) else { return .nan }
    return (user + system) * 1e6 / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}
