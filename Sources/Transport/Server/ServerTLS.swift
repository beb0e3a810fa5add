internal import CTLS
internal import Glibc

/// A server's certificate and key.
final class ServerTLS {
  private let context: OpaquePointer

  init(_ files: HTTPServer.Options.TLS) throws(Failure) {
    for file in [files.certificateFile, files.keyFile] where access(file, R_OK) != 0 {
      throw Failure(description: "\(file) cannot be read: " + String(cString: strerror(errno)))
    }
    ERR_clear_error()
    guard let context = SSL_CTX_new(TLS_server_method()) else { throw Self.failure("TLS cannot start") }
    self.context = context
    candlecast_tls_prepare(context)
    guard SSL_CTX_use_certificate_chain_file(context, files.certificateFile) == 1 else {
      throw Self.failure("\(files.certificateFile) holds no certificate")
    }
    guard SSL_CTX_use_PrivateKey_file(context, files.keyFile, SSL_FILETYPE_PEM) == 1,
      SSL_CTX_check_private_key(context) == 1
    else { throw Self.failure("\(files.keyFile) is not the key of \(files.certificateFile)") }
  }

  deinit { SSL_CTX_free(context) }

  struct Failure: Error {
    let description: String
  }

  private static func failure(_ what: String) -> Failure {
    Failure(description: what + (ERR_reason_error_string(ERR_get_error()).map { ": " + String(cString: $0) } ?? ""))
  }

  /// `nil` without memory.
  func session(_ socket: Int32) -> Session? { Session(context, socket) }

  /// One connection's. The descriptor is not closed by it.
  final class Session {
    enum Outcome {
      case bytes(Int)
      case wantsReading, wantsWriting
      case end
    }

    private let session: OpaquePointer

    fileprivate init?(_ context: OpaquePointer, _ socket: Int32) {
      guard let session = SSL_new(context) else { return nil }
      guard SSL_set_fd(session, socket) == 1 else {
        SSL_free(session)
        return nil
      }
      SSL_set_accept_state(session)
      self.session = session
    }

    deinit { SSL_free(session) }

    var isReady: Bool { SSL_is_init_finished(session) == 1 }

    /// Decrypted and not read yet: the socket will not tell of it.
    var hasMore: Bool { SSL_pending(session) > 0 }

    /// Shakes hands first where that is not done.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
      ERR_clear_error()
      return outcome(SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count)))
    }

    /// After one that did not take all, the rest has to come first.
    func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
      ERR_clear_error()
      return outcome(SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count)))
    }

    private func outcome(_ count: Int32) -> Outcome {
      guard count <= 0 else { return .bytes(Int(count)) }
      switch SSL_get_error(session, count) {
      case SSL_ERROR_WANT_READ: return .wantsReading
      case SSL_ERROR_WANT_WRITE: return .wantsWriting
      default: return .end
      }
    }

    /// Tells the peer that nothing follows.
    func endWriting() {
      ERR_clear_error()
      if isReady { SSL_shutdown(session) }
    }
  }
}
