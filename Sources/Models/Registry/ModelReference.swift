/// Which versions a server answers with, as MLflow writes it: `models:/bitcoin-model@ALIAS` or
/// `models:/bitcoin-model/VERSION`.
package enum ModelReference: Sendable, Hashable {
  /// Those that have the alias, each for its slot.
  case alias(RegistryAlias)
  /// One version for its slot; for the others those in production.
  case version(VersionName)

  /// `nil` for anything else.
  package init?(_ text: String) {
    let model = "models:/" + Registry.modelName
    guard text.hasPrefix(model) else { return nil }
    let rest = text.dropFirst(model.count)
    switch rest.first {
    case "@":
      guard let alias = RegistryAlias(rawValue: String(rest.dropFirst())) else { return nil }
      self = .alias(alias)
    case "/":
      guard let name = VersionName(String(rest.dropFirst())) else { return nil }
      self = .version(name)
    default: return nil
    }
  }
}
