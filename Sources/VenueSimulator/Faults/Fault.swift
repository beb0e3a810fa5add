import Market

/// One thing that goes wrong for a while.
package struct Fault: Hashable, Sendable {
  package enum Kind: String, Sendable, CaseIterable {
    /// Sockets go dead at once; while it lasts none is let in.
    case disconnect
    /// Sockets stay open and nothing comes.
    case silence
    /// Frames come twice.
    case duplicate
    /// Neighbouring frames change places.
    case reorder
    /// The message that a minute is closed never comes.
    case partial
    /// The message that a minute is closed comes `amount` seconds later.
    case late
    /// One trade in `amount` does not come.
    case missing
    /// Requests are answered with this HTTP status: `429`, `418`, `503`.
    case status
    /// Answers take `amount` seconds.
    case slow
    /// Answers are cut in the middle.
    case truncate
    /// One frame in `amount` is damaged.
    case malformed
    /// The venue says that it shuts down, and closes its sockets after `amount` seconds.
    case shutdown
    /// Sockets live `amount` minutes instead of a day.
    case lifetime
    /// The venue's clock is `amount` milliseconds ahead.
    case clock
    /// The last `amount` closed minutes get other values.
    case rewrite

    /// What `amount` is where none is given.
    var usualAmount: Int64 {
      switch self {
      case .late, .shutdown: 5
      case .missing: 5
      case .malformed: 3
      case .slow: 2
      case .clock: 400
      case .rewrite: 3
      case .lifetime: 30
      case .status: 429
      case .disconnect, .silence, .duplicate, .reorder, .partial, .truncate: 0
      }
    }

    /// How long it lasts where nothing is said.
    var usualSeconds: Int64 {
      switch self {
      case .disconnect, .rewrite, .shutdown: 0
      case .silence: 90
      case .duplicate, .reorder, .missing, .slow, .truncate, .malformed: 30
      case .partial, .late: 180
      case .status: 20
      case .lifetime, .clock: 3600
      }
    }
  }

  package var kind: Kind
  /// After the start, by the simulator's clock.
  package var atMicroseconds: Int64
  package var lastingMicroseconds: Int64
  /// In the unit that the kind says.
  package var amount: Int64
  /// `nil` is every venue.
  package var venue: String?

  package init(
    _ kind: Kind, atSeconds: Int64, lastingSeconds: Int64? = nil, amount: Int64? = nil, venue: String? = nil
  ) {
    self.kind = kind
    atMicroseconds = atSeconds * 1_000_000
    lastingMicroseconds = (lastingSeconds ?? kind.usualSeconds) * 1_000_000
    self.amount = amount ?? kind.usualAmount
    self.venue = venue
  }
}
