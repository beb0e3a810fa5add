internal import Market

/// Who signs, for which region, and where to send: what AWS's own tools read from the environment and two files.
package struct CloudAccess: Sendable {
  package var credentials: CloudCredentials
  package var region: String
  /// Instead of AWS's own addresses: by service (`s3`, `kinesis`, `monitoring`), or for all under `""`.
  package var endpoints: [String: CloudEndpoint]

  package init(credentials: CloudCredentials, region: String, endpoints: [String: CloudEndpoint] = [:])
    throws(CloudSettingsError)
  {
    guard Self.isRegion(region) else { throw .badRegion(region) }
    (self.credentials, self.region, self.endpoints) = (credentials, region, endpoints)
  }

  /// The text of a file that the caller has read.
  package struct File: Sendable {
    package let path: String
    package let text: String

    package init(path: String, text: String) { (self.path, self.text) = (path, text) }
  }

  /// Where the files are, by the environment: `AWS_SHARED_CREDENTIALS_FILE`, `AWS_CONFIG_FILE`, or below `HOME`.
  package static func filePaths(_ environment: [String: String]) -> (credentials: String?, config: String?) {
    let folder = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 + "/.aws" }
    func path(_ variable: String, _ name: String) -> String? {
      environment[variable].flatMap { $0.isEmpty ? nil : $0 } ?? folder.map { $0 + "/" + name }
    }
    return (path("AWS_SHARED_CREDENTIALS_FILE", "credentials"), path("AWS_CONFIG_FILE", "config"))
  }

  /// The environment is asked first, then the credentials file, then the config file.
  ///
  /// Keys of the environment are taken even where `AWS_PROFILE` names a profile; region and endpoints may then come
  /// from that one. A file that does not exist is `nil`. With an endpoint of one's own the region is `us-east-1` if none
  /// is given. Roles, sign-on, other processes and the metadata services of machines and containers are not asked.
  package init(
    environment: [String: String], credentialsFile: File? = nil, configFile: File? = nil
  ) throws(CloudSettingsError) {
    let sources = try CredentialSources(environment, credentialsFile, configFile)
    let endpoints = try sources.endpoints()
    let credentials = try sources.credentials()
    guard let region = sources.region ?? (endpoints.isEmpty ? nil : "us-east-1") else {
      throw .noRegion(profile: sources.profile)
    }
    try self.init(credentials: credentials, region: region, endpoints: endpoints)
  }

  /// AWS's own address unless there is another one for this service.
  package func endpoint(_ service: CloudService) -> CloudEndpoint {
    endpoints[service.rawValue] ?? endpoints[""] ?? .aws(service, region: region)
  }

  package func isOverridden(_ service: CloudService) -> Bool {
    endpoints[service.rawValue] != nil || endpoints[""] != nil
  }

  private static func isRegion(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0.isDigit || $0 == UInt8(ascii: "-")
      }
  }
}

/// Named as requests are signed for it.
package enum CloudService: String, CaseIterable, Sendable {
  case s3
  case kinesis
  case cloudWatch = "monitoring"

  /// In the names of environment variables.
  var variable: String {
    switch self {
    case .s3: "S3"
    case .kinesis: "KINESIS"
    case .cloudWatch: "CLOUDWATCH"
    }
  }

  /// For messages.
  package var title: String {
    switch self {
    case .s3: "S3"
    case .kinesis: "Kinesis"
    case .cloudWatch: "CloudWatch"
    }
  }
}
