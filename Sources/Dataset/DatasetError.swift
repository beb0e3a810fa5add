package enum DatasetError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case notADataset(path: String)
  case damaged(path: String, what: String)
  case newerSchema(path: String, schema: Int)
  case cannotWrite(path: String, reason: String)

  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "cannot read dataset \(path): \(reason)"
    case .notADataset(let path): "\(path) is not a Candlecast dataset"
    case .damaged(let path, let what): "dataset \(path) is damaged (\(what)); delete it and train again"
    case .newerSchema(let path, let schema):
      "dataset \(path) has schema \(schema), newer than this program's; delete it and train again"
    case .cannotWrite(let path, let reason): "cannot write dataset \(path): \(reason)"
    }
  }
}
