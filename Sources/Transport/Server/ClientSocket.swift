internal import Glibc

/// The socket of one connection, with or without TLS. Nothing blocks: what the kernel does not take is kept, and goes
/// when it does.
struct ClientSocket: ~Copyable {
  enum Reading {
    case bytes(Int)
    case nothing
    /// The peer has said all it wants to say; it may still listen.
    case end
    case broken
  }

  private var descriptor: Int32
  private var tls: ServerTLS.Session?
  private let poll: SocketPoll
  private var tag: UInt = 0
  private var watched = SocketPoll.Interest.reading
  private var unsent: [UInt8] = []
  private var unsentStart = 0
  /// TLS has to write before it can read on.
  private(set) var readingWantsWriting = false
  /// The owner wants to be told when it can write.
  var wantsWriting = false

  init(_ descriptor: Int32, _ tls: ServerTLS.Session?, in poll: SocketPoll) {
    (self.descriptor, self.tls, self.poll) = (descriptor, tls, poll)
  }

  /// Waits for the first byte.
  ///
  /// - Parameter tag: what the poll tells when the socket is ready.
  mutating func begin(tag: UInt) {
    self.tag = tag
    poll.add(descriptor, watched, tag: tag)
  }

  deinit {
    if isOpen { Self.end(descriptor, poll) }
  }

  mutating func close() {
    guard isOpen else { return }
    Self.end(descriptor, poll)
    (descriptor, tls, unsent, unsentStart) = (-1, nil, [], 0)
  }

  private static func end(_ descriptor: Int32, _ poll: SocketPoll) {
    // A child process that is just being started may hold the socket open, and what the poll knows of it.
    poll.remove(descriptor)
    Glibc.close(descriptor)
  }

  var isOpen: Bool { descriptor >= 0 }
  /// Something is kept that the kernel did not take.
  var isBuffered: Bool { unsentStart < unsent.count }
  /// The TLS handshake, if there is one, is done.
  var isReady: Bool { tls?.isReady ?? true }
  /// What was read is not all that came, and the poll does not know.
  var hasMore: Bool { tls?.hasMore ?? false }

  func set(_ level: Int32, _ option: Int32, _ value: Int) {
    var value = Int32(clamping: value)
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Tells the poll what is to be waited for.
  mutating func watch(reading: Bool) {
    var interest: SocketPoll.Interest = reading ? .reading : []
    if isBuffered || wantsWriting || readingWantsWriting { interest.insert(.writing) }
    guard interest != watched else { return }
    watched = interest
    poll.change(descriptor, interest, tag: tag)
  }

  mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Reading {
    readingWantsWriting = false
    guard let tls else {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count == 0 { return .end }
      if count > 0 { return .bytes(count) }
      return Self.isPassing(errno) ? .nothing : .broken
    }
    switch tls.read(into: buffer) {
    case .bytes(let count): return .bytes(count)
    case .wantsReading: return .nothing
    case .wantsWriting:
      readingWantsWriting = true
      return .nothing
    // Without its own end, what the peer said may have been cut.
    case .end: return .broken
    }
  }

  private static func isPassing(_ error: Int32) -> Bool { error == EAGAIN || error == EINTR }

  /// Returns false where the connection broke.
  mutating func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard !isBuffered else {
      unsent.append(contentsOf: bytes)
      return true
    }
    guard let count = send(bytes) else { return false }
    if count < bytes.count { keep(bytes[count...]) }
    return true
  }

  /// What the kernel did not take, where nothing is kept yet.
  mutating func keep(_ rest: some Collection<UInt8>) { (unsent, unsentStart) = (Array(rest), 0) }

  /// Writes what is kept. Returns false where the connection broke.
  mutating func flush() -> Bool {
    guard isBuffered else { return true }
    let start = unsentStart
    let count = unsent.withUnsafeBytes { send(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    guard let count else { return false }
    unsentStart += count
    if !isBuffered { (unsent, unsentStart) = ([], 0) }
    return true
  }

  /// Returns how many bytes were taken, `nil` where the connection broke.
  private func send(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var sent = 0
    while sent < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
      if let tls {
        switch tls.write(rest) {
        case .bytes(let count): sent += count
        case .wantsWriting: return sent
        // Nothing is said before the handshake is done, and none comes later.
        case .wantsReading, .end: return nil
        }
      } else {
        guard let count = Self.send(rest, through: descriptor) else { return nil }
        sent += count
        // It took a part: it is full.
        if count < rest.count { return sent }
      }
    }
    return sent
  }

  /// Returns how many bytes were taken, `nil` where the connection broke.
  static func send(_ bytes: UnsafeRawBufferPointer, through descriptor: Int32) -> Int? {
    let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    return count >= 0 ? count : isPassing(errno) ? 0 : nil
  }

  /// What goes out here goes out as it is; `nil` with TLS.
  var plainDescriptor: Int32? { tls == nil ? descriptor : nil }

  /// The end of our half.
  func endWriting() {
    tls?.endWriting()
    shutdown(descriptor, Int32(SHUT_WR))
  }
}
