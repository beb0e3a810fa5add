/// The layout that writer and reader share.
enum DatasetColumn {
  static let magic = Array("CNDLDS01".utf8)

  /// Bytes of the preamble follow each other; columns start on cache lines.
  static func alignment<Element>(of type: Element.Type) -> Int { MemoryLayout<Element>.size == 1 ? 1 : 64 }
}

extension Int {
  func roundedUp(toMultipleOf unit: Int) -> Int { (self + unit - 1) / unit * unit }
}
