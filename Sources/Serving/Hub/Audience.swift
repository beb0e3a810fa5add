internal import Market
internal import Transport

/// Who has joined, gathered by what they want, so that a message costs no look at those whom it does not concern.
struct Audience {
  private struct Place {
    let subscription: Subscription
    /// In its group.
    var index: Int
  }

  private var groups: [Subscription: [ServerSocket]] = [:]
  private var places: [ObjectIdentifier: Place] = [:]

  var count: Int { places.count }

  func contains(_ socket: ServerSocket) -> Bool { places[ObjectIdentifier(socket)] != nil }

  /// Lets it join, or want something else.
  mutating func seat(_ socket: ServerSocket, for subscription: Subscription) {
    remove(socket)
    places[ObjectIdentifier(socket)] = Place(subscription: subscription, index: groups[subscription]?.count ?? 0)
    groups[subscription, default: []].append(socket)
  }

  /// Returns whether it had joined.
  @discardableResult
  mutating func remove(_ socket: ServerSocket) -> Bool {
    guard let place = places.removeValue(forKey: ObjectIdentifier(socket)) else { return false }
    let last = groups[place.subscription]?.popLast()
    if let last, last !== socket {
      groups[place.subscription]?[place.index] = last
      places[ObjectIdentifier(last)]?.index = place.index
    }
    if groups[place.subscription]?.isEmpty == true { groups[place.subscription] = nil }
    return true
  }

  /// Each group is of one subscription.
  var all: [[ServerSocket]] { Array(groups.values) }

  func wanting(_ topic: Subscription.Topic, of symbol: Symbol?) -> [[ServerSocket]] {
    groups.compactMap { subscription, sockets in subscription.wants(topic, of: symbol) ? sockets : nil }
  }
}
