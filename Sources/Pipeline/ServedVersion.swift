package import Models

/// A loaded version and whether it earned its place.
package final class ServedVersion: Sendable {
  package enum Standing: Hashable, Sendable {
    case production
    /// Serves because nothing else does; with the gate's reason.
    case unpromoted(reason: String)
  }

  package let bundle: ModelBundle
  package let standing: Standing

  package init(_ bundle: ModelBundle, standing: Standing) {
    (self.bundle, self.standing) = (bundle, standing)
  }

  package var name: String { bundle.card.name.description }

  /// As a prediction has it.
  package var state: String { standing.state }

  /// Why it is not in production; empty if it is.
  package var reason: String { standing.reason }
}

extension ServedVersion.Standing {
  var state: String {
    switch self {
    case .production: "fresh"
    case .unpromoted: "unpromoted"
    }
  }

  var reason: String {
    switch self {
    case .production: ""
    case .unpromoted(let reason): reason
    }
  }
}
