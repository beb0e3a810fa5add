import Market
import TestSupport
import Testing

@testable import Cloud

struct CloudAccessTests {
  private static let keys = ["AWS_ACCESS_KEY_ID": "AKENV", "AWS_SECRET_ACCESS_KEY": "envsecret"]
  private static let credentials = CloudAccess.File(
    path: "~/.aws/credentials",
    text: """
      # a comment
      [default]
      aws_access_key_id = AKDEFAULT
      aws_secret_access_key=default/secret+
      [work]
      aws_access_key_id=AKWORK
      aws_secret_access_key=work=secret
      aws_session_token = token==
      """)
  private static let config = CloudAccess.File(
    path: "~/.aws/config",
    text: """
      [default]
      region = eu-central-1
      s3 =
        max_concurrent_requests = 20
      [profile work]
      region=ap-southeast-2
      endpoint_url = http://127.0.0.1:9000/
      [profile role]
      role_arn = arn:aws:iam::1:role/x
      source_profile = default
      [profile keys]\r
      aws_access_key_id = AKCONFIG\r
      aws_secret_access_key = configsecret\r
      """)

  private static func error(_ body: () throws(CloudSettingsError) -> CloudAccess) -> CloudSettingsError? {
    do throws(CloudSettingsError) {
      _ = try body()
      return nil
    } catch {
      return error
    }
  }

  @Test func `the environment comes first, with its session token`() throws {
    let access = try CloudAccess(
      environment: Self.keys.merging(["AWS_SESSION_TOKEN": "tok", "AWS_REGION": "us-west-2"]) { $1 },
      credentialsFile: Self.credentials, configFile: Self.config)
    #expect(access.credentials.accessKeyId == "AKENV")
    #expect(access.credentials.secretAccessKey.reveal() == "envsecret")
    #expect(access.credentials.sessionToken?.reveal() == "tok")
    #expect(access.region == "us-west-2")
    #expect(access.endpoint(.s3).description == "https://s3.us-west-2.amazonaws.com")
    #expect(access.endpoint(.cloudWatch).description == "https://monitoring.us-west-2.amazonaws.com")
  }

  @Test func `the default profile is read from both files`() throws {
    let access = try CloudAccess(environment: [:], credentialsFile: Self.credentials, configFile: Self.config)
    #expect(access.credentials.accessKeyId == "AKDEFAULT")
    #expect(access.credentials.secretAccessKey.reveal() == "default/secret+")
    #expect(access.credentials.sessionToken == nil)
    #expect(access.region == "eu-central-1")
    #expect(!access.isOverridden(.s3))
  }

  @Test func `a profile is chosen by name, with region, token and endpoint`() throws {
    let access = try CloudAccess(
      environment: ["AWS_PROFILE": "work"], credentialsFile: Self.credentials, configFile: Self.config)
    #expect(access.credentials.accessKeyId == "AKWORK")
    #expect(access.credentials.secretAccessKey.reveal() == "work=secret")
    #expect(access.credentials.sessionToken?.reveal() == "token==")
    #expect(access.region == "ap-southeast-2")
    #expect(access.endpoint(.kinesis).description == "http://127.0.0.1:9000")
  }

  @Test func `a config file may have the keys, and line ends of another system`() throws {
    let access = try CloudAccess(
      environment: ["AWS_PROFILE": "keys", "AWS_DEFAULT_REGION": "eu-west-1"], configFile: Self.config)
    #expect(access.credentials.accessKeyId == "AKCONFIG")
    #expect(access.credentials.secretAccessKey.reveal() == "configsecret")
  }

  @Test func `an endpoint of one service goes before that of all`() throws {
    let access = try CloudAccess(
      environment: Self.keys.merging([
        "AWS_ENDPOINT_URL": "http://127.0.0.1:5000", "AWS_ENDPOINT_URL_S3": "https://Minio.example:443/base/",
      ]) { $1 })
    #expect(access.region == "us-east-1")
    #expect(access.endpoint(.s3).description == "https://minio.example/base")
    #expect(access.endpoint(.s3).authority == "minio.example")
    #expect(access.endpoint(.kinesis).authority == "127.0.0.1:5000")
    let ignored = try CloudAccess(
      environment: Self.keys.merging([
        "AWS_ENDPOINT_URL": "http://127.0.0.1:5000", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_REGION": "cn-north-1",
      ]) { $1 })
    #expect(ignored.endpoint(.kinesis).description == "https://kinesis.cn-north-1.amazonaws.com.cn")
  }

  @Test func `what is missing is named, with what to do`() throws {
    #expect(
      Self.error { () throws(CloudSettingsError) in try CloudAccess(environment: [:]) }
        == .noCredentials(profile: "default", looked: ["the environment"]))
    #expect(
      Self.error { () throws(CloudSettingsError) in try CloudAccess(environment: Self.keys) }
        == .noRegion(profile: "default"))
    #expect(
      Self.error { () throws(CloudSettingsError) in
        try CloudAccess(environment: ["AWS_PROFILE": "nobody"], credentialsFile: Self.credentials)
      } == .noProfile("nobody", files: ["~/.aws/credentials"]))
    #expect(
      Self.error { () throws(CloudSettingsError) in
        try CloudAccess(environment: ["AWS_PROFILE": "role"], configFile: Self.config)
      } == .unsupportedProfile("role", setting: "role_arn"))
    #expect(
      Self.error { () throws(CloudSettingsError) in
        try CloudAccess(environment: Self.keys.merging(["AWS_REGION": "Frankfurt!"]) { $1 })
      } == .badRegion("Frankfurt!"))
  }

  @Test(arguments: ["127.0.0.1:9000", "ftp://a", "http://", "http://a:0", "http://a:x", "http://a/../b", "http://a?b"])
  func `an endpoint that is none is refused`(text: String) {
    let error = Self.error { () throws(CloudSettingsError) in
      try CloudAccess(environment: Self.keys.merging(["AWS_ENDPOINT_URL": text]) { $1 })
    }
    guard case .badEndpoint("AWS_ENDPOINT_URL", text, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `passwords in endpoints and secrets in broken files are not shown`() throws {
    let error = Self.error { () throws(CloudSettingsError) in
      try CloudAccess(environment: Self.keys.merging(["AWS_ENDPOINT_URL": "http://me:sesame@host"]) { $1 })
    }
    #expect(error != nil && !"\(error!)".contains("sesame"))
    let broken = Self.error { () throws(CloudSettingsError) in
      try CloudAccess(environment: [:], credentialsFile: .init(path: "creds", text: "[default]\nsesame"))
    }
    #expect(broken == .badFile(path: "creds", line: 2, reason: "neither a section nor 'name = value'"))
    let odd = Self.error { () throws(CloudSettingsError) in
      try CloudAccess(environment: ["AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "ses\name"])
    }
    #expect(odd == .badCredentials(source: "the environment", field: "secret access key"))
  }

  @Test func `the files are where the environment says`() {
    let own = CloudAccess.filePaths(["HOME": "/home/me"])
    #expect(own.credentials == "/home/me/.aws/credentials" && own.config == "/home/me/.aws/config")
    let other = CloudAccess.filePaths(["HOME": "/home/me", "AWS_CONFIG_FILE": "/etc/aws"])
    #expect(other.credentials == "/home/me/.aws/credentials" && other.config == "/etc/aws")
    #expect(CloudAccess.filePaths([:]).config == nil)
  }

  @Test(arguments: Soak.seeds(200)) func `damaged files give an error or an access`(seed: UInt64) {
    var mutator = Mutator(seed: seed)
    let corpus = [Array(Self.credentials.text.utf8), Array(Self.config.text.utf8)]
    for _ in 0..<20 {
      let text = String(decoding: mutator.frame(of: corpus), as: UTF8.self)
      for profile in ["default", "work"] {
        _ = Self.error { () throws(CloudSettingsError) in
          try CloudAccess(
            environment: ["AWS_PROFILE": profile], credentialsFile: .init(path: "a", text: text),
            configFile: .init(path: "b", text: text))
        }
      }
    }
  }
}
