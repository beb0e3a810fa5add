internal import CCurl
internal import CTLS

/// The libraries below, as they name themselves.
package enum NetworkLibraries {
  /// Such as `libcurl/7.88.1 OpenSSL/3.0.15`; what else libcurl is made of is left out.
  package static var curl: String {
    guard let text = curl_version() else { return "libcurl of no version" }
    return String(cString: text).split(separator: " ").prefix(2).joined(separator: " ")
  }

  /// The server's, such as `OpenSSL 3.0.15`; its date is left out.
  package static var tls: String {
    guard let text = OpenSSL_version(OPENSSL_VERSION) else { return "OpenSSL of no version" }
    return String(cString: text).split(separator: " ").prefix(2).joined(separator: " ")
  }
}
