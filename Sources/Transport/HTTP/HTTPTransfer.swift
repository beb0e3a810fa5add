internal import CCurl

/// One request and its answer.
final class HTTPTransfer: CurlTransfer, @unchecked Sendable {
  /// Called once.
  var finish: (Result<HTTPAnswer, TransportError>) -> Void = { _ in }
  private let endpoint: Endpoint
  private let timeoutSeconds: Double
  private let options: HTTPClient.Options
  private var headers: [HTTPHeader] = []
  private var body: [UInt8] = []
  private var isTooLarge = false

  init(_ request: HTTPRequest, _ options: HTTPClient.Options) throws(TransportError) {
    endpoint = try Endpoint(request.url)
    (timeoutSeconds, self.options) = (request.timeoutSeconds, options)
    super.init(try EasyHandle())
    easy.applyNetwork(
      url: request.url, proxy: options.proxy, caFile: options.caFile, connectTimeout: options.connectTimeoutSeconds)
    easy.set(CURLOPT_TIMEOUT_MS, seconds: request.timeoutSeconds)
    easy.set(CURLOPT_USERAGENT, options.userAgent)
    easy.set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate")
    easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
    // What is not encrypted is not multiplexed: to wait for a connection would be to wait for another request's answer.
    if endpoint.isEncrypted { easy.set(CURLOPT_PIPEWAIT, 1) }
    easy.set(CURLOPT_FOLLOWLOCATION, 0)
    easy.set(CURLOPT_BUFFERSIZE, 1 << 16)
    try apply(request)
    let context = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
    easy.set(CURLOPT_WRITEDATA, context)
    easy.set(CURLOPT_HEADERDATA, context)
    easy.set(CURLOPT_WRITEFUNCTION) { HTTPTransfer.receive($0, $1 * $2, $3) { $0.receive($1) } }
    easy.set(CURLOPT_HEADERFUNCTION) { HTTPTransfer.receive($0, $1 * $2, $3) { $0.receive(line: $1) } }
  }

  private func apply(_ request: HTTPRequest) throws(TransportError) {
    guard !request.method.isEmpty, request.method.utf8.allSatisfy(\.isTokenByte) else {
      throw .badHeader(name: "method")
    }
    for header in request.headers where !header.isSendable { throw .badHeader(name: header.name) }
    // A name with nothing behind the colon keeps libcurl from adding that header.
    var lines = ["Expect:"]
    if request.headers["content-type"] == nil { lines.append("Content-Type:") }
    lines += request.headers.map { $0.value.isEmpty ? $0.name + ";" : $0.name + ": " + $0.value }
    easy.setLines(lines)
    if request.method == "HEAD" { return easy.set(CURLOPT_NOBODY, 1) }
    if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
      easy.set(CURLOPT_POSTFIELDSIZE_LARGE, size: request.body.count)
      request.body.withUnsafeBytes {
        easy.set(CURLOPT_COPYPOSTFIELDS, $0.baseAddress ?? UnsafeRawPointer(easy.pointer))
      }
    }
    easy.set(CURLOPT_CUSTOMREQUEST, request.method)
  }

  private static func receive(
    _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?,
    _ body: (HTTPTransfer, UnsafeRawBufferPointer) -> Bool
  ) -> Int {
    guard let context else { return 0 }
    let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
    return body(transfer, UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
  }

  private func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard body.count + bytes.count <= options.maxBodyBytes else {
      isTooLarge = true
      return false
    }
    body.append(contentsOf: bytes)
    return true
  }

  /// A status line begins another answer: what came before it was provisional.
  private func receive(line: UnsafeRawBufferPointer) -> Bool {
    let text = String(decoding: line, as: UTF8.self)
    if text.hasPrefix("HTTP/") {
      headers = []
    } else if let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) {
      let value = text[text.index(after: colon)...].trimmed
      headers.append(HTTPHeader(String(text[..<colon]), String(value)))
    }
    return true
  }

  override func completed(_ code: CURLcode) -> Bool {
    if code == CURLE_OK {
      let status = candlecast_curl_long(easy.pointer, CURLINFO_RESPONSE_CODE)
      finish(.success(HTTPAnswer(status: status, headers: headers, body: body)))
    } else if isTooLarge {
      finish(.failure(.tooLarge(host: endpoint.name, limitBytes: options.maxBodyBytes)))
    } else {
      finish(.failure(easy.failure(code, endpoint, connectTimeout: options.connectTimeoutSeconds, timeoutSeconds)))
    }
    return false
  }

  override func cancelled() { finish(.failure(.cancelled(host: endpoint.name))) }
}

extension EasyHandle {
  /// What an answer and a WebSocket have in common.
  func applyNetwork(url: String, proxy: String?, caFile: String?, connectTimeout: Double) {
    set(CURLOPT_URL, url)
    set(CURLOPT_PROTOCOLS_STR, "http,https")
    set(CURLOPT_CONNECTTIMEOUT_MS, seconds: connectTimeout)
    set(CURLOPT_SSL_VERIFYPEER, 1)
    set(CURLOPT_SSL_VERIFYHOST, 2)
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    set(CURLOPT_TCP_KEEPALIVE, 1)
    // Else whoever gives up while a name is looked up waits for the look-up.
    set(CURLOPT_QUICK_EXIT, 1)
    if let proxy { set(CURLOPT_PROXY, proxy) }
    if let caFile { set(CURLOPT_CAINFO, caFile) }
  }

  func failure(
    _ code: CURLcode, _ endpoint: Endpoint, connectTimeout: Double, _ timeout: Double
  ) -> TransportError {
    let host = endpoint.name
    switch code {
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return .badURL(host, reason: reason(code))
    case CURLE_COULDNT_RESOLVE_HOST: return .cannotResolve(host: endpoint.host)
    case CURLE_COULDNT_RESOLVE_PROXY: return .cannotResolve(host: "the proxy for \(host)")
    case CURLE_COULDNT_CONNECT: return .cannotConnect(host: host, reason: reason(code))
    case CURLE_OPERATION_TIMEDOUT:
      let isConnected = candlecast_curl_size(pointer, CURLINFO_PRETRANSFER_TIME_T) > 0
      let seconds = isConnected ? timeout : min(timeout, connectTimeout)
      return .timeout(host: host, phase: isConnected ? .answer : .connect, seconds: seconds)
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
      CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
      return .tls(host: host, reason: reason(code))
    default: return .failed(host: host, reason: reason(code))
    }
  }
}

extension Substring {
  /// Without blanks and line ends around it.
  var trimmed: Substring {
    var rest = self
    while let last = rest.utf8.last, last <= 0x20 { rest = rest.dropLastByte }
    return rest.drop { $0 == " " || $0 == "\t" }
  }

  private var dropLastByte: Substring { Substring(utf8.dropLast()) }
}
