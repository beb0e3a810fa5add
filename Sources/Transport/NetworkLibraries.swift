internal import CCurl
internal import CWebSockets

/// The libraries below, as they name themselves.
package enum NetworkLibraries {
  /// Such as `libcurl/7.88.1 OpenSSL/3.0.15`; what else libcurl is made of is left out.
  package static var curl: String {
    guard let text = curl_version() else { return "libcurl of no version" }
    return String(cString: text).split(separator: " ").prefix(2).joined(separator: " ")
  }

  /// Such as `libwebsockets/4.1.6`.
  package static var webSockets: String {
    guard let text = lws_get_library_version() else { return "libwebsockets of no version" }
    return "libwebsockets/" + String(cString: text)
  }
}
