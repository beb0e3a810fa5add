internal import Market

/// The environment and the files, in the order in which they are asked.
struct CredentialSources {
  let profile: String
  private let environment: [String: String]
  private let credentialsFile: ProfileFile?
  private let configFile: ProfileFile?
  private let looked: [String]

  init(
    _ environment: [String: String], _ credentialsFile: CloudAccess.File?, _ configFile: CloudAccess.File?
  ) throws(CloudSettingsError) {
    self.environment = environment.compactMapValues { value in
      let text = value.trimmingControls
      return text.isEmpty ? nil : text
    }
    profile = self.environment["AWS_PROFILE"] ?? self.environment["AWS_DEFAULT_PROFILE"] ?? "default"
    self.credentialsFile =
      if let file = credentialsFile { try ProfileFile(file.text, path: file.path, kind: .credentials) } else { nil }
    self.configFile =
      if let file = configFile { try ProfileFile(file.text, path: file.path, kind: .config) } else { nil }
    looked = ["the environment"] + [credentialsFile?.path, configFile?.path].compactMap(\.self)
  }

  private var files: [ProfileFile] { [credentialsFile, configFile].compactMap(\.self) }

  private func setting(_ name: String) -> String? { files.lazy.compactMap { $0[profile, name] }.first }

  // MARK: Credentials

  func credentials() throws(CloudSettingsError) -> CloudCredentials {
    if let key = environment["AWS_ACCESS_KEY_ID"], let secret = environment["AWS_SECRET_ACCESS_KEY"] {
      return try CloudCredentials(
        accessKeyId: key, secretAccessKey: Secret(secret),
        sessionToken: environment["AWS_SESSION_TOKEN"].map { Secret($0) }, from: "the environment")
    }
    for file in files {
      guard let key = file[profile, "aws_access_key_id"], let secret = file[profile, "aws_secret_access_key"] else {
        continue
      }
      return try CloudCredentials(
        accessKeyId: key, secretAccessKey: Secret(secret),
        sessionToken: file[profile, "aws_session_token"].map { Secret($0) },
        from: "\(file.path), profile \(profile)")
    }
    for name in ["role_arn", "sso_session", "sso_start_url", "credential_process", "web_identity_token_file"]
    where setting(name) != nil {
      throw .unsupportedProfile(profile, setting: name)
    }
    if environment["AWS_PROFILE"] != nil, !files.contains(where: { $0.has(profile) }) {
      throw .noProfile(profile, files: files.isEmpty ? ["~/.aws/credentials"] : files.map(\.path))
    }
    throw .noCredentials(profile: profile, looked: looked)
  }

  // MARK: Region and endpoints

  var region: String? { environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? setting("region") }

  func endpoints() throws(CloudSettingsError) -> [String: CloudEndpoint] {
    if environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.lowercased() == "true" { return [:] }
    var endpoints: [String: CloudEndpoint] = [:]
    for service in CloudService.allCases {
      let name = "AWS_ENDPOINT_URL_" + service.variable
      if let value = environment[name] { endpoints[service.rawValue] = try endpoint(name, value) }
    }
    if let value = environment["AWS_ENDPOINT_URL"] {
      endpoints[""] = try endpoint("AWS_ENDPOINT_URL", value)
    } else if let value = configFile?[profile, "endpoint_url"] {
      endpoints[""] = try endpoint("endpoint_url", value)
    }
    return endpoints
  }

  private func endpoint(_ name: String, _ value: String) throws(CloudSettingsError) -> CloudEndpoint {
    do { return try CloudEndpoint(value) } catch {
      // What stands before an @ may be a password.
      let shown = value.contains("@") ? "…" : String(value.prefix(200))
      throw .badEndpoint(name: name, value: shown, reason: error.reason)
    }
  }
}

extension String {
  fileprivate var trimmingControls: String {
    var rest = unicodeScalars[...]
    while let first = rest.first, first.value <= 0x20 { rest.removeFirst() }
    while let last = rest.last, last.value <= 0x20 { rest.removeLast() }
    return String(String.UnicodeScalarView(rest))
  }
}
