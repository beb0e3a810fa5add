package import Market

/// What is known of an object without its bytes.
package struct S3Object: Hashable, Sendable {
  package let bytes: Int
  /// With its quotes. The MD5 of the content only for what was put in one request.
  package let etag: String
  package let modified: Timestamp?
  /// Of the content, in hexadecimal, if it was written by us with one known.
  package let sha256: String?
}

/// One line of a listing.
package struct S3Entry: Hashable, Sendable {
  package let key: String
  package let bytes: Int
  package let etag: String
  package let modified: Timestamp?
}

/// A part of a listing, in the order of the keys' bytes.
package struct S3Page: Hashable, Sendable {
  package var entries: [S3Entry]
  /// What stands in for all keys that are the same up to the next delimiter.
  package var prefixes: [String]
  /// Where to go on; `nil` at the end.
  package var next: String?
}

/// What became of writing.
package struct S3Written: Hashable, Sendable {
  package let etag: String
  /// `false` if the same content was there already.
  package let isNew: Bool
}

package enum S3WriteMode: Sendable {
  case replace
  /// An object of other content that is there already stays, and is an error; one of the same content is a success.
  case createOnly
}
