import Crypto
import FoundationEssentials
import Market
import TestSupport
import Testing
import Transport

@testable import Cloud

@Suite(.timeLimit(.minutes(Soak.minutes(5)))) struct S3MotoTests {
  /// A client and a bucket of its own.
  private static func bucket(region: String = "us-east-1") async throws -> (S3Client, String) {
    let moto = try await MotoServer.shared.value
    let client = S3Client(
      try HTTPClient(), try .testing(moto.url, region: region), Calm().surroundings, .init(partBytes: 5 << 20))
    let bucket = "b-" + UUID().uuidString.lowercased()
    try await client.createBucket(bucket)
    return (client, bucket)
  }

  @Test func `an object is put, looked at, read, replaced and deleted`() async throws {
    let (client, bucket) = try await Self.bucket(region: "eu-central-1")
    try await client.check(bucket: bucket)
    let object = try S3Location(bucket: bucket, key: "raw/2026-01-01/a.avro")
    #expect(try await client.head(object) == nil)
    #expect(await cloudError { try await client.get(object, limitBytes: 10) } == .noSuchKey(object))

    let written = try await client.put([1, 2, 3], to: object)
    #expect(written.isNew && written.etag == "\"5289df737df57326fcdd22597afb1fac\"")
    let head = try #require(try await client.head(object))
    #expect(head.bytes == 3 && head.etag == written.etag)
    #expect(head.sha256 == SHA256.hexDigest(of: [1, 2, 3]))
    #expect(head.modified != nil)
    #expect(try await client.get(object, limitBytes: 3) == [1, 2, 3])
    #expect(try await client.get(object, range: 1..<2) == [2])
    #expect(try await client.get(object, range: 1..<200) == [2, 3])
    #expect(
      await cloudError { try await client.get(object, limitBytes: 2) } == .tooLarge(object, bytes: 3, limit: 2))

    _ = try await client.put([], to: object)
    #expect(try await client.get(object, limitBytes: 0) == [])
    try await client.delete(object)
    try await client.delete(object)
    #expect(try await client.head(object) == nil)
  }

  @Test func `creating only does not replace other content and takes the same as done`() async throws {
    let (client, bucket) = try await Self.bucket()
    let object = try S3Location(bucket: bucket, key: "once")
    #expect(try await client.put([1], to: object, mode: .createOnly).isNew)
    #expect(try await client.put([1], to: object, mode: .createOnly).isNew == false)
    #expect(await cloudError { try await client.put([2], to: object, mode: .createOnly) } == .alreadyExists(object))
    #expect(try await client.get(object, limitBytes: 9) == [1])
  }

  @Test func `odd keys are kept through writing, listing and reading`() async throws {
    let (client, bucket) = try await Self.bucket()
    let keys = ["a b", "a+b", "a%2Fb", "ä/€/😀", "q?x=1&y", "#frag", "~'()*!", "a//b", "tab\tend", "a;b,c:d@e=f$"]
    for key in keys { _ = try await client.put(Array(key.utf8), to: try S3Location(bucket: bucket, key: key)) }
    let page = try await client.list(try S3Location(bucket: bucket, key: ""))
    #expect(Set(page.entries.map(\.key)) == Set(keys))
    for key in keys {
      #expect(try await client.get(try S3Location(bucket: bucket, key: key), limitBytes: 100) == Array(key.utf8))
    }
  }

  @Test func `a listing goes on page by page, and sums up folders`() async throws {
    let (client, bucket) = try await Self.bucket()
    let keys = (0..<25).map { "day/\($0 < 10 ? "0" : "")\($0)/part" }
    for key in keys { _ = try await client.put([7], to: try S3Location(bucket: bucket, key: key)) }
    let prefix = try S3Location(bucket: bucket, key: "day/")
    var (listed, token, pages): ([String], String?, Int) = ([], nil, 0)
    repeat {
      let page = try await client.listPage(prefix, from: token, count: 10)
      listed += page.entries.map(\.key)
      (token, pages) = (page.next, pages + 1)
    } while token != nil
    #expect(listed == keys && pages == 3)
    let folders = try await client.list(prefix, delimiter: "/")
    #expect(folders.entries.isEmpty && folders.prefixes == keys.map { String($0.dropLast(4)) })
    let late = try await client.listPage(prefix, after: "day/20/part")
    #expect(late.entries.map(\.key) == Array(keys.suffix(4)))
    #expect(await cloudError { try await client.list(prefix, limit: 24) } != nil)
  }

  @Test func `a large object goes up in parts and comes back in parts`() async throws {
    let (client, bucket) = try await Self.bucket()
    let object = try S3Location(bucket: bucket, key: "large")
    let whole = (0..<(11 << 20) + 5).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    let sha256 = SHA256.hexDigest(of: whole)
    var start = 0
    let written = try await client.upload(to: object, mode: .createOnly, sha256: sha256) {
      let end = min(start + 3_000_001, whole.count)
      defer { start = end }
      return Array(whole[start..<end])
    }
    #expect(written.etag.hasSuffix("-3\"") && written.isNew)
    #expect(try await client.head(object)?.sha256 == sha256)
    #expect(try await client.get(object, limitBytes: whole.count) == whole)
    var (sizes, hash) = ([Int](), [UInt8]())
    let read = try await client.read(object) { bytes in
      sizes.append(bytes.count)
      hash += bytes
    }
    #expect(sizes == [5 << 20, 5 << 20, (1 << 20) + 5] && hash == whole && read.bytes == whole.count)

    var again = [whole[...]]
    let second = try await client.upload(to: object, mode: .createOnly, sha256: sha256) {
      again.popLast().map(Array.init)
    }
    #expect(!second.isNew)
    var other = [Array(repeating: UInt8(1), count: 6 << 20)]
    #expect(
      await cloudError { try await client.upload(to: object, mode: .createOnly) { other.popLast() } }
        == .alreadyExists(object))
  }

  @Test func `what fits into one part is put at once`() async throws {
    let (client, bucket) = try await Self.bucket()
    let object = try S3Location(bucket: bucket, key: "small")
    var pieces: [[UInt8]] = [[3], [2], [1]]
    let written = try await client.upload(to: object) { pieces.popLast() }
    #expect(!written.etag.contains("-"))
    #expect(try await client.get(object, limitBytes: 9) == [1, 2, 3])
  }

  @Test func `an upload that fails leaves nothing behind`() async throws {
    struct Broken: Error {}
    let (client, bucket) = try await Self.bucket()
    let object = try S3Location(bucket: bucket, key: "broken")
    var count = 0
    await #expect(throws: Broken.self) {
      try await client.upload(to: object) {
        count += 1
        if count == 4 { throw Broken() }
        return [UInt8](repeating: 1, count: 3 << 20)
      }
    }
    #expect(try await client.head(object) == nil)
    let answer = try await client.send(CloudRequest(query: [.init("uploads")]), bucket: bucket, action: "list")
    #expect(XMLElement(parsing: answer.body)?.all("Upload").isEmpty == true)
  }

  @Test func `a bucket that is missing is named`() async throws {
    let (client, _) = try await Self.bucket()
    let object = try S3Location(bucket: "no-such-bucket-here", key: "a")
    let missing = CloudError.noSuchBucket("no-such-bucket-here")
    #expect(await cloudError { try await client.put([1], to: object) } == missing)
    #expect(await cloudError { try await client.get(object, limitBytes: 1) } == missing)
    #expect(await cloudError { try await client.list(object) } == missing)
    #expect(await cloudError { try await client.check(bucket: "no-such-bucket-here") } == missing)
  }
}
