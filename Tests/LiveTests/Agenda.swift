import Market

/// What is to happen at which instant; of one instant in the order of entering.
struct Agenda<Item> {
  private struct Entry {
    let time: Timestamp
    let number: Int
    let item: Item

    func precedes(_ other: Entry) -> Bool { (time, number) < (other.time, other.number) }
  }

  private var heap: [Entry] = []
  private var entered = 0

  var count: Int { heap.count }

  var nextTime: Timestamp? { heap.first?.time }

  mutating func add(_ item: Item, at time: Timestamp) {
    entered += 1
    heap.append(Entry(time: time, number: entered, item: item))
    var child = heap.count - 1
    while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func removeFirst() -> (time: Timestamp, item: Item)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if heap.isEmpty { return (first.time, first.item) }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].precedes(heap[least]) {
        least = child
      }
      guard least != parent else { return (first.time, first.item) }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
