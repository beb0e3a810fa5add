import Crypto
import Market
import TestSupport
import Testing
import Transport

@testable import Cloud

/// What moto cannot do: refusals, lost answers and nonsense.
@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct S3Tests {
  private let object: S3Location

  init() throws { object = try S3Location(bucket: "bucket", key: "dir/key") }

  /// A client of a server that gives these answers.
  private struct Stage {
    let script: Scripted
    let server: HTTPServer
    let calm = Calm()
    let client: S3Client

    init(_ script: Scripted, attempts: Int = 4, partBytes: Int = 5 << 20) throws {
      self.script = script
      server = try HTTPServer(handler: script)
      client = S3Client(
        try HTTPClient(), try .testing("http://127.0.0.1:\(server.port)"), calm.surroundings,
        .init(backoff: Backoff(attempts: attempts), timeoutSeconds: 5, partBytes: partBytes))
    }
  }

  @Test func `slowing down is obeyed with growing pauses, and ends`() async throws {
    let slow = ServerResponse.s3Error(503, "SlowDown")
    let stage = try Stage(Scripted(slow, .s3Error(500, "InternalError"), .text(200, "", [HTTPHeader("ETag", "\"e\"")])))
    #expect(try await stage.client.put([1], to: object) == S3Written(etag: "\"e\"", isNew: true))
    #expect(stage.calm.pauses == [0.05, 0.1])
    let never = try Stage(Scripted(slow))
    #expect(
      await cloudError { try await never.client.put([1], to: object) }
        == .throttled(.s3, resource: "s3://bucket/dir/key", attempts: 4))
    #expect(never.script.seen.count == 4 && never.calm.pauses == [0.05, 0.1, 0.2])
  }

  @Test func `requests carry the hash of their body and nothing of the secret`() async throws {
    let stage = try Stage(Scripted(.text(200)))
    _ = try await stage.client.put(Array("content".utf8), to: object, contentType: "text/plain")
    let seen = try #require(stage.script.seen.first)
    #expect(seen.target == "/bucket/dir/key")
    #expect(seen.headers["x-amz-content-sha256"] == SHA256.hexDigest(of: Array("content".utf8)))
    #expect(
      seen.headers["authorization"]?.contains(
        "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-sha256, ") == true)
    #expect(!"\(seen)".contains("sesame"))
  }

  @Test(arguments: [
    ServerResponse.text(301, "", [HTTPHeader("x-amz-bucket-region", "eu-west-3")]),
    .s3Error(301, "PermanentRedirect", [HTTPHeader("x-amz-bucket-region", "eu-west-3")]),
    .s3Error(400, "AuthorizationHeaderMalformed", more: "<Region>eu-west-3</Region>"),
  ])
  func `another region is named`(answer: ServerResponse) async throws {
    let stage = try Stage(Scripted(answer))
    let error = await cloudError { try await stage.client.get(object, limitBytes: 10) }
    #expect(error == .wrongRegion(resource: "bucket bucket", used: "us-east-1", actual: "eu-west-3"))
    #expect(error?.description.contains("set AWS_REGION=eu-west-3") == true)
    #expect(stage.script.seen.count == 1)
  }

  @Test func `a head of a bucket elsewhere names its region`() async throws {
    let stage = try Stage(Scripted(.text(400, "", [HTTPHeader("x-amz-bucket-region", "eu-west-3")])))
    #expect(
      await cloudError { try await stage.client.check(bucket: "bucket") }
        == .wrongRegion(resource: "bucket bucket", used: "us-east-1", actual: "eu-west-3"))
  }

  @Test func `permissions, keys and clocks are told apart`() async throws {
    func error(_ answer: ServerResponse) async throws -> CloudError? {
      let stage = try Stage(Scripted(answer))
      return await cloudError { try await stage.client.put([1], to: object) }
    }
    #expect(
      try await error(.s3Error(403, "AccessDenied"))
        == .accessDenied(.s3, action: "s3:PutObject", resource: "s3://bucket/dir/key", message: "words"))
    #expect(
      try await error(.s3Error(403, "InvalidAccessKeyId"))
        == .badCredentials(.s3, code: "InvalidAccessKeyId", message: "words"))
    #expect(
      try await error(.s3Error(403, "SignatureDoesNotMatch", more: "<StringToSign>x</StringToSign>"))
        == .badCredentials(.s3, code: "SignatureDoesNotMatch", message: "words"))
    #expect(try await error(.s3Error(404, "NoSuchBucket")) == .noSuchBucket("bucket"))
    #expect(
      try await error(.s3Error(400, "Odd", message: "a\nb"))
        == .refused(
          .s3, status: 400, code: "Odd", message: "a b", resource: "s3:PutObject on s3://bucket/dir/key"))
    #expect(
      try await error(.text(418, "teapot"))
        == .refused(
          .s3, status: 418, code: "no reason given", message: "", resource: "s3:PutObject on s3://bucket/dir/key"))
  }

  @Test func `a wrong clock is measured by the server's`() async throws {
    let script = Scripted(.s3Error(403, "RequestTimeTooSkewed"))
    let server = try HTTPServer(handler: script)
    let calm = Calm()
    var surroundings = calm.surroundings
    surroundings.now = { Calm.now.adding(minutes: 20) }
    let client = S3Client(try HTTPClient(), try .testing("http://127.0.0.1:\(server.port)"), surroundings)
    guard case .clockSkew(.s3, let ahead?) = await cloudError({ try await client.head(object) ?? nil }) else {
      // A HEAD's refusal has no body, so no code either.
      guard case .clockSkew(.s3, let ahead?) = await cloudError({ try await client.delete(object) }) else {
        Issue.record("no skew")
        return
      }
      #expect((1195...1205).contains(ahead))
      return
    }
    #expect((1195...1205).contains(ahead))
  }

  @Test func `nobody listening is unreachable after all attempts`() async throws {
    let (nobody, calm) = ("http://127.0.0.1:1", Calm())
    let client = S3Client(
      try HTTPClient(), try .testing(nobody), calm.surroundings,
      .init(backoff: Backoff(attempts: 3)))
    guard
      case .unreachable(.s3, nobody, .cannotConnect) =
        await cloudError({ try await client.put([1], to: object) })
    else {
      Issue.record("reached")
      return
    }
    #expect(calm.pauses.count == 2)
  }

  @Test func `an answer that breaks off is asked for again`() async throws {
    var cut = Self.part(Array("hello".utf8), 0..<5, of: 5)
    cut.cutAfterBytes = 2
    let stage = try Stage(Scripted(cut, Self.part(Array("hello".utf8), 0..<5, of: 5)))
    #expect(try await stage.client.get(object, limitBytes: 10) == Array("hello".utf8))
    #expect(stage.script.seen.count == 2)
  }

  private static func part(
    _ bytes: [UInt8], _ range: Range<Int>, of total: Int, etag: String = "\"e\"", sha256: String? = nil
  ) -> ServerResponse {
    var headers = [
      HTTPHeader("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(total)"),
      HTTPHeader("ETag", etag),
    ]
    if let sha256 { headers.append(HTTPHeader("x-amz-meta-sha256", sha256)) }
    return ServerResponse(status: 206, headers: headers, body: bytes)
  }

  @Test func `damaged content is not returned`() async throws {
    let sum = SHA256.hexDigest(of: [1])
    let stage = try Stage(Scripted(Self.part([2], 0..<1, of: 1, sha256: sum)))
    #expect(
      await cloudError { try await stage.client.get(object, limitBytes: 10) }
        == .damaged(object, expected: sum, got: SHA256.hexDigest(of: [2])))
  }

  @Test func `an object replaced amid reading is an error`() async throws {
    let piece = [UInt8](repeating: 0, count: 5 << 20)
    let first = Self.part(piece, 0..<piece.count, of: piece.count + 1)
    let stage = try Stage(Scripted(first, .s3Error(412, "PreconditionFailed")))
    #expect(await cloudError { try await stage.client.get(object, limitBytes: 9 << 20) } == .changed(object))
    #expect(stage.script.seen.last?.headers["if-match"] == "\"e\"")
    let other = try Stage(
      Scripted(first, Self.part([1], piece.count..<piece.count + 1, of: piece.count + 1, etag: "\"f\"")))
    #expect(await cloudError { try await other.client.get(object, limitBytes: 9 << 20) } == .changed(object))
  }

  @Test(arguments: [
    "bytes 1-1/3", "bytes 0-9/3", "bytes 0-0", "items 0-0/3", "bytes 0-1/3", "bytes 0-0/99999999999999999999",
  ])
  func `a part that was not asked for is refused`(range: String) async throws {
    let stage = try Stage(
      Scripted(ServerResponse(status: 206, headers: [HTTPHeader("Content-Range", range)], body: [1])))
    guard case .malformed(.s3, _) = await cloudError({ try await stage.client.get(object, limitBytes: 10) }) else {
      Issue.record("taken")
      return
    }
  }

  @Test func `an object far larger than the limit is not fetched`() async throws {
    let stage = try Stage(Scripted(Self.part([1, 2, 3], 0..<3, of: 1 << 50)))
    #expect(
      await cloudError { try await stage.client.get(object, limitBytes: 3) }
        == .tooLarge(object, bytes: 1 << 50, limit: 3))
    #expect(stage.script.seen.first?.headers["range"] == "bytes=0-2")
  }

  @Test func `creating whose answer was lost is a success`() async throws {
    let sum = SHA256.hexDigest(of: [1])
    var lost = ServerResponse(body: [1, 2, 3, 4])
    lost.cutAfterBytes = 0
    let head = ServerResponse.text(200, "", [HTTPHeader("x-amz-meta-sha256", sum), HTTPHeader("ETag", "\"e\"")])
    let stage = try Stage(Scripted(lost, .s3Error(412, "PreconditionFailed"), head))
    #expect(
      try await stage.client.put([1], to: object, mode: .createOnly) == S3Written(etag: "\"e\"", isNew: false))
  }

  // MARK: Uploads

  private static let begun = ServerResponse.text(
    200, "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>")
  private static let taken = ServerResponse.text(200, "", [HTTPHeader("ETag", "\"p\"")])
  private static let finished = ServerResponse.text(
    200, "<CompleteMultipartUploadResult><ETag>&quot;whole-2&quot;</ETag></CompleteMultipartUploadResult>")

  private func upload(_ stage: Stage) async throws -> S3Written {
    var pieces = [[UInt8](repeating: 1, count: 1), [UInt8](repeating: 1, count: 5 << 20)]
    return try await stage.client.upload(to: object) { pieces.popLast() }
  }

  @Test func `a part is tried again, and an error under status 200 too`() async throws {
    let stage = try Stage(
      Scripted(
        Self.begun, .s3Error(503, "SlowDown"), Self.taken, Self.taken, .s3Error(200, "InternalError"), Self.finished))
    #expect(try await upload(stage) == S3Written(etag: "\"whole-2\"", isNew: true))
    let targets = stage.script.seen.map { "\($0.method) \($0.target)" }
    #expect(
      targets == [
        "POST /bucket/dir/key?uploads=", "PUT /bucket/dir/key?partNumber=1&uploadId=u%2F1",
        "PUT /bucket/dir/key?partNumber=1&uploadId=u%2F1", "PUT /bucket/dir/key?partNumber=2&uploadId=u%2F1",
        "POST /bucket/dir/key?uploadId=u%2F1", "POST /bucket/dir/key?uploadId=u%2F1",
      ])
    let list = String(decoding: stage.script.seen[4].body, as: UTF8.self)
    #expect(list.contains("<Part><PartNumber>2</PartNumber><ETag>&quot;p&quot;</ETag></Part>"))
  }

  @Test func `an error under status 200 that lasts aborts the upload`() async throws {
    let stage = try Stage(
      Scripted(Self.begun, Self.taken, Self.taken, .s3Error(200, "EntityTooSmall"), .text(204)))
    #expect(
      await cloudError { try await upload(stage) }
        == .refused(
          .s3, status: 200, code: "EntityTooSmall", message: "words",
          resource: "s3:PutObject on s3://bucket/dir/key"))
    #expect(stage.script.seen.last.map { "\($0.method) \($0.target)" } == "DELETE /bucket/dir/key?uploadId=u%2F1")
  }

  @Test func `an upload whose end was not heard is found done`() async throws {
    var lost = Self.finished
    lost.cutAfterBytes = 3
    let head = ServerResponse(
      status: 200, headers: [HTTPHeader("ETag", "\"whole-2\"")], body: [UInt8](repeating: 0, count: (5 << 20) + 1))
    let stage = try Stage(
      Scripted(Self.begun, Self.taken, Self.taken, lost, .s3Error(404, "NoSuchUpload"), head))
    #expect(try await upload(stage).etag == "\"whole-2\"")
  }

  @Test func `a cancelled upload is aborted`() async throws {
    let stage = try Stage(Scripted(Self.begun, Self.taken, .text(204)))
    let task = Task {
      try await stage.client.upload(to: object) {
        if stage.script.seen.count >= 2 { withUnsafeCurrentTask { $0?.cancel() } }
        return [UInt8](repeating: 1, count: 5 << 20)
      }
    }
    await #expect(throws: (any Error).self) { try await task.value }
    #expect(stage.script.seen.last?.method == "DELETE")
  }

  // MARK: Nonsense

  @Test(arguments: [
    "", "<html>", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
    "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>%</Key><Size>1</Size></Contents></ListBucketResult>",
  ])
  func `a listing that is none is an error`(body: String) async throws {
    let stage = try Stage(Scripted(.text(200, body)))
    guard case .malformed(.s3, _) = await cloudError({ try await stage.client.list(object) }) else {
      Issue.record("taken")
      return
    }
  }

  @Test func `a listing that goes in a circle ends`() async throws {
    let page =
      "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>"
    let stage = try Stage(Scripted(.text(200, page)))
    guard case .malformed(.s3, _) = await cloudError({ try await stage.client.list(object) }) else {
      Issue.record("taken")
      return
    }
    #expect(stage.script.seen.count == 2)
  }

  @Test func `names that cannot be sent are refused before`() throws {
    for url in [
      "http://bucket/key", "s3://", "s3://AB/key", "s3://a/key", "s3://a..b/key", "s3://bucket/a/../b",
      "s3://bucket/./a", "s3://bucket/" + String(repeating: "k", count: 1025), "s3://bu_cket/a", "s3://-bucket/a",
    ] {
      #expect(throws: CloudError.self, "\(url)") { try S3Location(url: url) }
    }
    #expect(try S3Location(url: "s3://bucket/a/b.avro").description == "s3://bucket/a/b.avro")
    #expect(try S3Location(url: "s3://bucket").key.isEmpty)
  }

  @Test func `the bucket stands in the host's name at AWS and in the path elsewhere`() async throws {
    let script = Scripted(.text(200))
    let server = try HTTPServer(handler: script)
    let client = S3Client(
      try HTTPClient(), try .testing("http://localhost:\(server.port)"), Calm().surroundings,
      .init(addressing: .virtualHost, backoff: Backoff(attempts: 1)))
    _ = try? await client.put([1], to: object)
    // Names below localhost are this machine's where the resolver says so.
    if let seen = script.seen.first {
      #expect(seen.headers["host"] == "bucket.localhost:\(server.port)" && seen.target == "/dir/key")
    }
    #expect(
      CloudEndpoint.aws(.s3, region: "eu-west-1").below("bucket").authority == "bucket.s3.eu-west-1.amazonaws.com")
  }

  @Test(arguments: Soak.seeds(40)) func `damaged refusals are errors and no crashes`(seed: UInt64) throws {
    var mutator = Mutator(seed: seed)
    let corpus = [try Fixture.bytes("s3_error.xml"), try Fixture.bytes("kinesis_error_prefixed.json")]
    for _ in 0..<50 {
      let answer = HTTPAnswer(
        status: 400, headers: [HTTPHeader("Date", "Sat, 21 Nov 2026 13:49:10 GMT")], body: mutator.frame(of: corpus))
      for service in [CloudService.s3, .kinesis] {
        let refusal = try #require(ServiceRefusal(answer, service))
        let error = refusal.error(
          .object(object, action: "s3:GetObject"), region: "us-east-1", now: Calm.now, attempts: 1)
        #expect(error.description.unicodeScalars.count < 2000 && !error.description.contains("\n"))
      }
    }
  }
}
