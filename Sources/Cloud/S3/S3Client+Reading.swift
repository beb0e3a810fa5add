internal import Crypto
internal import Transport

extension S3Client {
  /// The whole object, checked against the SHA-256 it was written with, if it has one.
  ///
  /// - Parameter limitBytes: a larger one is an error before its bytes are fetched.
  package func get(_ object: S3Location, limitBytes: Int) async throws(CloudError) -> [UInt8] {
    var bytes: [UInt8] = []
    var part = try await firstPart(object, limitBytes)
    bytes.reserveCapacity(part.object.bytes)
    bytes += part.bytes
    while bytes.count < part.object.bytes {
      part = try await nextPart(object, part.object, from: bytes.count)
      bytes += part.bytes
    }
    try Self.check(object, SHA256.hexDigest(of: bytes), part.object)
    return bytes
  }

  /// Part by part, for what does not fit into memory. What `take` got is right only if this returns.
  package func read(
    _ object: S3Location, limitBytes: Int = .max, take: (_ bytes: [UInt8]) async throws -> Void
  ) async throws -> S3Object {
    var part = try await firstPart(object, limitBytes)
    // A hash cannot be kept over a suspension, being noncopyable, so it is held in a box.
    let hash = RunningHash()
    var count = 0
    while true {
      hash.update(part.bytes)
      count += part.bytes.count
      try await take(part.bytes)
      guard count < part.object.bytes else { break }
      part = try await nextPart(object, part.object, from: count)
    }
    try Self.check(object, hash.hexDigest(), part.object)
    return part.object
  }

  /// These bytes of it; fewer if it ends before. Throws if it ends before `range` begins.
  ///
  /// - Parameter etag: the object must still be this one.
  package func get(
    _ object: S3Location, range: Range<Int>, etag: String? = nil
  ) async throws(CloudError) -> [UInt8] {
    guard range.lowerBound >= 0 else { throw .invalid("\(object): a range begins at 0 or later") }
    guard !range.isEmpty else { return [] }
    return try await part(object, range, etag).bytes
  }

  // MARK: Parts

  private struct Part {
    let bytes: [UInt8]
    /// The whole of which it is a part.
    let object: S3Object
  }

  private func firstPart(_ object: S3Location, _ limitBytes: Int) async throws(CloudError) -> Part {
    let part: Part
    do throws(CloudError) {
      part = try await self.part(object, 0..<max(1, min(options.partBytes, limitBytes)), nil)
    } catch .refused(_, status: 416, _, _, _) {
      // An empty object has no first byte.
      guard let whole = try await head(object) else { throw .noSuchKey(object) }
      guard whole.bytes == 0 else { throw .changed(object) }
      part = Part(bytes: [], object: whole)
    } catch {
      throw error
    }
    guard part.object.bytes <= limitBytes else {
      throw .tooLarge(object, bytes: part.object.bytes, limit: limitBytes)
    }
    return part
  }

  private func nextPart(_ object: S3Location, _ whole: S3Object, from start: Int) async throws(CloudError) -> Part {
    let next = try await part(object, start..<min(start + options.partBytes, whole.bytes), whole.etag)
    guard next.object.bytes == whole.bytes, next.object.etag == whole.etag else { throw .changed(object) }
    return next
  }

  private func part(_ object: S3Location, _ range: Range<Int>, _ etag: String?) async throws(CloudError) -> Part {
    var request = CloudRequest(headers: [("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")])
    if let etag, !etag.isEmpty { request.headers.append(("If-Match", etag)) }
    let answer = try await send(request, object, action: "s3:GetObject")
    if answer.status == 200, range.lowerBound == 0 {
      // A server without ranges sends everything.
      return Part(bytes: answer.body, object: S3Object(answer, bytes: answer.body.count))
    }
    guard answer.status == 206, let text = answer.headers["content-range"], let sent = ContentRange(text),
      sent.range.lowerBound == range.lowerBound, sent.range.upperBound == min(range.upperBound, sent.total),
      answer.body.count == sent.range.count
    else {
      let shown = answer.headers["content-range"].map { $0.shown(60) } ?? "none"
      throw .malformed(
        .s3,
        "bytes \(range.lowerBound)-\(range.upperBound - 1) of \(object) were asked for; status \(answer.status), "
          + "Content-Range \(shown) and \(answer.body.count) bytes came")
    }
    return Part(bytes: answer.body, object: S3Object(answer, bytes: sent.total))
  }

  private static func check(_ object: S3Location, _ got: String, _ whole: S3Object) throws(CloudError) {
    guard let expected = whole.sha256, expected != got else { return }
    throw .damaged(object, expected: expected, got: got)
  }
}

/// `bytes 0-99/1234`.
struct ContentRange: Hashable {
  let range: Range<Int>
  let total: Int

  init?(_ text: String) {
    guard text.hasPrefix("bytes ") else { return nil }
    let numbers = text.dropFirst(6).split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "/" }.map { Int($0) }
    guard numbers.count == 3, let first = numbers[0], let last = numbers[1], let total = numbers[2],
      0 <= first, first <= last, last < total
    else { return nil }
    (range, self.total) = (first..<last + 1, total)
  }
}

private final class RunningHash {
  private var hash: SHA256? = SHA256()

  func update(_ bytes: [UInt8]) { hash?.update(bytes) }

  /// Once.
  func hexDigest() -> String { hash.take()?.hexDigest() ?? "" }
}
