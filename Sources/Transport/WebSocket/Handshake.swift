internal import Crypto

/// The upgrade from HTTP to WebSocket, RFC 6455 section 4 and RFC 7692 section 7.
enum Handshake {
  private static let guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
  static let compression = "permessage-deflate"

  /// What the server has to answer to this key.
  static func accept(_ key: String) -> String {
    Base64.text(of: SHA1.digest(of: Array((key + guid).utf8)))
  }

  static func isKey(_ text: String) -> Bool { text.utf8.count == 24 && text.hasSuffix("==") }

  /// The parameters of the first permessage-deflate in a `Sec-WebSocket-Extensions` value, `nil` without one.
  static func compressionParameters(_ value: String) -> [String]? {
    for offer in value.split(separator: ",") {
      let parts = offer.split(separator: ";").map { String($0.trimmed) }
      if parts.first == compression { return Array(parts.dropFirst()) }
    }
    return nil
  }

  static func request(
    _ endpoint: Endpoint, isDefaultPort: Bool, key: String, _ request: WebSocketRequest, userAgent: String
  )
    -> [UInt8]
  {
    let host = isDefaultPort ? endpoint.host : endpoint.name
    var lines = [
      "GET \(endpoint.target) HTTP/1.1", "Host: \(host)", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13",
    ]
    if request.headers["user-agent"] == nil { lines.append("User-Agent: \(userAgent)") }
    if request.usesCompression { lines.append("Sec-WebSocket-Extensions: \(compression)") }
    lines += request.headers.map { "\($0.name): \($0.value)" }
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }

  /// What is agreed once the server has answered.
  struct Agreement: Equatable {
    var isCompressed = false
    /// The server's messages, or ours, stand alone.
    var serverForgets = false
    var clientForgets = false
  }

  struct Refusal: Error, Equatable {
    let status: Int?
    let reason: String
  }

  static func check(_ head: Head, key: String, offersCompression: Bool) throws(Refusal) -> Agreement {
    let words = head.words()
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
      throw Refusal(status: nil, reason: "the answer is not HTTP/1.1")
    }
    guard status == 101 else { throw Refusal(status: status, reason: words.count > 2 ? words[2] : "no upgrade") }
    guard head["upgrade"]?.isSameToken(as: "websocket") == true, head.list("connection", has: "upgrade") else {
      throw Refusal(status: status, reason: "the answer upgrades to something else")
    }
    guard head["sec-websocket-accept"] == accept(key) else {
      throw Refusal(status: status, reason: "Sec-WebSocket-Accept does not belong to the key")
    }
    guard let extensions = head["sec-websocket-extensions"] else { return Agreement() }
    guard offersCompression, let parameters = compressionParameters(extensions), !extensions.contains(",") else {
      throw Refusal(status: status, reason: "extensions nobody offered: \(extensions)")
    }
    var agreement = Agreement(isCompressed: true)
    for parameter in parameters {
      switch parameter {
      case "server_no_context_takeover": agreement.serverForgets = true
      case "client_no_context_takeover": agreement.clientForgets = true
      case _ where parameter.hasPrefix("server_max_window_bits="): break
      default: throw Refusal(status: status, reason: "a parameter nobody offered: \(parameter)")
      }
    }
    return agreement
  }
}
