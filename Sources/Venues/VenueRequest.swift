/// What is asked of a venue in one HTTP request; its host is configuration.
package struct VenueRequest: Hashable, Sendable {
  package enum Method: String, Sendable { case get = "GET", post = "POST" }

  package var method: Method
  /// Path and query exactly as they are sent: signatures cover these bytes.
  package var path: String
  package var headers: [VenueHeader]
  package var body: [UInt8]
  /// What it costs of the venue's limit.
  package var weight: Int

  package init(
    _ method: Method = .get, _ path: String, headers: [VenueHeader] = [], body: [UInt8] = [], weight: Int = 1
  ) {
    (self.method, self.path, self.headers, self.body, self.weight) = (method, path, headers, body, weight)
  }
}

package struct VenueHeader: Hashable, Sendable {
  package let name: String
  package let value: String

  package init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}

/// A venue's answer as it came.
package struct VenueAnswer: Hashable, Sendable {
  package var status: Int
  package var headers: [VenueHeader]
  package var body: [UInt8]

  package init(status: Int, headers: [VenueHeader] = [], body: [UInt8]) {
    (self.status, self.headers, self.body) = (status, headers, body)
  }

  package func header(_ name: String) -> String? { headers.value(of: name) }
}

extension [VenueHeader] {
  /// Names are compared without regard to case.
  package func value(of name: String) -> String? {
    first { $0.name.utf8.elementsEqual(name.utf8, by: { $0 | 0x20 == $1 | 0x20 }) }?.value
  }
}

/// A WebSocket to open on a venue's stream host.
package struct SocketPlan: Hashable, Sendable {
  /// Path and query exactly as they are sent.
  package var path: String
  package var headers: [VenueHeader]
  /// Texts to send once it is open, in order.
  package var greetings: [String]
  package var keepAlive: KeepAlive?
  /// The venue cuts the connection at this age.
  package var lifetimeSeconds: Int?

  package struct KeepAlive: Hashable, Sendable {
    package var text: String
    package var intervalSeconds: Int

    package init(text: String, intervalSeconds: Int) {
      (self.text, self.intervalSeconds) = (text, intervalSeconds)
    }
  }

  package init(
    path: String, headers: [VenueHeader] = [], greetings: [String] = [], keepAlive: KeepAlive? = nil,
    lifetimeSeconds: Int? = nil
  ) {
    (self.path, self.headers, self.greetings) = (path, headers, greetings)
    (self.keepAlive, self.lifetimeSeconds) = (keepAlive, lifetimeSeconds)
  }
}
