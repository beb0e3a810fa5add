internal import Dispatch

/// One message for very many sockets, handed to the kernel by as many threads as there are processors.
///
/// What a client costs is nearly all spent inside of `send`. Only that is done beside the service thread, which waits
/// meanwhile: what a connection knows of itself stays with the one thread that owns it.
struct Broadcast {
  /// Sockets that are looked at before the first of them is told.
  private static let blockSockets = 2048
  /// What a thread takes at once.
  private static let sliceSockets = 128

  private var frames: OutgoingFrames
  private let frame: OutgoingFrame
  private var connections: [ServerConnection] = []
  private var descriptors: [Int32] = []
  /// Bytes that each took; -1 where the connection broke.
  private var taken: [Int] = []

  init(_ message: WebSocketMessage) {
    frames = OutgoingFrames(message)
    frame = frames.frame(nil)
  }

  mutating func tell(_ sockets: [ServerSocket]) {
    var start = 0
    while start < sockets.count {
      let end = min(start + Self.blockSockets, sockets.count)
      tell(sockets[start..<end])
      start = end
    }
  }

  private mutating func tell(_ sockets: ArraySlice<ServerSocket>) {
    connections.removeAll(keepingCapacity: true)
    descriptors.removeAll(keepingCapacity: true)
    for socket in sockets {
      let connection = socket.connection
      guard let descriptor = connection.freeDescriptor else {
        connection.tell(&frames)
        continue
      }
      connections.append(connection)
      descriptors.append(descriptor)
    }
    send()
    for (index, connection) in connections.enumerated() {
      connection.told(frame, taken: taken[index] < 0 ? nil : taken[index])
    }
  }

  private mutating func send() {
    let (frame, descriptors) = (frame, descriptors)
    let count = descriptors.count
    taken = [Int](repeating: 0, count: count)
    taken.withUnsafeMutableBufferPointer { taken in
      // Each slice writes to its own part.
      nonisolated(unsafe) let taken = taken
      DispatchQueue.concurrentPerform(iterations: (count + Self.sliceSockets - 1) / Self.sliceSockets) { slice in
        frame.bytes.withUnsafeBytes { bytes in
          for index in slice * Self.sliceSockets..<min((slice + 1) * Self.sliceSockets, count) {
            taken[index] = ClientSocket.send(bytes, through: descriptors[index]) ?? -1
          }
        }
      }
    }
  }
}
