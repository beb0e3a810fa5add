internal import Market
internal import Transport

extension S3Client {
  /// All keys that begin with the location's, up to a number.
  ///
  /// - Parameters:
  ///   - delimiter: keys that have it behind the prefix are not listed but summed up in `prefixes`; often `/`.
  ///   - limit: more entries and prefixes than that are an error.
  package func list(
    _ prefix: S3Location, delimiter: String = "", limit: Int = 100_000
  ) async throws(CloudError) -> S3Page {
    var whole = S3Page(entries: [], prefixes: [], next: nil)
    repeat {
      let page = try await listPage(prefix, delimiter: delimiter, from: whole.next)
      guard page.next == nil || page.next != whole.next else {
        throw .malformed(.s3, "the listing of \(prefix) goes on where it began")
      }
      whole.entries += page.entries
      whole.prefixes += page.prefixes
      whole.next = page.next
      guard whole.entries.count + whole.prefixes.count <= limit else {
        throw .invalid("\(prefix): more than \(limit) objects; list a longer prefix")
      }
    } while whole.next != nil
    return whole
  }

  /// At most a thousand.
  ///
  /// - Parameters:
  ///   - token: `next` of the page before.
  ///   - after: keys up to this one are left out.
  package func listPage(
    _ prefix: S3Location, delimiter: String = "", from token: String? = nil, after: String = "", count: Int = 1000
  ) async throws(CloudError) -> S3Page {
    var query: [CloudRequest.Parameter] = [
      .init("list-type", "2"), .init("encoding-type", "url"), .init("prefix", prefix.key),
      .init("max-keys", String(min(max(count, 1), 1000))),
    ]
    if !delimiter.isEmpty { query.append(.init("delimiter", delimiter)) }
    if !after.isEmpty { query.append(.init("start-after", after)) }
    if let token { query.append(.init("continuation-token", token)) }
    let answer = try await send(CloudRequest(query: query), bucket: prefix.bucket, action: "s3:ListBucket")
    guard let page = S3Page(parsing: answer.body) else {
      throw .malformed(.s3, "the listing of \(prefix) is no ListBucketResult")
    }
    return page
  }
}

extension S3Page {
  init?(parsing body: [UInt8]) {
    guard let root = XMLElement(parsing: body), root.name == "ListBucketResult" else { return nil }
    let isEncoded = root["EncodingType"]?.text == "url"
    func decoded(_ element: XMLElement?) -> String? {
      element.flatMap { isEncoded ? String(formDecoding: $0.text) : $0.text }
    }
    (entries, prefixes) = ([], [])
    for element in root.all("Contents") {
      guard let key = decoded(element["Key"]), let bytes = element["Size"].flatMap({ Int($0.text) }), bytes >= 0 else {
        return nil
      }
      let modified = element["LastModified"].flatMap { Timestamp($0.text) }
      entries.append(S3Entry(key: key, bytes: bytes, etag: element["ETag"]?.text ?? "", modified: modified))
    }
    for element in root.all("CommonPrefixes") {
      guard let prefix = decoded(element["Prefix"]) else { return nil }
      prefixes.append(prefix)
    }
    guard root["IsTruncated"]?.text == "true" else { return }
    guard let token = root["NextContinuationToken"]?.text, !token.isEmpty else { return nil }
    next = token
  }
}
