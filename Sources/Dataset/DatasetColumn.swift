/// The layout that writer and reader share.
enum DatasetColumn {
  static let magic = Array("CNDLDS01".utf8)
  static let tickMagic = Array("CNDLTK01".utf8)

  /// No file has as many rows as would overflow an offset.
  static func isPossible(_ counts: [Int]) -> Bool { counts.allSatisfy { (0..<1 << 32).contains($0) } }

  /// Bytes of the preamble follow each other; columns start on cache lines.
  static func alignment<Element>(of type: Element.Type) -> Int { MemoryLayout<Element>.size == 1 ? 1 : 64 }
}

extension Int {
  func roundedUp(toMultipleOf unit: Int) -> Int { (self + unit - 1) / unit * unit }
}
