internal import Transport

extension S3Client {
  /// Writes what is too large for one request or for memory: in parts, each tried again by itself. What fits into one
  /// part is put at once. After a failure nothing is left of it.
  ///
  /// - Parameters:
  ///   - sha256: of the whole in hexadecimal if it is known, so that a reader can check it.
  ///   - next: the next piece, of any size; `nil` or an empty one is the end.
  package func upload(
    to object: S3Location, mode: S3WriteMode = .replace, sha256: String? = nil,
    contentType: String = "application/octet-stream", next: () async throws -> [UInt8]?
  ) async throws -> S3Written {
    var pieces = Pieces()
    try await pieces.fill(to: options.partBytes, next)
    if pieces.isAtEnd, pieces.waiting.count <= options.partBytes {
      return try await put(pieces.waiting, to: object, mode: mode, contentType: contentType)
    }
    let id = try await beginUpload(object, sha256, contentType)
    var parts: [UploadedPart] = []
    do {
      while !(pieces.isAtEnd && pieces.waiting.isEmpty) {
        try Task.checkCancellation()
        guard parts.count < Self.mostParts else {
          throw CloudError.invalid(
            "\(object): more than \(Self.mostParts) parts of \(options.partBytes) bytes; choose larger parts")
        }
        parts.append(try await put(pieces.take(options.partBytes), object, id, number: parts.count + 1))
        try await pieces.fill(to: options.partBytes, next)
      }
      return try await complete(object, id, parts, mode, sha256)
    } catch {
      // A cancelled task could not send this.
      await Task { await abort(object, id) }.value
      throw error
    }
  }

  private static let mostParts = 10_000

  private struct UploadedPart {
    let number: Int
    let etag: String
    let bytes: Int
  }

  private func beginUpload(
    _ object: S3Location, _ sha256: String?, _ contentType: String
  ) async throws(CloudError) -> String {
    var request = CloudRequest(
      method: "POST", query: [.init("uploads")], headers: [("Content-Type", contentType)])
    if let sha256 { request.headers.append((S3Object.sha256Header, sha256)) }
    let answer = try await send(request, object, action: "s3:PutObject", mayHideError: true)
    guard let id = XMLElement(parsing: answer.body)?["UploadId"]?.text, !id.isEmpty else {
      throw .malformed(.s3, "the upload of \(object) began without an id")
    }
    return id
  }

  private func put(
    _ bytes: [UInt8], _ object: S3Location, _ id: String, number: Int
  ) async throws(CloudError) -> UploadedPart {
    let request = CloudRequest(
      method: "PUT", query: [.init("partNumber", String(number)), .init("uploadId", id)], body: bytes)
    let answer = try await send(request, object, action: "s3:PutObject")
    guard let etag = answer.headers["etag"], !etag.isEmpty else {
      throw .malformed(.s3, "part \(number) of \(object) was taken without an ETag")
    }
    return UploadedPart(number: number, etag: etag, bytes: bytes.count)
  }

  private func complete(
    _ object: S3Location, _ id: String, _ parts: [UploadedPart], _ mode: S3WriteMode, _ sha256: String?
  ) async throws(CloudError) -> S3Written {
    let list = parts.map { part in
      "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(part.etag.xmlEscaped)</ETag></Part>"
    }
    var request = CloudRequest(
      method: "POST", query: [.init("uploadId", id)], headers: [("Content-Type", "application/xml")],
      body: Array("<CompleteMultipartUpload>\(list.joined())</CompleteMultipartUpload>".utf8))
    if mode == .createOnly { request.headers.append(("If-None-Match", "*")) }
    do throws(CloudError) {
      let answer = try await send(request, object, action: "s3:PutObject", mayHideError: true)
      guard let result = XMLElement(parsing: answer.body), result.name == "CompleteMultipartUploadResult" else {
        throw .malformed(.s3, "the upload of \(object) ended without a result")
      }
      return S3Written(etag: result["ETag"]?.text ?? "", isNew: true)
    } catch .refused(_, _, code: "NoSuchUpload", let message, _) {
      // The answer to an earlier attempt was lost, if the object is there.
      guard let there = try await head(object), isSame(there, parts, sha256) else {
        throw .refused(.s3, status: 404, code: "NoSuchUpload", message: message, resource: object.description)
      }
      return S3Written(etag: there.etag, isNew: true)
    } catch .alreadyExists {
      guard let there = try await head(object), let sha256, there.sha256 == sha256 else { throw .alreadyExists(object) }
      await abort(object, id)
      return S3Written(etag: there.etag, isNew: false)
    } catch {
      throw error
    }
  }

  private func isSame(_ there: S3Object, _ parts: [UploadedPart], _ sha256: String?) -> Bool {
    let bytes = parts.reduce(0) { $0 + $1.bytes }
    return there.bytes == bytes && there.sha256 == sha256 && there.etag.contains("-\(parts.count)")
  }

  /// What is left without it costs money until the bucket's own rules remove it.
  private func abort(_ object: S3Location, _ id: String) async {
    _ = try? await send(
      CloudRequest(method: "DELETE", query: [.init("uploadId", id)]), object, action: "s3:AbortMultipartUpload")
  }
}

/// Makes parts of one size from pieces of any.
private struct Pieces {
  private(set) var waiting: [UInt8] = []
  private(set) var isAtEnd = false

  /// Reads until there is more than one part or nothing more.
  mutating func fill(to count: Int, _ next: () async throws -> [UInt8]?) async throws {
    while !isAtEnd, waiting.count <= count {
      let piece = try await next() ?? []
      isAtEnd = piece.isEmpty
      waiting += piece
    }
  }

  mutating func take(_ count: Int) -> [UInt8] {
    guard waiting.count > count else {
      defer { waiting = [] }
      return waiting
    }
    let part = Array(waiting.prefix(count))
    waiting.removeFirst(count)
    return part
  }
}

extension String {
  var xmlEscaped: String {
    var text = ""
    for character in unicodeScalars {
      switch character {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "\"": text += "&quot;"
      default: text.unicodeScalars.append(character)
      }
    }
    return text
  }
}
