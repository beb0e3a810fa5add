internal import Glibc

/// Where a connection comes from, without its port.
package struct ClientAddress: Hashable, Sendable {
  /// As in IPv6; of IPv4 the last four bytes, after ten zeros and two ones.
  private let high: UInt64
  private let low: UInt64

  package init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

  /// `nil` if it is none of the internet's.
  init?(_ storage: sockaddr_storage) {
    let family = Int32(storage.ss_family)
    let address: ClientAddress? = withUnsafeBytes(of: storage) { bytes in
      switch family {
      case AF_INET: Self(v4: bytes.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr)
      case AF_INET6: withUnsafeBytes(of: bytes.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Self(v6: $0) }
      default: nil
      }
    }
    guard let address else { return nil }
    self = address
  }

  private init(v4 address: UInt32) {
    (high, low) = (0, Self.mappedPrefix | UInt64(UInt32(bigEndian: address)))
  }

  private init(v6 bytes: UnsafeRawBufferPointer) {
    high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
    low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
  }

  private static let mappedPrefix: UInt64 = 0xFFFF_0000_0000

  /// 127.0.0.0/8 or ::1.
  package var isLoopback: Bool {
    guard high == 0 else { return false }
    return low == 1 || low >> 24 == (Self.mappedPrefix >> 24 | 127)
  }

  /// What one client surely shares with nobody: the address, of IPv6 the first half.
  package var network: ClientAddress {
    high == 0 ? self : ClientAddress(high: high, low: 0)
  }
}
