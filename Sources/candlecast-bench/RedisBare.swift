import Glibc
import Redis

/// A connection that sends commands and waits for their answers on the caller's own thread, and reads of an answer no
/// more than where it ends: what a server and a socket take without any client.
final class RedisBare {
  struct Broken: Error {}

  private let descriptor: Int32
  private var input: [UInt8] = []

  init(_ address: RedisAddress) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), Int32(IPPROTO_TCP))
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_port = address.port.bigEndian
    inet_pton(AF_INET, address.host, &place.sin_addr)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    guard status == 0 else { throw Broken() }
    var yes: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { close(descriptor) }

  /// One message for all of them, and one answer for each.
  func ask(_ commands: [[[UInt8]]]) throws {
    var output: [UInt8] = []
    for words in commands {
      output += "*\(words.count)\r\n".utf8
      for word in words { output += Array("$\(word.count)\r\n".utf8) + word + Array("\r\n".utf8) }
    }
    guard send(descriptor, output, output.count, Int32(MSG_NOSIGNAL)) == output.count else { throw Broken() }
    input.removeAll(keepingCapacity: true)
    var end = 0
    for _ in commands { try skipAnswer(&end) }
  }

  private func skipAnswer(_ position: inout Int) throws {
    let start = position
    repeat { position += 1 } while try byte(position - 1) != UInt8(ascii: "\n")
    let kind = input[start]
    guard "$*".utf8.contains(kind) else { return }
    guard let count = Int(String(decoding: input[start + 1..<position - 2], as: UTF8.self)), count >= 0 else { return }
    if kind == UInt8(ascii: "*") {
      for _ in 0..<count { try skipAnswer(&position) }
    } else {
      position += count + 2
      _ = try byte(position - 1)
    }
  }

  private func byte(_ position: Int) throws -> UInt8 {
    while position >= input.count {
      let old = input.count
      input += [UInt8](repeating: 0, count: 16 << 10)
      let count = input.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress.map { $0 + old }, 16 << 10, 0) }
      guard count > 0 else { throw Broken() }
      input.removeLast((16 << 10) - count)
    }
    return input[position]
  }
}
