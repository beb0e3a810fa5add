package import Market

/// Who signs.
package struct CloudCredentials: Hashable, Sendable {
  package let accessKeyId: String
  package let secretAccessKey: Secret
  /// Of temporary credentials.
  package let sessionToken: Secret?

  /// Throws for what cannot stand in a header: such a text was copied wrongly.
  package init(
    accessKeyId: String, secretAccessKey: Secret, sessionToken: Secret? = nil, from source: String = "the credentials"
  ) throws(CloudSettingsError) {
    let fields: [(name: String, text: String)] = [
      ("access key id", accessKeyId), ("secret access key", secretAccessKey.reveal()),
      ("session token", sessionToken?.reveal() ?? "-"),
    ]
    for field in fields where field.text.isEmpty || !field.text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
      throw .badCredentials(source: source, field: field.name)
    }
    guard !accessKeyId.contains("/"), !accessKeyId.contains(",") else {
      throw .badCredentials(source: source, field: "access key id")
    }
    (self.accessKeyId, self.secretAccessKey, self.sessionToken) = (accessKeyId, secretAccessKey, sessionToken)
  }
}
