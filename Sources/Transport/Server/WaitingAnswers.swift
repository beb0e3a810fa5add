/// Answers that are written once all that came with their requests is read.
///
/// A client that waits for many answers is woken by the first and finds the others there; woken by each, the waking
/// would cost about as much as the answering. Pipelined requests are answered by one write.
struct WaitingAnswers {
  private static let mostWaiting = 16
  private static let mostBytes = 1 << 16

  var bytes: [UInt8] = []
  /// Whose bytes begin where.
  private var starts: [(connection: ServerConnection, start: Int)] = []

  var isEmpty: Bool { starts.isEmpty }

  /// The first must not wait for too many others.
  var isFull: Bool { starts.count >= Self.mostWaiting || bytes.count >= Self.mostBytes }

  /// What is added to `bytes` is for this connection, until the next one begins.
  mutating func begin(for connection: ServerConnection) {
    if starts.last?.connection !== connection { starts.append((connection, bytes.count)) }
  }

  func write() {
    bytes.withUnsafeBytes { bytes in
      for (index, (connection, start)) in starts.enumerated() {
        let end = index + 1 < starts.count ? starts[index + 1].start : bytes.count
        connection.write(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
      }
    }
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: bytes.capacity <= 4 * Self.mostBytes)
    starts.removeAll(keepingCapacity: true)
  }
}
