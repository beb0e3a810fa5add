package import Models

/// A loaded version and whether it earned its place.
package struct ServedVersion: Sendable {
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

  /// As a prediction has it.
  package var state: String {
    switch standing {
    case .production: "fresh"
    case .unpromoted: "unpromoted"
    }
  }

  /// Why it is not in production; empty if it is.
  package var reason: String {
    switch standing {
    case .production: ""
    case .unpromoted(let reason): reason
    }
  }
}
