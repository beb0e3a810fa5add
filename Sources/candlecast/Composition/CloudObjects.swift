import Archive
import Cloud
import FoundationEssentials
import Operations
import Platform
import Transport

extension CommandContext {
  func objects(_ location: ObjectLocation) throws -> any ObjectStore {
    switch location {
    case .folder(let path): FolderObjectStore(path)
    case .s3(let url):
      S3ObjectStore(
        S3Client(try HTTPClient(HTTPClient.Options(configuration)), try cloudAccess(), .ofThisMachine),
        try S3Location(url: url))
    }
  }

  /// What the environment and AWS's files say, unless a knob says otherwise.
  func cloudAccess() throws -> CloudAccess {
    var environment = environment
    for (key, variable) in [
      ("aws.region", "AWS_REGION"), ("aws.profile", "AWS_PROFILE"), ("aws.endpoint_url", "AWS_ENDPOINT_URL"),
    ] {
      if let value = configuration.text(key) { environment[variable] = value }
    }
    let paths = CloudAccess.filePaths(environment)
    return try CloudAccess(
      environment: environment, credentialsFile: Self.file(paths.credentials), configFile: Self.file(paths.config))
  }

  private static func file(_ path: String?) -> CloudAccess.File? {
    guard let path, let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    return CloudAccess.File(path: path, text: text)
  }
}

extension Surroundings {
  static let ofThisMachine = Surroundings(
    now: SystemClock.now, chance: { Double.random(in: 0..<1) },
    pause: { try await Task.sleep(for: .seconds($0)) })
}

/// A folder for files on their way, gone with its last reference.
final class WorkFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/candlecast-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
