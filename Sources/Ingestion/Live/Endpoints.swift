/// The base addresses of one venue, in the order they are tried. A failure moves on to the next, round and round.
package struct Endpoints: Hashable, Sendable {
  private let addresses: [String]
  private var position = 0

  /// `nil` without an address. A trailing slash is dropped, and so is the `/ws` or `/stream` that some configurations
  /// carry: paths follow the host.
  package init?(_ addresses: [String]) {
    guard !addresses.isEmpty else { return nil }
    self.addresses = addresses.map { address in
      var address = address[...]
      while address.hasSuffix("/") { address = address.dropLast() }
      for suffix in ["/ws", "/stream"] where address.hasSuffix(suffix) { address = address.dropLast(suffix.utf8.count) }
      return String(address)
    }
  }

  package var count: Int { addresses.count }

  package var current: String { addresses[position] }

  /// - Parameter address: that was asked; of several requests that fail at one address only the first moves on.
  package mutating func failed(_ address: String) {
    guard address == current else { return }
    position = (position + 1) % addresses.count
  }
}
