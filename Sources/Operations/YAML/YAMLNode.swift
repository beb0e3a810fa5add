/// A configuration document: what it says, and on which line.
package struct YAMLNode: Hashable, Sendable {
  package let content: Content
  /// From 1.
  package let line: Int

  package indirect enum Content: Hashable, Sendable {
    /// Text as written; empty for a key without a value.
    case scalar(String)
    case sequence([YAMLNode])
    /// In the order of the document, without duplicate keys.
    case mapping([Pair])
  }

  package struct Pair: Hashable, Sendable {
    package let key: String
    package let value: YAMLNode
  }
}

/// Why a text is no configuration document.
package struct YAMLError: Error, Hashable, CustomStringConvertible {
  package let line: Int
  package let problem: String

  package var description: String { "line \(line): \(problem)" }
}
