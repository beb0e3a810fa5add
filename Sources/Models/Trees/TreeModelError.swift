/// Why a tree model's file is refused.
package enum TreeModelError: Error, Equatable, CustomStringConvertible {
  case malformed(byteOffset: Int, expected: String)
  case missing(key: String)
  case unsupported(String)
  case invalid(tree: Int, node: Int, reason: String)

  package var description: String {
    switch self {
    case .malformed(let offset, let expected): "not an XGBoost JSON model: \(expected) expected at byte \(offset)"
    case .missing(let key): "not an XGBoost JSON model: “\(key)” is missing or damaged"
    case .unsupported(let what): "the tree model uses \(what), which is not supported"
    case .invalid(let tree, let node, let reason): "tree \(tree), node \(node): \(reason)"
    }
  }
}
