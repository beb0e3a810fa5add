internal import Glibc

/// Lets programs of the same user copy a store that this process has open, which DuckDB lets nobody else read meanwhile.
///
/// They meet at a local socket without a file, which is named after the store's file and gone with this process. A
/// borrower waits until the store holds still, copies the file and the log beside it, and says so.
package final class StoreLender: Sendable {
  private let socket: StoreSocket

  /// - Parameter path: of a store that is open.
  package init(path: String) throws(StoreError) {
    socket = try StoreSocket.listening(for: path)
  }

  /// The next program that asks; blocks until there is one.
  ///
  /// - Returns: `nil` after `stop`.
  package func next() -> Borrower? {
    while let peer = socket.accept() {
      if peer.isOfThisUser { return Borrower(peer) }
    }
    return nil
  }

  package func stop() { socket.shutDown() }

  /// A program that waits for a store to hold still.
  package final class Borrower: Sendable {
    private let peer: StoreSocket

    fileprivate init(_ peer: StoreSocket) { self.peer = peer }

    /// To be called while nothing changes the store; returns when the copy is made, or cannot be any more.
    ///
    /// - Returns: whether it was made.
    package func copies(withinMilliseconds limit: Int32) -> Bool {
      peer.send(.still) && peer.receive(withinMilliseconds: limit) == .copied && peer.send(.noted)
    }
  }
}

/// What lender and borrower say to one another, a byte each.
enum StoreSocketWord: UInt8 {
  /// Nothing changes from now on.
  case still = 1
  case copied
  /// Nothing has changed until now.
  case noted
}

/// One end of a connection between the owner of a store and another program, or where the owner waits for them.
final class StoreSocket: Sendable {
  private let descriptor: Int32

  private init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  static func listening(for path: String) throws(StoreError) -> StoreSocket {
    let made = try make(for: path, bind)
    guard listen(made.descriptor, 16) == 0 else { throw failure(path) }
    return made
  }

  /// `nil` if nobody listens, or somebody who may not be trusted.
  static func connected(to path: String) -> StoreSocket? {
    guard let made = try? make(for: path, connect), made.isOfThisUser else { return nil }
    return made
  }

  private static func make(
    for path: String, _ join: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) throws(StoreError) -> StoreSocket {
    var file = stat()
    guard stat(path, &file) == 0 else { throw failure(path) }
    let made = StoreSocket(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
    guard made.descriptor >= 0 else { throw failure(path) }
    // The zero in front of the name keeps it out of the file system.
    let name = [0] + Array("candlecast-store-\(file.st_dev)-\(file.st_ino)".utf8)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { join(made.descriptor, $0, length) }
    }
    guard status == 0 else { throw failure(path) }
    return made
  }

  private static func failure(_ path: String) -> StoreError {
    .failed(path: path, reason: "no other program can read it meanwhile: \(String(cString: strerror(errno)))")
  }

  /// `nil` after `shutDown`.
  func accept() -> StoreSocket? {
    while true {
      let peer = Glibc.accept(descriptor, nil, nil)
      if peer >= 0 {
        _ = fcntl(peer, F_SETFD, FD_CLOEXEC)
        return StoreSocket(peer)
      }
      guard [EINTR, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) else { return nil }
      if errno != EINTR, errno != ECONNABORTED { usleep(100_000) }
    }
  }

  func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Whoever may open any file may also be here.
  var isOfThisUser: Bool {
    // Process, user and group.
    var peer: [UInt32] = [0, 0, 0]
    var length = socklen_t(peer.count * MemoryLayout<UInt32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 else { return false }
    return peer[1] == geteuid() || peer[1] == 0
  }

  func send(_ word: StoreSocketWord) -> Bool {
    var byte = word.rawValue
    return Glibc.send(descriptor, &byte, 1, Int32(MSG_NOSIGNAL)) == 1
  }

  /// `nil` if the other end is gone or says nothing in time.
  func receive(withinMilliseconds limit: Int32) -> StoreSocketWord? {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    var byte: UInt8 = 0
    guard poll(&waiting, 1, limit) == 1, recv(descriptor, &byte, 1, 0) == 1 else { return nil }
    return StoreSocketWord(rawValue: byte)
  }
}
