internal import Transport

/// A bucket of requests for each client: so many at once, and so many a second after that.
struct RateLimiter {
  private struct Bucket {
    var tokens: Double
    var filledAt: Double
  }

  /// Clients remembered; when more come, those whose buckets are full again are forgotten.
  static let mostClients = 4096

  private let perSecond: Double
  private let burst: Double
  private var buckets: [ClientAddress: Bucket] = [:]

  /// - Parameter perSecond: 0 is without a limit.
  init(perSecond: Double, burst: Int) { (self.perSecond, self.burst) = (perSecond, Double(max(1, burst))) }

  /// Takes one request, or says how many seconds the client has to wait.
  ///
  /// - Parameter seconds: of a clock that never goes back.
  mutating func take(_ client: ClientAddress, at seconds: Double) -> Double? {
    guard perSecond > 0 else { return nil }
    if buckets.count >= Self.mostClients, buckets[client] == nil { forget(at: seconds) }
    var bucket = buckets[client] ?? Bucket(tokens: burst, filledAt: seconds)
    fill(&bucket, at: seconds)
    defer { buckets[client] = bucket }
    guard bucket.tokens >= 1 else { return (1 - bucket.tokens) / perSecond }
    bucket.tokens -= 1
    return nil
  }

  var clients: Int { buckets.count }

  private func fill(_ bucket: inout Bucket, at seconds: Double) {
    bucket.tokens = min(burst, bucket.tokens + max(0, seconds - bucket.filledAt) * perSecond)
    bucket.filledAt = seconds
  }

  /// When none is full again, the limit is that of all together: those that waited longest go.
  private mutating func forget(at seconds: Double) {
    buckets = buckets.filter { _, bucket in
      var bucket = bucket
      fill(&bucket, at: seconds)
      return bucket.tokens < burst
    }
    guard buckets.count >= Self.mostClients else { return }
    let oldest = buckets.sorted { $0.value.filledAt < $1.value.filledAt }.prefix(Self.mostClients / 4)
    for (client, _) in oldest { buckets[client] = nil }
  }
}
