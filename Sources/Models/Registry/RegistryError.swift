/// Why the registry refuses an operation, or is itself refused.
package enum RegistryError: Error, Equatable, CustomStringConvertible {
  case file(FileFailure)
  case version(VersionError)
  case locked(path: String)
  case damaged(file: String, line: Int?, reason: String)
  case unknownVersion(VersionName)
  case badReference(String)
  case noAlias(RegistryAlias, slot: RegistrySlot)
  case alreadyRegistered(VersionName)
  case otherSlot(VersionName, actual: RegistrySlot, wanted: RegistrySlot)
  case archived(VersionName)
  case inProduction(VersionName)
  case synthetic(VersionName)
  case gateRefused(VersionName, reason: String)
  case nothingToRollBackTo(slot: RegistrySlot)
  case alreadyInProduction(VersionName)
  case differs(VersionName, expected: String, actual: String)

  /// What a command that meets this error ends with.
  package var exitCode: Int32 {
    switch self {
    case .file, .gateRefused, .synthetic, .inProduction, .alreadyInProduction, .archived, .nothingToRollBackTo,
      .alreadyRegistered:
      1
    case .unknownVersion, .badReference, .noAlias, .otherSlot: 2
    case .version, .damaged, .differs: 3
    case .locked: 4
    }
  }

  package var description: String {
    switch self {
    case .file(let failure): "\(failure)"
    case .version(let error): "\(error)"
    case .locked(let path): "another process is changing the registry (it holds \(path)); try again when it is done"
    case .damaged(let file, let line, let reason): "\(file)\(line.map { ", line \($0)" } ?? ""): \(reason)"
    case .unknownVersion(let name): "no version “\(name)” is registered; `models list` shows those that are"
    case .badReference(let text): "“\(text)” is neither an alias (latest, candidate, production) nor a version's name"
    case .noAlias(let alias, let slot): "nothing is \(alias.rawValue) for \(slot)"
    case .alreadyRegistered(let name): "the version “\(name)” is registered already"
    case .otherSlot(let name, let actual, let wanted): "the version “\(name)” is for \(actual), not for \(wanted)"
    case .archived(let name): "the version “\(name)” is archived"
    case .inProduction(let name): "the version “\(name)” is in production; promote another or roll back first"
    case .synthetic(let name): "the version “\(name)” was trained on synthetic data and cannot go to production"
    case .gateRefused(let name, let reason):
      "“\(name)” cannot go to production: \(reason) (--force overrides, and is journalled)"
    case .nothingToRollBackTo(let slot): "no earlier version was in production for \(slot)"
    case .alreadyInProduction(let name): "the version “\(name)” is in production already"
    case .differs(let name, let expected, let actual):
      "the files of “\(name)” are not those that were registered: digest \(actual), journal \(expected)"
    }
  }
}
