/// The lines before an answer's body.
enum ResponseHead {
  static func write(
    _ response: ServerResponse, closes: Bool, isAnswerToHead: Bool, date: String, to output: inout [UInt8]
  ) {
    output.append("HTTP/1.1 ")
    output.append(String(response.status))
    output.append(" ")
    output.append(phrase(response.status))
    output.append("\r\n")
    for header in response.headers where header.isSendable && !isOurs(header.name) {
      output.append(header.name)
      output.append(": ")
      output.append(header.value)
      output.append("\r\n")
    }
    if hasBody(response.status) {
      let promised = isAnswerToHead ? response.headers["content-length"] : nil
      output.append("Content-Length: ")
      output.append(promised ?? String(response.body.count))
      output.append("\r\n")
    }
    output.append("Date: ")
    output.append(date)
    output.append(closes ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n")
  }

  static func writeUpgrade(accept: String, isCompressed: Bool, _ headers: [HTTPHeader], to output: inout [UInt8]) {
    output.append("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
    output.append("Sec-WebSocket-Accept: \(accept)\r\n")
    if isCompressed {
      output.append("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; ")
      output.append("client_no_context_takeover\r\n")
    }
    for header in headers where header.isSendable { output.append("\(header.name): \(header.value)\r\n") }
    output.append("\r\n")
  }

  static func hasBody(_ status: Int) -> Bool { status >= 200 && status != 204 && status != 304 }

  private static func isOurs(_ name: String) -> Bool {
    switch name.utf8.count {
    case 4: name.isSameToken(as: "date")
    case 10: name.isSameToken(as: "connection")
    case 14: name.isSameToken(as: "content-length")
    case 17: name.isSameToken(as: "transfer-encoding")
    default: false
    }
  }

  private static func phrase(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 411: "Length Required"
    case 413: "Content Too Large"
    case 422: "Unprocessable Content"
    case 418: "I'm a teapot"
    case 426: "Upgrade Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    default: status < 400 ? "OK" : "Error"
    }
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ text: String) { append(contentsOf: text.utf8) }
}
