/// Why there is nobody to sign, or no place to send to. Never holds a secret.
package enum CloudSettingsError: Error, Hashable, Sendable, CustomStringConvertible {
  case noCredentials(profile: String, looked: [String])
  case noProfile(String, files: [String])
  case badCredentials(source: String, field: String)
  /// The profile gets its credentials in a way that is not supported.
  case unsupportedProfile(String, setting: String)
  case noRegion(profile: String)
  case badRegion(String)
  case badEndpoint(name: String, value: String, reason: String)
  case badFile(path: String, line: Int, reason: String)

  package var description: String {
    switch self {
    case .noCredentials(let profile, let looked):
      "no AWS credentials in \(looked.joined(separator: " nor ")) (profile \(profile)): set AWS_ACCESS_KEY_ID and "
        + "AWS_SECRET_ACCESS_KEY, or run `aws configure`"
    case .noProfile(let profile, let files):
      "AWS_PROFILE names \(profile), but there is no such profile in \(files.joined(separator: " or "))"
    case .badCredentials(let source, let field):
      "\(source): the \(field) is empty or has characters that no such text has: copy it again"
    case .unsupportedProfile(let profile, let setting):
      "profile \(profile) gets its credentials by \(setting), which is not supported: "
        + "run `eval \"$(aws configure export-credentials --profile \(profile) --format env)\"` first"
    case .noRegion(let profile):
      "no AWS region: set AWS_REGION, or a region for profile \(profile) with `aws configure set region NAME`"
    case .badRegion(let region): "\(region): not the name of an AWS region, such as eu-central-1"
    case .badEndpoint(let name, let value, let reason):
      "\(name)=\(value): \(reason); an endpoint is such as http://127.0.0.1:9000"
    case .badFile(let path, let line, let reason): "\(path):\(line): \(reason)"
    }
  }
}
