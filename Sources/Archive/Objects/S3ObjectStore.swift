package import Cloud
import Compression

/// Objects of a bucket, below a prefix.
package struct S3ObjectStore: ObjectStore {
  private static let piece = 1 << 20

  private let client: S3Client
  private let bucket: String
  /// Ends with a slash, or is empty.
  private let root: String

  package init(_ client: S3Client, _ location: S3Location) {
    (self.client, bucket) = (client, location.bucket)
    let trimmed = location.key.split(separator: "/", omittingEmptySubsequences: false)
    root = location.key.isEmpty || trimmed.last == "" ? location.key : location.key + "/"
  }

  package var url: String { root.isEmpty ? "s3://\(bucket)" : "s3://\(bucket)/\(root.dropLast())" }

  package func localPath(_ key: String) -> String? { nil }

  package func list(_ prefix: String) async throws(ObjectError) -> [ObjectEntry] {
    do throws(CloudError) {
      let place = try location(prefix)
      var (entries, page): ([ObjectEntry], S3Page) = ([], try await client.listPage(place))
      while true {
        entries += page.entries.lazy.filter { $0.key.hasPrefix(root) && !$0.key.hasSuffix("/") }
          .map { ObjectEntry(key: String($0.key.dropFirst(root.count)), bytes: $0.bytes) }
        guard let next = page.next else { return entries }
        page = try await client.listPage(place, from: next)
        guard page.next != next else {
          throw CloudError.malformed(.s3, "the listing of \(place) goes on where it began")
        }
      }
    } catch {
      throw Self.failure(error, name(prefix))
    }
  }

  package func read(_ key: String, _ take: ([UInt8]) throws(ObjectError) -> Void) async throws(ObjectError) {
    do {
      _ = try await client.read(location(key)) { bytes in try take(bytes) }
    } catch let error as CloudError {
      throw Self.failure(error, name(key))
    } catch let error as ObjectError {
      throw error
    } catch {
      throw .unavailable("\(name(key)): \(error)")
    }
  }

  package func tag(_ key: String) async throws(ObjectError) -> String? {
    do throws(CloudError) { return try await client.head(location(key))?.etag } catch {
      throw Self.failure(error, name(key))
    }
  }

  package func create(_ key: String, from path: String, sha256: String) async throws(ObjectError) -> Bool {
    do {
      let file = try InputFile(path: path)
      return try await client.upload(to: location(key), mode: .createOnly, sha256: sha256) {
        try file.bytes(at: file.position, count: min(Self.piece, file.size - file.position))
      }.isNew
    } catch CloudError.alreadyExists {
      return false
    } catch let error as CloudError {
      throw Self.failure(error, name(key))
    } catch {
      throw .local(path: path, operation: "read", reason: "\(error)")
    }
  }

  private func location(_ key: String) throws(CloudError) -> S3Location {
    try S3Location(bucket: bucket, key: root + key)
  }

  private static func failure(_ error: CloudError, _ object: String) -> ObjectError {
    switch error {
    case .noSuchKey: .absent(object: object)
    case .damaged(_, let expected, let got): .damaged(object: object, expected: expected, found: got)
    default: .unavailable("\(error)")
    }
  }
}
