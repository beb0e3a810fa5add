/// Why the configuration cannot be used.
package enum ConfigurationError: Error, Hashable {
  case unreadable(path: String, reason: String)
  case malformed(path: String, YAMLError)
  case unknownKey(path: String, line: Int, key: String, suggestion: String?)
  case badValue(key: String, source: Configuration.Source, value: String, expected: String)
  case clash(first: String, second: String, value: String)
}

extension ConfigurationError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "cannot read the configuration \(path): \(reason)"
    case .malformed(let path, let error): "\(path), \(error)"
    case .unknownKey(let path, let line, let key, let suggestion):
      "\(path), line \(line): there is no \(key)" + (suggestion.map { "; did you mean \($0)?" } ?? "")
        + " (`candlecast config` lists all keys)"
    case .badValue(let key, let source, let value, let expected):
      "\(key) is \"\(value)\" (\(source)); expected \(expected)"
    case .clash(let first, let second, let value):
      "\(first) and \(second) are both \(value): give one of them another value"
    }
  }
}
