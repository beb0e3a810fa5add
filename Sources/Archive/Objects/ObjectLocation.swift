/// Where an archive or a single file of one is, as a user names it.
package enum ObjectLocation: Hashable, Sendable, CustomStringConvertible {
  case folder(path: String)
  /// `s3://bucket/prefix`, as it was given but for slashes at its end.
  case s3(url: String)

  /// Reads `s3://bucket/prefix`, `file:///folder`, `file:folder` and a plain path; `nil` for another scheme and for
  /// nothing.
  package init?(_ text: String) {
    let trimmed = String(text.reversed().drop { $0 == "/" }.reversed())
    let whole = trimmed.isEmpty && text.hasPrefix("/") ? "/" : trimmed
    if text.hasPrefix("s3:") {
      guard whole.hasPrefix("s3://"), whole.count > "s3://".count else { return nil }
      self = .s3(url: whole)
    } else if whole.hasPrefix("file:") {
      var path = whole.dropFirst("file:".count)
      if path.hasPrefix("//") { path = path.dropFirst(2) }
      guard !path.isEmpty else { return nil }
      self = .folder(path: String(path))
    } else {
      guard !whole.isEmpty, !whole.contains("://") else { return nil }
      self = .folder(path: whole)
    }
  }

  package var description: String {
    switch self {
    case .folder(let path): path
    case .s3(let url): url
    }
  }
}
