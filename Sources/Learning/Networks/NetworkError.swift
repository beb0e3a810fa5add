package enum NetworkError: Error, Equatable, CustomStringConvertible {
  case library(call: String, message: String)
  case diverged(epoch: Int, set: String)
  case noExamples(set: String)
  case mismatch(tensor: String, expected: [Int], found: [Int]?)

  package var description: String {
    switch self {
    case .library(let call, let message): "libtorch failed to \(call): \(message)"
    case .diverged(let epoch, let set):
      "the loss on the \(set) rows is not a number in epoch \(epoch): look for NaN in inputs or labels, or lower the "
        + "learning rate"
    case .noExamples(let set): "the \(set) set of the network has no rows"
    case .mismatch(let tensor, let expected, let found):
      "tensor \(tensor) should have shape \(expected) and " + (found.map { "has \($0)" } ?? "is missing")
    }
  }
}
