/// Why a version's folder is refused.
package enum VersionError: Error, Equatable, CustomStringConvertible {
  case file(FileFailure)
  case exists(folder: String)
  case missing(file: String, folder: String)
  case unlisted(file: String, folder: String)
  case changed(file: String, folder: String, expected: String, actual: String)
  case malformed(file: String, folder: String, reason: String)
  case mismatch(what: String, folder: String, expected: String, actual: String)

  package var description: String {
    switch self {
    case .file(let failure): "\(failure)"
    case .exists(let folder): "\(folder) exists already; versions are never overwritten"
    case .missing(let file, let folder): "the version in \(folder) has no \(file); restore it or train again"
    case .unlisted(let file, let folder): "the version in \(folder) holds \(file), which its SHA256SUMS does not list"
    case .changed(let file, let folder, let expected, let actual):
      "\(folder)/\(file) was changed or damaged: SHA-256 is \(actual), SHA256SUMS says \(expected)"
    case .malformed(let file, let folder, let reason): "\(folder)/\(file) is not usable: \(reason)"
    case .mismatch(let what, let folder, let expected, let actual):
      "the version in \(folder) does not fit: \(what) is \(actual), expected \(expected)"
    }
  }
}
