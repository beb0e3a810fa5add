internal import CCurl

/// What a curl handle does with its events. It belongs to the service thread once it is started.
///
/// `@unchecked Sendable` because of that rule: whoever makes one hands it to `CurlService.start` and touches only
/// what is locked from then on.
class CurlTransfer: @unchecked Sendable {
  let easy: EasyHandle
  /// What the service polls beside libcurl's own sockets, and `POLLIN`, `POLLOUT` of it.
  var interest: (socket: Int32, events: Int16)? { nil }
  /// Monotonic nanoseconds at which `advance` wants to be called.
  var deadline: Int64? { nil }

  init(_ easy: EasyHandle) { self.easy = easy }

  /// libcurl is done with it. Returns whether the handle is to be kept.
  func completed(_ code: CURLcode) -> Bool { false }
  /// The polled socket is ready, or the deadline has come, or somebody asked. Returns whether it is to be kept.
  func advance(at now: Int64) -> Bool { true }
  /// It is taken out before its end.
  func cancelled() {}
}

/// Owner of one `CURL`.
final class EasyHandle {
  let pointer: UnsafeMutableRawPointer
  // libcurl keeps the addresses of both.
  private let errorText: UnsafeMutablePointer<CChar>
  private var lines: UnsafeMutablePointer<curl_slist>?

  init() throws(TransportError) {
    Curl.start()
    guard let pointer = curl_easy_init() else { throw .cannotStart(reason: "curl_easy_init fails") }
    self.pointer = pointer
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    set(CURLOPT_ERRORBUFFER, UnsafeRawPointer(errorText))
    set(CURLOPT_NOSIGNAL, 1)
  }

  deinit {
    curl_easy_cleanup(pointer)
    curl_slist_free_all(lines)
    errorText.deallocate()
  }

  func set(_ option: CURLoption, _ value: Int) { _ = candlecast_curl_set_long(pointer, option, value) }
  func set(_ option: CURLoption, size: Int) { _ = candlecast_curl_set_size(pointer, option, curl_off_t(size)) }
  func set(_ option: CURLoption, _ text: String) { _ = candlecast_curl_set_pointer(pointer, option, text) }
  func set(_ option: CURLoption, _ address: UnsafeRawPointer?) {
    _ = candlecast_curl_set_pointer(pointer, option, address)
  }
  func set(_ option: CURLoption, _ receiver: candlecast_curl_receiver) {
    _ = candlecast_curl_set_receiver(pointer, option, receiver)
  }

  func setLines(_ texts: [String]) {
    for text in texts { lines = curl_slist_append(lines, text) }
    set(CURLOPT_HTTPHEADER, UnsafeRawPointer(lines))
  }

  /// In whole milliseconds and never 0, which would mean "for ever".
  func set(_ option: CURLoption, seconds: Double) {
    set(option, Int(min(max(seconds * 1_000, 1), 1e9)))
  }

  /// What libcurl and the TLS library say about the last failure.
  func reason(_ code: CURLcode) -> String {
    let detail = String(cString: errorText)
    return detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
  }
}

/// libcurl's own set-up, once in a process.
enum Curl {
  private static let started: Void = { curl_global_init(Int(CURL_GLOBAL_DEFAULT)) }()

  static func start() { _ = started }
}

/// Host and port of a URL, as libcurl reads it.
struct Endpoint {
  let host: String
  let port: Int
  /// Path and query as they stand in the URL.
  let target: String
  let isEncrypted: Bool

  /// For messages.
  var name: String { host.contains(":") && !host.hasPrefix("[") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  init(_ url: String) throws(TransportError) {
    let handle = curl_url()
    defer { curl_url_cleanup(handle) }
    let status = curl_url_set(handle, CURLUPART_URL, url, UInt32(CURLU_DEFAULT_PORT))
    guard status == CURLUE_OK, let host = Self.part(CURLUPART_HOST, handle),
      let port = Self.part(CURLUPART_PORT, handle).flatMap({ Int($0) })
    else {
      throw .badURL(Self.withoutSecrets(url), reason: String(cString: curl_url_strerror(status)))
    }
    (self.host, self.port) = (host, port)
    isEncrypted = ["https", "wss"].contains(Self.part(CURLUPART_SCHEME, handle) ?? "")
    let query = Self.part(CURLUPART_QUERY, handle).map { "?" + $0 } ?? ""
    target = (Self.part(CURLUPART_PATH, handle) ?? "/") + query
  }

  private static func part(_ part: CURLUPart, _ handle: OpaquePointer?) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard curl_url_get(handle, part, &text, UInt32(CURLU_DEFAULT_PORT)) == CURLUE_OK, let text else { return nil }
    defer { curl_free(text) }
    return String(cString: text)
  }

  /// Neither user and password nor query.
  private static func withoutSecrets(_ url: String) -> String {
    let bare = url.prefix { $0 != "?" && $0 != "#" }
    guard let at = bare.lastIndex(of: "@") else { return String(bare) }
    return "…" + bare[at...]
  }
}
