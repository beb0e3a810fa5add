internal import CZlib

/// Compresses messages one by one as RFC 7692 wants them: raw deflate, ended by a flush whose four bytes are cut off.
package final class MessageDeflater {
  // zlib keeps the address of its state, so it must not move.
  private let state: UnsafeMutablePointer<z_stream>
  private let forgets: Bool

  /// With `forgets` each message stands alone, so that one deflater serves any number of connections.
  package init(forgets: Bool) {
    self.forgets = forgets
    state = .allocate(capacity: 1)
    state.initialize(to: z_stream())
    guard candlecast_deflate_init_raw(state) == Z_OK else { fatalError("zlib cannot start") }
  }

  deinit {
    deflateEnd(state)
    state.deallocate()
  }

  package func deflate(_ bytes: [UInt8]) -> [UInt8] {
    if forgets { deflateReset(state) }
    var output: [UInt8] = []
    bytes.withUnsafeBufferPointer { source in
      // zlib does not write through it.
      state.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
      state.pointee.avail_in = UInt32(source.count)
      repeat {
        output.appendChunk(max(64, Int(deflateBound(state, UInt(state.pointee.avail_in))) + 16)) { sink in
          state.pointee.next_out = sink.baseAddress
          state.pointee.avail_out = UInt32(sink.count)
          _ = CZlib.deflate(state, Z_SYNC_FLUSH)
          return sink.count - Int(state.pointee.avail_out)
        }
      } while state.pointee.avail_out == 0
    }
    // Behind a flush zlib has nothing more to say of an empty message, but the block's first byte must be there.
    guard output.count > 4 else { return [0] }
    output.removeLast(4)
    return output
  }
}

/// The other way round.
package final class MessageInflater {
  package enum Result: Equatable {
    case whole([UInt8])
    case tooLarge
    case corrupt
  }

  private let state: UnsafeMutablePointer<z_stream>
  private let forgets: Bool
  private static let tail: [UInt8] = [0, 0, 0xFF, 0xFF]

  package init(forgets: Bool) {
    self.forgets = forgets
    state = .allocate(capacity: 1)
    state.initialize(to: z_stream())
    guard candlecast_inflate_init(state, -15) == Z_OK else { fatalError("zlib cannot start") }
  }

  deinit {
    inflateEnd(state)
    state.deallocate()
  }

  /// After `tooLarge` or `corrupt` a stream that does not forget is of no more use.
  package func inflate(_ bytes: [UInt8], limit: Int) -> Result {
    if forgets { inflateReset(state) }
    var output: [UInt8] = []
    for part in [bytes, Self.tail] {
      if let failure = inflate(part, limit: limit, into: &output) { return failure }
    }
    return .whole(output)
  }

  private func inflate(_ bytes: [UInt8], limit: Int, into output: inout [UInt8]) -> Result? {
    bytes.withUnsafeBufferPointer { source in
      state.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
      state.pointee.avail_in = UInt32(source.count)
      while true {
        var status = Z_OK
        // One byte more than allowed, to tell a full message from one that is too large.
        let room = min(max(source.count * 4, 256), limit - output.count + 1)
        output.appendChunk(room) { sink in
          state.pointee.next_out = sink.baseAddress
          state.pointee.avail_out = UInt32(sink.count)
          status = CZlib.inflate(state, Z_SYNC_FLUSH)
          return sink.count - Int(state.pointee.avail_out)
        }
        if output.count > limit { return .tooLarge }
        switch status {
        case Z_OK where state.pointee.avail_out == 0: continue
        case Z_OK, Z_BUF_ERROR: return state.pointee.avail_in == 0 ? nil : .corrupt
        case Z_STREAM_END:
          inflateReset(state)
          if state.pointee.avail_in == 0 { return nil }
        default: return .corrupt
        }
      }
    }
  }
}

extension [UInt8] {
  /// Adds what `fill` writes into a stretch of `room` bytes; it returns how many that are.
  fileprivate mutating func appendChunk(_ room: Int, _ fill: (UnsafeMutableBufferPointer<UInt8>) -> Int) {
    let start = count
    append(contentsOf: repeatElement(0, count: room))
    let filled = withUnsafeMutableBufferPointer { fill(UnsafeMutableBufferPointer(rebasing: $0[start...])) }
    removeLast(room - filled)
  }
}
