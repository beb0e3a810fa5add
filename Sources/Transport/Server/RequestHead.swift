/// What a server has to know of a request before its body comes.
struct RequestHead {
  let head: Head
  let method: String
  let target: String
  let contentLength: Int
  /// The connection serves another request after this one.
  let keepsAlive: Bool
  let expectsContinue: Bool
  let wantsSocket: Bool

  init(_ bytes: [UInt8], maxBodyBytes: Int) throws(Head.Malformed) {
    head = try Head(bytes)
    let words = head.words()
    guard words.count == 3, !words[0].isEmpty, words[0].utf8.allSatisfy(\.isTokenByte) else {
      throw Head.Malformed(status: 400, reason: "the request line is malformed")
    }
    (method, target) = (words[0], words[1])
    guard target.hasPrefix("/") || target == "*" && method == "OPTIONS" else {
      throw Head.Malformed(status: 400, reason: "the target is not a path")
    }
    guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else {
      // By the book 505, but it is the asker who is wrong, and 5xx is for what is wrong here.
      throw Head.Malformed(status: 400, reason: "only HTTP/1.1 is spoken here")
    }
    let isCurrent = words[2] == "HTTP/1.1"
    let hosts = head.count("host")
    guard hosts == 1 || hosts == 0 && !isCurrent else {
      throw Head.Malformed(status: 400, reason: "there must be one Host header")
    }
    guard head["transfer-encoding"] == nil else {
      throw Head.Malformed(status: 411, reason: "send a Content-Length")
    }
    contentLength = try Self.contentLength(head, maxBodyBytes)
    keepsAlive =
      isCurrent ? !head.list("connection", has: "close") : head.list("connection", has: "keep-alive")
    expectsContinue = isCurrent && head["expect"]?.isSameToken(as: "100-continue") == true
    wantsSocket = head["upgrade"]?.isSameToken(as: "websocket") == true && head.list("connection", has: "upgrade")
  }

  private static func contentLength(_ head: Head, _ maxBodyBytes: Int) throws(Head.Malformed) -> Int {
    guard let text = head["content-length"] else { return 0 }
    guard head.count("content-length") == 1, !text.isEmpty, text.utf8.allSatisfy({ $0 &- 48 < 10 }) else {
      throw Head.Malformed(status: 400, reason: "Content-Length is not one number")
    }
    guard let length = Int(text), length <= maxBodyBytes else {
      throw Head.Malformed(status: 413, reason: "the body may have \(maxBodyBytes) bytes")
    }
    return length
  }
}
