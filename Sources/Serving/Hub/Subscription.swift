package import Market

/// What a client of the hub wants to be told.
package struct Subscription: Hashable, Sendable {
  package enum Topic: String, Sendable, CaseIterable { case predictions, candles, outcomes, health, events }

  package var topics: Set<Topic>
  /// Empty for all.
  package var symbols: Set<Symbol>

  package static let all = Subscription(topics: Set(Topic.allCases), symbols: [])

  package init(topics: Set<Topic>, symbols: Set<Symbol>) { (self.topics, self.symbols) = (topics, symbols) }

  static let mostSymbols = 64

  /// Reads `topics=predictions,candles&symbols=BTCUSDT`; what is not named is all.
  init(topics: String?, symbols: String?) throws(APIFailure) {
    self = .all
    if let topics {
      self.topics = []
      for word in topics.split(separator: ",") {
        guard let topic = Topic(rawValue: String(word)) else {
          let known = Topic.allCases.map(\.rawValue).joined(separator: ", ")
          throw .badParameter("topics", "“\(String(word).shortened)” is none of \(known)")
        }
        self.topics.insert(topic)
      }
    }
    let words = (symbols ?? "").split(separator: ",")
    guard words.count <= Self.mostSymbols else { throw .badParameter("symbols", "more than \(Self.mostSymbols)") }
    for word in words {
      guard let symbol = Symbol(String(word)) else {
        throw .badParameter("symbols", "“\(String(word).shortened)” is no symbol")
      }
      self.symbols.insert(symbol)
    }
  }

  /// - Parameter symbol: `nil` for what is of none.
  func wants(_ topic: Topic, of symbol: Symbol?) -> Bool {
    topics.contains(topic) && (symbols.isEmpty || symbol.map(symbols.contains) ?? true)
  }
}
