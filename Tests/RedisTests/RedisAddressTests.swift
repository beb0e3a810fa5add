import Market
import Testing

@testable import Redis

struct RedisAddressTests {
  @Test func `every part of a URL is read`() throws {
    let address = try RedisAddress(url: "redis://me:s%40cret:x@cache.local:6380/7")
    #expect(address.host == "cache.local")
    #expect(address.port == 6380)
    #expect(address.user == "me")
    #expect(address.password?.reveal() == "s@cret:x")
    #expect(address.database == 7)
    #expect("\(address)" == "cache.local:6380/7")
  }

  @Test(arguments: [
    ("redis://localhost", "localhost:6379"), ("redis://localhost/", "localhost:6379"),
    ("redis://[::1]:6380/2", "[::1]:6380/2"), ("redis://:word@10.0.0.1", "10.0.0.1:6379"),
  ])
  func `what is left out is as usual`(url: String, shown: String) throws {
    #expect("\(try RedisAddress(url: url))" == shown)
  }

  @Test(arguments: [
    "", "localhost:6379", "http://localhost", "redis://", "redis://:6379", "redis://h:0", "redis://h:65536",
    "redis://h:x", "redis://h/x", "redis://h/-1", "redis://h/0?db=1", "redis://u:%zz@h", "redis://[::1", "redis://h h",
  ])
  func `anything else is refused with the rule it breaks`(url: String) {
    #expect(throws: RedisError.self) { try RedisAddress(url: url) }
  }

  @Test func `a refusal shows no password`() {
    for url in ["redis://me:hunter2@h:x", "rediss://me:hunter2@h", "memcached://:hunter2@h", "redis://:hunter2@h/x"] {
      do throws(RedisError) {
        _ = try RedisAddress(url: url)
        Issue.record("\(url) is taken")
      } catch {
        #expect(!"\(error)".contains("hunter2"))
      }
    }
  }

  @Test func `TLS is refused by name`() {
    #expect(throws: RedisError.tlsNotSupported(url: "rediss://h")) { try RedisAddress(url: "rediss://h") }
  }

  @Test(arguments: 0..<20) func `pauses grow up to the longest and differ`(seed: UInt64) {
    var backoff = Backoff(first: 100, longest: 10_000, seed: seed)
    for failures in 1...30 {
      let whole = min(10_000, Int64(100) << min(failures - 1, 20))
      #expect((whole / 2...whole).contains(backoff.failed()))
    }
    backoff.succeeded()
    #expect(backoff.failed() <= 100)
  }
}
