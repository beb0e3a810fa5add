package enum BoosterError: Error, Equatable, CustomStringConvertible {
  case libraryMissing(reasons: [String])
  case wrongVersion(path: String, found: String)
  case library(call: String, message: String)
  case noExamples(set: String)
  case noScore(text: String)

  package var description: String {
    switch self {
    case .libraryMissing(let reasons):
      "XGBoost could not be loaded; run `make setup`. Tried: " + reasons.joined(separator: "; ")
    case .wrongVersion(let path, let found):
      "\(path) is XGBoost \(found); version 3 or later is needed: run `make setup`"
    case .library(let call, let message): "XGBoost failed to \(call): \(message)"
    case .noExamples(let set): "the \(set) set of the trees has no rows"
    case .noScore(let text): "XGBoost's evaluation has no number: \(text)"
    }
  }
}
