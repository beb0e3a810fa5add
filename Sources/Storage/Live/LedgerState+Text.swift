/// How a state stands in a table: a word and, where it needs one, a detail.
extension LedgerState {
  var name: String {
    switch self {
    case .live: "live"
    case .missing: "missing"
    case .patched: "patched"
    case .lost: "lost"
    }
  }

  var detail: String? {
    switch self {
    case .live, .missing: nil
    case .patched(let source): source
    case .lost(let reason): reason
    }
  }

  init?(name: String, detail: String?) {
    switch (name, detail) {
    case ("live", nil): self = .live
    case ("missing", nil): self = .missing
    case ("patched", let source?): self = .patched(from: source)
    case ("lost", let reason?): self = .lost(reason: reason)
    default: return nil
    }
  }
}
